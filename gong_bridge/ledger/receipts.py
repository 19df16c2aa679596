"""The ledger's side of a daily receipt: what was recorded when, which ids are ours, receipts that are kept."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import maybe_moment, micros, moment, to_json
from gong_bridge.ledger.schema import HAS_NO_START, HAS_START, OWNS_CALL, entries, receipts
from gong_bridge.model import State

_ASKED_AT_ONCE = 500
TOLD_FOR = timedelta(days=31)
"""So long it is told that a day's receipt has something missing, or twice."""
MISSING = "missing-in-gong"
DOUBLED = "twice-in-gong"
"""Codes of what a receipt finds wrong; the first is also that of the event by which an entry is put back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedFile:
    """What a receipt needs to know of an entry. account: as model.Entry has it; it counts while there is a call.

    changed_at: the last step of the entry.
    """

    entry_id: int
    source: str
    account: str | None
    state: State
    reason_code: str | None
    client_unique_id: str | None
    call_id: str | None
    is_bound: bool
    changed_at: datetime
    started_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptReceipt:
    """A receipt of one day, account and source ("": calls that no source of ours recorded).

    counts: also `calls`, the first of each kind with their ids and URLs.
    """

    day: date
    account: str | None
    source: str
    counts: Mapping[str, object]
    made_at: datetime

    @property
    def missing(self) -> int:
        """How many recordings Gong did not have."""
        return self._count("missing")

    @property
    def doubled(self) -> int:
        """How many calls Gong had beside the one of the same recording."""
        return self._count("doubled")

    def calls(self, kind: str) -> Sequence[Mapping[str, Any]]:
        """The first calls that are "missing", "doubled" or "unknown": entry_id, call_id, url."""
        calls = self.counts.get("calls")
        return calls.get(kind, ()) if isinstance(calls, dict) else ()

    def _count(self, name: str) -> int:
        found = self.counts.get(name, 0)
        return found if isinstance(found, int) else 0


_NEWEST_FIRST = (receipts.c.day.desc(), receipts.c.account, receipts.c.source == "", receipts.c.source)
"""Of a day: the calls of others behind those of our sources."""


class Receipts:
    """Reading a day, and keeping what was settled."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recorded(self, begin: datetime, end: datetime) -> list[RecordedFile]:
        """Files whose call began from `begin` (included) to `end` (not), in the order of their entries.

        What has no draft yet, or never had one, counts by when its file was last changed.
        """
        columns = (
            entries.c.id, entries.c.source, entries.c.account, entries.c.state, entries.c.reason_code,
            entries.c.client_unique_id, entries.c.call_id, entries.c.intent, entries.c.updated_at, entries.c.started_at,
        )  # fmt: skip
        found: list[Any] = []
        with self._database.read() as connection:
            for within in _within(begin, end):
                found += connection.execute(select(*columns).where(within)).all()
        return [
            RecordedFile(
                entry_id=row[0],
                source=row[1],
                account=row[2] or None,
                state=State(row[3]),
                reason_code=row[4],
                client_unique_id=row[5],
                call_id=row[6],
                is_bound=row[6] is not None or row[7] is not None,
                changed_at=moment(row[8]),
                started_at=maybe_moment(row[9]),
            )
            for row in sorted(found)
        ]

    def count(self, begin: datetime, end: datetime) -> int:
        """How many files `recorded` gives."""
        with self._database.read() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(entries).where(within)).scalar_one()
                for within in _within(begin, end)
            ]
        return sum(counts)

    def known(self, client_unique_ids: Collection[str], account: str | None) -> set[str]:
        """Those of the ids that an entry of ours has in this Gong account, whenever its call began."""
        asked, found = list(client_unique_ids), set[str]()
        for first in range(0, len(asked), _ASKED_AT_ONCE):
            some = asked[first : first + _ASKED_AT_ONCE]
            wanted = (OWNS_CALL, entries.c.client_unique_id.in_(some), entries.c.account == (account or ""))
            with self._database.read() as connection:
                found.update(connection.execute(select(entries.c.client_unique_id).where(*wanted)).scalars())
        return found

    def keep(
        self, day: date, account: str | None, counts_by_source: Mapping[str, Mapping[str, object]], now: datetime
    ) -> None:
        """The receipt of a whole day and account, in place of an earlier one."""
        mine = (receipts.c.day == day.isoformat(), receipts.c.account == (account or ""))
        rows = [
            {"day": day.isoformat(), "account": account or "", "source": source, "counts": to_json(dict(counts)),
             "made_at": micros(now)}
            for source, counts in counts_by_source.items()
        ]  # fmt: skip
        with self._database.write() as connection:
            connection.execute(delete(receipts).where(*mine))
            if rows:
                connection.execute(receipts.insert(), rows)

    def note_put_back(self, day: date, account: str | None, source: str, call_id: str) -> None:
        """This call of the receipt was missing; its recording waits now to be delivered anew."""
        mine = (
            receipts.c.day == day.isoformat(), receipts.c.account == (account or ""), receipts.c.source == source
        )  # fmt: skip
        with self._database.write() as connection:
            text = connection.execute(select(receipts.c.counts).where(*mine).with_for_update()).scalar()
            if text is None:  # a part of a day is not kept
                return
            counts = json.loads(text)
            changed = {**counts, "missing": max(0, counts["missing"] - 1), "waiting": counts["waiting"] + 1}
            if "calls" in counts:
                still = [one for one in counts["calls"]["missing"] if one["call_id"] != call_id]
                changed["calls"] = {**counts["calls"], "missing": still}
            connection.execute(update(receipts).where(*mine).values(counts=to_json(changed)))

    def lacking(self, now: datetime) -> list[KeptReceipt]:
        """Receipts of the last month that say that something is missing or there twice, the newest first."""
        return [one for one in self.kept(since=(now - TOLD_FOR).date(), most=10_000) if one.missing or one.doubled]

    def forget(self, before: datetime) -> int:
        """Receipts that were made before this moment; how many there were."""
        with self._database.write() as connection:
            return connection.execute(delete(receipts).where(receipts.c.made_at < micros(before))).rowcount

    def kept(self, *, since: date | None = None, most: int = 1000) -> Sequence[KeptReceipt]:
        """Receipts from this day on, the newest first."""
        statement = select(receipts).order_by(*_NEWEST_FIRST).limit(most)
        if since is not None:
            statement = statement.where(receipts.c.day >= since.isoformat())
        with self._database.read() as connection:
            return [
                KeptReceipt(
                    day=date.fromisoformat(row.day),
                    account=row.account or None,
                    source=row.source,
                    counts=json.loads(row.counts),
                    made_at=moment(row.made_at),
                )
                for row in connection.execute(statement)
            ]


def _within(begin: datetime, end: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """One for each index."""
    first, last = micros(begin), micros(end)
    return (
        and_(HAS_START, entries.c.started_at >= first, entries.c.started_at < last),
        and_(HAS_NO_START, entries.c.modified_at >= first, entries.c.modified_at < last),
    )
