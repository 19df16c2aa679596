"""Which bridges work on this ledger, when each was last seen, and what waits that none of them can open."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, func, or_, select

from gong_bridge.errors import ConfigError
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.notes import read_note, write_note
from gong_bridge.ledger.rows import maybe_moment, micros, moment, to_json
from gong_bridge.ledger.schema import IS_OPEN, bridges, entries

FORGOTTEN_AFTER = timedelta(days=30)
"""A bridge that was not seen for so long is no longer told of."""
MOVED_TO = "moved-to"
MOVED_FROM = "moved-from"
"""Names of the notes that say where a ledger went, and where it came from."""
_LOCK = 0x676F6E68
"""Held in PostgreSQL while a bridge says that it lives, or a move says that none may: one of them is first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgeSeen:
    """One process that worked, or works, on this ledger. `stopped_at`: it ended in good order then."""

    name: str
    host: str
    version: str
    lanes: tuple[Lane, ...]
    started_at: datetime
    seen_at: datetime
    stopped_at: datetime | None = None

    def is_running(self, now: datetime, lease_seconds: float) -> bool:
        """Whether it has given a sign of life within two lease times, and has not stopped.

        One that lies as far ahead was given before the clock was set back.
        """
        return self.stopped_at is None and abs(now - self.seen_at) <= timedelta(seconds=2 * lease_seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Unserved:
    """Recordings that wait for a bridge that does not run. `last`: the one that served them last, if any is known."""

    lane: Lane
    count: int
    last: BridgeSeen | None


class Bridges:
    """Signs of life, and who serves what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @again_when_clashed
    def seen(self, bridge: BridgeSeen, lease_seconds: float) -> None:
        """A sign of life, written over the last one. Dead predecessors with the same work on the same host go.

        Raises ConfigError when this ledger was moved away, or is only half filled.
        """
        values = {
            "name": bridge.name,
            "host": bridge.host,
            "version": bridge.version,
            "lanes": _lanes_text(bridge.lanes),
            "started_at": micros(bridge.started_at),
            "seen_at": micros(bridge.seen_at),
            "stopped_at": None if bridge.stopped_at is None else micros(bridge.stopped_at),
        }
        silence = timedelta(seconds=2 * lease_seconds)
        lives = bridges.c.seen_at.between(micros(bridge.seen_at - silence), micros(bridge.seen_at + silence))
        predecessor = and_(
            bridges.c.host == bridge.host,
            bridges.c.lanes == values["lanes"],
            bridges.c.name != bridge.name,
            or_(bridges.c.stopped_at.is_not(None), ~lives),
        )
        forgotten = bridges.c.seen_at < micros(bridge.seen_at - FORGOTTEN_AFTER)
        statement = self._database.insert(bridges).on_conflict_do_update(index_elements=["name"], set_=values)
        with self._database.write() as connection:
            self._database.alone(connection, _LOCK)
            problem = _moving(connection, self._database.place)
            if problem:
                raise ConfigError(problem)
            connection.execute(statement, values)
            connection.execute(delete(bridges).where(or_(predecessor, forgotten)))

    def all(self) -> list[BridgeSeen]:
        """Every bridge that is remembered, by host, the latest sign of life of a host first."""
        with self._database.read() as connection:
            return _all(connection)

    def running(self, now: datetime, lease_seconds: float) -> list[BridgeSeen]:
        """Those that work now."""
        return [one for one in self.all() if one.is_running(now, lease_seconds)]

    def unserved(self, now: datetime, lease_seconds: float, own: Collection[Lane]) -> list[Unserved]:
        """What waits and is served neither by a running bridge nor by the lanes `own` of this configuration."""
        known = self.all()
        served = {lane for one in known if one.is_running(now, lease_seconds) for lane in one.lanes} | set(own)
        statement = (
            select(entries.c.source, entries.c.reach, func.count())
            .where(IS_OPEN)
            .group_by(entries.c.source, entries.c.reach)
            .order_by(entries.c.source, entries.c.reach)
        )
        with self._database.read() as connection:
            waiting = [(Lane(row[0], row[1] or None), row[2]) for row in connection.execute(statement)]
        return [
            Unserved(lane=lane, count=count, last=_last(known, lane)) for lane, count in waiting if lane not in served
        ]

    # --- moving -----------------------------------------------------------------------------------------------------

    def moving(self) -> str | None:
        """Why no bridge may use this ledger: it was moved, or is being moved; None: it may."""
        with self._database.read() as connection:
            return _moving(connection, self._database.place)

    def begin_moving_away(self, to_place: str, move_id: str, now: datetime, lease_seconds: float) -> str:
        """From now on no bridge uses this ledger; the id of the move, of an earlier one that did not come to its end.

        Raises ConfigError while a bridge runs, or when it was moved already.
        """
        with self._database.write() as connection:
            self._database.alone(connection, _LOCK)
            self._refuse_running(connection, now, lease_seconds)
            begun = read_note(connection, MOVED_TO)
            if begun is not None and begun["finished_at"]:
                raise ConfigError(_moving(connection, self._database.place) or "")
            move_id = move_id if begun is None else begun["id"]
            write_note(self._database, connection, MOVED_TO, {"id": move_id, "place": to_place, "finished_at": None})
            return move_id

    def begin_moving_in(self, move_id: str, from_place: str, now: datetime, lease_seconds: float) -> bool:
        """This ledger is to be filled; False when it was, by the same move. Raises ConfigError when it is not empty."""
        with self._database.write() as connection:
            self._database.alone(connection, _LOCK)
            self._refuse_running(connection, now, lease_seconds)
            begun = read_note(connection, MOVED_FROM)
            if begun is not None and begun["id"] == move_id:
                return not begun["complete"]
            count = connection.execute(select(func.count()).select_from(entries)).scalar_one()
            if count:
                raise ConfigError(
                    f"ledger {self._database.place} is not empty, it has {count:,} recordings; name an empty database"
                )
            note = {"id": move_id, "place": from_place, "complete": False}
            write_note(self._database, connection, MOVED_FROM, note)
            return True

    def end_moving_in(self) -> None:
        """It is filled; bridges may use it."""
        with self._database.write() as connection:
            write_note(self._database, connection, MOVED_FROM, {**read_note(connection, MOVED_FROM), "complete": True})

    def end_moving_away(self, now: datetime) -> None:
        """Everything is in the other ledger."""
        with self._database.write() as connection:
            note = {**read_note(connection, MOVED_TO), "finished_at": now.isoformat()}
            write_note(self._database, connection, MOVED_TO, note)

    def _refuse_running(self, connection: Connection, now: datetime, lease_seconds: float) -> None:
        for one in _all(connection):
            if one.is_running(now, lease_seconds):
                raise ConfigError(
                    f"a bridge on {one.host} uses ledger {self._database.place} (last seen {one.seen_at:%H:%M:%S} UTC);"
                    f" stop it first; if it was killed, wait {2 * lease_seconds:.0f} s"
                )


def _moving(connection: Connection, place: str) -> str | None:
    went = read_note(connection, MOVED_TO)
    if went is not None and went["finished_at"]:
        return (
            f"ledger {place} was moved to {went['place']} on {went['finished_at'][:10]}; write that address under"
            " ledger.url in bridge.yaml (this one does not know what was sent since)"
        )
    if went is not None:
        return f"ledger {place} is being moved to {went['place']}; wait, or run `gong-bridge ledger move` again"
    came = read_note(connection, MOVED_FROM)
    if came is not None and not came["complete"]:
        return (
            f"ledger {place} has only a part of {came['place']} yet; run `gong-bridge ledger move` again, with the"
            " configuration of the old one"
        )
    return None


def _all(connection: Connection) -> list[BridgeSeen]:
    statement = select(bridges).order_by(bridges.c.host, bridges.c.seen_at.desc())
    return [_bridge_of(row) for row in connection.execute(statement)]


def _last(known: Collection[BridgeSeen], lane: Lane) -> BridgeSeen | None:
    return max((one for one in known if lane in one.lanes), key=lambda one: one.seen_at, default=None)


def _lanes_text(lanes: Collection[Lane]) -> str:
    return to_json(sorted([lane.source, lane.reach or ""] for lane in lanes))


def _bridge_of(row: Any) -> BridgeSeen:
    return BridgeSeen(
        name=row.name,
        host=row.host,
        version=row.version,
        lanes=tuple(Lane(source, reach or None) for source, reach in json.loads(row.lanes)),
        started_at=moment(row.started_at),
        seen_at=moment(row.seen_at),
        stopped_at=maybe_moment(row.stopped_at),
    )
