"""One source's passes under `run --once`: again and again until the work is done, with what keeps one from its end."""

from __future__ import annotations

import threading
from contextlib import suppress

from gong_bridge import clock
from gong_bridge.errors import BridgeError
from gong_bridge.model import SourceHealth
from gong_bridge.routes.route import Route
from gong_bridge.sources.base import Intake


class Scan:
    """The passes of one source.

    complete: one pass came to its end. trouble: why the last one did not, None when it did.
    """

    def __init__(self, route: Route, intake: Intake) -> None:
        self.name = route.source.name
        self.complete = False
        self.trouble: str | None = None
        self._trouble_since = 0.0
        self._source = route.source
        self._intake = intake

    def trouble_seconds(self) -> float:
        """How long the source could not be read; 0 when it can."""
        return clock.monotonic_seconds() - self._trouble_since if self.trouble else 0.0

    def run(self, stop: threading.Event) -> None:
        """Scan until stopped."""
        while True:
            try:
                self._source.scan_once(self._intake, stop)
                self.complete, self.trouble = True, None
            except BridgeError as error:
                self._fail(error.message)
            if clock.wait(stop, 5.0):
                return

    def failed(self, error: Exception) -> None:
        """A bug ended the pass."""
        self._fail(f"looking for recordings failed ({type(error).__name__}); see the log")

    def _fail(self, trouble: str) -> None:
        if self.trouble is None:
            self._trouble_since = clock.monotonic_seconds()
        if trouble != self.trouble:
            ill = SourceHealth(source=self.name, healthy=False, message=trouble, updated_at=clock.now())
            with suppress(BridgeError):  # a ledger that cannot take this says so to everybody who writes to it
                self._intake.health(ill)
        self.trouble = trouble
