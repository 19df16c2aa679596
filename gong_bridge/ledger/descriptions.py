"""What is known of the sidecars of calls that are in Gong already; changes no state."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update

from gong_bridge.ledger.changes import event_row, write_events
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros
from gong_bridge.ledger.schema import HAS_REMARK, HAS_SIDECAR, entries
from gong_bridge.model import Entry


class Descriptions:
    """The verbs about what described a call after it was created. They need no lease."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def created_since(self, since: datetime, *, limit: int) -> list[int]:
        """The ids of calls with a sidecar, or a remark, that went on since then; the newest first."""
        statement = (
            select(entries.c.id)
            .where(or_(HAS_SIDECAR, HAS_REMARK), entries.c.call_id.is_not(None), entries.c.updated_at >= micros(since))
            .order_by(entries.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return list(connection.execute(statement).scalars())

    def note(
        self, entry: Entry, *, key: str, digest: str, code: str, reason: str, remark: str | None, now: datetime
    ) -> bool:
        """Keep what the sidecar says now, with an event; False when another process has noted it already."""
        same_as_before = (
            entries.c.sidecar_digest.is_(None)
            if entry.sidecar_digest is None
            else entries.c.sidecar_digest == entry.sidecar_digest
        )
        changed = (
            update(entries)
            .where(entries.c.id == entry.id, same_as_before)
            .values(sidecar_key=key, sidecar_digest=digest, remark=remark)
        )
        told = event_row(
            entry.id, now, from_state=entry.state, to_state=entry.state, attempt=entry.attempts,
            code=code, reason=reason,
        )  # fmt: skip
        with self._database.write() as connection:
            if connection.execute(changed).rowcount != 1:
                return False
            write_events(connection, [told])
        return True
