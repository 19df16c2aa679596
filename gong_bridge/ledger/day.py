"""What of the day's calls a thread may spend: both calls of a recording or none, old recordings after new ones."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gong_bridge import clock
from gong_bridge.errors import BridgeError
from gong_bridge.ledger.allowance_rows import AllowanceState
from gong_bridge.ledger.quota import CALLS_BY_UPLOAD

_LOOK_SECONDS = 2.0
"""How old what is known of the day may be, except when little of it is left."""
_PLENTY_SECONDS = 20.0
"""A day that lasts so long at the full rate has room; nobody need count what is owed."""
_PAID_SECONDS = 240.0
"""So long after it was paid for, an upload still belongs to the same five minutes of the account of the day."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What the next call takes of the day, and how many calls must stay free for others after it."""

    calls: int = 1
    kept: int = 0


class Day:
    """Thread-safe: what a thread works for, and has paid for, is its own; the counts are in the ledger."""

    def __init__(self, look: Callable[[], AllowanceState], charge: Callable[[int, int], None]) -> None:
        """look: asks the ledger. charge: puts so many calls more on the account, so many of them for backlog."""
        self._look = look
        self._charge = charge
        self._mine = threading.local()
        self._last: AllowanceState | None = None
        self._looked_at = float("-inf")

    @property
    def is_for_backlog(self) -> bool:
        """Whether this thread's calls are for old recordings."""
        return bool(getattr(self._mine, "backlog", False))

    def work_for(self, *, backlog: bool) -> None:
        """What this thread's calls are for from now on. An upload that was paid for and not made is given back."""
        with suppress(BridgeError):  # one call of the day is lost
            self._give_back()
        self._mine.backlog = backlog

    def has_room_for_backlog(self) -> bool:
        """Whether old recordings may be worked on now, a whole one at least: the rest is kept for new calls."""
        state = self._state()
        return state.backlog_left >= min(CALLS_BY_UPLOAD, state.calls_per_day)

    @contextmanager
    def with_media(self, owed: Callable[[], int]) -> Iterator[None]:
        """For the call that creates one whose media this thread sends next: there is room for both, or for none.

        owed: how many calls wait for nothing but the allowance to get their media; they go first.
        What was paid for the media is given back when the call is not created.
        """
        state = self._state()
        if state.calls_per_day >= CALLS_BY_UPLOAD:  # else no recording would ever fit into a day
            kept = 0 if self._has_plenty(state) else min(owed(), state.calls_per_day - CALLS_BY_UPLOAD)
            self._mine.price = Price(calls=CALLS_BY_UPLOAD, kept=kept)
        try:
            yield
        except BaseException:
            with suppress(BridgeError):
                self._give_back()
            raise
        finally:
            self._mine.price = None

    def price(self) -> Price:
        """Of this thread's next call."""
        if self._is_paid():
            return Price(calls=0)
        return getattr(self._mine, "price", None) or Price()

    def paid(self, price: Price) -> None:
        """The next call has its slot, and is on the account of the day."""
        self._mine.price = None
        self._mine.paid_at = clock.monotonic_seconds() if price.calls > 1 else None

    def is_scarce(self) -> bool:
        """Whether the day's last calls are being made."""
        return not self._has_plenty(self._state())

    def _is_paid(self) -> bool:
        paid_at = getattr(self._mine, "paid_at", None)
        return paid_at is not None and clock.monotonic_seconds() - paid_at < _PAID_SECONDS

    def _give_back(self) -> None:
        was_paid, self._mine.paid_at = self._is_paid(), None
        if was_paid:
            self._charge(-1, -int(self.is_for_backlog))

    def _has_plenty(self, state: AllowanceState) -> bool:
        return state.left_24h > _PLENTY_SECONDS * state.calls_per_second

    def _state(self) -> AllowanceState:
        now = clock.monotonic_seconds()
        if self._last is None or now - self._looked_at >= _LOOK_SECONDS:
            self._last, self._looked_at = self._look(), now
        return self._last
