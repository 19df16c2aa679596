"""Who of a process's threads stands at the next slot: new calls before old recordings, else first come first served."""

from __future__ import annotations

import threading
from collections import deque

from gong_bridge.ledger.departures import refuse_when_stopped

_POLL_SECONDS = 0.1


class QueueAtSlot:
    """A lock that is handed on in order."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._live: deque[object] = deque()
        self._backlog: deque[object] = deque()
        self._taken = False

    def enter(self, stop: threading.Event, *, backlog: bool) -> None:
        """Wait for one's turn. Raises RateLimited when `stop` is set."""
        me, mine = object(), self._backlog if backlog else self._live
        with self._changed:
            mine.append(me)
            try:
                while self._taken or (self._live or self._backlog)[0] is not me:
                    self._changed.wait(_POLL_SECONDS)
                    refuse_when_stopped(stop)
                self._taken = True
            finally:
                mine.remove(me)

    def leave(self) -> None:
        """Let the next one stand at the slot."""
        with self._changed:
            self._taken = False
            self._changed.notify_all()
