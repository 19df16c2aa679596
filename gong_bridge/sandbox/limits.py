"""Gong's limits: so many API calls in any second, so many in a day (UTC); pure, told what time it is."""

from __future__ import annotations

import math
from collections import deque
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Literal


class Limits:
    """Counts requests. `monotonic` in seconds orders them within the sliding second, `now` says which day it is."""

    def __init__(self, *, calls_per_second: int | None, calls_per_day: int | None) -> None:
        self._per_second = calls_per_second
        self._per_day = calls_per_day
        self._let_in: deque[float] = deque()
        self._asked: deque[float] = deque()
        self.forget()

    def forget(self) -> None:
        """Start again with the whole allowance."""
        self._let_in.clear()
        self._asked.clear()
        self._day = ""
        self._today = 0
        self.refused = 0
        self.busiest_second = 0
        self.total = 0

    def take(self, *, monotonic: float, now: datetime) -> float | None:
        """None when the request may pass, else the seconds to wait. Only requests that pass use up the allowance."""
        self.total += 1
        self._asked.append(monotonic)
        while self._asked[0] <= monotonic - 1.0:
            self._asked.popleft()
        self.busiest_second = max(self.busiest_second, len(self._asked))
        wait_seconds = self._wait_seconds(monotonic, now)
        if wait_seconds is not None:
            self.refused += 1
            return wait_seconds
        self._today += 1
        if self._per_second is not None:
            self._let_in.append(monotonic)
        return None

    def _wait_seconds(self, monotonic: float, now: datetime) -> float | None:
        if now.date().isoformat() != self._day:
            self._day, self._today = now.date().isoformat(), 0
        if self._per_day is not None and self._today >= self._per_day:
            midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            return (midnight - now).total_seconds()
        while self._let_in and self._let_in[0] <= monotonic - 1.0:
            self._let_in.popleft()
        if self._per_second is not None and len(self._let_in) >= self._per_second:
            return self._let_in[0] + 1.0 - monotonic
        return None


def retry_after_header(wait_seconds: float, *, form: Literal["seconds", "date"], now: datetime) -> str:
    """The value of Retry-After: whole seconds, or an HTTP date; never earlier than the wait."""
    whole_seconds = max(1, math.ceil(wait_seconds))
    if form == "seconds":
        return str(whole_seconds)
    until = (now + timedelta(seconds=whole_seconds + 1)).replace(microsecond=0)
    return format_datetime(until, usegmt=True)
