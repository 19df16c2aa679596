"""Tells the other bridges on the ledger that this one lives and what it serves, and keeps to the ledger's clock."""

from __future__ import annotations

import socket
from datetime import timedelta

from gong_bridge import __version__, clock
from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger

CLOCKS_DIFFER = timedelta(seconds=2)
"""From here on an operator should know that this machine's clock is not that of the ledger."""

log = get_logger(__name__)


class Presence:
    """One bridge's sign of life in the ledger."""

    def __init__(self, ledger: Ledger, owner: str, lanes: tuple[Lane, ...], lease_seconds: float) -> None:
        self._ledger = ledger
        self._owner = owner
        self._lanes = lanes
        self._lease_seconds = lease_seconds
        self._started_at = clock.now()

    def begin(self) -> None:
        """Be seen for the first time, and say once what differs or waits for nobody."""
        ahead = self._ledger.follow_clock()
        if abs(ahead) > CLOCKS_DIFFER:
            log.warning(
                "this machine's clock is not that of the ledger, whose clock is used; set this one right",
                ledger_ahead_seconds=round(ahead.total_seconds(), 1),
            )
        self._started_at = clock.now()
        self._tell(stopped=False)
        for one in self._ledger.bridges.unserved(clock.now(), self._lease_seconds, self._lanes):
            log.warning(
                "recordings wait that no running bridge can open; gong-bridge status says what to do",
                source=one.lane.source, reach=one.lane.reach, count=one.count,
            )  # fmt: skip

    def beat(self) -> None:
        """Give a sign of life, and look at the ledger's clock. Raises LedgerReadOnly."""
        self._ledger.follow_clock()
        self._tell(stopped=False)

    def end(self) -> None:
        """This bridge stops in good order."""
        self._tell(stopped=True)

    def _tell(self, *, stopped: bool) -> None:
        now = clock.now()
        self._ledger.bridges.seen(
            BridgeSeen(
                name=self._owner,
                host=socket.gethostname(),
                version=__version__,
                lanes=self._lanes,
                started_at=self._started_at,
                seen_at=now,
                stopped_at=now if stopped else None,
            ),
            self._lease_seconds,
        )
