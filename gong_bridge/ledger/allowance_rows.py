"""The company's API allowance in the database: slots in time, the last 24 hours, the pause; shared by all processes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros, moment
from gong_bridge.ledger.schema import allowance, allowance_used

_GONG = "gong"
_SECOND = 1_000_000
_BUCKET = 300 * _SECOND
_DAY = 86_400 * _SECOND
LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_SHORT_WAIT_SECONDS = 5.0

_ROW = select(allowance.c.next_slot_at, allowance.c.paused_until).where(allowance.c.name == _GONG)
_USED = select(func.sum(allowance_used.c.calls)).where(allowance_used.c.bucket_ends_at > bindparam("since"))
_OLDEST_USED = select(allowance_used.c.bucket_ends_at, allowance_used.c.calls).where(
    allowance_used.c.bucket_ends_at > bindparam("since")
)
_SET_SLOT = update(allowance).where(allowance.c.name == _GONG).values(next_slot_at=bindparam("slot"))
_SET_PAUSE = update(allowance).where(allowance.c.name == _GONG).values(paused_until=bindparam("until"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserved:
    """`count` slots in a row from `first_at` on, or the `wait_seconds` until there can be any, and why."""

    count: int = 0
    first_at: datetime | None = None
    wait_seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowanceState:
    """The allowance as the ledger knows it. `paused_until` is None unless Gong asked to wait and the time is not up."""

    used_24h: int
    calls_per_day: int
    calls_per_second: float
    paused_until: datetime | None


class AllowanceRows:
    """Reserving in short transactions that may be forgotten by a power cut.

    Losing the last few counts costs nothing (Gong's own 429 stands behind them); a disk flush for each call would cost
    more than the call's bookkeeping is worth.
    """

    def __init__(
        self, database: Database, calls_per_second: float, calls_per_day: int, interval_seconds: float
    ) -> None:
        self._database = database
        self._calls_per_second = calls_per_second
        self._calls_per_day = calls_per_day
        self._interval = interval_seconds * _SECOND
        values = {"name": _GONG, "next_slot_at": 0, "paused_until": 0}
        with database.write(durable=False) as connection:
            connection.execute(database.insert(allowance).on_conflict_do_nothing(), values)

    def reserve(self, now: datetime, count: int, used: int) -> Reserved:
        """Up to `count` slots from now on, and `used` calls more on today's account."""
        at = micros(now)
        with self._database.write(durable=False) as connection:
            slot, paused_until = connection.execute(_ROW.with_for_update()).one()
            pause = paused_until - at
            if 0 < pause <= LONGEST_PAUSE_SECONDS * _SECOND:  # longer: the wall clock was set back since
                self._charge(connection, at, used)
                return Reserved(wait_seconds=pause / _SECOND, why="Gong asked to wait")
            left, frees_in = self._left_today(connection, at, used)
            if left <= 0:
                self._charge(connection, at, used)
                return Reserved(
                    wait_seconds=frees_in / _SECOND, why=f"gong.limits.calls_per_day ({self._calls_per_day}) is reached"
                )
            slot = self._sane(slot, at)
            if slot - at > LONGEST_SHORT_WAIT_SECONDS * _SECOND:
                self._charge(connection, at, used)
                return Reserved(wait_seconds=(slot - at) / _SECOND, why="other processes come first")
            count = min(count, left)
            connection.execute(_SET_SLOT, {"slot": slot + round(count * self._interval)})
            self._charge(connection, at, used + (count if count == 1 else 0))
        return Reserved(count=count, first_at=moment(slot))

    def pause(self, now: datetime, wait_seconds: float) -> None:
        """Nobody calls until then; at most an hour, and never shorter than an earlier request to wait."""
        until = micros(now + timedelta(seconds=min(max(wait_seconds, 0.0), LONGEST_PAUSE_SECONDS)))
        with self._database.write(durable=False) as connection:
            present = connection.execute(_ROW.with_for_update()).one().paused_until
            if not until < present <= micros(now) + LONGEST_PAUSE_SECONDS * _SECOND:
                connection.execute(_SET_PAUSE, {"until": until})

    def charge(self, now: datetime, used: int) -> None:
        """`used` calls more on today's account."""
        if used:
            with self._database.write(durable=False) as connection:
                self._charge(connection, micros(now), used)

    def state(self, now: datetime) -> AllowanceState:
        """What is used and whether Gong asked to wait."""
        at = micros(now)
        with self._database.read() as connection:
            paused_until = connection.execute(_ROW).one().paused_until
            used = connection.execute(_USED, {"since": at - _DAY}).scalar()
        paused = 0 < paused_until - at <= LONGEST_PAUSE_SECONDS * _SECOND
        return AllowanceState(
            used_24h=int(used or 0),
            calls_per_day=self._calls_per_day,
            calls_per_second=self._calls_per_second,
            paused_until=moment(paused_until) if paused else None,
        )

    def _sane(self, slot: int, at: int) -> int:
        """The next free slot: never in the past, and not where a wall clock that was ahead once put it."""
        furthest = max(10 * _SECOND, 10 * self._interval)
        return at if slot < at or slot - at > furthest else slot

    def _left_today(self, connection: Connection, at: int, pending: int) -> tuple[int, int]:
        """Calls left in the 24 hours up to `at`, and in how many microseconds the oldest of them no longer count."""
        used = int(connection.execute(_USED, {"since": at - _DAY}).scalar() or 0)
        left = self._calls_per_day - used - pending
        if left > 0:
            return left, 0
        self._bring_back_from_the_future(connection, at)
        oldest = connection.execute(_OLDEST_USED.order_by(allowance_used.c.bucket_ends_at), {"since": at - _DAY}).all()
        return left, (oldest[0].bucket_ends_at + _DAY - at if oldest else _BUCKET)

    def _bring_back_from_the_future(self, connection: Connection, at: int) -> None:
        """Counts written while the wall clock was ahead would count for longer than a day."""
        later = allowance_used.c.bucket_ends_at > at + _BUCKET
        calls = connection.execute(select(func.sum(allowance_used.c.calls)).where(later)).scalar()
        if calls:
            connection.execute(delete(allowance_used).where(later))
            self._charge(connection, at, int(calls))

    def _charge(self, connection: Connection, at: int, used: int) -> None:
        if not used:
            return
        # Named by its end, a bucket counts each of its calls for 24 hours at least and five minutes more at most.
        bucket = at - at % _BUCKET + _BUCKET
        values: dict[str, Any] = {"bucket_ends_at": bucket, "calls": used}
        statement: Any = self._database.insert(allowance_used).values(values)
        more = {"calls": allowance_used.c.calls + statement.excluded.calls}
        connection.execute(statement.on_conflict_do_update(index_elements=["bucket_ends_at"], set_=more))
        connection.execute(delete(allowance_used).where(allowance_used.c.bucket_ends_at <= at - _DAY))
