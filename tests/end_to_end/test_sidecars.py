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


BY_NAME = """
about: Names, with a sidecar that says more.
match: [{stem: '(?P<id>.+)'}]
sidecar: {format: json, find: [{append: .json}], wait: 500ms, when_missing: WHEN_MISSING}
call:
  clientUniqueId: '{{ id }}'
  actualStart: '2026-09-01T10:00:00Z'
  direction: Outbound
  title: "{{ sidecar.title | default('by its name') }}"
  primaryUser: "{{ ('201' | agent).user_id }}"
  parties: [{userId: "{{ ('201' | agent).user_id }}"}]
"""


def own_mapping(home: Home, when_missing: str) -> None:
    """The source reads names, and a sidecar when there is one."""
    home.config["mappings"] = "mappings"
    home.source["mapping"] = "own"
    (home.root / "mappings").mkdir()
    (home.root / "mappings" / "own.yaml").write_text(BY_NAME.replace("WHEN_MISSING", when_missing))


def test_R9_a_call_that_goes_without_its_sidecar_says_so_for_good(home: Home, sandbox: Sandbox) -> None:
    own_mapping(home, "degrade")
    (home.recorder / "alone.wav").write_bytes(wav(1))
    (home.recorder / "both.wav").write_bytes(wav(2))
    (home.recorder / "both.wav.json").write_text('{"title": "by its sidecar"}')
    assert home.run_once().returncode == 0
    titles = {call.client_unique_id: call.body["title"] for call in sandbox.calls}
    assert titles == {"alone": "by its name", "both": "by its sidecar"}
    degraded = home.run("ledger", "list", "--code", "degraded", "--json")
    assert [json.loads(line)["key"] for line in degraded.stdout.splitlines()] == ["alone.wav"]
    assert home.status()["remarks"] == {"degraded": 1}
    assert "1 sent without the sidecar (gong-bridge ledger list --code degraded)" in home.run("status").stdout
    (number,) = [entry["id"] for entry in home.entries() if entry["key"] == "alone.wav"]
    told = json.loads(home.run("ledger", "show", str(number), "--json").stdout)["events"]
    (reason,) = [event["reason"] for event in told if event["code"] == "degraded"]
    assert "no sidecar came within 0.5 s (looked for alone.wav.json); the call is sent with what else" in reason


def test_R9_a_recording_without_its_sidecar_is_skipped_when_the_mapping_says_so(home: Home, sandbox: Sandbox) -> None:
    own_mapping(home, "skip")
    (home.recorder / "alone.wav").write_bytes(wav(1))
    assert home.run_once().returncode == 0
    entry = home.entry("alone.wav")
    assert (entry["state"], entry["reason_code"]) == ("skipped", "mapping-rule")
    assert entry["reason"] == "no sidecar came within 0.5 s (looked for alone.wav.json)"
    assert sandbox.calls == []


def test_R9_while_it_waits_everybody_says_until_when(home: Home, sandbox: Sandbox) -> None:
    """The source's own sidecar_wait goes before the half second of the mapping."""
    own_mapping(home, "hold")
    home.source["sidecar_wait"] = "1h"
    (home.recorder / "alone.wav").write_bytes(wav(1))
    with home.running():
        home.wait_for("alone.wav", "found", code="waiting-for-sidecar")
        assert "UTC, then a person is asked" in home.entry("alone.wav")["reason"]
        assert home.status()["waiting"] == {"waiting-for-sidecar": 1}
        assert "1 recording waits for the sidecar" in home.run("status").stdout
        explained = home.run("explain", str(home.recorder / "alone.wav"))
        assert explained.returncode == 0
        assert "would wait" in explained.stdout
        assert "it is waited for until" in explained.stdout
    assert sandbox.calls == []


def test_R9_a_sidecar_that_comes_again_changes_nothing_and_says_so_once(home: Home, sandbox: Sandbox) -> None:
    """The same words in another order are no news; what says something else is one event, and no second call."""
    with home.running() as service:
        drop(home.recorder, "a.wav", 1)
        drop(home.recorder, "b.wav", 2)
        for name in ("a", "b"):
            home.wait_for(f"{name}.wav", "done")
        numbers = {name: home.entry(f"{name}.wav")["id"] for name in ("a", "b")}
        text = json.loads((home.recorder / "a.json").read_text())
        (home.recorder / "a.json").write_text(json.dumps({**text, "title": "another one"}))
        same = json.loads((home.recorder / "b.json").read_text())
        (home.recorder / "b.json").write_text(json.dumps(dict(reversed(same.items())), indent=4))
        wait_until(lambda: "sidecar-again" in home.story(numbers["a"]), "the sidecar is noticed")
        assert service.stop() == 0
    assert home.entry("a.wav")["state"] == "done"
    assert home.story(numbers["a"]).count("sidecar-again") == 1
    assert "sidecar-again" not in home.story(numbers["b"])
    assert home.status()["remarks"] == {"sidecar-again": 1}
    assert len(sandbox.calls) == 2
    assert ["title" in call.body for call in sandbox.calls] == [False, False]


def test_R9_a_sidecar_that_comes_after_the_call_went_without_it_is_noticed(home: Home, sandbox: Sandbox) -> None:
    """Also when the service was stopped meanwhile."""
    own_mapping(home, "degrade")
    (home.recorder / "alone.wav").write_bytes(wav(1))
    assert home.run_once().returncode == 0
    (home.recorder / "alone.wav.json").write_text('{"title": "by its sidecar"}')
    with home.running() as service:
        wait_until(lambda: "sidecar-late" in home.story(1), "the sidecar is noticed")
        assert service.stop() == 0
    told = json.loads(home.run("ledger", "show", "1", "--json").stdout)["events"][-1]
    assert (told["from"], told["to"], told["code"]) == ("done", "done", "sidecar-late")
    assert told["reason"] == (
        "the sidecar alone.wav.json came after the call was created; nothing can be changed in Gong any more"
    )
    assert [call.body["title"] for call in sandbox.calls] == ["by its name"]


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
