"""The laws of receipts in the ledger, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.nights import Night
from gong_bridge.model import Entry, Recording, State

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
DAY = date(2024, 3, 1)
MIDNIGHT, NEXT = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)
COUNTS = {"recorded": 3, "in_gong": 1, "waiting": 0, "skipped": {"too-short": 1}, "held": 0, "missing": 1, "doubled": 0}


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


def found(ledger: Ledger, key: str, at: datetime = NOON, *, version: str = "1") -> Entry:
    recording = Recording(source="pbx", key=key, version=version, size_bytes=5, modified_at=at)
    ledger.intake.add([recording], False, at)
    entry = ledger.work.claim("host:1:2:3", at + timedelta(minutes=1), 30)
    assert entry is not None
    return entry


def delivered(
    ledger: Ledger, key: str, started: datetime, *, seen: datetime = NOON, account: str | None = None
) -> Entry:
    draft = {"clientUniqueId": key, "actualStart": started.isoformat(), "primaryUser": "1"}
    entry = ledger.calls.save_draft(
        found(ledger, key, seen), seen, draft=draft, client_unique_id=key, media={}, account=account
    )
    for state in (State.CREATED, State.DELIVERED, State.DONE):
        entry = ledger.work.advance(entry, state, seen, call_id=f"id-{key}")
    return entry


def test_a_file_counts_on_the_day_its_call_began_and_one_without_a_call_when_it_last_changed(
    ledger: Ledger,
) -> None:
    delivered(ledger, "before", MIDNIGHT - timedelta(microseconds=1))
    delivered(ledger, "first", MIDNIGHT, seen=NEXT)  # seen on another day
    delivered(ledger, "last", NEXT - timedelta(microseconds=1))
    delivered(ledger, "after", NEXT)
    ledger.work.skip(found(ledger, "short", NEXT - timedelta(seconds=1)), NEXT, "too-short", "3 s")
    ledger.work.hold(found(ledger, "held", NEXT), NEXT, "bad-media", "broken")
    names = [ledger.views.get(one.entry_id) for one in ledger.receipts.recorded(MIDNIGHT, NEXT)]
    assert [entry.key for entry in names if entry] == ["first", "last", "short"]
    assert ledger.receipts.count(MIDNIGHT, NEXT) == 3


def test_an_id_is_known_in_the_account_that_its_call_is_in_and_in_no_other(ledger: Ledger) -> None:
    delivered(ledger, "ours", NOON)
    delivered(ledger, "theirs", NOON, account="emea")
    asked = [*(f"unknown-{number}" for number in range(1200)), "ours", "theirs"]
    assert ledger.receipts.known(asked, None) == {"ours"}
    assert ledger.receipts.known(asked, "emea") == {"theirs"}


def test_a_day_that_is_settled_again_replaces_its_receipt_in_that_account_alone(ledger: Ledger) -> None:
    ledger.receipts.keep(DAY, None, {"pbx": COUNTS, "": COUNTS}, NOON)
    ledger.receipts.keep(DAY, "emea", {"pbx": COUNTS}, NOON)
    ledger.receipts.keep(DAY, None, {"pbx": {**COUNTS, "missing": 0}}, NEXT)
    assert [(one.account, one.source, one.missing, one.made_at) for one in ledger.receipts.kept()] == [
        (None, "pbx", 0, NEXT), ("emea", "pbx", 1, NOON),
    ]  # fmt: skip


def test_what_was_put_back_waits_and_is_missing_no_more_and_never_less_than_nothing(ledger: Ledger) -> None:
    calls = {"missing": [{"entry_id": 1, "call_id": "a", "url": None}], "doubled": [], "unknown": []}
    ledger.receipts.keep(DAY, None, {"pbx": {**COUNTS, "calls": calls}}, NOON)
    for call_id in ("a", "b"):
        ledger.receipts.note_put_back(DAY, None, "pbx", call_id)
    ledger.receipts.note_put_back(date(2024, 3, 9), None, "pbx", "a")  # a part of a day is not kept: nothing to note
    [kept] = ledger.receipts.kept()
    assert (kept.counts["missing"], kept.counts["waiting"], kept.calls("missing")) == (0, 2, [])


def test_a_month_long_it_is_told_that_something_is_missing_or_there_twice(ledger: Ledger) -> None:
    ledger.receipts.keep(DAY, None, {"pbx": COUNTS}, NOON)
    ledger.receipts.keep(DAY, "emea", {"pbx": {**COUNTS, "missing": 0, "doubled": 2}}, NOON)
    ledger.receipts.keep(DAY, "apac", {"pbx": {**COUNTS, "missing": 0}}, NOON)
    told = [(one.account, one.missing, one.doubled) for one in ledger.receipts.lacking(NOON + timedelta(days=31))]
    assert told == [(None, 1, 0), ("emea", 0, 2)]
    assert ledger.receipts.lacking(NOON + timedelta(days=32)) == []


def test_receipts_made_long_ago_are_forgotten_however_old_their_days_are(ledger: Ledger) -> None:
    ledger.receipts.keep(date(2020, 1, 1), None, {"pbx": COUNTS}, NEXT)
    ledger.receipts.keep(DAY, None, {"pbx": COUNTS, "": COUNTS}, NOON)
    assert ledger.receipts.forget(NOON + timedelta(seconds=1)) == 2
    assert [one.day for one in ledger.receipts.kept()] == [date(2020, 1, 1)]


def test_how_far_a_night_is_survives_and_belongs_to_one_account(ledger: Ledger) -> None:
    night = Night(
        night=date(2024, 3, 5), first=date(2024, 3, 2), last=date(2024, 3, 4), next_day=date(2024, 3, 3),
        trouble="Gong \N{BELL} is away", earlier_at=NOON,
    )  # fmt: skip
    ledger.nights.put("emea", night)
    assert ledger.nights.get(None) is None
    assert ledger.nights.get("emea") == night


def test_R22_an_entry_is_put_back_once_and_only_for_the_call_that_is_gone(ledger: Ledger) -> None:
    delivered(ledger, "a", NOON)
    assert not ledger.putting_back.put_back(1, "another", NOON)
    assert ledger.putting_back.put_back(1, "id-a", NOON)
    assert not ledger.putting_back.put_back(1, "id-a", NOON)
    entry = ledger.views.get(1)
    assert entry is not None
    assert (entry.state, entry.call_id, entry.draft, entry.backlog, entry.owns_call) == (
        State.FOUND, None, None, True, False,
    )  # fmt: skip
    assert ledger.views.events(1)[-1].code == "missing-in-gong"
