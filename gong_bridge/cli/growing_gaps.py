"""Decides how often a command repeats what goes on: when it begins, then less and less often."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from gong_bridge import clock

FIRST_GAP_SECONDS = 10.0
LONGEST_GAP_SECONDS = 60.0
"""How long it is until the next line about the same thing: at first, and at most."""


class GrowingGaps:
    """For everything that goes on: when the next line about it is due, and how long it is to the one after."""

    def __init__(self, seconds: Callable[[], float] = clock.monotonic_seconds) -> None:
        self._seconds = seconds
        self._next: dict[Hashable, tuple[float, float]] = {}

    def is_due(self, what: Hashable) -> bool:
        """Whether it is time to speak of this; who asks and hears yes does so."""
        now = self._seconds()
        due_at, gap_seconds = self._next.get(what, (now, FIRST_GAP_SECONDS))
        if now < due_at:
            return False
        self._next[what] = now + gap_seconds, min(2 * gap_seconds, LONGEST_GAP_SECONDS)
        return True

    def ended(self, what: Hashable) -> bool:
        """It goes on no more; whether it was spoken of."""
        return self._next.pop(what, None) is not None
