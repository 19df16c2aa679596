"""Reads a held notification again when a person retries it (R17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry
from gong_bridge.sources.base import Source


def read_again(
    ledger: Ledger, source: Source, entry: Entry, *, is_sidecar: Callable[[str], bool], now: datetime
) -> Entry:
    """Take up the recordings that the message names, and set it aside. Raises BadNotification: it is held again."""
    recordings = [one for one in source.notified(entry.notification or "") if not is_sidecar(one.key)]
    ledger.intake.add(recordings, backlog=True, now=now, reach=entry.reach)
    reason = f"the notification was read: {len(recordings)} recordings are there"
    return ledger.work.skip(entry, now=now, code="notification-read", reason=reason)
