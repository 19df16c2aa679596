"""The laws of several Gong accounts: nothing of one is ever taken for the other's, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gong_bridge.ledger.calls import DuplicateCall
from gong_bridge.ledger.filters import EntryFilter, OfAccount
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import of_account
from gong_bridge.model import Entry, GongUser, State
from tests.contract.test_ledger import DRAFT, MEDIA, NOON, add, after, claim, recording

EMEA = "emea"
AMY, BOB = GongUser(id="1", email="amy@example.com"), GongUser(id="1", email="bob@example.com")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def drafted_for(ledger: Ledger, account: str | None, key: str, call: str = "call-1", source: str = "pbx") -> Entry:
    add(ledger, recording(key, source=source))
    return ledger.calls.save_draft(claim(ledger), NOON, DRAFT, call, MEDIA, account=account)


def sent_to(ledger: Ledger, account: str | None, key: str, call_id: str, **told: Any) -> Entry:
    entry = ledger.work.note_intent(drafted_for(ledger, account, key, key, **told), "create", NOON)
    return ledger.work.advance(entry, State.CREATED, NOON, call_id=call_id, http_status=201)


def test_R12_one_client_unique_id_in_two_accounts_is_two_calls(ledger: Ledger) -> None:
    here, there = drafted_for(ledger, None, "here.wav"), drafted_for(ledger, EMEA, "there.wav")
    assert (here.account, there.account) == (None, EMEA)
    for account, owner in ((None, here), (EMEA, there)):
        found = ledger.calls.owner_of("call-1", account)
        assert found is not None
        assert found.id == owner.id
    assert ledger.calls.owner_of("call-1", "apac") is None


def test_R12_a_second_draft_of_the_same_call_in_one_account_is_a_duplicate(ledger: Ledger) -> None:
    first = drafted_for(ledger, EMEA, "first.wav")
    with pytest.raises(DuplicateCall) as told:
        drafted_for(ledger, EMEA, "second.wav")
    assert told.value.owner.id == first.id


def test_a_draft_that_is_made_anew_for_another_account_leaves_the_first_one_free(ledger: Ledger) -> None:
    entry = drafted_for(ledger, None, "a.wav")
    moved = ledger.calls.save_draft(entry, NOON, DRAFT, "call-1", MEDIA, account=EMEA)
    assert moved.account == EMEA
    assert ledger.calls.owner_of("call-1") is None
    assert drafted_for(ledger, None, "b.wav").owns_call


def test_who_takes_over_or_adopts_a_call_stays_in_its_account(ledger: Ledger) -> None:
    old = sent_to(ledger, EMEA, "old.wav", "77")
    add(ledger, recording("better.wav"))
    assert ledger.calls.take_over_call(claim(ledger), old, NOON).account == EMEA
    sent = sent_to(ledger, EMEA, "sent.wav", "78")
    add(ledger, recording("new-media.wav"))
    assert ledger.calls.adopt_call(claim(ledger), sent, NOON, None, MEDIA).account == EMEA


def test_each_account_has_its_own_users_and_their_age(ledger: Ledger) -> None:
    ledger.people.replace_users([AMY], NOON)
    assert (ledger.people.users(EMEA), ledger.people.users_fetched_at(EMEA)) == ([], None)
    ledger.people.replace_users([BOB], after(60), EMEA)
    assert (ledger.people.users(), ledger.people.users(EMEA)) == ([AMY], [BOB])
    assert (ledger.people.users_fetched_at(), ledger.people.users_fetched_at(EMEA)) == (NOON, after(60))
    ledger.people.replace_users([], after(120))
    assert ledger.people.users(EMEA) == [BOB]


def test_R18_each_account_is_asked_for_its_own_links_only(ledger: Ledger) -> None:
    for account, call_id in ((None, "11"), (EMEA, "22")):
        entry = ledger.work.note_intent(drafted_for(ledger, account, f"{call_id}.wav", call_id), "create", NOON)
        ledger.work.advance(entry, State.CREATED, NOON, call_id=call_id, delivery="link")
    assert ledger.views.links_due(after(1), 10) == ["11"]
    assert ledger.views.links_due(after(1), 10, EMEA) == ["22"]
    assert ledger.views.links_due(after(1), 10, "apac") == []


def test_R29_the_pause_of_one_account_is_not_the_other_s(ledger: Ledger) -> None:
    ledger.notes.pause("bad-credentials", "wrong key", after(5), NOON, EMEA)
    assert ledger.notes.pause_state() is None
    ledger.notes.pause("wrong-base-url", "no such host", after(5), NOON)
    ledger.notes.resume()
    paused = ledger.notes.pause_state(EMEA)
    assert paused is not None
    assert (paused.code, paused.account) == ("bad-credentials", EMEA)


def test_a_pause_by_hand_is_that_of_a_source_whatever_its_account_is_called(ledger: Ledger) -> None:
    """A source and an account may have one name."""
    ledger.notes.pause_by_hand(EMEA, "new trunk", NOON)
    assert ledger.notes.pause_state(EMEA) is None
    ledger.notes.pause("bad-credentials", "wrong key", after(5), NOON, EMEA)
    assert ledger.notes.resume_by_hand(None) == 1
    assert ledger.notes.pause_state(EMEA) is not None


def test_R28_the_users_of_two_accounts_are_fetched_at_once_and_a_dead_holder_gives_back_both(ledger: Ledger) -> None:
    here, there = of_account("gong-users", None), of_account("gong-users", EMEA)
    assert ledger.turns.take(here, "dead", NOON, 60)
    assert ledger.turns.take(there, "dead", NOON, 60)
    assert ledger.turns.take(of_account("gong-users", "apac"), "alive", NOON, 60)
    assert not ledger.turns.take(there, "alive", NOON, 60)
    assert ledger.turns.give_back_of_dead(lambda holder: holder == "alive") == 2
    assert ledger.turns.take(there, "alive", NOON, 60)
    assert ledger.turns.take(here, "alive", NOON, 60)


def test_entries_of_an_account_are_those_in_it_and_those_on_the_way_to_it(ledger: Ledger) -> None:
    """What was sent stays where it is, whatever its source says now; what was not sent goes where the source says."""
    sent_to(ledger, None, "sent-before.wav", "77", source="london")
    sent_to(ledger, EMEA, "sent.wav", "78", source="london")
    drafted_for(ledger, None, "drafted-before.wav", "c-1", source="london")
    add(ledger, recording("found.wav", source="london"), recording("other.wav"))
    of_emea, of_gong = OfAccount(name=EMEA, sources=("london",)), OfAccount(name=None, sources=("pbx",))

    def keys(account: OfAccount) -> list[str]:
        return [entry.key for entry in ledger.views.entries(EntryFilter(account=account))]

    assert keys(of_emea) == ["sent.wav", "drafted-before.wav", "found.wav"]
    assert keys(of_gong) == ["sent-before.wav", "other.wav"]
    assert keys(OfAccount(name="apac")) == []
    assert ledger.operator.skip_by_operator(EntryFilter(account=of_emea), NOON, "closed") == 3
    assert ledger.views.counts() == {"london": {"created": 1, "skipped": 3}, "pbx": {"found": 1}}
