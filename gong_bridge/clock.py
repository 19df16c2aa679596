"""The only place that asks what time it is or waits; everything else is told `now` (convention 6)."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def monotonic_seconds() -> float:
    """A clock that never goes back; only differences mean anything."""
    return time.monotonic()


def wait(stop: threading.Event, wait_seconds: float) -> bool:
    """Wait until `stop` is set or `wait_seconds` have passed; True when stopped."""
    return stop.wait(max(0.0, wait_seconds))
