"""Calls that may be in Gong though their entries were emptied: their POST was never answered, and they are sought."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import moment
from gong_bridge.ledger.schema import erased_entries


@dataclass(frozen=True, kw_only=True, slots=True)
class SoughtCall:
    """One of them. started_at: of the call. since: when its entry was emptied; nothing was sent after that."""

    entry_id: int
    account: str | None
    client_unique_id: str
    started_at: datetime
    since: datetime


class SoughtCalls:
    """The verbs of looking for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, persons: Collection[str]) -> list[SoughtCall]:
        """Those that these persons are in, in the order of their entries."""
        mine = erased_entries.c.person.in_([*persons]), erased_entries.c.sought_around.is_not(None)
        with self._database.read() as connection:
            rows = connection.execute(select(erased_entries).where(*mine).order_by(erased_entries.c.entry_id)).all()
        return [
            SoughtCall(
                entry_id=row.entry_id,
                account=row.account or None,
                client_unique_id=row.sought_id,
                started_at=moment(row.sought_around),
                since=moment(row.erased_at),
            )
            for row in {row.entry_id: row for row in rows}.values()
        ]

    def settle(self, entry_id: int, call_id: str | None) -> None:
        """The call was found, or (None) it never arrived; by what it was sought is forgotten."""
        found = {} if call_id is None else {"call_id": call_id}
        mine = erased_entries.c.entry_id == entry_id, erased_entries.c.sought_around.is_not(None)
        with self._database.write() as connection:
            self._database.overwrite_what_goes(connection)
            connection.execute(update(erased_entries).where(*mine).values(sought_id=None, sought_around=None, **found))
