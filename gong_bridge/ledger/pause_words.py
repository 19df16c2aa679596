"""Says in words what a person paused by hand, and which command ends it."""

from __future__ import annotations

from datetime import datetime

from gong_bridge.ledger.notes import PausedByHand


def in_words(paused: PausedByHand, now: datetime) -> str:
    """`paused by hand since 2026-11-22 14:05 (3 h): new trunk`; what is paused stands before it."""
    minutes = max(0, int((now - paused.since).total_seconds() // 60))
    days, hours = minutes // 1440, minutes // 60
    lasting = f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
    because = f", because: {paused.reason}" if paused.reason else ""
    what = "everything is" if paused.source is None else f"source {paused.source} is"
    return f"{what} paused by hand since {paused.since.astimezone():%Y-%m-%d %H:%M} ({lasting}){because}"


def cure(paused: PausedByHand) -> str:
    """The command that ends it."""
    return "gong-bridge resume" + (f" --source {paused.source}" if paused.source else "")
