"""The shared API allowance: who may call Gong when, spaced evenly, so that Gong never has to say 429 (R26, R27)."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections import deque
from contextlib import suppress
from datetime import datetime

from gong_bridge import clock
from gong_bridge.config.schema import Limits as GongLimits
from gong_bridge.errors import BridgeError, RateLimited
from gong_bridge.ledger.allowance_rows import (
    LONGEST_SHORT_WAIT_SECONDS,
    AllowanceRows,
    AllowanceState,
    Limits,
    Reserved,
)
from gong_bridge.ledger.day import Day, Price
from gong_bridge.ledger.departures import MARGIN_SECONDS, Delays, Departures, wait
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.queue_at_slot import QueueAtSlot

_SHARE_USED = 0.97
"""What of the rate the slots use: 3 % slower than Gong allows, so that a call that left late is made up for."""
_BLOCK_SECONDS = 0.1
_SINGLE_SLOTS_UP_TO = 50.0
_POLL_SECONDS = 0.1
_SOON_SECONDS = 0.002
"""Headers leave within this once they may; only when they did not, the ledger is told when they left."""


def allowance_of(ledger: Ledger, limits: GongLimits, *, name: str = "gong") -> LedgerAllowance:
    """The allowance that `gong.limits` leaves to this bridge."""
    return LedgerAllowance(
        ledger,
        limits.our_calls_per_second,
        limits.our_calls_per_day,
        kept_for_live=limits.kept_for_live,
        company_calls_per_second=limits.calls_per_second,
        name=name,
    )


class LedgerAllowance:
    """The allowance of one Gong account, for all threads, processes and hosts on one ledger.

    Two rules together. Slots: even intervals of 1 / (97 % of the rate), reserved ahead, first come first served.
    Flights: never more calls under way or gone than the rate within its window and a margin, by the moment their
    headers left, because Gong counts arrivals and a process may wake late; the margin is what a call may have been
    delayed on its way. Both are in the ledger: the calls of four hosts arrive as if one had made them. A process that
    dies between reserving and leaving wastes its one slot.

    Above 50 calls a second slots are reserved in blocks of 0.1 s, departures are counted within the process alone, and
    what a block did not use is not counted.
    """

    def __init__(
        self,
        ledger: Ledger,
        calls_per_second: float,
        calls_per_day: int,
        *,
        kept_for_live: float = 0.0,
        company_calls_per_second: float = 0.0,
        name: str = "gong",
    ) -> None:
        """The limits are this bridge's share of Gong's.

        kept_for_live: share of the day that old recordings leave to new calls. name: the Gong account that it is for.
        """
        self._is_single = calls_per_second <= _SINGLE_SLOTS_UP_TO
        self._block_size = 1 if self._is_single else math.ceil(calls_per_second * _BLOCK_SECONDS)
        flights = max(1, math.floor(calls_per_second))
        limits = Limits(
            calls_per_second=calls_per_second,
            calls_per_day=calls_per_day,
            flights=flights if self._is_single else 0,
            flight_seconds=flights / calls_per_second,
        )
        self._interval_seconds = 1.0 / (calls_per_second * _SHARE_USED)
        self._rows = AllowanceRows(ledger.database, limits, name)
        self._block: deque[float] = deque()
        self._uncounted = 0
        self._uncounted_backlog = 0
        self._pauses = 0
        self._pauses_before_block = 0
        self._queue = QueueAtSlot()
        self._leaving = threading.Lock()
        self._counting = threading.Lock()
        self._kept_for_live = kept_for_live
        self._company_calls_per_second = company_calls_per_second
        self.day = Day(lambda: self.state(clock.now()), self._charge)
        """What of the day's calls each thread may spend."""
        self._departures = Departures(flights, limits.flight_seconds + MARGIN_SECONDS)
        self._delays = Delays()
        self._mine = threading.local()

    def take(self, stop: threading.Event) -> None:
        """Wait for the next slot. One thread waits at the slot, the others behind it, new calls foremost.

        Raises RateLimited when it would take longer than 5 s (the day is used up, Gong asked to wait) or `stop` is set.
        """
        self._give_back()
        self._queue.enter(stop, backlog=self.day.is_for_backlog)
        try:
            price = self.day.price()
            slot = self._slot(stop, price)
            self.day.paid(price)
            self._wait_until(slot, stop)
        finally:
            self._queue.leave()

    def depart(self, stop: threading.Event) -> None:
        """Wait until the call that this thread took a slot for may leave; its headers go at once after this.

        A slot that was lost meanwhile (others' calls have taken its place, Gong asked to wait) is replaced.
        Raises RateLimited as `take` does.
        """
        while not self._is_let_go(stop):
            self._wait_until(self._slot(stop, Price()), stop)  # what was paid beside the lost one stays paid

    def sent(self) -> None:
        """The headers of this thread's call have left."""
        if not self._is_single:
            self._departures.left()
            return
        ticket = getattr(self._mine, "ticket", None)
        if ticket is not None:
            left_at = clock.monotonic_seconds()
            self._mine.ticket, self._mine.flight = None, (ticket, left_at)
            if left_at - self._mine.let_go_at > _SOON_SECONDS:
                self._leave(ticket, 0.0, MARGIN_SECONDS)

    def answered(self) -> None:
        """The answer to this thread's call has begun: so long at most was it on its way to Gong."""
        flight, self._mine.flight = getattr(self._mine, "flight", None), None
        if flight is None:
            return
        ticket, left_at = flight
        ago_seconds = clock.monotonic_seconds() - left_at
        margin_seconds = self._delays.margin_seconds(ago_seconds)
        if margin_seconds > MARGIN_SECONDS:
            self._leave(ticket, ago_seconds, margin_seconds)

    def pause(self, wait_seconds: float, *, too_many: bool = False) -> None:
        """Gong answered 429 (too_many) or 503: no process calls for that long, at most an hour."""
        self._rows.pause(clock.now(), wait_seconds, too_many=too_many)
        self._pauses += 1

    def forget_waits(self) -> None:
        """The clock was set back: nobody waits until the moment comes again at which Gong wanted to be left alone."""
        self._rows.forget_waits()

    def state(self, now: datetime) -> AllowanceState:
        """What is used of the allowance."""
        state = self._rows.state(now)
        return dataclasses.replace(
            state,
            kept_for_live=self._kept_for_live,
            company_calls_per_second=self._company_calls_per_second,
            used_24h=state.used_24h + self._uncounted,
            backlog_24h=state.backlog_24h + self._uncounted_backlog,
        )

    def flush(self) -> None:
        """Write down the calls of the present block (above 50 calls a second); before the ledger is closed."""
        with self._counting:
            if self._uncounted:
                self._rows.charge(clock.now(), self._uncounted, self._uncounted_backlog)
            self._uncounted = self._uncounted_backlog = 0

    def _slot(self, stop: threading.Event, price: Price) -> float:
        """When the next slot of this thread comes, in monotonic seconds; it is on the account of the day."""
        self._mine.pauses = self._pauses
        return self._single_slot(stop, price) if self._is_single else self._slot_of_block(stop, price)

    def _is_let_go(self, stop: threading.Event) -> bool:
        return self._is_single_let_go(stop) if self._is_single else self._is_block_let_go(stop)

    # --- slot by slot -----------------------------------------------------------------------------------------------

    def _single_slot(self, stop: threading.Event, price: Price) -> float:
        backlog = price.calls * self.day.is_for_backlog
        while True:
            with self._leaving:  # while one of ours waits for a place, further slots would go by unused
                asked_at = clock.monotonic_seconds()
            got = self._reserve(stop, 1, used=price.calls - 1, backlog=backlog, kept=price.kept)
            if got.count:
                self._mine.ticket_at_slot = got.last_ticket
                return asked_at + got.wait_seconds

    def _is_single_let_go(self, stop: threading.Event) -> bool:
        """Whether the call may leave now. False: its slot is lost (we came too late, or Gong asked to wait)."""
        ticket = self._mine.ticket_at_slot
        with self._leaving:
            give_up = clock.monotonic_seconds() + LONGEST_SHORT_WAIT_SECONDS
            while clock.monotonic_seconds() < give_up:
                self._mine.let_go_at = clock.monotonic_seconds()
                wait_seconds = self._rows.enter(clock.now(), ticket, MARGIN_SECONDS + _SOON_SECONDS)
                if wait_seconds is None:
                    return False
                if wait_seconds == 0.0:
                    self._mine.ticket = ticket
                    return True
                wait(stop, min(wait_seconds, _POLL_SECONDS))
        return False

    def _give_back(self) -> None:
        """This thread's last call never left: its place is free."""
        ticket, self._mine.ticket = getattr(self._mine, "ticket", None), None
        if ticket is not None:
            self._rows.leave(clock.now(), ticket, self._departures.length_seconds, 0.0)

    def _leave(self, ticket: int, ago_seconds: float, margin_seconds: float) -> None:
        # In the middle of a request: without a ledger its place is free again by itself, a little later.
        with suppress(BridgeError):
            self._rows.leave(clock.now(), ticket, ago_seconds, margin_seconds)

    # --- block by block ---------------------------------------------------------------------------------------------

    def _is_block_let_go(self, stop: threading.Event) -> bool:
        self._departures.enter(stop)
        return bool(self._mine.pauses == self._pauses)  # else another thread was told to wait meanwhile

    def _slot_of_block(self, stop: threading.Event, price: Price) -> float:
        calls, backlog = price.calls, price.calls * self.day.is_for_backlog
        while True:
            now = clock.monotonic_seconds()
            is_scarce = self.day.is_scarce()
            if is_scarce or self._pauses_before_block != self._pauses:
                self._block.clear()
                self._pauses_before_block = self._pauses
            while self._block:
                slot = self._block.popleft()
                if slot > now - _BLOCK_SECONDS:  # an older one would let calls bunch
                    self._uncounted += calls
                    self._uncounted_backlog += backlog
                    return slot
            used, of_backlog = self._uncounted, self._uncounted_backlog
            if is_scarce:  # the day's last calls one by one: what is left is exact
                got = self._reserve(stop, 1, used=used + calls - 1, backlog=of_backlog + backlog, kept=price.kept)
            else:
                got = self._reserve(stop, self._block_size, used=used, backlog=of_backlog)
            if got.count:
                self._uncounted = self._uncounted_backlog = 0
                first = now + got.wait_seconds
                if is_scarce:
                    return first
                self._block.extend(first + self._interval_seconds * place for place in range(got.count))
                if got.count == 1:  # it is on the account already
                    self._uncounted -= 1

    # --- both -------------------------------------------------------------------------------------------------------

    def _reserve(self, stop: threading.Event, count: int, *, used: int, backlog: int, kept: int = 0) -> Reserved:
        """Slots, or none after a short wait. Raises RateLimited when the wait is long."""
        got = self._rows.reserve(clock.now(), count, _SHARE_USED, used, backlog, kept)
        if not got.count:
            if got.wait_seconds > LONGEST_SHORT_WAIT_SECONDS:
                raise RateLimited(f"the API allowance is used up: {got.why}", wait_seconds=got.wait_seconds)
            wait(stop, got.wait_seconds)
        return got

    def _wait_until(self, slot: float, stop: threading.Event) -> None:
        ahead = slot - clock.monotonic_seconds()
        if ahead > 0.001:  # a shorter wait takes longer to arrange than it lasts
            wait(stop, min(ahead, max(LONGEST_SHORT_WAIT_SECONDS, self._interval_seconds)))

    def _charge(self, calls: int, backlog: int) -> None:
        self._rows.charge(clock.now(), calls, backlog)
