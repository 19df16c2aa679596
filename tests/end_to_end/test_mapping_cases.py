"""`gong-bridge mapping test` as people use it: a case of a real file, a change that breaks it, the change accepted."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.bridge import run_command
from tests.unit.mapping.test_lint import SOUND


def recorded(tmp_path: Path) -> Path:
    """A folder of mappings with one mapping, and a case of one real recording."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "own.yaml").write_text(SOUND.lstrip(), encoding="utf-8")
    (tmp_path / "20260114093012_201_18005550101_out.wav").write_bytes(b"RIFF")
    made = run_command(
        "mapping", "test", "--record", "20260114093012_201_18005550101_out.wav", "--mapping", "own", "--mappings",
        "mappings", cwd=tmp_path,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert "expects a call" in made.stdout
    return tmp_path / "mappings" / "tests" / "own" / "20260114093012_201_18005550101_out"


def test_a_case_of_a_real_file_passes_until_the_mapping_changes(tmp_path: Path) -> None:
    """Without a folder the cases beside the mappings are run; --update accepts the difference that was shown."""
    case = recorded(tmp_path)
    call = json.loads((case / "expected.json").read_text())
    assert (call["direction"], call["parties"][1]) == ("Outbound", {"phoneNumber": "+18005550101"})
    fine = run_command("mapping", "test", "--mappings", "mappings", cwd=tmp_path)
    assert (fine.returncode, fine.stdout) == (0, "1 of 1 cases are as expected\n")
    mapping = tmp_path / "mappings" / "own.yaml"
    mapping.write_text(mapping.read_text().replace("out: Outbound", "out: Unknown"), encoding="utf-8")
    broken = run_command("mapping", "test", "--mappings", "mappings", cwd=tmp_path)
    assert broken.returncode == 1
    assert 'direction "Outbound" "Unknown"' in " ".join(broken.stdout.split())
    assert run_command("mapping", "test", "--update", "--mappings", "mappings", cwd=tmp_path).returncode == 0
    assert json.loads((case / "expected.json").read_text())["direction"] == "Unknown"
    assert run_command("mapping", "test", "--mappings", "mappings", cwd=tmp_path).returncode == 0


def test_a_case_is_never_written_over_and_no_case_at_all_says_how_to_make_one(tmp_path: Path) -> None:
    recorded(tmp_path)
    again = run_command(
        "mapping", "test", "--record", "20260114093012_201_18005550101_out.wav", "--mapping", "own", "--mappings",
        "mappings", cwd=tmp_path,
    )  # fmt: skip
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    none = run_command("mapping", "test", cwd=tmp_path)
    assert (none.returncode, "--record FILE" in none.stderr) == (2, True)


def test_the_cases_of_a_shipped_mapping_are_run_by_its_name(tmp_path: Path) -> None:
    ran = run_command("mapping", "test", "freepbx", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    fine, of, cases = ran.stdout.split()[:3]
    assert (fine, of) == (cases, "of")
    assert int(cases) > 10
