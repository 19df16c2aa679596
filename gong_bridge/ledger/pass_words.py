"""How far a source's pass is, in words; pure."""

from __future__ import annotations

from datetime import datetime

from gong_bridge.model import SourceHealth

_SILENT_SECONDS = 60.0
"""A pass that goes on is told of every few seconds; longer silence is worth a word."""


def under_way_in_words(health: SourceHealth, now: datetime) -> str | None:
    """How far a source's pass is that goes on; None: none does."""
    told_at = health.updated_at
    if health.under_way is None or told_at is None or (now - told_at).total_seconds() < _SILENT_SECONDS:
        return health.under_way
    return f"{health.under_way}; not heard of since {told_at:%Y-%m-%d %H:%M:%S} UTC"
