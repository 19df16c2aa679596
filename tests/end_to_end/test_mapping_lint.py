"""`gong-bridge mapping lint` as people run it: on a file, by name, before the bridge is started."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.bridge import run_command
from tests.unit.mapping.test_lint import SOUND


def write_mapping(folder: Path, *changes: tuple[str, str]) -> Path:
    text = SOUND.lstrip()
    for old, new in changes:
        text = text.replace(old, new)
    folder.mkdir(exist_ok=True)
    (folder / "own.yaml").write_text(text, encoding="utf-8")
    return folder / "own.yaml"


def test_an_error_has_its_place_and_exit_code_and_a_remark_has_not(tmp_path: Path) -> None:
    """1 for what Gong refuses; 0 for a remark, unless --strict."""
    wrong = write_mapping(tmp_path / "mappings", ("out: Outbound", "out: Outgoing"))
    refused = run_command("mapping", "lint", str(wrong), cwd=tmp_path)
    assert refused.returncode == 1, refused.stderr
    assert f"error {wrong}:11:14: call.direction: 'Outgoing' is refused by Gong" in " ".join(refused.stdout.split())
    assert "1 mapping: 1 error, 0 warnings" in refused.stdout
    write_mapping(tmp_path / "mappings", ("in|out)$'", "in|out)'"))
    assert run_command("mapping", "lint", "own", "--mappings", "mappings", cwd=tmp_path).returncode == 0
    assert run_command("mapping", "lint", "--strict", "--mappings", "mappings", cwd=tmp_path).returncode == 1


def test_a_sound_mapping_and_the_shipped_ones_have_nothing_to_mend(tmp_path: Path) -> None:
    write_mapping(tmp_path / "mappings")
    sound = run_command("mapping", "lint", "own", "--mappings", "mappings", cwd=tmp_path)
    assert (sound.returncode, sound.stdout) == (0, "1 mapping: nothing to mend\n")
    assert run_command("mapping", "lint", "--strict", cwd=tmp_path).returncode == 0


def test_programs_get_one_object_for_each_finding(tmp_path: Path) -> None:
    wrong = write_mapping(tmp_path / "mappings", ("%Y%m%d%H%M%S", "%Y%m%d"))
    found = run_command("mapping", "lint", str(wrong), "--json", cwd=tmp_path)
    row = json.loads(found.stdout)
    assert (row["level"], row["line"], row["key"]) == ("error", 10, "call.actualStart")


def test_a_file_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    """2: the language's own mistakes come first."""
    wrong = write_mapping(tmp_path / "mappings", ("| phone", "| phon"))
    broken = run_command("mapping", "lint", str(wrong), cwd=tmp_path)
    assert broken.returncode == 2
    assert "there is no filter 'phon'; did you mean 'phone'?" in broken.stderr
