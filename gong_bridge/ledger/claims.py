"""Which entry to claim next, as one SQL expression: a look at the head of each lane, the best of them is taken."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ScalarSelect, Select, bindparam, func, or_, select, union_all, update

from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.rows import ENTRY_COLUMNS
from gong_bridge.ledger.schema import IS_BEGUN, IS_OPEN, entries

Lanes = tuple[Lane, ...] | None
"""The lanes that a bridge serves; None: every entry, whoever can open it (for tests and repairs)."""
Order = Literal["oldest", "newest"]
"""What goes first among live calls, and among the backlog: what has waited longest, or the newest recording."""


@lru_cache(maxsize=32)
def claim_statement(lanes: Lanes, *, live_only: bool, order: Order) -> Any:
    """Lease the next entry of these lanes. Parameters: at, fresh_since, token, until."""
    return (
        update(entries)
        .where(entries.c.id == _pick(lanes, live_only=live_only, order=order, lock=True))
        .values(lease_token=bindparam("token"), lease_until=bindparam("until"))
        .returning(*ENTRY_COLUMNS)
    )


@lru_cache(maxsize=32)
def look_statement(lanes: Lanes, *, live_only: bool, order: Order) -> Select[Any]:
    """Whether there is anything to claim, without a lock or a write. Parameters: at, fresh_since."""
    return select(_pick(lanes, live_only=live_only, order=order, lock=False))


def _pick(lanes: Lanes, *, live_only: bool, order: Order, lock: bool) -> Any:
    """Live before backlog; among each, what was begun before what was not: no call stays without its media for days."""
    rest = _Kind.NEWEST if order == "newest" else _Kind.DUE
    wanted = [(False, _Kind.FRESH), (False, _Kind.BEGUN), (False, rest)]
    if not live_only:
        wanted += [(True, _Kind.BEGUN), (True, rest)]
    return func.coalesce(*(_next_id(lanes, backlog=backlog, kind=kind, lock=lock) for backlog, kind in wanted))


class _Kind(Enum):
    """Which entries, in which order; each is served by one index."""

    FRESH = "found a moment ago, the newest first"
    BEGUN = "the call is in Gong already"
    DUE = "by how long they have been due"
    NEWEST = "the newest recording first"

    def order(self, columns: Any) -> tuple[Any, ...]:
        """The order within a lane, and then among the heads of the lanes."""
        if self is _Kind.FRESH:
            return columns.found_at.desc(), columns.due_at.desc(), columns.id.desc()
        if self is _Kind.NEWEST:
            return columns.modified_at.desc(), columns.id.desc()
        return columns.due_at, columns.id

    def conditions(self) -> tuple[Any, ...]:
        """What makes an entry one of this kind that may be claimed."""
        # As a sum no index for due times serves it: the planner would sort all that are due to find the newest.
        due_at: Any = entries.c.due_at + 0 if self is _Kind.NEWEST else entries.c.due_at
        is_due = due_at <= bindparam("at")
        if self is _Kind.FRESH:
            return IS_OPEN, is_due, entries.c.found_at >= bindparam("fresh_since")
        return IS_BEGUN if self is _Kind.BEGUN else IS_OPEN, is_due


def _next_id(lanes: Lanes, *, backlog: bool, kind: _Kind, lock: bool) -> ScalarSelect[Any]:
    """The id of the entry to claim next of one kind; the order is that of one index, read from the head of each lane.

    Only so do entries that others must work on cost nothing, however many of them are due.
    """
    heads = [_head(lane, backlog=backlog, kind=kind, lock=lock) for lane in ((None,) if lanes is None else lanes)]
    arms = [head.subquery() for head in heads]  # a lock may not stand in the arm of a UNION itself
    best = union_all(*(select(arm.c.id, arm.c.found_at, arm.c.due_at, arm.c.modified_at) for arm in arms)).subquery()
    return select(best.c.id).order_by(*kind.order(best.c)).limit(1).scalar_subquery()


def _head(lane: Lane | None, *, backlog: bool, kind: _Kind, lock: bool) -> Select[Any]:
    statement = (
        select(entries.c.id, entries.c.found_at, entries.c.due_at, entries.c.modified_at)
        .where(*kind.conditions(), entries.c.backlog == backlog)
        .where(or_(entries.c.lease_until.is_(None), entries.c.lease_until < bindparam("at")))
        .order_by(*kind.order(entries.c))
        .limit(1)
    )
    if lane is not None:
        statement = statement.where(lane.condition())
    return statement.with_for_update(skip_locked=True) if lock else statement
