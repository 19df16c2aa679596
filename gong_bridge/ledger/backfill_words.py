"""What a backfill says of itself on one line: how far it is, what it waits for, how long it will take; pure."""

from __future__ import annotations

import math
from datetime import datetime

from gong_bridge.ledger.allowance_rows import AllowanceState
from gong_bridge.ledger.backfills import BackfillOrder, OrderState
from gong_bridge.ledger.quota import Waiting, spans_in_words


def order_in_words(order: BackfillOrder, allowance: AllowanceState, *, with_link: bool, now: datetime) -> str:
    """`backfill of pbx since 2024-01-01: 3,200 of 14,200 taken, 1,000 today; 11,000 to come = 2.2 days by upload`."""
    days = f"since {order.first_day}" + (f" until {order.last_day}" if order.last_day else "")
    place = f"{order.lane.source} on {order.lane.reach}" if order.lane.reach else order.lane.source
    said = f"backfill of {place} {days}: "
    if order.state is OrderState.DONE:
        return f"{said}done, {order.taken:,} were taken and are in the ledger"
    if order.state is OrderState.CANCELLED:
        return f"{said}cancelled after {order.taken:,}"
    of_all = "" if order.to_come is None else f" of {order.taken + order.to_come:,}"
    said += f"{order.taken:,}{of_all} taken, {order.taken_today(now):,} today"
    if order.most_per_day is not None:
        said += f" ({order.most_per_day:,} a day at most)"
    if order.to_come:
        said += f"; {order.to_come:,} to come = {span_in_words(order, allowance, with_link=with_link, now=now)}"
    return f"{said}; {_doing(order, now)}"


def span_in_words(order: BackfillOrder, allowance: AllowanceState, *, with_link: bool, now: datetime) -> str:
    """`2.8 days by upload, 1.4 by link`, or the days that the order's own limit makes of it when those are more."""
    to_come = order.to_come or 0
    if order.most_per_day is not None:
        days = math.ceil(to_come / order.most_per_day)
        if days > 1 and 2 * order.most_per_day <= allowance.calls_per_day:
            return f"{days:,} days at {order.most_per_day:,} a day"
    return spans_in_words(Waiting(to_create=to_come), allowance, with_link=with_link, now=now)


def _doing(order: BackfillOrder, now: datetime) -> str:
    if order.state is OrderState.PAUSED:
        return f"paused, go on with `gong-bridge backfill --source {order.lane.source} --resume`"
    if order.message:
        return order.message
    if order.room_today(now) == 0:
        return "enough for today, it goes on tomorrow"
    return "running" if order.to_come is not None else "not begun"
