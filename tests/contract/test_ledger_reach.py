"""The laws of reach: a bridge works on what it can open, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gong_bridge.account.agents_file import try_again_for_people
from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.filters import EntryFilter, Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, State
from gong_bridge.routes.sidecar_watch import SidecarWatch
from tests.contract.test_ledger import DRAFT, MEDIA, NOON, OWNER, after, recording

A, B = Lane("pbx", "host-a"), Lane("pbx", "host-b")
BUCKET = Lane("connect")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def add(ledger: Ledger, lane: Lane, *keys: str, version: str = "1", backlog: bool = False, seconds: float = 0) -> int:
    found = [recording(key, version, lane.source) for key in keys]
    return ledger.intake.add(found, backlog, after(seconds), reach=lane.reach)


def claimed(ledger: Ledger, *lanes: Lane, seconds: float = 1) -> str | None:
    entry = ledger.work.claim(OWNER, after(seconds), 30, lanes=lanes)
    return None if entry is None else f"{entry.reach}:{entry.key}"


def test_R28_a_bridge_claims_only_what_it_serves_and_can_open(ledger: Ledger) -> None:
    add(ledger, A, "of-a.wav")
    add(ledger, BUCKET, "in-bucket.wav")
    assert claimed(ledger, B) is None
    assert claimed(ledger, Lane("connect", "host-b")) is None
    assert claimed(ledger, B, BUCKET) == "None:in-bucket.wav"
    assert claimed(ledger, B, BUCKET) is None
    assert claimed(ledger, A) == "host-a:of-a.wav"


def test_R26_the_order_is_that_of_all_lanes_together(ledger: Ledger) -> None:
    add(ledger, BUCKET, "old.wav", backlog=True, seconds=-300)
    add(ledger, A, "fresh-1.wav", seconds=-20)
    add(ledger, BUCKET, "fresh-2.wav", seconds=-10)
    add(ledger, A, "due-first.wav", seconds=-200)
    add(ledger, BUCKET, "due-second.wav", seconds=-100)
    taken = [claimed(ledger, A, BUCKET) for _ in range(6)]
    assert taken == ["None:fresh-2.wav", "host-a:fresh-1.wav", "host-a:due-first.wav", "None:due-second.wav",
                     "None:old.wav", None]  # fmt: skip


def test_R11_two_hosts_may_each_have_a_file_of_one_name(ledger: Ledger) -> None:
    assert add(ledger, A, "in-201.wav") == 1
    assert add(ledger, B, "in-201.wav") == 1
    assert add(ledger, B, "in-201.wav") == 0
    assert ledger.intake.unseen([recording("in-201.wav")], reach="host-a") == []
    assert ledger.intake.unseen([recording("in-201.wav")], reach="host-c") == [recording("in-201.wav")]
    found = {reach: ledger.views.find_latest("pbx", "in-201.wav", reach) for reach in ("host-a", "host-b", None)}
    assert {reach: entry and entry.reach for reach, entry in found.items()} == {
        "host-a": "host-a",
        "host-b": "host-b",
        None: None,
    }


def test_R11_a_new_version_on_one_host_leaves_the_other_hosts_recording_alone(ledger: Ledger) -> None:
    add(ledger, A, "in-201.wav")
    add(ledger, B, "in-201.wav")
    add(ledger, B, "in-201.wav", version="2")
    assert sorted((entry.reach, entry.version) for entry in ledger.views.entries()) == [
        ("host-a", "1"),
        ("host-b", "2"),
    ]
    assert [entry.replaces for entry in ledger.views.entries()] == [None, None]


def test_what_waits_is_counted_by_lane(ledger: Ledger) -> None:
    add(ledger, A, "1.wav", "2.wav")
    add(ledger, B, "1.wav")
    add(ledger, BUCKET, "1.wav")
    assert [ledger.views.open_count(lanes) for lanes in ((A,), (A, BUCKET), (Lane("pbx"),), (), None)] == [
        2,
        3,
        0,
        0,
        4,
    ]


def test_what_was_found_before_there_were_reaches_becomes_that_of_the_host_that_serves_it(ledger: Ledger) -> None:
    add(ledger, Lane("pbx"), "1.wav", "2.wav")
    add(ledger, A, "2.wav")
    add(ledger, BUCKET, "1.wav")
    assert ledger.reaches.give([A, BUCKET]) == 1
    told = sorted((entry.source, entry.key, entry.reach or "") for entry in ledger.views.entries())
    assert told == [
        ("connect", "1.wav", ""),
        ("pbx", "1.wav", "host-a"),
        ("pbx", "2.wav", ""),
        ("pbx", "2.wav", "host-a"),
    ]
    assert ledger.reaches.give([A, BUCKET]) == 0


def test_what_one_host_cures_frees_what_that_host_holds(ledger: Ledger) -> None:
    for lane in (A, B):
        add(ledger, lane, "1.wav")
        entry = ledger.work.claim(OWNER, NOON, 30, lanes=(lane,))
        assert entry is not None
        ledger.work.hold(entry, NOON, "unknown-person", "why", person="extension 299")
    assert ledger.operator.reopen_held(NOON, codes=("unknown-person",), lanes=(A,)) == 1
    assert {entry.reach: entry.state for entry in ledger.views.entries()} == {
        "host-a": State.FOUND,
        "host-b": State.HELD,
    }
    assert [entry.reach for entry in ledger.views.entries(EntryFilter(lanes=(B,)))] == ["host-b"]


def test_a_host_that_starts_tries_again_what_it_holds_itself(ledger: Ledger) -> None:
    codes = ("missing-sidecar", "bad-metadata", "unknown-person")
    for lane in (A, B, BUCKET):
        add(ledger, lane, *(f"{code}.wav" for code in codes))
        for code in codes:
            entry = ledger.work.claim(OWNER, NOON, 30, lanes=(lane,))
            assert entry is not None
            ledger.work.hold(entry, NOON, code, "why", person="extension 299")
    assert SidecarWatch(ledger).try_all_again((A, BUCKET)) == 4
    assert try_again_for_people(ledger, (A, BUCKET)) == 2
    assert {entry.reach for entry in ledger.views.entries(EntryFilter(states=(State.HELD,)))} == {"host-b"}
    assert try_again_for_people(ledger) == 2  # news of Gong's users is news for every host


def test_a_host_asks_gong_about_links_of_its_own_lanes_only(ledger: Ledger) -> None:
    for lane in (A, B, BUCKET):
        add(ledger, lane, "1.wav")
        entry = ledger.work.claim(OWNER, NOON, 30, lanes=(lane,))
        assert entry is not None
        entry = ledger.calls.save_draft(entry, NOON, {"clientUniqueId": str(lane)}, str(lane), {})
        call_id = f"call of {lane.source} {lane.reach}"
        entry = ledger.work.advance(entry, State.CREATED, NOON, call_id=call_id, delivery="link")
        ledger.work.postpone(entry, NOON, NOON, "link-pending", "not yet", False)
    assert ledger.views.links_due(NOON, 10, None, (A, BUCKET)) == ["call of pbx host-a", "call of connect None"]
    assert len(ledger.views.links_due(NOON, 10)) == 3


# --- a host that got another name ------------------------------------------------------------------------------------


def entry_of(ledger: Ledger, lane: Lane, key: str) -> Entry:
    entry = ledger.views.find_latest(lane.source, key, lane.reach)
    assert entry is not None
    return entry


def claim(ledger: Ledger, lane: Lane) -> Entry:
    entry = ledger.work.claim(OWNER, after(1), 30, lanes=(lane,))
    assert entry is not None
    return entry


def test_R28_a_renamed_host_takes_over_what_it_found_under_its_old_name(ledger: Ledger) -> None:
    add(ledger, A, "1.wav", "2.wav")
    add(ledger, BUCKET, "1.wav")
    assert ledger.reaches.take_over(A, B, NOON) == 2
    assert ledger.views.open_count((A,)) == 0
    assert ledger.intake.unseen([recording("1.wav"), recording("2.wav")], reach="host-b") == []
    assert ledger.views.open_count((BUCKET,)) == 1


def test_R22_what_was_sent_under_the_old_name_goes_on_and_its_second_finding_ends_as_a_duplicate(
    ledger: Ledger,
) -> None:
    add(ledger, A, "1.wav")
    sent = ledger.calls.save_draft(claim(ledger, A), NOON, DRAFT, "call-1", MEDIA)
    ledger.work.advance(sent, State.CREATED, NOON, call_id="777")
    add(ledger, B, "1.wav")
    again = entry_of(ledger, B, "1.wav")
    assert ledger.reaches.take_over(A, B, NOON) == 1
    assert entry_of(ledger, B, "1.wav").id == sent.id
    ended = entry_of(ledger, A, "1.wav")
    assert (ended.id, ended.state, ended.reason_code, ended.duplicate_of) == (
        again.id,
        State.SKIPPED,
        "duplicate",
        sent.id,
    )
    assert [event.code for event in ledger.views.events(again.id)] == [None, "duplicate"]


def test_R22_what_was_sent_under_the_new_name_meanwhile_stays(ledger: Ledger) -> None:
    add(ledger, A, "1.wav")
    add(ledger, B, "1.wav")
    sent = ledger.work.note_intent(claim(ledger, B), "create", NOON)
    assert ledger.reaches.take_over(A, B, NOON) == 0
    assert entry_of(ledger, B, "1.wav").id == sent.id
    ended = entry_of(ledger, A, "1.wav")
    assert (ended.state, ended.duplicate_of) == (State.SKIPPED, sent.id)


# --- bridges and turns -----------------------------------------------------------------------------------------------


def bridge(name: str, host: str, *lanes: Lane, seconds: float = 0, stopped: bool = False) -> BridgeSeen:
    at = after(seconds)
    return BridgeSeen(
        name=name, host=host, version="0.1.0", lanes=lanes, started_at=NOON, seen_at=at,
        stopped_at=at if stopped else None,
    )  # fmt: skip


def test_R28_a_bridge_is_remembered_with_its_last_sign_of_life(ledger: Ledger) -> None:
    ledger.bridges.seen(bridge("a:1", "a", A, BUCKET), 30)
    ledger.bridges.seen(bridge("b:1", "b", B), 30)
    ledger.bridges.seen(bridge("b:1", "b", B, seconds=50), 30)
    ledger.bridges.seen(bridge("c:1", "c", BUCKET, seconds=50, stopped=True), 30)
    told = [(one.host, one.is_running(after(70), 30)) for one in ledger.bridges.all()]
    assert told == [("a", False), ("b", True), ("c", False)]
    assert [one.host for one in ledger.bridges.running(after(70), 30)] == ["b"]


def test_a_bridge_that_starts_again_takes_the_place_of_its_dead_predecessor(ledger: Ledger) -> None:
    ledger.bridges.seen(bridge("a:1", "a", A), 30)
    ledger.bridges.seen(bridge("a:2", "a", A, seconds=10), 30)
    assert [one.name for one in ledger.bridges.all()] == ["a:2", "a:1"]  # both may live: two containers of one name
    ledger.bridges.seen(bridge("a:2", "a", A, seconds=61), 30)
    assert [one.name for one in ledger.bridges.all()] == ["a:2"]


def test_what_waits_for_a_bridge_that_does_not_run_is_told_with_the_one_that_served_it(ledger: Ledger) -> None:
    add(ledger, A, "1.wav", "2.wav")
    add(ledger, B, "1.wav")
    add(ledger, BUCKET, "1.wav")
    add(ledger, Lane("gone"), "1.wav")
    ledger.bridges.seen(bridge("a:1", "host-a", A), 30)
    ledger.bridges.seen(bridge("b:1", "host-b", B, seconds=100), 30)
    told = [
        (one.lane, one.count, one.last and one.last.host) for one in ledger.bridges.unserved(after(120), 30, (BUCKET,))
    ]
    assert told == [(Lane("gone"), 1, None), (A, 2, "host-a")]


def test_a_turn_has_one_holder_until_it_is_given_back_or_runs_out(ledger: Ledger) -> None:
    take = ledger.turns.take
    assert take("users", "a", NOON, 60)
    assert not take("users", "b", after(59), 60)
    assert take("other", "b", NOON, 60)
    assert take("users", "a", after(30), 60)
    assert not take("users", "b", after(89), 60)
    assert take("users", "b", after(90), 60)
    ledger.turns.give_back("users", "a")
    assert not take("users", "a", after(91), 60)
    ledger.turns.give_back("users", "b")
    assert take("users", "a", after(92), 60)


def test_one_look_tells_whether_there_is_work_without_taking_it(ledger: Ledger) -> None:
    add(ledger, A, "1.wav")
    assert [ledger.work.is_any(after(1), lanes) for lanes in ((A,), (B,), (A, B))] == [True, False, True]
    assert claimed(ledger, A, B) == "host-a:1.wav"
    assert not ledger.work.is_any(after(1), (A, B))
