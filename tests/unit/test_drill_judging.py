"""What a drill says of a scene: it is fine only when every call is there once, with the recording that was given."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from gong_bridge.drill.judging import Arrival, Ended, Seen, Wanted, judge, quiet_day

CALL = ("gong", "call-1")
OTHER = ("gong", "call-2")


def ended(key: str, call: tuple[str, str], **changed: Any) -> Ended:
    whole = Ended(source="pbx", key=key, state="done", code=None, call=call, waited_seconds=1.0)
    return dataclasses.replace(whole, **changed)


def arrival(call: tuple[str, str], **changed: Any) -> Arrival:
    whole = Arrival(account=call[0], client_unique_id=call[1], sha256=f"sound of {call[1]}", puts=1)
    return dataclasses.replace(whole, **changed)


GOOD = Seen(
    arrivals=[arrival(CALL), arrival(OTHER)],
    ended=[ended("1.wav", CALL), ended("2.wav", OTHER)],
    given={("pbx", "1.wav"): "sound of call-1", ("pbx", "2.wav"): "sound of call-2"},
    attempts=0,
    paused=False,
    played=3,
)
WANTED = Wanted(calls={CALL: "sound of call-1", OTHER: "sound of call-2"})


def wrong(seen: Seen = GOOD, wanted: Wanted = WANTED, **changed: Any) -> list[str]:
    return list(judge(dataclasses.replace(seen, **changed), wanted).wrong)


def test_a_scene_in_which_every_call_arrived_once_and_whole_is_fine() -> None:
    verdict = judge(GOOD, WANTED)
    assert verdict.fine
    assert (verdict.arrived, verdict.expected) == (2, 2)


@pytest.mark.parametrize(
    ("arrivals", "said"),
    [
        ([arrival(CALL)], "1 call did not arrive"),
        ([arrival(CALL), arrival(OTHER, sha256=None)], "1 call without a recording"),
        ([arrival(CALL), arrival(OTHER, puts=2)], "1 call whose recording was sent more than once"),
        ([arrival(CALL), arrival(OTHER), arrival(OTHER)], "1 call arrived more than once"),
        ([arrival(CALL), arrival(OTHER, sha256="half")], "1 call with another recording than was given"),
        ([arrival(CALL), arrival(OTHER), arrival(("gong", "call-3"))], "1 calls that nobody expected"),
        ([arrival(CALL), arrival(("emea", "call-2"), sha256="sound of call-2")], "1 call did not arrive"),
    ],
)
def test_what_gong_holds_decides_whatever_the_ledger_says(arrivals: list[Arrival], said: str) -> None:
    assert said in wrong(arrivals=arrivals)


def test_a_recording_that_the_ledger_never_heard_of_is_told() -> None:
    assert "1 recording never found by the bridge" in wrong(ended=[ended("1.wav", CALL)])


def test_a_recording_that_is_still_open_is_told() -> None:
    assert wrong(ended=[ended("1.wav", CALL), ended("2.wav", OTHER, state="created")], in_time=False) == [
        "1 recording still not done",
        "not finished in time",
    ]


def test_a_person_is_needed_only_where_the_scene_asks_for_one() -> None:
    held = [ended("1.wav", CALL), ended("2.wav", OTHER, state="held", code="source-gone")]
    without = [arrival(CALL), arrival(OTHER, sha256=None)]
    asks = dataclasses.replace(WANTED, persons=1)
    assert wrong(wanted=asks, ended=held, arrivals=without) == []
    assert "1 recording held for a person (1 source-gone), 0 expected" in wrong(ended=held, arrivals=without)
    assert "0 recordings held for a person (none), 1 expected" in wrong(wanted=asks)


def test_a_scene_that_asks_for_one_person_excuses_one_call_and_no_more() -> None:
    held = [ended("1.wav", CALL), ended("2.wav", OTHER, state="held", code="source-gone")]
    asks = dataclasses.replace(WANTED, persons=1)
    assert wrong(wanted=asks, ended=held, arrivals=[]) == ["1 call did not arrive"]


def test_attempts_and_pauses_are_as_the_scene_wants_them() -> None:
    strict = dataclasses.replace(WANTED, pauses=True, keeps_attempts=True)
    assert wrong(wanted=strict, attempts=2) == [
        "the bridge did not pause",
        "2 attempts were spent on a trouble that is no recording's fault",
    ]


def test_a_trouble_that_was_never_met_proves_nothing() -> None:
    assert wrong(played=0) == ["the trouble was never met, so nothing is proven"]
    assert wrong(played=None) == []


def test_copies_must_be_where_after_upload_says() -> None:
    assert wrong(left_lying=["1.wav"], missing_copies=["2.wav", "3.wav"]) == [
        "after_upload: 1 recording still there after the delivery",
        "after_upload: 2 recordings taken away without being delivered",
    ]


def test_the_quiet_day_says_which_calls_the_other_days_must_bring() -> None:
    converted = ended("3.wav", ("gong", "call-3"), is_made=True)
    skipped = ended("4.wav", ("gong", "call-1"), state="skipped", code="duplicate")
    seen = dataclasses.replace(
        GOOD, ended=[*GOOD.ended, converted, skipped], given={**GOOD.given, ("pbx", "3.wav"): "x"}
    )
    assert quiet_day(seen) == {
        CALL: "sound of call-1",
        OTHER: "sound of call-2",
        ("gong", "call-3"): None,
    }
