"""Which entry to claim next, as one SQL expression: a look at the head of each lane, the best of them is taken."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import ScalarSelect, Select, bindparam, func, or_, select, union_all, update

from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.rows import ENTRY_COLUMNS
from gong_bridge.ledger.schema import IS_OPEN, entries

Lanes = tuple[Lane, ...] | None
"""The lanes that a bridge serves; None: every entry, whoever can open it (for tests and repairs)."""


@lru_cache(maxsize=32)
def claim_statement(lanes: Lanes, *, live_only: bool) -> Any:
    """Lease the next entry of these lanes. Parameters: at, fresh_since, token, until."""
    return (
        update(entries)
        .where(entries.c.id == _pick(lanes, live_only=live_only, lock=True))
        .values(lease_token=bindparam("token"), lease_until=bindparam("until"))
        .returning(*ENTRY_COLUMNS)
    )


@lru_cache(maxsize=32)
def look_statement(lanes: Lanes, *, live_only: bool) -> Select[Any]:
    """Whether there is anything to claim, without a lock or a write. Parameters: at, fresh_since."""
    return select(_pick(lanes, live_only=live_only, lock=False))


def _pick(lanes: Lanes, *, live_only: bool, lock: bool) -> Any:
    live = (
        _next_id(lanes, backlog=False, fresh=True, lock=lock),
        _next_id(lanes, backlog=False, fresh=False, lock=lock),
    )
    return (
        func.coalesce(*live)
        if live_only
        else func.coalesce(*live, _next_id(lanes, backlog=True, fresh=False, lock=lock))
    )


def _next_id(lanes: Lanes, *, backlog: bool, fresh: bool, lock: bool) -> ScalarSelect[Any]:
    """The id of the entry to claim next of one kind; the order is that of one index, read from the head of each lane.

    Only so do entries that others must work on cost nothing, however many of them are due.
    """
    heads = [_head(lane, backlog=backlog, fresh=fresh, lock=lock) for lane in ((None,) if lanes is None else lanes)]
    arms = [head.subquery() for head in heads]  # a lock may not stand in the arm of a UNION itself
    best = union_all(*(select(arm.c.id, arm.c.found_at, arm.c.due_at) for arm in arms)).subquery()
    return select(best.c.id).order_by(*_order(best.c, fresh=fresh)).limit(1).scalar_subquery()


def _head(lane: Lane | None, *, backlog: bool, fresh: bool, lock: bool) -> Select[Any]:
    statement = (
        select(entries.c.id, entries.c.found_at, entries.c.due_at)
        .where(IS_OPEN, entries.c.backlog == backlog, entries.c.due_at <= bindparam("at"))
        .where(or_(entries.c.lease_until.is_(None), entries.c.lease_until < bindparam("at")))
        .order_by(*_order(entries.c, fresh=fresh))
        .limit(1)
    )
    if lane is not None:
        statement = statement.where(lane.condition())
    if fresh:
        statement = statement.where(entries.c.found_at >= bindparam("fresh_since"))
    return statement.with_for_update(skip_locked=True) if lock else statement


def _order(columns: Any, *, fresh: bool) -> tuple[Any, ...]:
    if fresh:
        return columns.found_at.desc(), columns.due_at.desc(), columns.id.desc()
    return columns.due_at, columns.id
