"""Within one process: never more calls under way or gone than allowed, by the moment their headers left."""

from __future__ import annotations

import threading
from collections import deque

from gong_bridge import clock
from gong_bridge.errors import RateLimited

MARGIN_SECONDS = 0.03
"""How much closer two calls may arrive at Gong than they left here, unless an answer's delay says more."""
_LEAST_MARGIN_SECONDS = 0.01
_MEAN_MARGIN_SECONDS = 0.042
"""Answers that are slow as a rule were being worked on, and say nothing about the way there: more would cost 5 %."""
_ANSWERS_COMPARED = 30
_ANSWERS_NEEDED = 5
"""Before that, the quickest answer may itself have been late: a machine that starts bridges is busy."""
_BEGINNING_TIMES = 3.0
_LONGEST_BEGINNING_SECONDS = 0.3
"""The first ones get so many times what they took: four bridges that started together on two cores met a 429."""
_FORGET_UNSENT_SECONDS = 2.0


class Delays:
    """How long calls may have been on their way to Gong, by how long their answers took; thread-safe."""

    def __init__(self) -> None:
        self._answers: deque[float] = deque(maxlen=_ANSWERS_COMPARED)
        self._margins: deque[float] = deque(maxlen=_ANSWERS_COMPARED - 1)
        self._lock = threading.Lock()

    def margin_seconds(self, answer_seconds: float) -> float:
        """How much later than others this call may have arrived, when its answer took so long.

        The quickest of the last answers shows the way there and back and the least work; what this one took longer
        may all have been delay before Gong counted it. On average they are not given more than 0.042 s.
        """
        with self._lock:
            begins = len(self._answers) < _ANSWERS_NEEDED
            quickest = 0.0 if begins else min(self._answers)
            self._answers.append(answer_seconds)
            if begins:
                longer = min(_BEGINNING_TIMES * answer_seconds, _LONGEST_BEGINNING_SECONDS)
                return max(MARGIN_SECONDS, _LEAST_MARGIN_SECONDS + answer_seconds, longer)
            left = _MEAN_MARGIN_SECONDS * _ANSWERS_COMPARED - sum(self._margins)
            wanted = _LEAST_MARGIN_SECONDS + max(0.0, answer_seconds - quickest)
            margin_seconds = max(MARGIN_SECONDS, min(wanted, left))
            self._margins.append(margin_seconds)
        return margin_seconds


class Departures:
    """At most `size` calls under way or gone within `length_seconds` of this process."""

    def __init__(self, size: int, length_seconds: float) -> None:
        self.length_seconds = length_seconds
        self._size = size
        self._gone: deque[float] = deque(maxlen=size)
        self._under_way: dict[int, float] = {}
        self._lock = threading.Lock()

    def enter(self, stop: threading.Event) -> None:
        """Wait until one more call may leave at any moment."""
        me = threading.get_ident()
        with self._lock:
            self._under_way.pop(me, None)  # this thread's last call never left: it counts no more
        while True:
            with self._lock:
                wait_seconds = self._wait_seconds(clock.monotonic_seconds())
                if wait_seconds <= 0:
                    self._under_way[me] = clock.monotonic_seconds()
                    return
            wait(stop, wait_seconds)

    def left(self) -> None:
        """This thread's call has left."""
        with self._lock:
            self._under_way.pop(threading.get_ident(), None)
            self._gone.append(clock.monotonic_seconds())

    def _wait_seconds(self, now: float) -> float:
        self._forget_unsent(now)
        while self._gone and now - self._gone[0] >= self.length_seconds:
            self._gone.popleft()
        if len(self._under_way) + len(self._gone) < self._size:
            return 0.0
        if self._gone and len(self._under_way) < self._size:
            return max(self._gone[0] + self.length_seconds - now, 0.0005)
        return 0.005  # all are under way: nobody knows until when

    def _forget_unsent(self, now: float) -> None:
        for thread, since in list(self._under_way.items()):
            if now - since > _FORGET_UNSENT_SECONDS:
                del self._under_way[thread]


def wait(stop: threading.Event, wait_seconds: float) -> None:
    """Wait so long. Raises RateLimited when `stop` is set meanwhile."""
    if clock.wait(stop, wait_seconds):
        refuse_when_stopped(stop)


def refuse_when_stopped(stop: threading.Event) -> None:
    """Raise RateLimited when `stop` is set."""
    if stop.is_set():
        raise RateLimited("the bridge is stopping", wait_seconds=0.0)
