"""What pruning forgets, and what it must not: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import State
from tests.contract.test_ledger import NOON, add, claim, created, drafted, now_in, recording, story

LATER = NOON + timedelta(days=500)
OLD = LATER - timedelta(days=400)


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened
        assert opened.upkeep.integrity_check() == []


def prune(ledger: Ledger) -> list[int]:
    return list(ledger.pruning.prune(OLD, LATER))


def test_a_finished_entry_forgets_who_spoke_and_keeps_that_it_was_sent(ledger: Ledger) -> None:
    entry = ledger.work.advance(created(ledger), State.DONE, NOON)
    assert ledger.pruning.count(OLD) == 1
    assert prune(ledger) == [1]
    kept = now_in(ledger, entry)
    assert (kept.draft, kept.state, kept.call_id, kept.client_unique_id) == (None, State.DONE, "777", "call-1")
    assert kept.media == {name: value for name, value in (entry.media or {}).items() if name in kept.media}
    assert kept.media["fingerprint"] == (entry.media or {})["fingerprint"]
    assert story(ledger, entry) == [("done", "done", "pruned")]
    assert (ledger.pruning.count(OLD), prune(ledger)) == (0, [])


def test_R11_what_was_pruned_is_not_found_anew(ledger: Ledger) -> None:
    ledger.work.advance(created(ledger), State.DONE, NOON)
    prune(ledger)
    assert ledger.intake.unseen([recording("a.wav")]) == []
    assert add(ledger, recording("a.wav")) == 0
    owner = ledger.calls.owner_of("call-1")
    assert owner is not None
    assert owner.call_id == "777"


def test_what_is_open_held_or_young_keeps_everything(ledger: Ledger) -> None:
    open_entry = created(ledger, "open.wav", "call-1")
    held = ledger.work.hold(drafted(ledger, "held.wav", "call-2"), NOON, "bad-metadata", "why")
    young = ledger.work.advance(created(ledger, "young.wav", "call-3"), State.DONE, LATER - timedelta(days=399))
    assert prune(ledger) == []
    for entry in (open_entry, held, young):
        assert now_in(ledger, entry).draft == entry.draft


def test_a_skip_with_a_call_keeps_what_a_retry_needs(ledger: Ledger) -> None:
    with_call = ledger.work.skip(created(ledger, "a.wav", "call-1"), NOON, "operator", "why")
    add(ledger, recording("b.wav"))
    without = ledger.work.skip(claim(ledger), NOON, "media-rule", "too short: an employee's name may stand here")
    assert prune(ledger) == [1]
    assert now_in(ledger, with_call).draft == with_call.draft
    assert now_in(ledger, without).reason is None
