"""R12, R22, R30: a call in several files is one call with all of its audio, whatever comes when."""

from __future__ import annotations

import os
import threading
import time
from array import array
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gong_bridge import clock
from gong_bridge.account import agents_file
from gong_bridge.errors import NotYetComplete
from gong_bridge.model import Entry
from gong_bridge.sandbox.arrived import ArrivedCall
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.recordings import sha256, write
from tests.integration.bench import Bench, bench
from tests.recorded_groups import START, age, channels_of, drop, first_sound, name, pitch, tone, write_mapping

WINDOW_SECONDS = 1.9
"""The window of the tests' mapping, and some."""


def grouped(root: Path, sandbox: Sandbox, *, source: dict[str, Any] | None = None, **group_by: Any) -> Any:
    """A bench whose mapping groups."""
    write_mapping(root, **group_by)
    return bench(root, sandbox.base_url, source={"mapping": "grouped", **(source or {})}, mappings="mappings")


@pytest.fixture
def bridge(tmp_path: Path, sandbox: Sandbox) -> Iterator[Bench]:
    with grouped(tmp_path, sandbox) as opened:
        yield opened


def parts(bridge: Bench) -> dict[str, tuple[str, str | None]]:
    """Call and part -> state and reason code."""
    return {
        "-".join(entry.key.removesuffix(".wav").split("_")[3:]): (str(entry.state), entry.reason_code)
        for entry in bridge.bridge.ledger.views.entries()
    }


def of(bridge: Bench, part: str) -> Entry:
    """The newest entry of a part, such as c1-in."""
    call, _, leg = part.partition("-")
    found = [one for one in bridge.bridge.ledger.views.entries() if one.key.endswith(f"_{call}_{leg}.wav")]
    return found[-1]


def wait_and_work(bridge: Bench) -> None:
    """Until the window is over, then work."""
    time.sleep(WINDOW_SECONDS)
    bridge.work_again()


def sound_of(sandbox: Sandbox, call: ArrivedCall) -> tuple[int, list[array[int]]]:
    """What arrived: sample rate, and the samples of each channel."""
    data = sandbox.media_of(call.id)
    assert data is not None
    return channels_of(data)


# --- merge -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [("in", "out"), ("out", "in")])
def test_two_sides_become_one_stereo_call_with_the_agent_on_its_channel(
    bridge: Bench, sandbox: Sandbox, order: tuple[str, str]
) -> None:
    for part in order:
        drop(bridge.recorder, "c1", part, at=START + (1.5 if part == "out" else 0), hz=700 if part == "out" else 440)
        bridge.find()
        bridge.work()
    bridge.work_again()
    assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("skipped", "grouped")}
    assert of(bridge, "c1-out").duplicate_of == of(bridge, "c1-in").id
    (call,) = sandbox.calls
    assert call.media is not None
    assert call.media_puts == 1
    assert call.body["clientUniqueId"] == "g-c1"
    assert call.body["duration"] == 32.5
    assert [party.get("mediaChannelId") for party in call.body["parties"]] == [1, 0]
    assert call.body["actualStart"] == "2026-09-01T08:55:30+00:00"


def test_each_side_is_heard_on_its_channel_from_its_own_start_on(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in", hz=440, silent=2)
    drop(bridge.recorder, "c1", "out", at=START + 1.5, hz=700, silent=1, seconds=33)
    bridge.find()
    bridge.work()
    (call,) = sandbox.calls
    rate, (left, right) = sound_of(sandbox, call)
    assert len(left) == len(right) == 34.5 * rate
    assert abs(first_sound(left, rate) - 2.0) <= 0.02
    assert abs(first_sound(right, rate) - 2.5) <= 0.02
    assert abs(pitch(left, rate, 5, 15) - 440) < 2
    assert abs(pitch(right, rate, 5, 15) - 700) < 2
    assert not any(left[int(31.1 * rate) :])


def test_a_call_in_one_file_beside_grouped_ones_goes_its_way(bridge: Bench, sandbox: Sandbox) -> None:
    write(bridge.recorder / f"{START}.000_201_18005550101.wav", tone(31))
    bridge.find()
    bridge.work()
    assert [call.client_unique_id for call in sandbox.calls] == [f"{START}.000_201_18005550101"]
    assert sandbox.calls[0].body["title"] == "Call"


def test_R9_a_side_waits_for_the_other_and_is_held_with_what_is_missing(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in")
    bridge.find()
    bridge.work()
    assert parts(bridge) == {"c1-in": ("found", "awaiting-parts")}
    assert "there is 'in'; waited for: the right side" in str(of(bridge, "c1-in").reason)
    wait_and_work(bridge)
    assert parts(bridge) == {"c1-in": ("held", "incomplete-call")}
    assert "of the call 'c1' only 'in' came within 1.5 s" in str(of(bridge, "c1-in").reason)
    assert "without the right side" in str(of(bridge, "c1-in").reason)
    drop(bridge.recorder, "c1", "out")
    bridge.find()
    bridge.work_again()
    assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("skipped", "grouped")}
    assert len(sandbox.calls) == 1


def test_a_call_that_stays_incomplete_is_sent_as_it_is_when_the_mapping_says_so(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    with grouped(tmp_path, sandbox, when_incomplete="send") as bridge:
        path = drop(bridge.recorder, "c1", "in", hz=500)
        bridge.find()
        bridge.work()
        assert parts(bridge) == {"c1-in": ("found", "awaiting-parts")}
        wait_and_work(bridge)
        (call,) = sandbox.calls
        assert call.media is not None
        assert call.media.sha256 == sha256(path.read_bytes())
        assert "mediaChannelId" not in call.body["parties"][0]
        drop(bridge.recorder, "c1", "out")
        bridge.find()
        bridge.work_again()
        assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("held", "late-part")}
        assert f"after the call of entry {of(bridge, 'c1-in').id} was created" in str(of(bridge, "c1-out").reason)
        assert len(sandbox.calls) == 1


def test_R5_two_sides_that_are_a_day_old_do_not_wait(tmp_path: Path, sandbox: Sandbox) -> None:
    with grouped(tmp_path, sandbox, window="1h") as bridge:
        for part in ("in", "out"):
            age(drop(bridge.recorder, "c1", part), 86_400)
        bridge.find()
        bridge.work()
        assert len(sandbox.calls) == 1


def test_files_not_looked_at_yet_are_waited_for_whatever_the_window_says(bridge: Bench, sandbox: Sandbox) -> None:
    """A backlog is looked at one after another: the other side may be the last of ten thousand."""
    for number in range(5):
        age(drop(bridge.recorder, f"c{number}", "in"), 86_400)
    for number in range(5):
        age(drop(bridge.recorder, f"c{number}", "out"), 86_400)
    bridge.find()
    time.sleep(WINDOW_SECONDS)
    for _ in range(5):
        entry = bridge.claim()
        assert entry is not None
        bridge.worker.work(entry, threading.Event())
    assert "held" not in {state for state, _ in parts(bridge).values()}
    bridge.work_again()
    assert sorted(call.client_unique_id for call in sandbox.calls) == ["g-c0", "g-c1", "g-c2", "g-c3", "g-c4"]


def test_sides_of_other_rates_and_channels_are_made_alike_and_that_is_said(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in", hz=440, rate_hz=16000, silent=1)
    drop(bridge.recorder, "c1", "out", hz=700, channels=2, silent=3)
    bridge.find()
    bridge.work()
    (call,) = sandbox.calls
    rate, (left, right) = sound_of(sandbox, call)
    assert rate == 16000
    assert abs(first_sound(left, rate) - 1.0) <= 0.02
    assert abs(first_sound(right, rate) - 3.0) <= 0.02
    assert abs(pitch(right, rate, 5, 15) - 700) < 2
    assert (of(bridge, "c1-in").media or {})["warnings"] == [
        "the right side of the call was a file with 2 channels: they were mixed into one"
    ]


def test_media_rules_speak_of_the_whole_call(bridge: Bench, sandbox: Sandbox) -> None:
    """A silent side is a remark, two sides that nobody would send alone are a call."""
    drop(bridge.recorder, "c1", "in", seconds=20)
    drop(bridge.recorder, "c1", "out", at=START + 15, seconds=20, loud=0)
    bridge.find()
    bridge.work()
    (call,) = sandbox.calls
    assert call.body["duration"] == 35
    remark = "nothing can be heard on the right channel (1): one side of the call is missing"
    assert remark in (of(bridge, "c1-in").media or {})["warnings"]


def test_sides_that_do_not_overlap_are_held_for_their_times(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in")
    drop(bridge.recorder, "c1", "out", at=START + 3600)
    bridge.find()
    bridge.work()
    assert parts(bridge)["c1-in"] == ("held", "bad-metadata")
    assert "one begins 3600.0 s after the other, which lasts 31.0 s" in str(of(bridge, "c1-in").reason)
    assert sandbox.calls == []


def test_two_different_files_for_one_side_are_held(bridge: Bench, sandbox: Sandbox) -> None:
    for hz in (440, 500):
        drop(bridge.recorder, "c1", "in", at=START + hz, hz=hz)
    drop(bridge.recorder, "c1", "out")
    bridge.find()
    bridge.work()
    held = [entry for entry in bridge.bridge.ledger.views.entries() if str(entry.state) == "held"]
    assert [entry.key for entry in held if "c1_out" not in entry.key]
    assert len(sandbox.calls) <= 1  # when two fitted before the third was looked at, that one is held as too late


# --- what changes meanwhile ------------------------------------------------------------------------------------------


def test_R11_a_side_that_changes_before_anything_was_sent_is_sent_as_it_is_now(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in")
    drop(bridge.recorder, "c1", "out", hz=500)
    bridge.find()
    leader = take_to(bridge, "drafted")
    drop(bridge.recorder, "c1", "out", hz=900)
    bridge.find()
    bridge.work()
    (call,) = sandbox.calls
    rate, (_, right) = sound_of(sandbox, call)
    assert abs(pitch(right, rate, 5, 15) - 900) < 2
    assert leader.id == of(bridge, "c1-in").id
    assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("skipped", "grouped")}


def test_R11_a_side_that_changes_after_the_call_was_created_is_held(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in")
    drop(bridge.recorder, "c1", "out", hz=500)
    bridge.find()
    bridge.work()
    drop(bridge.recorder, "c1", "out", hz=900)
    bridge.find()
    bridge.work()
    assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("held", "late-part")}
    assert str(of(bridge, "c1-out").reason).startswith("it changed after the call of entry")
    assert [call.media_puts for call in sandbox.calls] == [1]


def test_R11_new_content_of_the_leading_side_replaces_the_media_of_the_whole_call(
    bridge: Bench, sandbox: Sandbox
) -> None:
    drop(bridge.recorder, "c1", "in", hz=440)
    drop(bridge.recorder, "c1", "out", hz=500)
    bridge.find()
    bridge.work()
    drop(bridge.recorder, "c1", "in", hz=900)
    bridge.find()
    bridge.work_again()
    (call,) = sandbox.calls
    assert call.media_puts == 2
    rate, (left, right) = sound_of(sandbox, call)
    assert abs(pitch(left, rate, 5, 15) - 900) < 2
    assert abs(pitch(right, rate, 5, 15) - 500) < 2


def test_a_side_that_vanishes_before_it_was_looked_at_leaves_an_incomplete_call(
    bridge: Bench, sandbox: Sandbox
) -> None:
    drop(bridge.recorder, "c1", "in")
    gone = drop(bridge.recorder, "c1", "out")
    bridge.find()
    gone.unlink()
    bridge.work()
    wait_and_work(bridge)
    assert parts(bridge) == {"c1-in": ("held", "incomplete-call"), "c1-out": ("skipped", "gone")}
    assert sandbox.calls == []


def test_a_leader_that_vanishes_sets_the_others_free(bridge: Bench, sandbox: Sandbox) -> None:
    leader = drop(bridge.recorder, "c1", "in")
    drop(bridge.recorder, "c1", "out")
    bridge.find()
    held = take_to(bridge, "found")
    assert parts(bridge)["c1-out"] == ("skipped", "grouped")
    leader.unlink()
    bridge.bridge.ledger.work.release(held, clock.now())
    bridge.work()
    assert parts(bridge)["c1-in"] == ("skipped", "gone")
    wait_and_work(bridge)
    assert parts(bridge)["c1-out"] == ("held", "incomplete-call")
    assert sandbox.calls == []


def test_a_side_that_vanishes_after_the_call_was_created_is_asked_for(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in")
    gone = drop(bridge.recorder, "c1", "out")
    data, changed_ns = gone.read_bytes(), gone.stat().st_mtime_ns
    bridge.find()
    held = take_to(bridge, "created")
    gone.unlink()
    bridge.bridge.ledger.work.release(held, clock.now())
    bridge.work()
    assert parts(bridge)["c1-in"] == ("held", "source-gone")
    write(gone, data)
    os.utime(gone, ns=(0, changed_ns))
    assert bridge.retry(held.id) == 1
    bridge.work()
    assert [call.media_puts for call in sandbox.calls] == [1]


def test_a_person_who_retries_a_side_gets_it_back_to_its_call(bridge: Bench, sandbox: Sandbox) -> None:
    drop(bridge.recorder, "c1", "in")
    drop(bridge.recorder, "c1", "out")
    bridge.find()
    bridge.work()
    assert bridge.retry(of(bridge, "c1-out").id) == 1
    bridge.work()
    assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("skipped", "grouped")}
    assert "part of the call of entry" in str(of(bridge, "c1-out").reason)
    assert [call.media_puts for call in sandbox.calls] == [1]


def test_a_call_held_for_an_unknown_person_goes_on_with_all_of_its_files(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agents_file, "LOOK_SECONDS", 0.0)
    for part in ("in", "out"):
        path = drop(bridge.recorder, "c1", part)
        path.rename(path.with_name(path.name.replace("_201_", "_977_")))
    bridge.find()
    bridge.work()
    assert parts(bridge) == {"c1-in": ("held", "unknown-person"), "c1-out": ("skipped", "grouped")}
    (bridge.root / "agents.csv").write_text(
        "email,extension,login,name\nagent-201@example.com,201,,\nagent-202@example.com,977,,\n"
    )
    bridge.bridge.agents.reload()
    bridge.work()
    assert parts(bridge) == {"c1-in": ("done", None), "c1-out": ("skipped", "grouped")}
    assert len(sandbox.calls) == 1


@pytest.mark.parametrize("looked_at_first", ["in", "out"])
def test_R30_whichever_file_of_a_call_is_looked_at_last_both_are_removed(
    tmp_path: Path, sandbox: Sandbox, looked_at_first: str
) -> None:
    """The one that comes last leads, or makes the other lead; either way the call knows all of its files."""
    last = {"in": "out", "out": "in"}[looked_at_first]
    with grouped(tmp_path, sandbox, source={"after_upload": "delete"}) as bridge:
        for part, later in ((looked_at_first, 0.0), (last, 0.0)):
            drop(bridge.recorder, "c1", part, at=START + later)
            bridge.find()
            bridge.work()
        bridge.work_again()
        assert not list(bridge.recorder.glob("*.wav"))
    assert [call.media_puts for call in sandbox.calls] == [1]


@pytest.mark.parametrize("after_upload", ["delete", {"move_to": "delivered"}])
def test_R30_every_file_of_a_delivered_call_is_settled_and_none_of_one_that_is_not(
    tmp_path: Path, sandbox: Sandbox, after_upload: Any
) -> None:
    (tmp_path / "delivered").mkdir()
    with grouped(tmp_path, sandbox, source={"after_upload": after_upload}) as bridge:
        drop(bridge.recorder, "c1", "in")
        drop(bridge.recorder, "c1", "out")
        drop(bridge.recorder, "c1", "mix")
        drop(bridge.recorder, "c2", "in")
        bridge.find()
        bridge.work()
        wait_and_work(bridge)
        left = sorted(path.name for path in bridge.recorder.iterdir() if path.is_file())
        assert left == [name("c2", "in")]
        assert [event.code for event in bridge.bridge.ledger.views.events(of(bridge, "c1-out").id)][-1] == (
            "source-deleted" if after_upload == "delete" else "source-moved"
        )


# --- pick, separate, join --------------------------------------------------------------------------------------------


def test_R12_of_duplicates_the_best_is_sent_and_the_others_say_so(tmp_path: Path, sandbox: Sandbox) -> None:
    with grouped(tmp_path, sandbox, policy="pick", pick=["mix", "merged"]) as bridge:
        mix = drop(bridge.recorder, "c1", "mix", hz=440)
        for part in ("in", "out"):
            drop(bridge.recorder, "c1", part)
            drop(bridge.recorder, "c2", part)
        bridge.find()
        bridge.work()
        wait_and_work(bridge)
        sent = {call.client_unique_id: call for call in sandbox.calls}
        assert set(sent) == {"g-c1", "g-c2"}
        media = sent["g-c1"].media
        assert media is not None
        assert media.sha256 == sha256(mix.read_bytes())
        assert parts(bridge)["c1-in"] == parts(bridge)["c1-out"] == ("skipped", "grouped")
        assert "this file is a duplicate of it" in str(of(bridge, "c1-in").reason)
        assert len(sound_of(sandbox, sent["g-c2"])[1]) == 2


@pytest.mark.parametrize("broken", ["cut off", "silent", "no media"])
def test_a_broken_best_file_gives_way_to_the_next(tmp_path: Path, sandbox: Sandbox, broken: str) -> None:
    data = {"cut off": tone(40)[:90_000], "silent": tone(40, loud=0), "no media": b"RIFF, or so it says" * 400}[broken]
    with grouped(tmp_path, sandbox, policy="pick", pick=["mix", "in"]) as bridge:
        age(drop(bridge.recorder, "c1", "mix", data=data), 86_400)
        whole = age(drop(bridge.recorder, "c1", "in"), 86_400)
        bridge.find()
        bridge.work()
        wait_and_work(bridge)
        (call,) = sandbox.calls
        assert call.media is not None
        assert call.media.sha256 == sha256(whole.read_bytes())
        assert parts(bridge) == {"c1-in": ("done", None), "c1-mix": ("skipped", "grouped")}
        assert "this file cannot be used" in str(of(bridge, "c1-mix").reason)


def test_only_the_picked_file_s_people_are_checked(tmp_path: Path, sandbox: Sandbox) -> None:
    with grouped(tmp_path, sandbox, policy="pick", pick=["mix", "in"]) as bridge:
        other = drop(bridge.recorder, "c1", "in")
        other.rename(other.with_name(other.name.replace("_201_", "_299_")))
        drop(bridge.recorder, "c1", "mix")
        bridge.find()
        bridge.work()
        assert len(sandbox.calls) == 1
        assert parts(bridge)["c1-in"] == ("skipped", "grouped")


def test_segments_are_calls_of_their_own_that_say_which_of_how_many(tmp_path: Path, sandbox: Sandbox) -> None:
    with grouped(tmp_path, sandbox, policy="separate") as bridge:
        for number, part in enumerate(("b", "a", "c")):
            drop(bridge.recorder, "c1", part, at=START + 60 * number)
        bridge.find()
        bridge.work()
        assert sandbox.calls == []
        wait_and_work(bridge)
        titles = {call.client_unique_id: call.body["title"] for call in sandbox.calls}
        assert titles == {
            "g-c1-b": "Call c1 (part 1 of 3)",
            "g-c1-a": "Call c1 (part 2 of 3)",
            "g-c1-c": "Call c1 (part 3 of 3)",
        }
        assert {call.body["customData"] for call in sandbox.calls} == {
            f'{{"call":"c1","parts":["{part}"]}}' for part in "abc"
        }


@pytest.mark.parametrize(("gaps", "seconds", "second_at"), [("keep", 91.0, 60.0), ("close", 62.0, 31.0)])
def test_segments_are_joined_in_their_order_with_or_without_the_time_between(
    tmp_path: Path, sandbox: Sandbox, gaps: str, seconds: float, second_at: float
) -> None:
    with grouped(tmp_path, sandbox, policy="join", gaps=gaps) as bridge:
        drop(bridge.recorder, "c1", "late", at=START + 60, hz=700)
        drop(bridge.recorder, "c1", "early", hz=440)
        bridge.find()
        bridge.work()
        assert sandbox.calls == []
        wait_and_work(bridge)
        (call,) = sandbox.calls
        assert call.body["duration"] == seconds
        rate, (only,) = sound_of(sandbox, call)
        assert len(only) == seconds * rate
        assert abs(pitch(only, rate, 5, 25) - 440) < 2
        assert abs(second_at + first_sound(only[int(second_at * rate) :], rate) - second_at) <= 0.02
        assert abs(pitch(only, rate, second_at + 1, second_at + 25) - 700) < 2


def test_a_late_segment_of_a_joined_call_is_held_or_skipped_or_sent(tmp_path: Path, sandbox: Sandbox) -> None:
    for when_late, outcome in {
        "hold": ("held", "late-part"), "skip": ("skipped", "late-part"), "send": ("held", "bad-metadata")
    }.items():  # fmt: skip
        with grouped(tmp_path / when_late, sandbox, policy="join", when_late=when_late) as bridge:
            drop(bridge.recorder, f"{when_late}1", "a")
            bridge.find()
            bridge.work()
            wait_and_work(bridge)
            drop(bridge.recorder, f"{when_late}1", "b", at=START + 60, hz=900)
            bridge.find()
            bridge.work()
            wait_and_work(bridge)
            assert parts(bridge)[f"{when_late}1-b"] == outcome
    assert len(sandbox.calls) == 3


def take_to(bridge: Bench, state: str) -> Entry:
    """Step what is due until the leader of a call stands at `state`, as a worker holds it then."""
    while True:
        entry = bridge.claim()
        assert entry is not None
        try:
            while str(entry.state) != "skipped":
                entry = bridge.bridge.pipeline.step(entry)
                if str(entry.state) == state:
                    return entry
        except NotYetComplete as wait:
            now = clock.now()
            bridge.bridge.ledger.work.postpone(entry, now, now + timedelta(hours=1), wait.code, wait.message, False)
        if state == "found" and str(entry.state) == "skipped":
            (leader,) = [one for one in bridge.bridge.ledger.views.entries() if str(one.state) == "found"]
            claimed = bridge.claim()
            assert claimed is not None
            assert claimed.id == leader.id
            return claimed
