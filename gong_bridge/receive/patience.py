"""Goes on when Gong fails for a moment or asks to wait, and says when it is worth waiting no longer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from gong_bridge import clock
from gong_bridge.errors import RateLimited, RetryLater, ServiceDown
from gong_bridge.gong.pages import CursorLost
from gong_bridge.retry import RetryPolicy, next_wait_seconds

Result = TypeVar("Result")

AT_FIRST = RetryPolicy(first_wait_seconds=1.0, longest_wait_seconds=30.0, max_attempts=3)
"""Before anything has come: a wrong address or a firewall is told to the person who stands there, after 3 seconds."""
UNDER_WAY = RetryPolicy(first_wait_seconds=1.0, longest_wait_seconds=30.0, max_attempts=8)
"""Failures in a row before an export gives up: about a minute and a half."""
LONGEST_WAIT_SECONDS = 600.0
"""A longer wait (the day's allowance is used up) is told to the person, who goes on later."""


class Patience:
    """Repeats what failed for a reason that passes. told: of each wait, its reason and its seconds."""

    def __init__(self, stop: threading.Event, told: Callable[[str, float], None]) -> None:
        self._stop = stop
        self._told = told
        self._policy = AT_FIRST

    def insist(self, ask: Callable[[], Result]) -> Result:
        """What `ask` gives. Raises CursorLost at once, other trouble when it lasts too long or does not pass."""
        failures = 0
        while True:
            try:
                result = ask()
            except CursorLost:
                raise
            except RateLimited as limited:
                wait_seconds = limited.wait_seconds or 1.0
                if wait_seconds > LONGEST_WAIT_SECONDS or self._stop.is_set():
                    raise
                self._wait(limited, wait_seconds)
            except ServiceDown as down:
                failures += 1
                wait = next_wait_seconds(self._policy, attempts=failures, asked_seconds=down.wait_seconds)
                if wait is None or self._stop.is_set():
                    raise
                self._wait(down, wait)
            else:
                self._policy = UNDER_WAY
                return result

    def _wait(self, why: RetryLater, wait_seconds: float) -> None:
        self._told(why.message, wait_seconds)
        clock.wait(self._stop, wait_seconds)
