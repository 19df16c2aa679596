"""What the ledger remembers of erased people, on SQLite and PostgreSQL: all that matters, and nobody's name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gong_bridge.errors import LeaseLost
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.moving import move_ledger
from gong_bridge.model import Entry, State
from tests.contract.test_ledger import MEDIA, NOON, add, after, claim, now_in, recording, story

NUMBER = "+12025550143"
PERSON = "aaaaaaaaaaaa"
OTHER = "cccccccccccc"
REASON = "somebody was erased"


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def drafted(ledger: Ledger, key: str, call: str, number: str = NUMBER) -> Entry:
    add(ledger, recording(key))
    draft = {"clientUniqueId": call, "parties": [{"phoneNumber": number}], "actualStart": NOON.isoformat()}
    return ledger.calls.save_draft(claim(ledger), NOON, draft, call, MEDIA)


def delivered(ledger: Ledger, key: str, call: str, call_id: str = "777", number: str = NUMBER) -> Entry:
    entry = ledger.work.note_intent(drafted(ledger, key, call, number), "create", NOON)
    entry = ledger.work.advance(entry, State.CREATED, NOON, call_id=call_id, reason=f"adopted for {number}")
    return ledger.work.advance(entry, State.DONE, NOON)


def erase(ledger: Ledger, *ids: int, now: datetime = NOON) -> int:
    return ledger.erasing.erase(
        ids, PERSON, now, mentions=lambda text: "2025550143" in text, reason=REASON, persons_in=others_in
    )


def others_in(texts: Iterable[str]) -> set[str]:
    """Another customer, as the ledger calls them."""
    return {OTHER for text in texts if "2025550199" in text}


def everything(ledger: Ledger) -> str:
    """All that the ledger can say, as text."""
    return json.dumps([*ledger.views.export(with_events=True)], default=str)


def test_an_emptied_entry_says_nothing_of_the_person_and_stays(ledger: Ledger) -> None:
    entry = delivered(ledger, "a.wav", f"pbx-{NUMBER}")
    other = delivered(ledger, "b.wav", "call-2", call_id="778", number="+12025550199")
    assert NUMBER in everything(ledger)
    assert erase(ledger, entry.id) == 1
    assert "2025550143" not in everything(ledger)
    emptied = now_in(ledger, entry)
    assert (emptied.state, emptied.reason_code, emptied.reason) == (State.SKIPPED, "erased", REASON)
    assert (emptied.draft, emptied.call_id, emptied.client_unique_id) == (None, None, f"erased:{entry.id}")
    assert emptied.media == {"container": "wav", "fingerprint": "f00d"}
    assert story(ledger, entry) == [("done", "skipped", "erased")]
    assert now_in(ledger, other).draft is not None
    assert ledger.intake.unseen([recording("a.wav")]) == []
    assert add(ledger, recording("a.wav")) == 0


def test_the_file_of_an_sqlite_ledger_does_not_hold_what_was_erased_either(
    new_sqlite_ledger: Callable[[Path], str], tmp_path: Path
) -> None:
    with Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db")) as ledger:
        ids = [delivered(ledger, f"{number}.wav", str(number), call_id=str(number)).id for number in range(20)]
    assert b"12025550143" in (tmp_path / "ledger.db").read_bytes()
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        erase(ledger, *ids)
    assert b"12025550143" not in (tmp_path / "ledger.db").read_bytes()


def test_an_id_that_names_nobody_stays_the_entry_s_own(ledger: Ledger) -> None:
    entry = delivered(ledger, "a.wav", "pbx-17")
    erase(ledger, entry.id)
    owner = ledger.calls.owner_of("pbx-17")
    assert owner is not None
    assert owner.id == entry.id


def test_the_call_is_remembered_with_the_mark_however_often_it_is_erased(ledger: Ledger) -> None:
    entry = delivered(ledger, "a.wav", "pbx-17")
    for seconds in range(3):
        erase(ledger, entry.id, now=after(seconds))
    assert ledger.erasing.marked([PERSON]) == {entry.id}
    assert ledger.erasing.marked(["bbbbbbbbbbbb"]) == set()
    (found,) = ledger.erasing.concerned([entry.id], [PERSON], NOON)
    assert (found.call_id, found.is_erased, found.is_same_file, found.is_gone) == ("777", True, True, False)


def test_an_emptied_entry_is_found_for_everybody_who_was_in_it(ledger: Ledger) -> None:
    both = f"{NUMBER} and +12025550199"
    leader = delivered(ledger, "a.wav", "pbx-17", number=both)
    add(ledger, recording("a-out.wav"))
    other_side = ledger.work.skip(claim(ledger), NOON, "grouped", "part of the call", duplicate_of=leader.id)
    add(ledger, recording("a.wav", version="2"))
    newer = ledger.calls.adopt_call(claim(ledger), now_in(ledger, leader), NOON, draft={}, media=MEDIA)
    ids = {leader.id, other_side.id, newer.id}
    erase(ledger, *ids)
    assert ledger.erasing.marked([OTHER]) == {leader.id}
    assert ledger.erasing.same_calls([leader.id]) == ids
    (found,) = ledger.erasing.concerned([leader.id], [OTHER], NOON)
    assert (found.call_id, found.is_erased) == ("777", True)


def test_a_mark_says_nothing_of_another_recording_under_the_same_name(ledger: Ledger) -> None:
    first, second = (drafted(ledger, f"{call}.wav", call, number="+12025550199") for call in ("1", "2"))
    erase(ledger, first.id, second.id)
    add(ledger, recording("1.wav", version="2"))
    assert ledger.erasing.marked([OTHER]) == {second.id}
    assert ledger.erasing.same_calls([first.id]) == {first.id}


def test_a_call_whose_request_was_never_answered_is_sought_until_it_is_settled(ledger: Ledger) -> None:
    for call in ("found", "never"):
        ledger.work.note_intent(drafted(ledger, f"{call}.wav", call), "create", NOON)
    answered = delivered(ledger, "answered.wav", "answered")
    unsent = drafted(ledger, "unsent.wav", "unsent")
    erase(ledger, 1, 2, answered.id, unsent.id, now=after(60))
    sought = ledger.sought_calls.of([PERSON])
    assert [(one.entry_id, one.client_unique_id, one.started_at, one.since) for one in sought] == [
        (1, "found", NOON, after(60)), (2, "never", NOON, after(60)),
    ]  # fmt: skip
    assert ledger.sought_calls.of([OTHER]) == []
    ledger.sought_calls.settle(1, "888")
    ledger.sought_calls.settle(2, None)
    assert ledger.sought_calls.of([PERSON]) == []
    assert [one.call_id for one in ledger.erasing.concerned([1, 2], [PERSON], NOON)] == ["888", None]


def test_a_worker_that_holds_it_loses_its_lease(ledger: Ledger) -> None:
    entry = drafted(ledger, "a.wav", "pbx-17")
    erase(ledger, entry.id)
    with pytest.raises(LeaseLost):
        ledger.work.note_intent(entry, "create", NOON)


def test_a_call_that_is_being_created_is_told_from_one_whose_worker_is_gone(ledger: Ledger) -> None:
    entry = ledger.work.note_intent(drafted(ledger, "a.wav", "pbx-17"), "create", NOON)
    (now,) = ledger.erasing.concerned([entry.id], [], after(10))
    (later,) = ledger.erasing.concerned([entry.id], [], after(31))
    assert (now.is_being_sent, later.is_being_sent) == (True, False)


def test_what_is_put_under_its_name_afterwards_is_another_recording(ledger: Ledger) -> None:
    entry = delivered(ledger, "a.wav", "pbx-17")
    erase(ledger, entry.id)
    add(ledger, recording("a.wav", version="2"))
    (found,) = ledger.erasing.concerned([entry.id], [PERSON], NOON)
    assert (found.is_same_file, found.is_gone, found.is_erased) == (False, False, False)
    assert now_in(ledger, entry).state is State.FOUND


def test_names_of_files_that_are_gone_are_forgotten_when_they_name_the_person(ledger: Ledger) -> None:
    named, unnamed = delivered(ledger, "in-2025550143.wav", "1"), delivered(ledger, "b.wav", "2", call_id="778")
    erase(ledger, named.id, unnamed.id)
    changed = ledger.erasing.note_gone([named.id, unnamed.id], mentions=lambda text: "2025550143" in text, now=NOON)
    assert changed == 1
    assert [now_in(ledger, one).key for one in (named, unnamed)] == [f"erased:{named.id}", "b.wav"]
    assert all(one.is_gone for one in ledger.erasing.concerned([named.id, unnamed.id], [PERSON], NOON))


def test_copies_versions_and_other_files_of_a_call_belong_to_it(ledger: Ledger) -> None:
    first = delivered(ledger, "a.wav", "pbx-17")
    add(ledger, recording("copy.wav"))
    copy = ledger.work.skip(claim(ledger), NOON, "duplicate", "the same call", duplicate_of=first.id)
    add(ledger, recording("other.wav"))
    other = ledger.work.skip(claim(ledger), NOON, "changed", "another content", duplicate_of=first.id)
    add(ledger, recording("a.wav", version="2"))
    newer = ledger.calls.adopt_call(claim(ledger), now_in(ledger, first), NOON, draft=None, media=MEDIA)
    assert ledger.erasing.same_calls([copy.id]) == {first.id, copy.id, newer.id}
    assert ledger.erasing.same_calls([newer.id]) == {first.id, copy.id, newer.id}
    assert other.id not in ledger.erasing.same_calls([first.id])


def test_everything_that_is_said_is_looked_through(ledger: Ledger) -> None:
    add(ledger, *(recording(f"{number}.wav") for number in range(1, 1_203)))
    entry = ledger.work.hold(claim(ledger), NOON, "bad-metadata", f"no call of {NUMBER}")
    said = [(one.entry_id, one.sentences) for one in ledger.erasing.texts() if NUMBER in " ".join(one.sentences)]
    assert said == [(entry.id, (f"no call of {NUMBER}",))] * 2  # the entry, and its event
    assert sum(bool(one.names) for one in ledger.erasing.texts()) == 1_202


def test_a_sidecar_that_describes_others_is_known(ledger: Ledger) -> None:
    ids = []
    for key in ("a.wav", "b.wav"):
        add(ledger, recording(key))
        told = {"sidecar_key": "table.csv", "sidecar_digest": "d"}
        draft = {"clientUniqueId": key, "actualStart": NOON.isoformat()}
        ids.append(ledger.calls.save_draft(claim(ledger), NOON, draft, key, MEDIA, told=told).id)
    assert ledger.erasing.describes_others("pbx", "table.csv", ids[:1])
    assert not ledger.erasing.describes_others("pbx", "table.csv", ids)


def test_the_list_is_asked_added_to_and_taken_from(ledger: Ledger) -> None:
    assert ledger.suppressions.keys() == {}
    for digest in ("a" * 64, "b" * 64, "a" * 64):
        ledger.suppressions.add(digest, key_id="k1", kind="phone", now=NOON)
    asked = {f"{number:064}" for number in range(1_000)} | {"a" * 64}
    assert ledger.suppressions.listed(asked) == {"a" * 64}
    assert ledger.suppressions.keys() == {"k1": 2}
    assert [one.person for one in ledger.suppressions.everybody()] == ["a" * 12, "b" * 12]
    assert ledger.suppressions.remove(["a" * 64, "c" * 64]) == 1
    assert ledger.suppressions.listed(["a" * 64]) == set()


def test_the_audit_tells_the_latest_first_and_what_was_never_ended(ledger: Ledger) -> None:
    who = {"person": PERSON, "kind": "phone", "actor": "root", "host": "host-a"}
    first = ledger.privacy_acts.begin("erase", **who, now=NOON)
    second = ledger.privacy_acts.begin("erase", **who, now=after(60))
    ledger.privacy_acts.end(second, outcome="done", counts={"entries": 2}, now=after(61))
    acts = ledger.privacy_acts.latest(10)
    assert [(act.id, act.outcome, act.counts, act.ended_at) for act in acts] == [
        (second, "done", {"entries": 2}, after(61)), (first, "begun", {}, None),
    ]  # fmt: skip
    assert ledger.privacy_acts.latest(1) == acts[:1]


def test_a_moved_ledger_still_knows_who_was_erased(
    empty_postgresql_url: str, new_sqlite_ledger: Callable[[Path], str], tmp_path: Path
) -> None:
    with Ledger.open(new_sqlite_ledger(tmp_path / "old.db")) as old, Ledger.open(empty_postgresql_url) as new:
        entry = delivered(old, "a.wav", "pbx-17")
        old.suppressions.add("a" * 64, key_id="k1", kind="phone", now=NOON)
        old.privacy_acts.begin("erase", person=PERSON, kind="phone", actor="root", host="host-a", now=NOON)
        erase(old, entry.id)
        move_ledger(old, new, reaches={}, now=after(100), lease_seconds=30, progress=lambda *_: None)
        assert new.suppressions.everybody() == old.suppressions.everybody()
        assert new.erasing.marked([PERSON]) == {entry.id}
        assert new.privacy_acts.latest(9) == old.privacy_acts.latest(9)
        again = new.privacy_acts.begin("allow", person=PERSON, kind="phone", actor="root", host="host-a", now=NOON)
        assert again == 2
