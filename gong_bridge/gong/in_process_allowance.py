"""An allowance for a program of its own, without a ledger: even spacing within this process, and Gong's pauses."""

from __future__ import annotations

import threading

from gong_bridge import clock
from gong_bridge.errors import RateLimited

LONGEST_WAIT_SECONDS = 60.0
"""A longer pause is told to the caller instead of waited for."""


class InProcessAllowance:
    """So many calls a second, evenly, for all threads of this process. See client.Allowance.

    It knows nothing of other processes: a company's limit (3 a second, 10,000 a day) is shared by all of them.
    """

    def __init__(self, calls_per_second: float) -> None:
        if calls_per_second <= 0:
            raise ValueError("calls_per_second is more than 0")
        self._interval_seconds = 1.0 / calls_per_second
        self._lock = threading.Lock()
        self._next_at = 0.0

    def take(self, stop: threading.Event) -> None:
        """Wait for the next slot. Raises RateLimited when that is more than a minute away, or `stop` is set."""
        with self._lock:
            now = clock.monotonic_seconds()
            slot = max(self._next_at, now)
            if slot - now > LONGEST_WAIT_SECONDS:
                raise RateLimited(f"Gong asked to wait {slot - now:.0f} s more", wait_seconds=slot - now)
            self._next_at = slot + self._interval_seconds
        if clock.wait(stop, slot - now):
            raise RateLimited("stopped while waiting for the allowance", wait_seconds=0.0)

    def depart(self, stop: threading.Event) -> None:
        """Nothing to wait for: the slot has come."""

    def sent(self) -> None:
        """Nothing to note: slots are spaced by when they are taken."""

    def answered(self) -> None:
        """Nothing to note."""

    def pause(self, wait_seconds: float, *, too_many: bool) -> None:  # noqa: ARG002 - both kinds wait alike here
        """Nobody calls for so long."""
        with self._lock:
            self._next_at = max(self._next_at, clock.monotonic_seconds() + wait_seconds)
