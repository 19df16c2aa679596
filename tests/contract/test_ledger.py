"""The laws of the ledger, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gong_bridge.errors import LeaseLost
from gong_bridge.ledger.calls import DuplicateCall
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.queries import HeldGroup, as_json, event_as_json
from gong_bridge.model import Entry, GongUser, Recording, SourceHealth, State
from gong_bridge.recording_page import RecordingPage

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
OWNER = "host:4711:12345:uuid"
DRAFT = {"clientUniqueId": "call-1", "title": "Ünïcode \ud800 \x00"}
MEDIA = {"container": "wav", "fingerprint": "f00d"}


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def recording(key: str = "a.wav", version: str = "1", source: str = "pbx") -> Recording:
    return Recording(source=source, key=key, version=version, size_bytes=1000, modified_at=NOON)


def add(ledger: Ledger, *recordings: Recording, backlog: bool = False, now: datetime = NOON) -> int:
    return ledger.intake.add(recordings or [recording()], backlog, now)


def claim(ledger: Ledger, now: datetime = NOON, **options: Any) -> Entry:
    entry = ledger.work.claim(OWNER, now, 30, **options)
    assert entry is not None
    return entry


def drafted(ledger: Ledger, key: str = "a.wav", call: str = "call-1") -> Entry:
    add(ledger, recording(key))
    return ledger.calls.save_draft(claim(ledger), NOON, DRAFT, call, MEDIA)


def created(ledger: Ledger, key: str = "a.wav", call: str = "call-1") -> Entry:
    entry = ledger.work.note_intent(drafted(ledger, key, call), "create", NOON)
    return ledger.work.advance(entry, State.CREATED, NOON, call_id="777", http_status=201, request_id="r-1")


def now_in(ledger: Ledger, entry: Entry) -> Entry:
    found = ledger.views.get(entry.id)
    assert found is not None
    return found


def story(ledger: Ledger, entry: Entry) -> list[tuple[str | None, str, str | None]]:
    return [(event.from_state, event.to_state, event.code) for event in ledger.views.events(entry.id)]


# --- intake ----------------------------------------------------------------------------------------------------------


def test_R14_a_recording_seen_again_is_the_same_row(ledger: Ledger) -> None:
    assert add(ledger, recording(), recording("b.wav")) == 2
    assert add(ledger, recording(), recording("b.wav")) == 0
    assert ledger.intake.unseen([recording(), recording("c.wav")]) == [recording("c.wav")]


def test_R14_two_sources_may_have_the_same_key(ledger: Ledger) -> None:
    assert add(ledger, recording(source="pbx"), recording(source="connect")) == 2
    assert ledger.views.counts() == {"pbx": {"found": 1}, "connect": {"found": 1}}


def test_R1_a_batch_of_thousands_is_written_whole_and_once(ledger: Ledger) -> None:
    many = [recording(f"{number}.wav") for number in range(1203)]
    assert ledger.intake.add([*many, *many], True, NOON) == 1203
    assert ledger.intake.unseen(many) == []
    assert ledger.views.open_count() == 1203


def test_R14_a_sorted_page_is_compared_row_by_row_with_whatever_lies_between(ledger: Ledger) -> None:
    """Changed and new ones are told, known ones are not; of many rows between two keys none hides another."""
    known = [recording(f"{number:04}.wav") for number in range(0, 2000, 2)]
    add(ledger, *known)
    page = [*known[:3], recording("0005-new.wav"), recording("0006.wav", "3"), known[-1]]
    assert ledger.intake.unseen(page) == [page[3], page[4]]
    assert ledger.intake.unseen(known[300:]) == []
    assert ledger.intake.unseen(known[300:][::-1]) == []


def test_R14_keys_in_the_order_of_their_bytes_are_known_however_the_database_sorts(ledger: Ledger) -> None:
    keys = sorted(["B.wav", "a.wav", "A-1.wav", "A 2.wav", "_.wav", "ä.wav", "z.wav", "Ω.wav", "🎧.wav"])
    add(ledger, *(recording(key) for key in keys))
    assert ledger.intake.unseen([recording(key) for key in keys]) == []
    assert ledger.intake.unseen([recording(key, "2") for key in keys]) == [recording(key, "2") for key in keys]


@pytest.mark.parametrize("hostile", ["a.wav\x011\x02b.wav", "a.wav\x01b.wav", "a.wav\x02"])
def test_R14_no_name_hides_what_lies_beside_it(ledger: Ledger, hostile: str) -> None:
    """These characters stand between keys where a page is compared as one text."""
    add(ledger, recording(hostile), recording("a0.wav"))
    page = [recording("a.wav"), recording("b.wav")]
    assert ledger.intake.unseen(page) == page
    assert ledger.intake.unseen([recording(hostile)]) == []
    assert ledger.intake.unseen([recording("a.wav"), recording(hostile), recording("b.wav")]) == page


def test_R14_in_a_page_only_what_was_gone_is_told_again(ledger: Ledger) -> None:
    add(ledger)
    ledger.work.skip(claim(ledger), NOON, "gone", "deleted before it was sent")
    page = [recording(), recording("b.wav"), recording("c.wav")]
    add(ledger, *page[1:])
    assert ledger.intake.unseen(page) == [recording()]


def test_R14_of_a_page_only_what_is_new_or_changed_becomes_a_recording(ledger: Ledger) -> None:
    seen = [recording(f"{number}.wav") for number in range(5)]
    add(ledger, *seen)
    seen[1], seen[3] = recording("1.wav", "2"), recording("3-new.wav")
    made: list[int] = []

    def make(place: int) -> Recording:
        made.append(place)
        return seen[place]

    page = RecordingPage("pbx", [one.key for one in seen], [one.version for one in seen], make)
    assert ledger.intake.unseen(page) == [recording("1.wav", "2"), recording("3-new.wav")]
    assert made == [1, 3]
    assert ledger.intake.unseen(page.without(lambda key: key == "1.wav")) == [recording("3-new.wav")]


def test_hostile_keys_come_back_as_they_were(ledger: Ledger) -> None:
    keys = ["'; DROP TABLE entries; --.wav", 'a "b"\n.wav', "../../etc/x.wav", "-rf.wav", "%s:name.wav", "Ünï 🎧.wav"]
    add(ledger, *(recording(key) for key in keys))
    assert sorted(entry.key for entry in ledger.views.entries()) == sorted(keys)
    assert ledger.intake.unseen([recording(key) for key in keys]) == []


def test_a_new_entry_holds_what_the_source_saw(ledger: Ledger) -> None:
    add(ledger)
    (entry,) = ledger.views.entries()
    assert entry.recording == recording()
    assert (entry.state, entry.attempts, entry.due_at, entry.found_at) == (State.FOUND, 0, NOON, NOON)
    assert story(ledger, entry) == [(None, "found", None)]


def test_a_new_version_takes_over_the_row_while_nothing_was_sent(ledger: Ledger) -> None:
    entry = ledger.work.postpone(drafted(ledger), NOON, after(900), "source-changed", "it grew", True)
    assert add(ledger, recording(version="2"), now=after(1)) == 1
    again = now_in(ledger, entry)
    assert (again.version, again.state, again.attempts, again.due_at) == ("2", State.FOUND, 0, after(1))
    assert (again.draft, again.reason_code, again.owns_call, again.client_unique_id) == (None, None, False, None)
    assert story(ledger, entry)[-1] == ("drafted", "found", "new-version")


def test_a_worker_on_the_old_version_loses_its_lease(ledger: Ledger) -> None:
    add(ledger)
    entry = claim(ledger)
    add(ledger, recording(version="2"))
    with pytest.raises(LeaseLost):
        ledger.calls.save_draft(entry, NOON, DRAFT, "call-1", MEDIA)
    assert now_in(ledger, entry).draft is None


@pytest.mark.parametrize("code", ["bad-media", "unknown-person"])
def test_a_new_version_of_a_held_recording_starts_afresh(ledger: Ledger, code: str) -> None:
    add(ledger)
    entry = ledger.work.hold(claim(ledger), NOON, code, "why", person="extension 299")
    add(ledger, recording(version="2"))
    again = now_in(ledger, entry)
    assert (again.state, again.held_from, again.reason, again.person) == (State.FOUND, None, None, None)


def test_R22_a_new_version_leaves_a_row_whose_post_may_be_under_way_alone(ledger: Ledger) -> None:
    entry = ledger.work.note_intent(drafted(ledger), "create", NOON)
    assert add(ledger, recording(version="2")) == 1
    assert now_in(ledger, entry).version == "1"
    successor = ledger.views.successor_of(entry)
    assert successor is not None
    assert (successor.version, successor.replaces, successor.state) == ("2", entry.id, State.FOUND)


def test_R11_a_new_version_of_a_delivered_recording_is_a_row_that_replaces_it(ledger: Ledger) -> None:
    entry = ledger.work.advance(created(ledger), State.DONE, NOON)
    add(ledger, recording(version="2"))
    latest = ledger.views.find_latest("pbx", "a.wav")
    assert latest is not None
    assert (latest.replaces, now_in(ledger, entry).state) == (entry.id, State.DONE)


def test_two_versions_in_one_batch_are_taken_in_their_order(ledger: Ledger) -> None:
    assert add(ledger, recording(version="1"), recording(version="2")) == 2
    (entry,) = ledger.views.entries()
    assert entry.version == "2"


def test_what_an_operator_skipped_is_not_taken_up_by_a_new_version(ledger: Ledger) -> None:
    add(ledger)
    ledger.operator.skip_by_operator(EntryFilter(), NOON, "test call")
    add(ledger, recording(version="2"))
    first, second = ledger.views.entries()
    assert (first.state, first.reason_code, second.replaces) == (State.SKIPPED, "operator", first.id)


def test_a_file_that_was_gone_and_came_back_is_taken_up_again(ledger: Ledger) -> None:
    add(ledger)
    entry = ledger.work.skip(claim(ledger), NOON, "gone", "deleted before it was sent")
    assert ledger.intake.unseen([recording()]) == [recording()]
    assert add(ledger, recording(), now=after(60)) == 1
    again = now_in(ledger, entry)
    assert (again.state, again.due_at, again.reason_code) == (State.FOUND, after(60), None)
    assert add(ledger) == 0


def test_a_call_whose_recording_came_back_goes_on_by_itself(ledger: Ledger) -> None:
    """Not that of a call in several files, of which another one may be missing."""
    entry = ledger.work.hold(created(ledger), NOON, "source-gone", "the call is in Gong without media", None)
    assert ledger.intake.unseen([recording()]) == [recording()]
    assert add(ledger, recording(), now=after(60)) == 1
    again = now_in(ledger, entry)
    assert (again.state, again.due_at, again.call_id, again.reason_code) == (State.CREATED, after(60), "777", None)
    part = ledger.work.hold(claim(ledger, after(60)), after(60), "source-gone", "still without media", None)
    with ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET group_key = 'call'")
    assert ledger.intake.unseen([recording()]) == []
    assert add(ledger, recording()) == 0
    assert now_in(ledger, part).state is State.HELD


# --- claims and leases -----------------------------------------------------------------------------------------------


def test_R28_an_entry_is_claimed_by_one_worker_only(ledger: Ledger) -> None:
    add(ledger)
    entry = claim(ledger)
    assert entry.lease_token is not None
    assert entry.lease_token.startswith(OWNER)
    assert ledger.work.claim("another", after(29), 30) is None


def test_R28_an_abandoned_lease_is_rescued_when_it_has_run_out(ledger: Ledger) -> None:
    add(ledger)
    first = claim(ledger)
    second = claim(ledger, after(31))
    assert second.id == first.id
    assert second.lease_token != first.lease_token
    with pytest.raises(LeaseLost):
        ledger.work.advance(first, State.DRAFTED, after(31))
    assert ledger.work.renew([first.lease_token or "", second.lease_token or ""], after(90)) == {second.lease_token}


def test_R28_a_heartbeat_keeps_the_lease(ledger: Ledger) -> None:
    add(ledger)
    entry = claim(ledger)
    ledger.work.renew([entry.lease_token or ""], after(60))
    assert ledger.work.claim("another", after(31), 30) is None


def test_R28_what_a_dead_process_left_is_freed_at_once(ledger: Ledger) -> None:
    add(ledger, recording("a.wav"), recording("b.wav"))
    dead = claim(ledger)
    alive = ledger.work.claim("host:2:2:x", NOON, 30)
    assert alive is not None
    asked: list[str] = []
    assert ledger.work.release_dead(lambda owner: bool(asked.append(owner)) or owner == "host:2:2:x", NOON) == 1
    assert sorted(asked) == ["host:2:2:x", OWNER]
    assert claim(ledger, after(1)).id == dead.id
    assert story(ledger, dead)[-1] == ("found", "found", "worker-died")
    ledger.work.release(alive, NOON)


def test_R26_fresh_calls_go_first_newest_foremost_then_live_then_backlog(ledger: Ledger) -> None:
    add(ledger, recording("backlog.wav"), backlog=True, now=after(-5000))
    add(ledger, recording("older.wav"), now=after(-3000))
    add(ledger, recording("old.wav"), now=after(-2000))
    add(ledger, recording("fresh.wav"), now=after(-20))
    add(ledger, recording("freshest.wav"), now=after(-10))
    order = ["freshest.wav", "fresh.wav", "older.wav", "old.wav", "backlog.wav"]
    assert [claim(ledger).key for _ in order] == order


def test_R26_a_worker_for_live_calls_leaves_the_backlog_alone(ledger: Ledger) -> None:
    add(ledger, recording("backlog.wav"), backlog=True)
    assert ledger.work.claim(OWNER, NOON, 30, live_only=True) is None
    add(ledger, recording("live.wav"))
    assert claim(ledger, live_only=True).key == "live.wav"


def test_only_open_entries_that_are_due_are_claimed(ledger: Ledger) -> None:
    add(ledger)
    assert ledger.work.claim(OWNER, after(-1), 30) is None
    ledger.work.hold(claim(ledger), NOON, "bad-media", "silent throughout")
    assert ledger.work.claim(OWNER, after(1), 30) is None


def test_release_gives_the_entry_back_as_it_is(ledger: Ledger) -> None:
    add(ledger)
    ledger.work.release(claim(ledger), NOON)
    again = claim(ledger)
    assert (again.attempts, again.state) == (0, State.FOUND)


# --- steps -----------------------------------------------------------------------------------------------------------


def test_a_whole_life_is_written_down_step_by_step(ledger: Ledger) -> None:
    entry = ledger.work.advance(created(ledger), State.DELIVERED, NOON)
    done = ledger.work.advance(entry, State.DONE, after(5))
    stored = now_in(ledger, entry)
    assert stored == dataclasses.replace(done, lease_until=None)
    assert (stored.call_id, stored.intent, stored.lease_token, stored.updated_at) == ("777", None, None, after(5))
    assert stored.draft == DRAFT
    assert [to for _, to, _ in story(ledger, entry)] == ["found", "drafted", "created", "delivered", "done"]
    (event,) = [event for event in ledger.views.events(entry.id) if event.to_state is State.CREATED]
    assert (event.http_status, event.request_id) == (201, "r-1")


def test_a_state_never_moves_back(ledger: Ledger) -> None:
    entry = created(ledger)
    with pytest.raises(ValueError, match="cannot go from created to drafted"):
        ledger.work.advance(entry, State.DRAFTED, NOON)
    with pytest.raises(ValueError, match="may have been sent"):
        ledger.calls.save_draft(entry, NOON, DRAFT, "call-1", MEDIA)


def test_R22_the_intent_stays_through_a_wait_and_ends_with_the_step(ledger: Ledger) -> None:
    entry = ledger.work.note_intent(drafted(ledger), "create", NOON)
    ledger.work.postpone(entry, NOON, after(5), "unclear", "no answer", True)
    again = claim(ledger, after(5))
    assert (again.intent, again.state) == ("create", State.DRAFTED)
    assert ledger.work.advance(again, State.CREATED, after(6), call_id="1").intent is None


def test_R27_a_wait_that_is_not_the_recordings_fault_keeps_the_attempts(ledger: Ledger) -> None:
    add(ledger)
    for _ in range(3):
        ledger.work.postpone(claim(ledger), NOON, NOON, "rate-limited", "the day is used up", False)
    entry = ledger.work.postpone(claim(ledger), NOON, NOON, "service-down", "503", True, http_status=503)
    assert entry.attempts == 1
    assert story(ledger, entry) == [
        (None, "found", None),
        ("found", "found", "rate-limited"),  # three waits for one reason are one line
        ("found", "found", "service-down"),
    ]


def test_R29_a_held_entry_tells_why_and_comes_back_to_where_it_was(ledger: Ledger) -> None:
    entry = ledger.work.hold(created(ledger), NOON, "refused-by-gong", "not enabled", None, 409, "r-9")
    held = now_in(ledger, entry)
    assert (held.state, held.held_from, held.reason_code) == (State.HELD, State.CREATED, "refused-by-gong")
    assert (held.http_status, held.request_id, held.lease_token) == (409, "r-9", None)
    assert ledger.operator.retry(EntryFilter(code="refused-by-gong"), after(5)) == 1
    again = claim(ledger, after(5))
    assert (again.state, again.attempts, again.reason, again.call_id) == (State.CREATED, 0, None, "777")


def test_R29_rejected_entries_come_back_by_filter_and_skipped_ones_by_id_only(ledger: Ledger) -> None:
    add(ledger, recording("a.wav"), recording("b.wav"))
    rejected = ledger.work.reject(claim(ledger), NOON, "service-down", "40 attempts")
    skipped = ledger.work.skip(claim(ledger), NOON, "too-short", "9 s")
    assert ledger.operator.retry(EntryFilter(source="pbx"), after(9)) == 1
    assert now_in(ledger, rejected).state is State.FOUND
    assert ledger.operator.retry(EntryFilter(ids=(skipped.id,)), after(9)) == 1
    assert story(ledger, skipped)[-1] == ("skipped", "found", "retried")


def test_an_operator_can_end_a_wait_but_not_take_an_entry_from_its_worker(ledger: Ledger) -> None:
    add(ledger, recording("a.wav"), recording("b.wav"))
    waiting = ledger.work.postpone(claim(ledger), NOON, after(3600), "service-down", "503", True)
    working = claim(ledger)
    assert ledger.operator.hurry(EntryFilter(source="pbx"), after(5)) == 1
    assert claim(ledger, after(5)).id == waiting.id
    assert now_in(ledger, waiting).attempts == 1
    assert now_in(ledger, working).lease_token == working.lease_token


def test_R29_a_cured_cause_lets_its_entries_go_on(ledger: Ledger) -> None:
    add(ledger, recording("a.wav"), recording("b.wav"), recording("c.wav"))
    for person in ("extension 204", "extension 205"):
        ledger.work.hold(claim(ledger), NOON, "unknown-person", "who?", person=person)
    ledger.work.hold(claim(ledger), NOON, "bad-media", "silent")
    assert ledger.views.held_groups() == [
        HeldGroup(code="bad-media", person=None, count=1, entry_id=1),
        HeldGroup(code="unknown-person", person="extension 204", count=1, entry_id=3),
        HeldGroup(code="unknown-person", person="extension 205", count=1, entry_id=2),
    ]
    assert ledger.operator.reopen_held(NOON, persons=("extension 204",)) == 1
    assert ledger.operator.reopen_held(NOON, codes=("unknown-person",)) == 1
    assert ledger.views.counts() == {"pbx": {"found": 2, "held": 1}}


def test_R29_a_cured_source_lets_only_its_own_entries_go_on(ledger: Ledger) -> None:
    add(ledger, recording("a.wav"), recording("b.wav", source="other"))
    for _ in range(2):
        ledger.work.hold(claim(ledger), NOON, "bad-metadata", "no pattern")
    assert ledger.operator.reopen_held(NOON, codes=("bad-metadata",), source="other") == 1
    assert ledger.views.counts() == {"pbx": {"held": 1}, "other": {"found": 1}}


def test_unknown_people_are_counted_with_their_first_and_last_recording(ledger: Ledger) -> None:
    for minute, person in enumerate(("extension 204", "login x", "extension 204")):
        add(ledger, recording(f"{minute}.wav"), now=after(60 * minute))
        ledger.work.hold(claim(ledger, now=after(60 * minute)), NOON, "unknown-person", "who?", person=person)
    one, other = ledger.views.unknown_people(EntryFilter())
    assert (one.person, one.count, one.first_found_at, one.last_found_at, one.entry_id) == (
        "extension 204", 2, NOON, after(120), 1,
    )  # fmt: skip
    assert (other.person, other.count) == ("login x", 1)
    assert ledger.views.unknown_people(EntryFilter(source="other")) == []


def test_R9_what_a_sidecar_says_after_the_call_was_created_is_noted_once(ledger: Ledger) -> None:
    """Also while a worker holds the entry; the state and the lease stay as they are."""
    entry = created(ledger)
    said: dict[str, Any] = {
        "key": "a.json",
        "code": "sidecar-late",
        "reason": "late",
        "remark": "degraded",
        "now": NOON,
    }
    assert ledger.descriptions.note(entry, digest="1", **said)
    assert not ledger.descriptions.note(entry, digest="1", **said)  # another process saw the same
    assert story(ledger, entry)[-1] == ("created", "created", "sidecar-late")
    noted = now_in(ledger, entry)
    assert (noted.sidecar_key, noted.sidecar_digest, noted.remark) == ("a.json", "1", "degraded")
    assert noted.lease_token == entry.lease_token
    assert [one.id for one in ledger.views.entries(EntryFilter(code="degraded"))] == [entry.id]
    assert ledger.views.remark_counts() == {"degraded": 1}
    assert ledger.descriptions.created_since(NOON, limit=10) == [entry.id]
    assert ledger.descriptions.created_since(after(86_400), limit=10) == []


def test_R29_bulk_verbs_reach_thousands(ledger: Ledger) -> None:
    add(ledger, *(recording(f"{number}.wav") for number in range(1201)))
    assert ledger.operator.skip_by_operator(EntryFilter(), NOON, "a test run") == 1201
    assert ledger.operator.retry(EntryFilter(ids=tuple(range(1, 1202))), NOON) == 1201
    assert ledger.views.counts() == {"pbx": {"found": 1201}}


def test_an_operator_skips_what_a_worker_holds(ledger: Ledger) -> None:
    entry = drafted(ledger)
    assert ledger.operator.skip_by_operator(EntryFilter(ids=(entry.id,)), NOON, "private") == 1
    with pytest.raises(LeaseLost):
        ledger.work.note_intent(entry, "create", NOON)
    assert (now_in(ledger, entry).owns_call, now_in(ledger, entry).held_from) == (False, State.DRAFTED)


def test_a_skipped_draft_is_drafted_anew_because_another_may_own_its_call_now(ledger: Ledger) -> None:
    entry = drafted(ledger)
    ledger.operator.skip_by_operator(EntryFilter(), NOON, "private")
    ledger.operator.retry(EntryFilter(ids=(entry.id,)), NOON)
    assert now_in(ledger, entry).state is State.FOUND


# --- whose call it is ------------------------------------------------------------------------------------------------


def test_R12_a_second_draft_of_one_call_names_its_owner(ledger: Ledger) -> None:
    owner = drafted(ledger)
    add(ledger, recording("copy.wav"))
    copy = claim(ledger)
    with pytest.raises(DuplicateCall) as refused:
        ledger.calls.save_draft(copy, NOON, DRAFT, "call-1", MEDIA)
    assert refused.value.owner.id == owner.id
    skipped = ledger.work.skip(copy, NOON, "duplicate", f"same call as entry {owner.id}", duplicate_of=owner.id)
    assert (now_in(ledger, skipped).state, now_in(ledger, skipped).duplicate_of) == (State.SKIPPED, owner.id)


def test_a_skip_without_a_call_frees_the_call_and_with_one_keeps_it(ledger: Ledger) -> None:
    ledger.work.skip(drafted(ledger, "a.wav", "call-a"), NOON, "mapping-rule", "internal")
    ledger.work.skip(created(ledger, "b.wav", "call-b"), NOON, "changed", "on_change")
    under_way = ledger.work.note_intent(drafted(ledger, "c.wav", "call-c"), "create", NOON)
    ledger.work.skip(under_way, NOON, "gone", "deleted")
    assert ledger.calls.owner_of("call-a") is None
    assert ledger.calls.owner_of("call-b") is not None
    assert ledger.calls.owner_of("call-c") is not None


def test_a_better_recording_takes_a_call_over(ledger: Ledger) -> None:
    owner = created(ledger)
    add(ledger, recording("better.wav"))
    better = ledger.calls.take_over_call(claim(ledger), owner, NOON, media=MEDIA)
    stored, left = now_in(ledger, better), now_in(ledger, owner)
    assert (stored.state, stored.call_id, stored.owns_call, stored.draft) == (State.CREATED, "777", True, DRAFT)
    assert (left.state, left.reason_code, left.duplicate_of) == (State.SKIPPED, "superseded", better.id)
    assert (left.call_id, left.owns_call, left.lease_token) == (None, False, None)
    with pytest.raises(LeaseLost):
        ledger.work.advance(owner, State.DELIVERED, NOON)


def test_taking_over_an_unclear_create_takes_the_intent_along(ledger: Ledger) -> None:
    owner = ledger.work.note_intent(drafted(ledger), "create", NOON)
    add(ledger, recording("better.wav"))
    better = ledger.calls.take_over_call(claim(ledger), owner, NOON, draft={"clientUniqueId": "other"})
    assert (better.state, better.intent, better.draft) == (State.DRAFTED, "create", DRAFT)


def test_a_call_that_its_owner_gave_free_can_still_be_taken_over(ledger: Ledger) -> None:
    owner = drafted(ledger)
    ledger.operator.skip_by_operator(EntryFilter(), NOON, "private")
    add(ledger, recording(version="2"))
    entry = ledger.calls.take_over_call(claim(ledger), owner, NOON, draft={"title": "new"}, media=MEDIA)
    assert (entry.state, entry.owns_call, entry.draft) == (State.DRAFTED, True, {"title": "new"})


def test_new_media_adopts_the_call_and_leaves_it_to_its_owner(ledger: Ledger) -> None:
    first = ledger.work.advance(created(ledger), State.DONE, NOON)
    add(ledger, recording(version="2"))
    second = ledger.calls.adopt_call(claim(ledger), first, NOON, None, MEDIA)
    stored = now_in(ledger, second)
    assert (stored.state, stored.call_id, stored.draft, stored.replaces) == (State.CREATED, "777", DRAFT, first.id)
    assert (stored.owns_call, now_in(ledger, first).owns_call) == (False, True)


# --- lists and small facts -------------------------------------------------------------------------------------------


def test_lists_stream_by_filter_and_limit(ledger: Ledger) -> None:
    add(ledger, *(recording(f"{number}.wav") for number in range(1100)))
    ledger.work.hold(claim(ledger), NOON, "bad-media", "silent")
    assert sum(1 for _ in ledger.views.entries()) == 1100
    assert [entry.id for entry in ledger.views.entries(EntryFilter(states=(State.HELD,)))] == [1100]
    assert [entry.id for entry in ledger.views.entries(limit=2)] == [1, 2]
    assert [entry.id for entry in ledger.views.entries(limit=2, newest_first=True)] == [1100, 1099]
    assert list(ledger.views.entries(EntryFilter(older_than=NOON))) == []
    assert list(ledger.views.entries(EntryFilter(ids=()))) == []


def test_an_export_line_has_the_fixed_names(ledger: Ledger) -> None:
    entry = created(ledger)
    (line,) = ledger.views.export(with_events=True)
    assert {key: line[key] for key in ("id", "source", "key", "state", "client_unique_id", "call_id", "attempts")} == {
        "id": entry.id,
        "source": "pbx",
        "key": "a.wav",
        "state": "created",
        "client_unique_id": "call-1",
        "call_id": "777",
        "attempts": 0,
    }
    assert (line["due_at"], line["reason"], line["draft"]) == ("2025-03-04T12:00:00+00:00", None, DRAFT)
    assert [event["to"] for event in line["events"]] == ["found", "drafted", "created"]
    assert as_json(entry)["working"] is True
    assert event_as_json(ledger.views.events(entry.id)[0])["from"] is None


def test_the_oldest_waiting_entry_is_the_one_found_first(ledger: Ledger) -> None:
    assert ledger.views.oldest_waiting(NOON) is None
    add(ledger, recording("live.wav"), now=after(-100))
    add(ledger, recording("backlog.wav"), backlog=True, now=after(-200))
    oldest = ledger.views.oldest_waiting(NOON)
    assert oldest is not None
    assert oldest.key == "backlog.wav"


def test_gongs_users_are_replaced_as_a_whole(ledger: Ledger) -> None:
    assert (ledger.people.users(), ledger.people.users_fetched_at()) == ([], None)
    agent = GongUser(id="12345678901234567890", email="agent-201@example.com", aliases=("a@example.com",), active=False)
    other = GongUser(id="2", email="agent-202@example.com", telephony_calls_imported=False)
    ledger.people.replace_users([agent, other], NOON)
    assert ledger.people.users() == [agent, other]
    ledger.people.replace_users([other], after(5))
    assert (ledger.people.users(), ledger.people.users_fetched_at()) == ([other], after(5))


def test_R29_a_pause_is_shared_and_remembers_since_when(ledger: Ledger) -> None:
    ledger.notes.pause("bad-credentials", "401", after(60), NOON)
    ledger.notes.pause("bad-credentials", "401", after(180), after(60))
    state = ledger.notes.pause_state()
    assert state is not None
    assert (state.code, state.until, state.since) == ("bad-credentials", after(180), NOON)
    ledger.notes.resume()
    assert ledger.notes.pause_state() is None


def test_a_source_reports_its_health_in_place_of_the_last_report(ledger: Ledger) -> None:
    ledger.notes.save_health(SourceHealth(source="pbx", healthy=False, message="unmounted", updated_at=NOON))
    health = SourceHealth(source="pbx", healthy=True, message="", watch="native", scanned=5, last_scan_at=NOON)
    ledger.notes.save_health(health)
    assert ledger.notes.health() == [health]


def test_notes_keep_small_json_values(ledger: Ledger) -> None:
    ledger.notes.set_note("cursor", {"key": "a/b", "n": [1, None]})
    assert ledger.notes.get_note("cursor") == {"key": "a/b", "n": [1, None]}
    ledger.notes.set_note("cursor", None)
    assert ledger.notes.get_note("cursor") is None


def test_a_reason_that_quotes_a_hostile_file_name_can_be_stored(ledger: Ledger) -> None:
    add(ledger)
    entry = ledger.work.hold(claim(ledger), NOON, "bad-media", "cannot read \udcff\x00" + "x" * 9000)
    reason = now_in(ledger, entry).reason
    assert reason is not None
    assert reason.startswith("cannot read ?")
    assert len(reason) == 4000


def test_R26_by_choice_the_newest_recording_goes_first_but_live_before_backlog(ledger: Ledger) -> None:
    ages = {"old.wav": 9000, "new.wav": 7000, "middle.wav": 8000}
    for key, age_seconds in ages.items():
        add(ledger, dataclasses.replace(recording(key), modified_at=after(-age_seconds)), backlog=True)
    add(ledger, dataclasses.replace(recording("live.wav"), modified_at=after(-6000)), now=after(-3000))
    order: list[str] = []
    while (entry := ledger.work.claim(OWNER, NOON, 30, order="newest")) is not None:
        order.append(entry.key)
    assert order == ["live.wav", "new.wav", "middle.wav", "old.wav"]


def test_R26_a_call_that_was_begun_gets_its_media_before_another_is_begun(ledger: Ledger) -> None:
    begun = created(ledger)
    ledger.work.postpone(begun, NOON, after(10), "rate-limited", "later", False)
    add(ledger, recording("waits-longer.wav"))
    assert claim(ledger, after(20)).id == begun.id
