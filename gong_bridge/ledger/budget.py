"""The shared API allowance: who may call Gong when, spaced evenly, so that Gong never has to say 429 (R26, R27)."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections import deque
from datetime import datetime, timedelta

from gong_bridge import clock
from gong_bridge.errors import RateLimited
from gong_bridge.ledger.allowance_rows import LONGEST_SHORT_WAIT_SECONDS, AllowanceRows, AllowanceState
from gong_bridge.ledger.ledger import Ledger

_MARGIN_SECONDS = 0.02
"""How much closer two calls may arrive at Gong than they left here."""
_SHARE_USED = 0.98
_FORGET_UNSENT_SECONDS = 2.0
_BLOCK_SECONDS = 0.1
_SINGLE_SLOTS_UP_TO = 50.0
_POLL_SECONDS = 0.1


class LedgerAllowance:
    """The allowance of one company, for all threads of this process and all processes on one ledger.

    Two rules together. In the ledger: slots at even intervals of 1 / (98 % of the rate), so that processes and
    restarts need not know of each other. In this process: never more calls under way or gone than the rate within its
    window and 20 ms, by the moment their headers left, because Gong counts arrivals and a thread may wake late.
    Above 50 calls a second slots are reserved in blocks of 0.1 s; what a block did not use is not counted.
    """

    def __init__(self, ledger: Ledger, calls_per_second: float, calls_per_day: int) -> None:
        self._interval_seconds = 1.0 / (calls_per_second * _SHARE_USED)
        self._rows = AllowanceRows(ledger.database, calls_per_second, calls_per_day, self._interval_seconds)
        single = calls_per_second <= _SINGLE_SLOTS_UP_TO
        self._block_size = 1 if single else math.ceil(calls_per_second * _BLOCK_SECONDS)
        self._block: deque[datetime] = deque()
        self._uncounted = 0
        self._pauses = 0
        self._pauses_before_block = 0
        self._turn = threading.Lock()
        self._window = _Window(calls_per_second)

    def take(self, stop: threading.Event) -> None:
        """Wait for the next slot. One thread waits at the slot, the others behind it.

        Raises RateLimited when it would take longer than 5 s (the day is used up, Gong asked to wait) or `stop` is set.
        """
        while not self._turn.acquire(timeout=_POLL_SECONDS):
            _refuse_when_stopped(stop)
        try:
            while True:
                pauses = self._pauses
                self._wait_until(self._slot(stop), stop)
                self._window.enter(stop)
                if pauses == self._pauses:  # else another thread was told to wait while we stood here
                    return
        finally:
            self._turn.release()

    def sent(self) -> None:
        """The headers of this thread's call have left."""
        self._window.left()

    def pause(self, wait_seconds: float) -> None:
        """Gong answered 429 or 503: no process calls for that long, at most an hour."""
        self._rows.pause(clock.now(), wait_seconds)
        self._pauses += 1

    def state(self, now: datetime) -> AllowanceState:
        """What is used of the allowance."""
        state = self._rows.state(now)
        return dataclasses.replace(state, used_24h=state.used_24h + self._uncounted)

    def flush(self) -> None:
        """Write down the calls of the present block (above 50 calls a second); before the ledger is closed."""
        with self._turn:
            self._rows.charge(clock.now(), self._uncounted)
            self._uncounted = 0

    def _slot(self, stop: threading.Event) -> datetime:
        waited = 0.0
        while True:
            now = clock.now()
            if self._pauses_before_block != self._pauses:
                self._block.clear()
                self._pauses_before_block = self._pauses
            while self._block:
                slot = self._block.popleft()
                if slot > now - timedelta(seconds=_BLOCK_SECONDS):  # an older one would let calls bunch
                    self._uncounted += 1
                    return slot
            got = self._rows.reserve(now, self._block_size, self._uncounted)
            self._uncounted = 0
            if got.first_at is not None:
                if got.count == 1:
                    return got.first_at
                self._block.extend(
                    got.first_at + timedelta(seconds=self._interval_seconds * place) for place in range(got.count)
                )
                continue
            waited += got.wait_seconds
            if waited > LONGEST_SHORT_WAIT_SECONDS:
                raise RateLimited(f"the API allowance is used up: {got.why}", wait_seconds=got.wait_seconds)
            _wait(stop, got.wait_seconds)

    def _wait_until(self, slot: datetime, stop: threading.Event) -> None:
        ahead = (slot - clock.now()).total_seconds()
        if ahead > 0.001:  # a shorter wait takes longer to arrange than it lasts
            # The wall clock may be set back meanwhile: wait for what was meant, not for what it says then.
            _wait(stop, min(ahead, max(LONGEST_SHORT_WAIT_SECONDS, self._interval_seconds)))


class _Window:
    """At most `size` calls under way or gone within `length_seconds` of this process."""

    def __init__(self, calls_per_second: float) -> None:
        self._size = max(1, math.floor(calls_per_second))
        self._length_seconds = self._size / calls_per_second + _MARGIN_SECONDS
        self._gone: deque[float] = deque(maxlen=self._size)
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
            _wait(stop, wait_seconds)

    def left(self) -> None:
        """This thread's call has left."""
        with self._lock:
            self._under_way.pop(threading.get_ident(), None)
            self._gone.append(clock.monotonic_seconds())

    def _wait_seconds(self, now: float) -> float:
        self._forget_unsent(now)
        while self._gone and now - self._gone[0] >= self._length_seconds:
            self._gone.popleft()
        if len(self._under_way) + len(self._gone) < self._size:
            return 0.0
        if self._gone and len(self._under_way) < self._size:
            return max(self._gone[0] + self._length_seconds - now, 0.0005)
        return 0.005  # all are under way: nobody knows until when

    def _forget_unsent(self, now: float) -> None:
        for thread, since in list(self._under_way.items()):
            if now - since > _FORGET_UNSENT_SECONDS:
                del self._under_way[thread]


def _wait(stop: threading.Event, wait_seconds: float) -> None:
    if clock.wait(stop, wait_seconds):
        _refuse_when_stopped(stop)


def _refuse_when_stopped(stop: threading.Event) -> None:
    if stop.is_set():
        raise RateLimited("the bridge is stopping", wait_seconds=0.0)
