"""R12, R22, R28: who leads a call in several files is decided once, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gong_bridge.errors import LeaseLost
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.groups import Roles
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, Recording, State

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
OWNER = "host:4711:12345:uuid"


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def claimed(ledger: Ledger, *keys: str) -> list[Entry]:
    """New recordings, each held by a worker."""
    found = [Recording(source="pbx", key=key, version="1", size_bytes=1000, modified_at=NOON) for key in keys]
    ledger.intake.add(found, False, NOON)
    entries = []
    for _ in keys:
        entry = ledger.work.claim(OWNER, NOON, 30)
        assert entry is not None
        entries.append(entry)
    return sorted(entries, key=lambda entry: keys.index(entry.key))


def grouped(ledger: Ledger, *keys: str) -> list[Entry]:
    """The same, files of one call."""
    return [
        ledger.groups.report(entry, NOON, group_key="c1", group_part=entry.key, media={"group": {}})
        for entry in claimed(ledger, *keys)
    ]


def led_by(leader: Entry, *, anew: bool = False) -> Callable[[Sequence[Entry], bool], Roles]:
    """The others follow this one."""

    def choose(members: Sequence[Entry], _unexamined: bool) -> Roles:
        others = {member.id: "part of the call" for member in members if member.id != leader.id}
        return Roles(leader=leader.id, followers=others, anew=anew)

    return choose


def now_in(ledger: Ledger, entry: Entry) -> Entry:
    found = ledger.views.get(entry.id)
    assert found is not None
    return found


def test_the_others_are_skipped_with_a_link_to_their_leader_in_the_same_transaction(ledger: Ledger) -> None:
    one, two, three = grouped(ledger, "a", "b", "c")
    _, mine = ledger.groups.decide(two, NOON, led_by(one))
    assert (mine.state, mine.reason_code, mine.duplicate_of) == (State.SKIPPED, "grouped", one.id)
    assert now_in(ledger, three).duplicate_of == one.id
    assert now_in(ledger, one).state is State.FOUND
    assert [entry.id for entry in ledger.groups.followers_of(one)] == [two.id, three.id]
    assert [event.code for event in ledger.views.events(two.id)] == [None, "grouped"]


def test_a_leader_that_somebody_works_on_with_fewer_files_is_taken_from_them(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    ledger.groups.decide(two, NOON, led_by(one))
    with pytest.raises(LeaseLost):
        ledger.calls.save_draft(one, NOON, {"clientUniqueId": "c1"}, "c1", {})
    again = ledger.work.claim(OWNER, NOON, 30)
    assert again is not None
    assert again.id == one.id


def test_a_follower_that_somebody_works_on_decides_nothing_any_more(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    ledger.groups.decide(one, NOON, led_by(one))
    with pytest.raises(LeaseLost):
        ledger.groups.decide(two, NOON, led_by(two))


def test_what_choosing_raises_changes_nothing(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")

    def choose(members: Sequence[Entry], _unexamined: bool) -> Roles:
        assert [member.id for member in members] == [one.id, two.id]
        raise LookupError

    with pytest.raises(LookupError):
        ledger.groups.decide(one, NOON, choose)
    assert now_in(ledger, one) == one
    assert now_in(ledger, two) == two


def test_a_leader_whose_call_was_sent_stays_as_it_is(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    sent = ledger.work.advance(
        ledger.calls.save_draft(one, NOON, {"clientUniqueId": "c1"}, "c1", {}), State.CREATED, NOON, call_id="7"
    )
    ledger.groups.decide(two, NOON, led_by(one, anew=True))
    assert now_in(ledger, one) == sent


def test_a_leader_drafted_for_other_files_is_looked_at_again_and_gives_its_id_free(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    ledger.calls.save_draft(one, NOON, {"clientUniqueId": "c1"}, "c1", {"group": {}})
    ledger.groups.decide(two, NOON, led_by(one, anew=True))
    leader = now_in(ledger, one)
    assert (leader.state, leader.draft, leader.owns_call) == (State.FOUND, None, False)
    assert ledger.calls.owner_of("c1") is None


def test_files_that_nobody_has_looked_at_are_told_but_those_that_wait_are_not(ledger: Ledger) -> None:
    (one,) = grouped(ledger, "a")
    told: list[bool] = []

    def choose(_members: Sequence[Entry], unexamined: bool) -> None:
        told.append(unexamined)

    ledger.groups.decide(one, NOON, choose)
    (other,) = claimed(ledger, "b")
    ledger.groups.decide(one, NOON, choose)
    ledger.work.postpone(other, NOON, NOON + timedelta(hours=1), "waiting-for-sidecar", "no sidecar yet", False)
    ledger.groups.decide(one, NOON, choose)
    assert told == [False, True, False]


def test_the_followers_of_a_leader_that_vanished_or_changed_are_looked_at_again(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    _, one_leads = ledger.groups.decide(one, NOON, led_by(one))
    ledger.work.skip(one_leads, NOON, "gone", "the file is gone")
    assert now_in(ledger, two).state is State.FOUND
    assert [event.code for event in ledger.views.events(two.id)][-1] == "group-changed"


def test_a_new_version_of_the_leader_frees_its_followers_and_belongs_to_no_group_yet(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    ledger.groups.decide(one, NOON, led_by(one))
    ledger.intake.add([Recording(source="pbx", key="a", version="2", size_bytes=1000, modified_at=NOON)], False, NOON)
    assert now_in(ledger, one).group_key is None
    assert now_in(ledger, two).state is State.FOUND


def test_other_sources_and_files_that_a_person_skipped_are_no_members(ledger: Ledger) -> None:
    one, two = grouped(ledger, "a", "b")
    ledger.operator.skip_by_operator(EntryFilter(ids=(two.id,)), now=NOON, reason="not wanted")
    assert [member.id for member in ledger.groups.members(one)] == [one.id]


def test_R28_of_many_workers_that_decide_at_once_exactly_one_leads(ledger: Ledger) -> None:
    entries = grouped(ledger, *(f"{number}" for number in range(8)))
    barrier = threading.Barrier(len(entries))
    led: list[int] = []

    def work(entry: Entry) -> None:
        barrier.wait()
        try:
            roles, after = ledger.groups.decide(entry, NOON, led_by(entries[3]))
        except LeaseLost:
            return
        assert roles is not None
        if after.state is State.FOUND:
            led.append(after.id)

    threads = [threading.Thread(target=work, args=(entry,)) for entry in entries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    states = [now_in(ledger, entry).state for entry in entries]
    assert states.count(State.FOUND) == 1
    assert states.count(State.SKIPPED) == 7
    assert led in ([], [entries[3].id])
