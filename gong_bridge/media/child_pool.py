"""The pool of child processes: few, started on demand, replaced when spoiled, grown or old."""

from __future__ import annotations

import threading
from typing import Final

from gong_bridge.media.child_process import ProbeChild

JOBS_PER_CHILD: Final = 5_000
LARGEST_RESIDENT_BYTES: Final = 160 * 2**20


class PoolClosed(Exception):
    """The bridge is stopping."""


class ChildPool:
    """At most `most` children; one is started only while all others are busy."""

    def __init__(self, memory_limit_bytes: int, most: int) -> None:
        self._memory_limit_bytes = memory_limit_bytes
        self._most = most
        self._changed = threading.Condition()
        self._idle: list[ProbeChild] = []
        self._busy: set[ProbeChild] = set()
        self._starting = 0
        self._closed = False

    def take(self) -> ProbeChild:
        """A living child of one's own; waits while all are busy."""
        with self._changed:
            while True:
                if self._closed:
                    raise PoolClosed
                while self._idle:
                    child = self._idle.pop()
                    if child.alive():
                        self._busy.add(child)
                        return child
                    child.kill()
                if len(self._busy) + self._starting < self._most:
                    self._starting += 1
                    break
                self._changed.wait()
        return self._start()

    def _start(self) -> ProbeChild:
        child: ProbeChild | None = None
        try:
            child = ProbeChild(self._memory_limit_bytes)
            return child
        finally:
            with self._changed:
                self._starting -= 1
                if child is not None:
                    self._busy.add(child)
                self._changed.notify()

    def give_back(self, child: ProbeChild, *, usable: bool) -> None:
        """Return a child; it is ended when spoiled, grown or old."""
        worn = child.jobs_done >= JOBS_PER_CHILD or child.resident_bytes > LARGEST_RESIDENT_BYTES
        with self._changed:
            self._busy.discard(child)
            keep = usable and not worn and not self._closed
            if keep:
                self._idle.append(child)
            self._changed.notify()
        if not keep:
            child.kill()

    def close(self) -> None:
        """End all children, also those at work: their jobs fail."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for child in self._busy:
                child.end()
            self._changed.notify_all()
        for child in idle:
            child.kill()

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def pids(self) -> list[int]:
        """Process ids of all children, for status pages and tests."""
        with self._changed:
            return [child.pid for child in (*self._idle, *self._busy)]
