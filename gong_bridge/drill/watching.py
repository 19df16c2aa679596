"""Watches a bridge while a scene is played: attempts that were spent, and whether it ever paused."""

from __future__ import annotations

import threading

from gong_bridge.model import Entry
from gong_bridge.observer import Observer


class Watching(Observer):
    """Told by every worker; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.attempts = 0
        """Attempts that were spent, of all recordings together."""
        self.paused = False
        """Whether the bridge paused at any time."""

    def stepped(self, before: Entry, after: Entry) -> None:
        """Count what was spent."""
        with self._lock:
            self.attempts += after.attempts > before.attempts

    def pauses(self, now: bool) -> None:
        """Whether it is paused now."""
        self.paused = self.paused or now
