"""R9: a recording that its sidecar holds goes on by itself when the sidecar comes or is corrected."""

from __future__ import annotations

import json

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import call_text, drop, sha256, wav


def test_R9_a_sidecar_that_is_corrected_frees_its_recording(home: Home, sandbox: Sandbox) -> None:
    with home.running():
        drop(home.recorder, "a.wav", 1, direction="bad")
        home.wait_for("a.wav", "held", code="bad-metadata")
        (home.recorder / "a.json").write_text(call_text("a"))
        home.wait_for("a.wav", "done")
    assert [call.client_unique_id for call in sandbox.calls] == ["a"]


def test_R9_a_sidecar_that_comes_after_the_wait_frees_its_recording(home: Home, sandbox: Sandbox) -> None:
    home.source["sidecar_wait"] = "500ms"
    with home.running():
        (home.recorder / "late.wav").write_bytes(wav(2))
        home.wait_for("late.wav", "held", code="missing-sidecar")
        (home.recorder / "late.wav.json").write_text(call_text("late"))
        home.wait_for("late.wav", "done")
    assert [call.client_unique_id for call in sandbox.calls] == ["late"]


def test_R9_what_was_held_before_a_restart_is_looked_at_again(home: Home, sandbox: Sandbox) -> None:
    home.source["sidecar_wait"] = "0s"
    (home.recorder / "b.wav").write_bytes(wav(3))
    assert home.run_once().returncode == 1
    (home.recorder / "b.json").write_text(call_text("b"))
    assert home.run_once().returncode == 0
    assert home.states() == {"b.wav": "done"}


def test_R12_one_id_on_two_different_recordings_of_equal_length_is_held(home: Home, sandbox: Sandbox) -> None:
    drop(home.recorder, "one.wav", 1, unique_id="same")
    assert home.run_once().returncode == 0
    drop(home.recorder, "two.wav", 2, unique_id="same")
    assert home.run_once().returncode == 1
    entry = home.entry("two.wav")
    assert (entry["state"], entry["reason_code"]) == ("held", "bad-metadata")
    assert "its audio differs" in entry["reason"]
    assert len(sandbox.calls) == 1
    assert sandbox.calls[0].media is not None
    assert sandbox.calls[0].media.sha256 == sha256(wav(1))


def test_R24_times_in_a_loose_form_reach_gong_in_the_documented_one(home: Home, sandbox: Sandbox) -> None:
    drop(home.recorder, "c.wav", 4, actualStart="2026-09-01 10:00:00-0400")
    assert home.run_once().returncode == 0
    assert sandbox.calls[0].body["actualStart"] == "2026-09-01T10:00:00-04:00"


def test_names_in_capitals_have_sidecars_in_capitals(home: Home, sandbox: Sandbox) -> None:
    (home.recorder / "X.JSON").write_text(call_text("capitals"))
    (home.recorder / "X.WAV").write_bytes(wav(5))
    finished = home.run_once()
    assert finished.returncode == 0, finished.stdout
    wait_until(lambda: len(sandbox.calls) == 1, "the call")
    assert json.dumps(home.states()) == '{"X.WAV": "done"}'
