"""`gong-bridge mapping try --names-from`: a listing of the recorder's, without a single file of it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.bridge import run_command

EPOCH = 1788257730  # 2026-09-01 10:15:30 UTC


def listing(tmp_path: Path, *names: str) -> Path:
    path = tmp_path / "listing.txt"
    path.write_text("\r\n".join(names) + "\n", encoding="utf-8")
    return path


def bridge_yaml(tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text("email,extension,login,name\nagent-201@example.com,201,,\n")
    (tmp_path / "bridge.yaml").write_text(
        "gong: {base_url: 'https://us-1.api.gong.io', access_key: 'env:KEY', access_key_secret: 'env:KEY'}\n"
        "company: {time_zone: Europe/Berlin}\n"
        "agents: agents.csv\n"
        "sources: [{name: pbx, folder: recorder, mapping: freepbx, exclude: ['*.tmp.wav']}]\n"
    )


def test_a_listing_shows_what_fits_who_is_unknown_and_which_share_an_identity(tmp_path: Path) -> None:
    """By bridge.yaml alone: the keys of Gong are never used, the folder is not there."""
    bridge_yaml(tmp_path)
    path = listing(
        tmp_path,
        f"2026/out-8005550100-201-20260901-121530-{EPOCH}.1.wav",
        f"copy/out-8005550100-201-20260901-121530-{EPOCH}.1.mp3",
        f"out-8005550100-299-20260901-121530-{EPOCH}.2.wav",
        f"out-8005550101-299-20260901-121530-{EPOCH}.3.wav",
        f"out-8005550101-201-20260901-101530-{EPOCH}.4.wav",
        "greeting.wav",
        "x.tmp.wav",
    )
    environment = {"COLUMNS": "250", "KEY": "k"}
    tried = run_command("mapping", "try", "--names-from", str(path), cwd=tmp_path, env=environment)
    assert tried.returncode == 1, tried.stderr
    words = " ".join(tried.stdout.split())
    assert "pbx freepbx 7 3 3 1" in words
    assert "2 held extension * is nobody in agents.csv or Gong" in words
    assert "1 held no pattern of mapping 'freepbx' matches" in words
    assert "THE.AGENT@YOUR-COMPANY,299,, 2 recordings" in words
    assert "2 sent once the same clientUniqueId" in words
    assert "time_zone" in words


def test_without_bridge_yaml_a_mapping_and_names_are_enough(tmp_path: Path) -> None:
    """--json gives one object for each name; an unknown mapping and an empty listing are refused."""
    path = listing(tmp_path, f"user-201-8005550100-{EPOCH}.wav")
    tried = run_command("mapping", "try", "--names-from", str(path), "--mapping", "wazo", "--json", cwd=tmp_path)
    row = json.loads(tried.stdout)
    assert (row["verdict"], row["person"]["agents_line"]) == ("held", "THE.AGENT@YOUR-COMPANY,201,,")
    unnamed = run_command("mapping", "try", "--names-from", str(path), cwd=tmp_path)
    assert (unnamed.returncode, "--mapping NAME" in unnamed.stderr) == (2, True)
    path.write_text("\n")
    empty = run_command("mapping", "try", "--names-from", str(path), "--mapping", "wazo", cwd=tmp_path)
    assert (empty.returncode, "write one a line" in empty.stderr) == (2, True)


def test_names_of_a_recorder_with_sidecars_wait_for_what_the_sidecar_says(tmp_path: Path) -> None:
    """Sidecars in the listing are no recordings; a narrow window gets paragraphs, not squeezed columns."""
    path = listing(tmp_path, "a.wav", "a.json", "b.wav")
    environment = {"COLUMNS": "80"}
    tried = run_command(
        "mapping", "try", "--names-from", str(path), "--mapping", "sidecar-json", cwd=tmp_path, env=environment
    )
    assert tried.returncode == 0, tried.stdout
    assert "2 waits: what its sidecar says decides; a name alone does not tell" in " ".join(tried.stdout.split())
    assert max(map(len, tried.stdout.splitlines())) <= 80
