"""The only place that asks what time it is or waits; everything else is told `now` (convention 6)."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

_NOISE = timedelta(milliseconds=50)
"""Corrections smaller than this are the network's delay, not a clock's."""
_ahead = timedelta(0)


def now() -> datetime:
    """The present moment, aware, in UTC: this machine's, or that of the clock that this process follows."""
    return machine_now() + _ahead


def machine_now() -> datetime:
    """What this machine's own clock says, aware, in UTC."""
    return datetime.now(UTC)


def follow(ahead: timedelta) -> None:
    """From now on `now` is another clock's time, which is `ahead` of this machine's.

    Several hosts that share a ledger share its clock: leases and waits mean the same moment to all of them.
    """
    global _ahead
    if abs(ahead - _ahead) > _NOISE or not ahead:
        _ahead = ahead


def monotonic_seconds() -> float:
    """A clock that never goes back; only differences mean anything."""
    return time.monotonic()


def wait(stop: threading.Event, wait_seconds: float) -> bool:
    """Wait until `stop` is set or `wait_seconds` have passed; True when stopped."""
    return stop.wait(max(0.0, wait_seconds))
