"""A Gong account's API allowance in the database: slots, flights, the last 24 hours, the pause; shared by all hosts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from gong_bridge.ledger.allowance_statements import (
    BUCKET,
    LAST_DAY,
    LAST_HOUR,
    LONGEST_PAUSE_SECONDS,
    OLDEST,
    SECOND,
    SERVER_TIME,
    TOLD_TIME,
    CallStatements,
)
from gong_bridge.ledger.ceiling import Ceiling
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros, moment
from gong_bridge.ledger.schema import allowance, allowance_flights, allowance_used

_DAY = 86_400 * SECOND
_HOUR = 3600 * SECOND
LONGEST_SHORT_WAIT_SECONDS = 5.0
_LONGEST_DELAY_SECONDS = 2.0
"""A place that is held for longer than its flight and this was held by a clock that was ahead."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What of the company's allowance is this bridge's. `flights`: calls that may arrive within `flight_seconds`."""

    calls_per_second: float
    calls_per_day: int
    flights: int = 0
    flight_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserved:
    """`count` slots in a row, the first in `wait_seconds`; or, when `count` is 0, how long there are none, and why.

    last_ticket: the number of the last of these slots, counted from the ledger's first.
    """

    count: int = 0
    wait_seconds: float = 0.0
    last_ticket: int = 0
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AllowanceState:
    """The allowance as the ledger knows it. `paused_until` is None unless Gong asked to wait and the time is not up.

    calls_per_second, calls_per_day: this bridge's share. backlog_24h: those of used_24h made for backlog.
    kept_for_live: share of the day that old recordings leave to new calls. rate: the calls a second that it keeps to,
    by what Gong refused; refused_1h: how many 429s in the last hour. day_refused_since: since when Gong refuses every
    call, because others have used up the day. company_calls_per_second: what Gong allows to all integrations.
    """

    used_24h: int
    backlog_24h: int
    calls_per_day: int
    calls_per_second: float
    paused_until: datetime | None
    rate: float
    refused_1h: int
    day_refused_since: datetime | None
    kept_for_live: float = 0.0
    company_calls_per_second: float = 0.0

    @property
    def left_24h(self) -> int:
        """Calls that may still be made now."""
        return max(0, self.calls_per_day - self.used_24h)

    @property
    def live_24h(self) -> int:
        """Calls of the last 24 hours that were not made for old recordings."""
        return self.used_24h - self.backlog_24h

    @property
    def backlog_left(self) -> int:
        """Calls that old recordings may take now.

        New calls keep their share of the day, and what they took in the last 24 hours: they will come again today.
        """
        kept = max(self.live_24h, math.floor(self.calls_per_day * self.kept_for_live))
        return min(self.left_24h, max(0, self.calls_per_day - kept - self.backlog_24h))


class AllowanceRows:
    """Reserving in single statements that may be forgotten by a power cut.

    Losing the last few counts costs nothing (Gong's own 429 stands behind them); a disk flush for each call would cost
    more than the call's bookkeeping is worth. On PostgreSQL the server's clock counts for all hosts, whatever theirs
    say; on SQLite all processes share this machine's.
    """

    def __init__(self, database: Database, limits: Limits, name: str = "gong") -> None:
        self._database = database
        self._limits = limits
        self._name = name
        self._ceiling_text = ""
        self._ceiling = Ceiling()
        self._sql = sql = CallStatements(TOLD_TIME if database.is_sqlite else SERVER_TIME)
        self._swift = database.swift
        self._replaced = self._swift.replaced
        self._reserve, self._enter, self._flight, self._leave = map(
            database.statement, (sql.reserve, sql.enter, sql.flight, sql.leave)
        )
        self._longest_hold = round((limits.flight_seconds + _LONGEST_DELAY_SECONDS) * SECOND)
        row = dict.fromkeys((column.name for column in allowance.c), 0) | {"name": name, "ceiling": ""}
        places = [{"name": name, "place": place, "ticket": 0, "free_at": 0} for place in range(limits.flights)]
        if self._has_rows(len(places)):
            return  # whoever only looks writes nothing: the disk may be full
        with database.write(durable=False) as connection:
            connection.execute(database.insert(allowance).on_conflict_do_nothing(), row)
            if places:
                connection.execute(database.insert(allowance_flights).on_conflict_do_nothing(), places)

    def _has_rows(self, places: int) -> bool:
        rows = select(func.count()).select_from(allowance).where(allowance.c.name == self._name)
        in_flight = select(func.count()).select_from(allowance_flights).where(allowance_flights.c.name == self._name)
        with self._database.read() as connection:
            has_row = connection.execute(rows).scalar_one() > 0
            return has_row and connection.execute(in_flight).scalar_one() >= places

    # --- slots ------------------------------------------------------------------------------------------------------

    def reserve(
        self, now: datetime, count: int, interval_share: float, used: int, backlog: int, kept: int = 0
    ) -> Reserved:
        """At most `count` slots from now on; a single one is charged to the day at once.

        used: calls that are charged beside this one (-1: this one was charged before), `backlog` of them all for old
        recordings. kept: so many calls of the day must be left after that.
        interval_share: how much of the rate the slots use.
        """
        if self._is_forgetful():
            return Reserved(wait_seconds=2 * self._limits.flight_seconds, why="the ledger's server was started again")
        at = micros(now)
        rate = self._ceiling.rate_at(at / SECOND, self._limits.calls_per_second)
        step = round(SECOND / (rate * interval_share))
        wanted = {
            **self._key(at),
            "step": step,
            "furthest": max(10 * SECOND, 10 * step),
            "soon": round(LONGEST_SHORT_WAIT_SECONDS * SECOND),
            "used": used,
            "backlog": backlog,
            "per_day": self._limits.calls_per_day - kept,
        }
        for _ in range(3):
            row = self._swift.row(self._reserve, {**wanted, "count": count})
            if row is not None:
                last_ticket, next_slot_at, ceiling, present = row
                self._heard(ceiling)
                wait = (next_slot_at - count * step - present) / SECOND
                return Reserved(count=count, wait_seconds=wait, last_ticket=last_ticket)
            refused_or_left = self._why_not(at, used + kept, wanted["furthest"])
            if isinstance(refused_or_left, Reserved):
                return refused_or_left
            count = min(count, refused_or_left)
        return Reserved(wait_seconds=0.1, why="other processes come first")

    def _why_not(self, at: int, used: int, furthest: int) -> Reserved | int:
        """Why nothing could be reserved; or how many of the day's calls can be now, after a new bucket was begun."""
        with self._database.write(durable=False) as connection:
            row = connection.execute(self._sql.look, self._key(at)).one()
            self._heard(row.ceiling)
            pause = row.paused_until - row.at
            if 0 < pause <= LONGEST_PAUSE_SECONDS * SECOND:  # longer: the wall clock was set back since
                lasting = ": it has refused every call for a while, as if others had used up the day"
                why = "Gong asked to wait" + (lasting if self._ceiling.is_lasting else "")
                return Reserved(wait_seconds=pause / SECOND, why=why)
            if not 0 < row.bucket_ends_at - row.at <= BUCKET:
                self._begin_bucket(connection, row)
                row = connection.execute(self._sql.look, self._key(at)).one()
            left = int(self._limits.calls_per_day - row.earlier_calls - row.bucket_calls - used)
            if left <= 0:
                why = f"this bridge's share of gong.limits.calls_per_day ({self._limits.calls_per_day}) is reached"
                if left + used > 0:
                    why += f" but for {left + used}, which would leave a call without its media"
                return Reserved(wait_seconds=self._day_frees_in(connection, row.at) / SECOND, why=why)
        ahead = row.next_slot_at - row.at
        if LONGEST_SHORT_WAIT_SECONDS * SECOND < ahead <= furthest:
            return Reserved(wait_seconds=ahead / SECOND, why="other processes come first")
        return left

    # --- flights ----------------------------------------------------------------------------------------------------

    def enter(self, now: datetime, ticket: int, margin_seconds: float) -> float | None:
        """Let the call with this ticket go: 0, or the seconds to wait before asking again; None: it came too late.

        At most `flights` calls arrive within `flight_seconds`, whichever process makes them: a place is free again so
        long after its call was let go, and the margin: how much later it may arrive than others. A ticket whose
        successor in the same place has gone already is worth nothing.
        """
        key = {**self._key(micros(now)), "at_place": ticket % self._limits.flights, "of_ticket": ticket}
        held = round((self._limits.flight_seconds + margin_seconds) * SECOND)
        entered = self._swift.count(self._enter, {**key, "flight": held, "longest": self._longest_hold})
        if self._swift.replaced != self._replaced:
            return None
        if entered:
            return 0.0
        row = self._swift.row(self._flight, key)
        assert row is not None
        holder, free_at, paused_until, present = row
        if holder >= ticket or 0 < paused_until - present <= LONGEST_PAUSE_SECONDS * SECOND:
            return None  # whoever reserves anew hears of a pause
        return max(0.001, float(free_at - present) / SECOND)

    def leave(self, now: datetime, ticket: int, ago_seconds: float, margin_seconds: float) -> None:
        """Correct what `enter` took for granted: the call left so long ago, and may have arrived so much later."""
        free = round((self._limits.flight_seconds + margin_seconds - ago_seconds) * SECOND)
        key = {**self._key(micros(now)), "at_place": ticket % self._limits.flights, "of_ticket": ticket}
        self._swift.count(self._leave, {**key, "free": free})

    def _is_forgetful(self) -> bool:
        """Whether the server has died since the last look: it may have forgotten the calls of its last second."""
        before, self._replaced = self._replaced, self._swift.replaced
        return before != self._replaced and self._limits.flights > 0

    # --- what Gong says -----------------------------------------------------------------------------------------------

    def pause(self, now: datetime, wait_seconds: float, *, too_many: bool) -> None:
        """Nobody calls until then; at most an hour, and never shorter than an earlier request to wait.

        too_many: it was a 429, from which the ceiling is learned.
        """
        with self._database.write(durable=False) as connection:
            row = connection.execute(self._sql.look, self._key(micros(now))).one()
            ceiling = Ceiling.from_text(row.ceiling)
            if too_many:
                ceiling = ceiling.refused(row.at / SECOND, row.tickets, self._limits.calls_per_second)
                wait_seconds = ceiling.back_off_seconds(wait_seconds)
                self._charge(connection, row.at, refused=1)
            until = row.at + round(min(max(wait_seconds, 0.0), LONGEST_PAUSE_SECONDS) * SECOND)
            if until < row.paused_until <= row.at + LONGEST_PAUSE_SECONDS * SECOND:
                until = row.paused_until
            changes = {"paused_until": until, "ceiling": ceiling.to_text()}
            connection.execute(update(allowance).where(allowance.c.name == self._name).values(changes))

    def forget_waits(self) -> None:
        """What Gong said was heard by a clock that was set back since; if it still holds, Gong says so again."""
        with self._database.write(durable=False) as connection:
            changes = {"paused_until": 0, "ceiling": ""}
            connection.execute(update(allowance).where(allowance.c.name == self._name).values(changes))

    def charge(self, now: datetime, used: int, backlog: int) -> None:
        """`used` calls more on today's account, `backlog` of them for old recordings."""
        with self._database.write(durable=False) as connection:
            row = connection.execute(self._sql.look, self._key(micros(now))).one()
            self._charge(connection, row.at, calls=used, backlog=backlog)
            self._begin_bucket(connection, row)

    def state(self, now: datetime) -> AllowanceState:
        """What is used, what was refused, and whether Gong asked to wait."""
        with self._database.read() as connection:
            row = connection.execute(self._sql.state, self._key(micros(now))).one()
            since = {"name": self._name, "day": row.at - _DAY, "hour": row.at - _HOUR}
            used = connection.execute(LAST_DAY, since).one()
            refused = connection.execute(LAST_HOUR, since).scalar()
        ceiling = Ceiling.from_text(row.ceiling)
        paused = 0 < row.paused_until - row.at <= LONGEST_PAUSE_SECONDS * SECOND
        counts = row.bucket_ends_at > row.at - _DAY
        lasting = ceiling.is_lasting and paused
        return AllowanceState(
            used_24h=int(used.calls or 0) + (row.bucket_calls if counts else 0),
            backlog_24h=int(used.backlog or 0) + (row.bucket_backlog if counts else 0),
            calls_per_day=self._limits.calls_per_day,
            calls_per_second=self._limits.calls_per_second,
            paused_until=moment(row.paused_until) if paused else None,
            rate=ceiling.rate_at(row.at / SECOND, self._limits.calls_per_second),
            refused_1h=int(refused or 0),
            day_refused_since=moment(round(ceiling.run_since * SECOND)) if lasting else None,
        )

    # --- the day ------------------------------------------------------------------------------------------------------

    def _key(self, at: int) -> dict[str, Any]:
        key: dict[str, Any] = {"of_name": self._name}
        return {**key, "at": at} if self._database.is_sqlite else key

    def _heard(self, text: str) -> None:
        if text != self._ceiling_text:
            self._ceiling_text, self._ceiling = text, Ceiling.from_text(text)

    def _begin_bucket(self, connection: Connection, row: Any) -> None:
        """Put the bucket that was filled to the others, sum those of the last 24 hours up, and begin a new one."""
        if row.bucket_calls:
            self._charge(connection, row.bucket_ends_at - BUCKET, calls=row.bucket_calls, backlog=row.bucket_backlog)
        self._bring_back_from_the_future(connection, row.at)
        mine = allowance_used.c.name == self._name
        connection.execute(delete(allowance_used).where(mine, allowance_used.c.bucket_ends_at <= row.at - _DAY))
        used = connection.execute(LAST_DAY, {"name": self._name, "day": row.at - _DAY}).one()
        changes = {
            "bucket_ends_at": _end_of_bucket(row.at),
            "bucket_calls": 0,
            "bucket_backlog": 0,
            "earlier_calls": int(used.calls or 0),
            "earlier_backlog": int(used.backlog or 0),
        }
        connection.execute(update(allowance).where(allowance.c.name == self._name).values(changes))

    def _day_frees_in(self, connection: Connection, at: int) -> int:
        """In how many microseconds the oldest of the last 24 hours' calls no longer count."""
        oldest = connection.execute(OLDEST, {"name": self._name, "day": at - _DAY}).scalar()
        return int(_end_of_bucket(at) if oldest is None else oldest) + _DAY - at

    def _bring_back_from_the_future(self, connection: Connection, at: int) -> None:
        """Counts written while the wall clock was ahead would count for longer than a day."""
        later = (allowance_used.c.name == self._name) & (allowance_used.c.bucket_ends_at > at + BUCKET)
        sums = select(func.sum(allowance_used.c.calls), func.sum(allowance_used.c.backlog)).where(later)
        calls, backlog = connection.execute(sums).one()
        if calls is not None:
            connection.execute(delete(allowance_used).where(later))
            self._charge(connection, at, calls=int(calls), backlog=int(backlog))

    def _charge(self, connection: Connection, at: int, *, calls: int = 0, backlog: int = 0, refused: int = 0) -> None:
        values: dict[str, Any] = {
            "name": self._name,
            "bucket_ends_at": _end_of_bucket(at),
            "calls": calls,
            "backlog": backlog,
            "refused": refused,
        }
        statement: Any = self._database.insert(allowance_used).values(values)
        more = {name: allowance_used.c[name] + statement.excluded[name] for name in ("calls", "backlog", "refused")}
        connection.execute(statement.on_conflict_do_update(index_elements=["name", "bucket_ends_at"], set_=more))


def _end_of_bucket(at: int) -> int:
    # Named by its end, a bucket counts each of its calls for 24 hours at least and five minutes more at most.
    return at - at % BUCKET + BUCKET
