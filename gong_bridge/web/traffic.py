"""Counts the bytes on their way to Gong, for the page and the metrics."""

from __future__ import annotations

import threading
from collections import deque

from gong_bridge import clock
from gong_bridge.model import Entry, State
from gong_bridge.observer import Observer

WINDOW_SECONDS = 30.0


class Traffic(Observer):
    """What this process has sent since it started. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent_bytes = 0
        self._uploading: dict[int, int] = {}
        self._recent: deque[tuple[float, int]] = deque()

    def sending(self, entry: Entry, chunk_bytes: int, size_bytes: int) -> None:  # noqa: ARG002 - the Observer's shape
        """Another chunk left."""
        at = clock.monotonic_seconds()
        with self._lock:
            self._sent_bytes += chunk_bytes
            self._uploading[entry.id] = self._uploading.get(entry.id, 0) + chunk_bytes
            if self._recent and at - self._recent[-1][0] < 1.0:  # one row a second is enough
                self._recent[-1] = (self._recent[-1][0], self._recent[-1][1] + chunk_bytes)
            else:
                self._recent.append((at, chunk_bytes))
            self._forget(at)

    def finished_sending(self, entry: Entry) -> None:
        """The upload ended."""
        with self._lock:
            self._uploading.pop(entry.id, None)

    def stepped(self, before: Entry, after: Entry) -> None:  # noqa: ARG002 - the Observer's shape
        """An entry that left the upload for good takes its row along."""
        if after.state is not State.CREATED:
            self.finished_sending(after)

    @property
    def sent_bytes(self) -> int:
        """All bytes of media sent, repeated attempts included."""
        with self._lock:
            return self._sent_bytes

    @property
    def uploads(self) -> int:
        """How many recordings are being sent now."""
        with self._lock:
            return len(self._uploading)

    def bytes_per_second(self) -> float:
        """Over the last 30 seconds."""
        with self._lock:
            self._forget(clock.monotonic_seconds())
            return sum(count for _, count in self._recent) / WINDOW_SECONDS

    def _forget(self, at: float) -> None:
        while self._recent and at - self._recent[0][0] > WINDOW_SECONDS:
            self._recent.popleft()
