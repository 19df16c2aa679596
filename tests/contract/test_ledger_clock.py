"""A clock that is set back: what was written down by it before waits for no moment that is over, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, Recording, State

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
SET_BACK = NOON - timedelta(hours=1)
"""What the clock says after it was set back by an hour."""
PBX = Lane("pbx", None)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def found(ledger: Ledger, key: str, now: datetime) -> None:
    recording = Recording(source="pbx", key=key, version="1", size_bytes=1000, modified_at=NOON)
    assert ledger.intake.add([recording], False, now) == 1


def claim(ledger: Ledger, now: datetime) -> Entry | None:
    return ledger.work.claim("another-host:1:1:dead", now, 30)


def bring_back(ledger: Ledger, now: datetime) -> int:
    return ledger.operator.bring_back_from_the_future(now, longest_wait=timedelta(days=2), lease=timedelta(seconds=30))


def now_in(ledger: Ledger, entry: Entry) -> Entry:
    stored = ledger.views.get(entry.id)
    assert stored is not None
    return stored


def test_R28_what_was_found_or_postponed_before_the_clock_was_set_back_is_due_at_once(ledger: Ledger) -> None:
    found(ledger, "postponed.wav", NOON)
    first = claim(ledger, NOON)
    assert first is not None
    ledger.work.postpone(first, NOON, NOON + timedelta(minutes=10), "service-down", "503", True)
    found(ledger, "found.wav", NOON)
    assert claim(ledger, SET_BACK) is None
    assert bring_back(ledger, SET_BACK) == 2
    assert bring_back(ledger, SET_BACK) == 0
    for key in ("found.wav", "postponed.wav"):
        entry = ledger.views.find_latest("pbx", key)
        assert entry is not None
        assert (entry.found_at, entry.updated_at, entry.due_at) == (SET_BACK, SET_BACK, SET_BACK)
        assert entry.attempts == (1 if key == "postponed.wav" else 0)
    assert claim(ledger, SET_BACK) is not None
    assert claim(ledger, SET_BACK) is not None


def test_R28_what_waits_since_before_then_goes_on_waiting(ledger: Ledger) -> None:
    """A back-off of three hours, noted while the clock was right; and a clock that goes a little after another's."""
    found(ledger, "a.wav", SET_BACK - timedelta(seconds=10))
    entry = claim(ledger, SET_BACK - timedelta(seconds=10))
    assert entry is not None
    due_at = SET_BACK + timedelta(hours=3)
    ledger.work.postpone(entry, SET_BACK + timedelta(seconds=4), due_at, "service-down", "503", True)
    assert bring_back(ledger, SET_BACK) == 0
    assert now_in(ledger, entry).due_at == due_at


def test_R28_a_wait_that_nobody_can_mean_ends_though_it_was_noted_in_the_past(ledger: Ledger) -> None:
    found(ledger, "a.wav", SET_BACK)
    entry = claim(ledger, SET_BACK)
    assert entry is not None
    ledger.work.postpone(entry, SET_BACK, SET_BACK + timedelta(days=3), "rate-limited", "the day is used up", False)
    assert bring_back(ledger, SET_BACK) == 1
    assert now_in(ledger, entry).due_at == SET_BACK


def test_R28_a_lease_of_the_future_ends_in_good_time_unless_its_heart_beats(ledger: Ledger) -> None:
    """The living are not interrupted; the dead keep an entry for one lease more."""
    found(ledger, "dead.wav", SET_BACK)
    found(ledger, "living.wav", SET_BACK)
    dead, living = claim(ledger, NOON), claim(ledger, NOON)
    assert dead is not None
    assert living is not None
    assert bring_back(ledger, SET_BACK) == 2
    assert ledger.work.renew([living.lease_token or ""], SET_BACK + timedelta(seconds=40)) == {living.lease_token}
    later = SET_BACK + timedelta(seconds=31)
    again = claim(ledger, later)
    assert again is not None
    assert again.id == dead.id
    assert claim(ledger, later) is None
    assert ledger.work.advance(living, State.DRAFTED, later).state is State.DRAFTED


def test_R28_gong_s_link_is_asked_about_from_now_on(ledger: Ledger) -> None:
    found(ledger, "a.wav", NOON)
    entry = claim(ledger, NOON)
    assert entry is not None
    drafted = ledger.calls.save_draft(entry, NOON, {"clientUniqueId": "call-1"}, "call-1", {})
    ledger.work.advance(drafted, State.CREATED, NOON, call_id="777", linked_at=NOON)
    assert bring_back(ledger, SET_BACK) == 2
    assert now_in(ledger, entry).linked_at == SET_BACK


def test_a_turn_of_the_future_can_be_taken(ledger: Ledger) -> None:
    assert ledger.turns.take("users", "one", NOON, 60)
    assert not ledger.turns.take("users", "two", NOON - timedelta(seconds=30), 60)
    assert ledger.turns.take("users", "two", SET_BACK, 60)
    assert not ledger.turns.take("users", "one", SET_BACK, 60)


def test_a_bridge_that_was_seen_an_hour_ahead_is_not_running(ledger: Ledger) -> None:
    """It says so itself within a third of a lease, when it lives; the dead one is forgotten with its successor."""

    def seen(name: str, now: datetime) -> None:
        bridge = BridgeSeen(name=name, host="pbx1", version="1", lanes=(PBX,), started_at=now, seen_at=now)
        ledger.bridges.seen(bridge, 30)

    seen("before", NOON)
    assert [one.name for one in ledger.bridges.running(NOON, 30)] == ["before"]
    assert ledger.bridges.running(SET_BACK, 30) == []
    seen("after", SET_BACK)
    assert [one.name for one in ledger.bridges.all()] == ["after"]
