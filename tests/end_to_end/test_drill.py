"""`gong-bridge drill` as an operator types it, beside a real configuration that it must leave alone."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.drill.scenes import SCENES
from tests.end_to_end.bridge import Home, environment
from tests.end_to_end.recordings import age, call_text
from tests.made_recordings import WAV_PCM, record


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_two_scenes_on_copies_of_what_lies_there_and_nothing_of_it_changes(home: Home) -> None:
    home.source["after_upload"] = "delete"
    (home.recorder / "call-1.json").write_text(call_text("call-1"))
    (home.recorder / "call-1.wav").write_bytes(record(WAV_PCM, 34.0))
    age(home.recorder / "call-1.wav", 3600)
    home.write()
    before = files(home.root)
    result = home.run("drill", "--scene", "rate-limit", "--scene", "cut-after", "--json", seconds=90)
    told = {one["scene"]: one for one in map(json.loads, result.stdout.splitlines())}
    assert (result.returncode, result.stderr) == (0, "")
    assert {name: (one["expected"], one["arrived_once"], one["attempts"]) for name, one in told.items()} == {
        "quiet": (1, 1, 0),
        "rate-limit": (1, 1, 0),
        "cut-after": (1, 1, 2),
    }
    assert files(home.root) == before


def test_a_drill_that_is_ended_leaves_no_copies_behind(home: Home, tmp_path: Path) -> None:
    (home.recorder / "call-1.json").write_text(call_text("call-1"))
    (home.recorder / "call-1.wav").write_bytes(record(WAV_PCM, 34.0))
    age(home.recorder / "call-1.wav", 3600)
    home.write()
    place = tmp_path / "temporary"
    place.mkdir()
    env = environment({"TMPDIR": str(place)})
    with subprocess.Popen(home.command("drill", "--scene", "no-dns"), env=env, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()  # the quiet day is over
        process.terminate()
        assert process.wait(30) == 130
    assert list(place.iterdir()) == []


def test_the_list_shows_every_scene_with_what_is_done_and_what_must_come_out() -> None:
    listed = CliRunner().invoke(build_app("drill"), ["drill", "--list", "--json"])
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [row["scene"] for row in rows] == [scene.name for scene in SCENES]
    assert all(row["does"] and row["must"] for row in rows)
