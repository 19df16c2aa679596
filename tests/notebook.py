"""A small working stand-in for the ledger's side of a source: it knows what was written down, in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gong_bridge.model import Recording, SourceHealth
from gong_bridge.sources.base import Intake, Source


class Notebook:
    """Rows in the order in which they were added; every (key, version) once."""

    def __init__(self) -> None:
        self.rows: list[Recording] = []
        self.backlog: dict[str, bool] = {}
        self.health: list[SourceHealth] = []
        self.batches: list[int] = []
        self._known: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self.intake = Intake(unseen=self._unseen, add=self._add, health=self.health.append)

    @property
    def keys(self) -> list[str]:
        """Keys of all rows, sorted; a key appears once per version."""
        with self._lock:
            return sorted(row.key for row in self.rows)

    def _unseen(self, recordings: Sequence[Recording]) -> list[Recording]:
        with self._lock:
            return [each for each in recordings if (each.key, each.version) not in self._known]

    def _add(self, recordings: Sequence[Recording], backlog: bool) -> int:
        with self._lock:
            new = [each for each in recordings if (each.key, each.version) not in self._known]
            self.batches.append(len(recordings))
            for each in new:
                self._known.add((each.key, each.version))
                self.rows.append(each)
                self.backlog[each.key] = backlog
            return len(new)


@contextmanager
def running(source: Source, notebook: Notebook) -> Iterator[threading.Thread]:
    """The source in its own thread, as the service runs it; stopped and joined at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=source.run, args=(notebook.intake, stop), daemon=True)
    thread.start()
    try:
        yield thread
        assert thread.is_alive(), "the source's thread died"
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive(), "the source did not stop"


def eventually(holds: Callable[[], bool], within_seconds: float = 10.0) -> bool:
    """Whether it becomes true in time; returns as soon as it does."""
    end = time.monotonic() + within_seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.01)
    return holds()
