"""Entries that go no further by themselves, because another entry leads the call of which they are a part."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, write_events
from gong_bridge.ledger.rows import encoded
from gong_bridge.ledger.schema import IN_GROUP, entries
from gong_bridge.model import State

GROUPED = "grouped"
"""Code of a skip because `duplicate_of` leads the call of this file."""

_FOLLOWERS = select(entries.c.id).where(
    IN_GROUP,
    entries.c.source == bindparam("of_source"),
    entries.c.group_key == bindparam("of_group"),
    entries.c.state == State.SKIPPED.value,
    entries.c.reason_code == GROUPED,
    entries.c.duplicate_of == bindparam("of_entry"),
)


def free_followers(connection: Connection, leader_id: int, source: str, group_key: str, now: datetime) -> None:
    """The leader is no longer what it was: those who follow it are looked at again."""
    look = {"of_source": source, "of_group": group_key, "of_entry": leader_id}
    ids = connection.execute(_FOLLOWERS, look).scalars().all()
    if not ids:
        return
    changes = {
        **NO_REASON,
        **NO_LEASE,
        "state": State.FOUND,
        "held_from": None,
        "attempts": 0,
        "due_at": now,
        "updated_at": now,
    }
    connection.execute(update(entries).where(entries.c.id.in_(ids)).values(encoded(changes)))
    write_events(
        connection,
        (event_row(one, now, from_state=State.SKIPPED, to_state=State.FOUND, code="group-changed") for one in ids),
    )
