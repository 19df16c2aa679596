"""Forgets what finished entries no longer need: who spoke to whom, and how they got there; not that they were sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

from gong_bridge.ledger.changes import event_row, write_events
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros, to_json
from gong_bridge.ledger.schema import entries, events
from gong_bridge.model import State

PRUNED = "pruned"
"""Code of the one event that takes the place of an entry's history."""
_BATCH = 500
_KEPT_OF_MEDIA = ("fingerprint", "duration_seconds", "container", "completeness")
"""By these a copy, or another recording with the same id, is still told apart years later."""
_FORGET = (
    update(entries)
    .where(entries.c.id == bindparam("entry_id"))
    .values(draft=None, media=bindparam("kept_media"), reason=None, person=None)
)


def _old(before: datetime) -> Any:
    """Finished entries that still have something to forget; a skip that may still be undone half way is not one."""
    skipped_for_good = and_(entries.c.state == State.SKIPPED.value, entries.c.call_id.is_(None))
    return (
        or_(entries.c.state == State.DONE.value, skipped_for_good),
        entries.c.updated_at < micros(before),
        entries.c.draft.is_not(None) | entries.c.reason.is_not(None) | entries.c.person.is_not(None),
    )


class Pruning:
    """What `ledger prune` does, in short transactions, while the bridge runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, before: datetime) -> int:
        """How many finished entries, unchanged since `before`, still hold a draft or words about people."""
        with self._database.read() as connection:
            statement = select(func.count()).select_from(entries).where(*_old(before))
            return int(connection.execute(statement).scalar_one())

    def prune(self, before: datetime, now: datetime) -> Iterator[int]:
        """Forget them, batch by batch; yields the size of each batch.

        Kept: source, key, version, clientUniqueId, call id, state and the fingerprint, so that nothing is sent again.
        """
        while True:
            with self._database.write() as connection:
                columns = (entries.c.id, entries.c.state, entries.c.media, entries.c.reason_code)
                statement = select(*columns).where(*_old(before)).order_by(entries.c.id).limit(_BATCH)
                rows = connection.execute(statement.with_for_update(skip_locked=True)).all()
                if not rows:
                    return
                ids = [row.id for row in rows]
                connection.execute(
                    _FORGET, [{"entry_id": row.id, "kept_media": kept_of_media(row.media)} for row in rows]
                )
                connection.execute(delete(events).where(events.c.entry_id.in_(ids)))
                told = (event_row(row.id, now, from_state=row.state, to_state=row.state, code=PRUNED) for row in rows)
                write_events(connection, told)
            yield len(rows)


def kept_of_media(media: str | None) -> str | None:
    """What is kept of a media record (JSON) when the rest is forgotten."""
    if media is None:
        return None
    record = json.loads(media)
    return to_json({name: record[name] for name in _KEPT_OF_MEDIA if name in record})
