"""Who can open the recordings of entries: given to those that have none, handed on when a host gets another name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, and_, exists, func, select, update

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.schema import entries

_CHUNK = 10_000
_other = entries.alias("other")


class Reaches:
    """The verbs about who can open what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, lanes: Iterable[Lane]) -> int:
        """Entries of these sources that belong to everybody become those of the lane's reach; how many.

        So it is with entries from before there were reaches, and when `reach` is set for a source that had none.
        """
        return sum(self._hand_on(Lane(lane.source), lane) for lane in lanes if lane.reach is not None)

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
                .where(entries.c.id > after, entries.c.id <= after + _CHUNK, old.condition(), ~_present(new))
                .values(reach=new.reach)
            )
            with self._database.write() as connection:
                changed += connection.execute(statement).rowcount
        return changed


def _present(lane: Lane) -> ColumnElement[bool]:
    """Another row speaks of the same version of the same recording within `lane`."""
    same = and_(
        _other.c.source == lane.source,
        _other.c.key == entries.c.key,
        _other.c.version == entries.c.version,
        _other.c.reach == (lane.reach or ""),
    )
    return exists().where(same)
