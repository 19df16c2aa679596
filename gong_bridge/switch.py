"""What a person has paused by hand, as the ledger says: no bridge claims anything of it until a person resumes.

Finding goes on, and a step that runs comes to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import PausedByHand
from gong_bridge.logs import get_logger

log = get_logger(__name__)


class Switch:
    """The pauses by hand as they were at the last look, twice a second; thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._paused: dict[str | None, PausedByHand] = {}

    @property
    def paused(self) -> list[PausedByHand]:
        """Every pause by hand, that of everything first."""
        return list(self._paused.values())

    def look(self) -> None:
        """Ask the ledger. Raises LedgerReadOnly."""
        before, now = self._paused, {one.source: one for one in self._ledger.notes.paused_by_hand()}
        self._paused = now
        for source in now.keys() - before.keys():
            log.info("paused by hand", source=source or "all")
        for source in before.keys() - now.keys():
            log.info("resumed by hand", source=source or "all")

    def is_off(self, source: str) -> bool:
        """Whether recordings of this source are to wait."""
        paused = self._paused
        return bool(paused) and (None in paused or source in paused)

    def on(self, lanes: Sequence[Lane]) -> tuple[Lane, ...]:
        """Those of these lanes that may be worked on."""
        return tuple(lane for lane in lanes if not self.is_off(lane.source))


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
