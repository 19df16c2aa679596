"""A period cut at the midnights of the company's time zone, also where a day has 23 or 25 hours; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gong_bridge.receive.windows import Window


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalDay:
    """A day, or the part of it that is asked for. begin is included, end is not; both in UTC."""

    day: date
    begin: datetime
    end: datetime
    is_whole: bool


def whole_day(day: date, zone: ZoneInfo) -> LocalDay:
    """From midnight to midnight."""
    begin, end = _midnight(day, zone), _midnight(day + timedelta(days=1), zone)
    return LocalDay(day=day, begin=begin, end=end, is_whole=True)


def local_days(period: Window, zone: ZoneInfo) -> Iterator[LocalDay]:
    """The days of `period`, in order."""
    day = period.from_time.astimezone(zone).date()
    while (whole := whole_day(day, zone)).begin < period.to_time:
        begin, end = max(whole.begin, period.from_time), min(whole.end, period.to_time)
        if begin < end:
            yield LocalDay(day=day, begin=begin, end=end, is_whole=(begin, end) == (whole.begin, whole.end))
        day += timedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)
