"""What a request asks for, in Gong's words: times, days, and nothing that was not said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any


def gong_time(moment: datetime | None) -> str | None:
    """ISO-8601 in UTC, to the second. Raises ValueError for a time without an offset: it could mean any hour."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a time without an offset; give it one, such as tzinfo=UTC")
    return moment.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def gong_day(day: date | None) -> str | None:
    """YYYY-MM-DD, a day of the company's time zone in Gong. Raises ValueError for a time."""
    if isinstance(day, datetime):
        raise ValueError("a day is wanted, not a time; give a datetime.date")
    return None if day is None else day.isoformat()


def filled(**values: Any) -> dict[str, Any]:
    """Those that were said: without None, False, and empty lists."""
    return {name: value for name, value in values.items() if value not in (None, False, [], {})}
