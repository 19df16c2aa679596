"""Which night's receipt is due, and of which days it is; pure, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gong_bridge.ledger.nights import Night

MOST_DAYS = 31
"""So far back missed nights are made up for: a receipt tells as long that something is missing."""
_DAY = timedelta(days=1)


def due_at(night: date, at: time, zone: ZoneInfo) -> datetime:
    """When that night's receipt is due, in UTC: once each night.

    A time that clocks skip comes as much later as they skip; of one that comes twice, the first counts.
    """
    return datetime.combine(night, at, zone).astimezone(UTC)


def latest_night(now: datetime, at: time, zone: ZoneInfo) -> date:
    """The last night whose receipt was due."""
    today = now.astimezone(zone).date()
    return today if due_at(today, at, zone) <= now else today - _DAY


def night_to_settle(night: date, days: int, before: Night | None) -> Night:
    """What is settled in `night`: the last `days` days, and what earlier nights have not come to.

    before: what was last written down; of the same night it is gone on with. A night that is yet to come was written
    down while the clock was ahead, and counts for nothing.
    """
    if before is not None and night <= before.night <= night + _DAY:  # a day: the time zone may have been changed
        return before
    missed = night if before is None else min(before.next_day, night)
    first = max(night - MOST_DAYS * _DAY, min(night - days * _DAY, missed))
    earlier_at = None if before is None else before.finished_at or before.earlier_at
    return Night(night=night, first=first, last=night - _DAY, next_day=first, earlier_at=earlier_at)
