"""How a bucket source is doing: what its listing and its queue last said, as one message."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime

from gong_bridge import clock
from gong_bridge.errors import BridgeError
from gong_bridge.model import SourceHealth
from gong_bridge.sources.base import Intake


class BucketHealth:
    """Told by two threads; each news is reported with what the other thread last said."""

    def __init__(self, source: str, intake: Intake, *, has_queue: bool) -> None:
        self._source = source
        self._intake = intake
        self._has_queue = has_queue
        self._lock = threading.Lock()
        self._listing = "no listing has come to its end yet"
        self._under_way: str | None = None
        self._listing_failed = False
        self._scanned = 0
        self._scanned_at: datetime | None = None
        self._queue_trouble: str | None = None
        self._messages = self._arrived = self._refused = 0

    def listed(self, message: str, *, scanned: int) -> None:
        """A listing came to its end."""
        with self._lock:
            self._listing, self._listing_failed, self._under_way = message, False, None
            self._scanned, self._scanned_at = scanned, clock.now()
            self._report()

    def listing(self, message: str) -> None:
        """A listing goes on, which may take minutes: how far it is."""
        with self._lock:
            self._under_way = message
            self._report()

    def listing_failed(self, message: str) -> None:
        """A listing broke off."""
        with self._lock:
            self._listing, self._listing_failed, self._under_way = message, True, None
            self._report()

    def queue_read(self, *, messages: int, arrived: int, refused: int) -> None:
        """Messages were read and dealt with. Reported when the queue was in trouble, else with the next listing."""
        with self._lock:
            self._messages += messages
            self._arrived += arrived
            self._refused += refused
            if self._queue_trouble is not None or refused:
                self._queue_trouble = None
                self._report()

    def queue_failed(self, message: str) -> None:
        """The queue cannot be read, or what it names cannot be looked at; the listing goes on."""
        with self._lock:
            self._queue_trouble = message
            self._report()

    def _report(self) -> None:
        message = self._listing
        if self._queue_trouble is not None:
            message += f"; {self._queue_trouble}"
        elif self._has_queue and self._messages:
            message += f"; {self._messages} notifications read, {self._arrived} recordings found by them"
            message += f", {self._refused} held" if self._refused else ""
        health = SourceHealth(
            source=self._source,
            healthy=not self._listing_failed and self._queue_trouble is None,
            message=message,
            watch="notifications + listing" if self._has_queue else "listing",
            scanned=self._scanned,
            last_scan_at=self._scanned_at,
            updated_at=clock.now(),
            under_way=self._under_way,
        )
        with suppress(BridgeError):  # a ledger that cannot take this says so to everybody who writes to it
            self._intake.health(health)
