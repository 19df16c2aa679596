"""A long period in windows that are asked for one after the other: as long as their pages allow; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_LENGTH = timedelta(days=1)
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=32)
FEW_PAGES = 1
MANY_PAGES = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """from_time is included, to_time is not."""

    from_time: datetime
    to_time: datetime

    def to_json(self) -> list[str]:
        """As it is written down."""
        return [self.from_time.isoformat(), self.to_time.isoformat()]

    @classmethod
    def from_json(cls, value: list[str]) -> Window:
        """What was written down. Raises ValueError."""
        begin, end = (datetime.fromisoformat(one) for one in value)
        return cls(from_time=begin, to_time=end)


def first_window(period: Window) -> Window:
    """The beginning of the period."""
    return _cut(period, period.from_time, FIRST_LENGTH)


def next_window(period: Window, last: Window, pages: int) -> Window | None:
    """What follows `last`, which took so many pages; None when the period is over.

    Windows without rows cost a call each, so quiet times are asked for in long ones; a cursor that expires costs the
    whole window, so busy times are asked for in short ones.
    """
    if last.to_time >= period.to_time:
        return None
    length = last.to_time - last.from_time
    if pages <= FEW_PAGES:
        length = min(length * 2, LONGEST)
    elif pages > MANY_PAGES:
        length = max(length / 2, SHORTEST)
    return _cut(period, last.to_time, length)


def _cut(period: Window, begin: datetime, length: timedelta) -> Window:
    end = begin + timedelta(seconds=round(length.total_seconds()))  # Gong's times have whole seconds
    return Window(from_time=begin, to_time=min(end, period.to_time))
