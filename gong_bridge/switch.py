"""What a person has paused by hand, as the ledger says: no bridge claims anything of it until a person resumes.

Finding goes on, and a step that runs comes to its end.
"""

from __future__ import annotations

from collections.abc import Sequence

from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import PausedByHand
from gong_bridge.logs import get_logger

log = get_logger(__name__)


class Switch:
    """The pauses by hand as they were at the last look, a moment ago; thread-safe."""

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
