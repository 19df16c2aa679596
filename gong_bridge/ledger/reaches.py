"""Who can open the recordings of entries: given to those that have none, handed on when a host gets another name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select, update

from gong_bridge.ledger.calls import DuplicateCall
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, write_events
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.rows import encoded
from gong_bridge.ledger.schema import entries
from gong_bridge.model import State

_CHUNK = 10_000
_NOWHERE = "-"
"""No host is called so: where a row waits while two of them change places."""
_other = entries.alias("other")
_TWIN_COLUMNS = (entries.c.id, entries.c.state, entries.c.held_from, entries.c.call_id, entries.c.intent)


class Reaches:
    """The verbs about who can open what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, lanes: Iterable[Lane]) -> int:
        """Entries of these sources that belong to everybody become those of the lane's reach; how many.

        So it is with entries from before there were reaches, and when `reach` is set for a source that had none.
        """
        return sum(self._hand_on(Lane(lane.source), lane) for lane in lanes if lane.reach is not None)

    def take_over(self, old: Lane, new: Lane, now: datetime) -> int:
        """Everything of `old` becomes that of `new`, because a host got another name or its folder moved; how many.

        Where both have a row for the same version of the same recording, the one that has come further goes on in
        `new`; the other ends as skipped, with a link to it, and is kept under `old`.
        """
        handed_on = 0
        for first, second in self._both(old, new):
            with self._database.write() as connection:
                handed_on += _settle_twins(connection, first, second, (old, new), now)
        return handed_on + self._hand_on(old, new)

    def _both(self, old: Lane, new: Lane) -> list[tuple[int, int]]:
        """Ids of the rows of `old` that have a twin in `new`, each with its twin's."""
        statement = select(entries.c.id, _other.c.id).where(old.condition(), _twin_in(new)).order_by(entries.c.id)
        with self._database.read() as connection:
            return [(row[0], row[1]) for row in connection.execute(statement)]

    def _hand_on(self, old: Lane, new: Lane) -> int:
        """Chunk by chunk, so that workers never wait long. What `new` has already of its own stays with `old`."""
        with self._database.read() as connection:
            first, last = connection.execute(
                select(func.min(entries.c.id), func.max(entries.c.id)).where(old.condition())
            ).one()
        changed = 0
        for after in range((first or 0) - 1, last or 0, _CHUNK):
            statement = (
                update(entries)
                .where(entries.c.id > after, entries.c.id <= after + _CHUNK, old.condition())
                .where(~exists().where(_twin_in(new)))
                .values(reach=new.reach or "")
            )
            with self._database.write() as connection:
                changed += connection.execute(statement).rowcount
        return changed


def _twin_in(lane: Lane) -> ColumnElement[bool]:
    """`_other` speaks of the same version of the same recording within `lane`."""
    return and_(
        _other.c.source == lane.source,
        _other.c.key == entries.c.key,
        _other.c.version == entries.c.version,
        _other.c.reach == (lane.reach or ""),
    )


def _settle_twins(
    connection: Connection, first_id: int, second_id: int, lanes: tuple[Lane, Lane], now: datetime
) -> int:
    """Of two rows for one recording the better one goes on in the new lane; 1 when that is the one from the old."""
    statement = select(*_TWIN_COLUMNS).where(entries.c.id.in_((first_id, second_id))).order_by(entries.c.id)
    rows = {row.id: row for row in connection.execute(statement.with_for_update())}
    first, second = rows[first_id], rows[second_id]
    if _progress(second) > _progress(first):
        _end_as_duplicate(connection, first, second_id, now)
        return 0
    _end_as_duplicate(connection, second, first_id, now)
    old, new = lanes
    for row_id, reach in ((second_id, _NOWHERE), (first_id, new.reach or ""), (second_id, old.reach or "")):
        connection.execute(update(entries).where(entries.c.id == row_id).values(reach=reach))
    return 1


def _progress(row: Any) -> int:
    if row.call_id is not None or row.intent is not None:
        return 2
    return 0 if row.state == State.SKIPPED.value else 1


def _end_as_duplicate(connection: Connection, row: Any, of_entry: int, now: datetime) -> None:
    if row.state in (State.DONE.value, State.SKIPPED.value) or _progress(row) == 2:
        return
    changes = {
        **NO_LEASE,
        **NO_REASON,
        "state": State.SKIPPED,
        "held_from": State(row.held_from or row.state),
        "reason_code": DuplicateCall.code,
        "reason": f"entry {of_entry} is the same recording, found under another host's name",
        "duplicate_of": of_entry,
        "owns_call": False,
        "updated_at": now,
    }
    connection.execute(update(entries).where(entries.c.id == row.id).values(encoded(changes)))
    told = event_row(
        row.id, now, from_state=row.state, to_state=State.SKIPPED, code=DuplicateCall.code, reason=changes["reason"]
    )
    write_events(connection, [told])
