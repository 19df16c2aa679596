"""The ledger's allowance for work that can wait: no slot is taken while a new recording wants one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gong_bridge import clock
from gong_bridge.errors import RateLimited
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.switch import Switch

LOOK_SECONDS = 0.25
BRIDGES_LOOK_SECONDS = 5.0
NO_ROOM_WAIT_SECONDS = 3600.0
"""When what is left of the day is kept for new calls, it is worth asking again after so long."""


class BehindLive:
    """An Allowance (gong/client.py) that lets live recordings go first, and counts as backlog.

    lease_seconds: of the ledger, by which a bridge that runs is known. told: why it waits, once each time.
    """

    def __init__(
        self, inner: LedgerAllowance, ledger: Ledger, lease_seconds: float, told: Callable[[str], None]
    ) -> None:
        self._inner = inner
        self._ledger = ledger
        self._lease_seconds = lease_seconds
        self._told = told
        self._switch = Switch(ledger)
        self._lanes: tuple[Lane, ...] = ()
        self._looked_at = float("-inf")

    def take(self, stop: threading.Event) -> None:
        """Wait until no new recording is due, then for the next slot. Raises RateLimited, LedgerReadOnly."""
        is_told = False
        while self._is_live_waiting():
            if not is_told:
                self._told("new recordings go first")
                is_told = True
            if clock.wait(stop, LOOK_SECONDS):
                raise RateLimited("stopped while new recordings went first", wait_seconds=0.0)
        if not self._inner.day.has_room_for_backlog():
            raise RateLimited(
                "what is left of the day's allowance is kept for new recordings (gong.limits.kept_for_live)",
                wait_seconds=NO_ROOM_WAIT_SECONDS,
            )
        self._inner.day.work_for(backlog=True)
        self._inner.take(stop)

    def depart(self, stop: threading.Event) -> None:
        """See LedgerAllowance."""
        self._inner.depart(stop)

    def sent(self) -> None:
        """See LedgerAllowance."""
        self._inner.sent()

    def answered(self) -> None:
        """See LedgerAllowance."""
        self._inner.answered()

    def pause(self, wait_seconds: float, *, too_many: bool) -> None:
        """See LedgerAllowance."""
        self._inner.pause(wait_seconds, too_many=too_many)

    def _is_live_waiting(self) -> bool:
        """Nobody works on what is due in a ledger without a running bridge, or in a source that is paused by hand."""
        now_seconds = clock.monotonic_seconds()
        if now_seconds - self._looked_at >= BRIDGES_LOOK_SECONDS:
            running = self._ledger.bridges.running(clock.now(), self._lease_seconds)
            self._switch.look()
            self._lanes = self._switch.on(tuple({lane for bridge in running for lane in bridge.lanes}))
            self._looked_at = now_seconds
        return bool(self._lanes) and self._ledger.views.is_live_waiting(self._lanes, clock.now())
