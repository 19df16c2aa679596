"""The statements of each API call: single ones, in the words of either database, by the clock that counts there."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, bindparam, case, func, literal_column, select, update

from gong_bridge.ledger.schema import allowance, allowance_flights, allowance_used

SECOND = 1_000_000
BUCKET = 300 * SECOND
LONGEST_PAUSE_SECONDS = 3600.0

SERVER_TIME: ColumnElement[int] = literal_column(
    "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)", BigInteger
)
"""PostgreSQL's clock: one for all hosts, whatever theirs say."""
TOLD_TIME: ColumnElement[int] = bindparam("at", type_=BigInteger)
"""SQLite has one host, whose clock the caller read."""

_COUNTED = (allowance_used.c.name == bindparam("name"), allowance_used.c.bucket_ends_at > bindparam("day"))
LAST_DAY = select(
    func.sum(allowance_used.c.calls).label("calls"), func.sum(allowance_used.c.backlog).label("backlog")
).where(*_COUNTED)
LAST_HOUR = select(func.sum(allowance_used.c.refused)).where(
    allowance_used.c.name == bindparam("name"), allowance_used.c.bucket_ends_at > bindparam("hour")
)
OLDEST = select(func.min(allowance_used.c.bucket_ends_at)).where(*_COUNTED, allowance_used.c.calls > 0)


class CallStatements:
    """The statements of each call, in the words of one database: `at` is its present moment."""

    def __init__(self, at: ColumnElement[int]) -> None:
        mine = allowance.c.name == bindparam("of_name")
        pause = allowance.c.paused_until - at
        longest_pause = round(LONGEST_PAUSE_SECONDS * SECOND)
        not_paused = (pause <= 0) | (pause > longest_pause)
        ahead = allowance.c.next_slot_at - at
        # Never in the past, and not where a wall clock that was ahead once put it.
        slot = case((ahead < 0, at), (ahead > bindparam("furthest"), at), else_=allowance.c.next_slot_at)
        used, count = bindparam("used", type_=BigInteger), bindparam("count", type_=BigInteger)
        charged = case((count == 1, used + 1), else_=used)
        self.reserve = (
            update(allowance)
            .where(mine, not_paused)
            .where(allowance.c.bucket_ends_at > at, allowance.c.bucket_ends_at <= at + BUCKET)
            .where(allowance.c.earlier_calls + allowance.c.bucket_calls + used + count <= bindparam("per_day"))
            .where(slot - at <= bindparam("soon"))
            .values(
                next_slot_at=slot + bindparam("step", type_=BigInteger) * count,
                tickets=allowance.c.tickets + count,
                bucket_calls=allowance.c.bucket_calls + charged,
                bucket_backlog=allowance.c.bucket_backlog + bindparam("backlog", type_=BigInteger),
            )
            .returning(allowance.c.tickets, allowance.c.next_slot_at, allowance.c.ceiling, at.label("at"))
        )
        self.state = select(allowance, at.label("at")).where(mine)
        self.look = self.state.with_for_update()
        here = (
            allowance_flights.c.name == bindparam("of_name"),
            allowance_flights.c.place == bindparam("at_place"),
        )
        free_at = allowance_flights.c.free_at
        ticket = bindparam("of_ticket", type_=BigInteger)
        self.enter = (
            update(allowance_flights)
            .where(*here, allowance_flights.c.ticket < ticket)
            .where((free_at <= at) | (free_at > at + bindparam("longest", type_=BigInteger)))
            .where(select(allowance.c.name).where(mine, not_paused).exists())
            .values(ticket=ticket, free_at=at + bindparam("flight", type_=BigInteger))
        )
        self.flight = select(allowance_flights.c.ticket, free_at, allowance.c.paused_until, at.label("at")).where(
            *here, allowance.c.name == allowance_flights.c.name
        )
        self.leave = (
            update(allowance_flights)
            .where(*here, allowance_flights.c.ticket == ticket)
            .values(free_at=at + bindparam("free", type_=BigInteger))
        )
