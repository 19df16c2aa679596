"""Works the orders to bring in old recordings: a listing now and then, a few hundred at a time while there is room.

The order is in the ledger, and so is what was taken: a restart, or another bridge, goes on where this one stopped.
"""

from __future__ import annotations

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from gong_bridge import clock
from gong_bridge.errors import BridgeError, LedgerReadOnly
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.backfills import BackfillOrder
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger
from gong_bridge.model import Recording
from gong_bridge.routes.route import Route
from gong_bridge.sources.base import BATCH_SIZE

LOOK_SECONDS = 2.0
MOST_WAITING = 1000
"""So many old recordings of a source wait in the ledger; the others stay where they lie until those are delivered."""
MOST_REMEMBERED = 10_000
"""So many are remembered of a listing: at 10,000 calls a day, one listing is enough for one day at least."""
AGAIN_SECONDS = 30.0
"""After a place could not be listed it is left in peace so long."""
TELL_SECONDS = 2.0
"""How often a listing says how far it is, and asks whether the order still stands."""

log = get_logger(__name__)


@dataclass(kw_only=True)
class _Found:
    """What a listing for an order found and was not taken yet, the first to take in front."""

    order: BackfillOrder
    recordings: deque[Recording]


class Backfill:
    """What one bridge does for the orders of its lanes. `run` belongs to one thread."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        routes: Mapping[str, Route],
        owner: str,
        first: Literal["oldest", "newest"],
        turn_seconds: float,
        on_found: Callable[[int], None],
        on_trouble: Callable[[LedgerReadOnly], None],
    ) -> None:
        """`first`: which recordings of a listing go first. `turn_seconds`: after so long one that died is relieved.

        `on_found`, `on_trouble`: see reception.intake_for.
        """
        self._ledger = ledger
        self._routes = routes
        self._lanes = tuple(Lane(name, route.reach) for name, route in routes.items())
        self._owner = owner
        self._first = first
        self._turn_seconds = turn_seconds
        self._on_found = on_found
        self._on_trouble = on_trouble
        self._found: dict[Lane, _Found] = {}
        self._not_before: dict[Lane, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Work the orders until stopped; then leave them to whoever comes next."""
        while not clock.wait(stop, LOOK_SECONDS):
            try:
                self.look(stop)
            except LedgerReadOnly as error:
                self._on_trouble(error)
            except BridgeError as error:
                log.warning("backfill failed, it is tried again", code=error.code)
        for lane in self._lanes:
            self._ledger.turns.give_back(_turn(lane), self._owner)

    def is_busy(self) -> bool:
        """Whether there is an order of which something may be taken today."""
        now = clock.now()
        return any(order.room_today(now) != 0 for order in self._ledger.backfills.running(self._lanes))

    def look(self, stop: threading.Event) -> None:
        """Take of each order as much as there is room for now."""
        orders = self._ledger.backfills.running(self._lanes)
        for lane in set(self._found) - {order.lane for order in orders}:
            del self._found[lane]
        for order in orders:
            if clock.monotonic_seconds() < self._not_before.get(order.lane, 0.0) or not self._is_my_turn(order.lane):
                continue
            try:
                self._work(order, stop)
            except LedgerReadOnly:
                raise
            except BridgeError as error:
                self._not_before[order.lane] = clock.monotonic_seconds() + AGAIN_SECONDS
                self._ledger.backfills.tell(order, error.message)

    def _work(self, order: BackfillOrder, stop: threading.Event) -> None:
        while not stop.is_set():
            room = MOST_WAITING - self._ledger.backfills.waiting(order.lane, MOST_WAITING)
            if room <= 0 or order.room_today(clock.now()) == 0:
                return
            found = self._found.get(order.lane)
            if found is None or not found.recordings or found.order.ordered_at != order.ordered_at:
                found = self._list(order, stop)
                if found is None:
                    return
                if not found.recordings:
                    self._ledger.backfills.finish(order)
                    log.info("backfill done", source=order.lane.source, taken=order.taken)
                    return
                self._found[order.lane] = found
            batch = list(islice(found.recordings, min(room, BATCH_SIZE)))
            dealt_with = self._ledger.backfills.take(order, batch, clock.now())
            if not dealt_with:
                return
            reached(Point.BACKFILL_TAKEN)
            for _ in range(dealt_with):
                found.recordings.popleft()
            self._on_found(dealt_with)

    def _list(self, order: BackfillOrder, stop: threading.Event) -> _Found | None:
        """List the source; None when stopped, or when the order does not stand any more. Raises SourceUnavailable."""
        listing = _Listing(self._ledger, self._routes[order.lane.source], order, lambda: self._still(order, stop))
        # Of a million, only those that go first are kept: memory stays flat.
        pick = heapq.nlargest if self._first == "newest" else heapq.nsmallest
        first = pick(MOST_REMEMBERED, listing.unseen(), key=lambda one: (one.modified_at, one.key))
        if not listing.is_whole:
            return None
        self._ledger.backfills.listed(order, listing.to_come)
        reached(Point.BACKFILL_LISTED)
        return _Found(order=order, recordings=deque(first))

    def _still(self, order: BackfillOrder, stop: threading.Event) -> bool:
        return (
            not stop.is_set()
            and order.lane
            in [one.lane for one in self._ledger.backfills.running((order.lane,)) if one.ordered_at == order.ordered_at]
            and self._is_my_turn(order.lane)
        )

    def _is_my_turn(self, lane: Lane) -> bool:
        return self._ledger.turns.take(_turn(lane), self._owner, clock.now(), self._turn_seconds)


class _Listing:
    """One listing of a source for an order. `is_whole`: it came to its end, and found `to_come` that are not taken."""

    def __init__(self, ledger: Ledger, route: Route, order: BackfillOrder, still: Callable[[], bool]) -> None:
        self._ledger = ledger
        self._route = route
        self._order = order
        self._still = still
        self.is_whole = False
        self.to_come = 0

    def unseen(self) -> Iterator[Recording]:
        """The order's recordings that the ledger does not know. Ends early when `still` says no."""
        listed, told_at = 0, clock.monotonic_seconds()
        with closing(self._route.source.candidates()) as found:
            while batch := list(islice(found, BATCH_SIZE)):
                listed += len(batch)
                if clock.monotonic_seconds() - told_at >= TELL_SECONDS:
                    told_at = clock.monotonic_seconds()
                    if not self._still():
                        return
                    self._ledger.backfills.tell(self._order, f"looking for them: {listed:,} recordings listed so far")
                wanted = [one for one in batch if self._order.takes(one)]
                recordings = [one for one in wanted if not self._route.mapping.is_sidecar(one.key)]
                for one in self._ledger.intake.unseen(recordings, reach=self._order.lane.reach):
                    self.to_come += 1
                    yield one
        self.is_whole = self._still()


def _turn(lane: Lane) -> str:
    return f"backfill of {lane.source} on {lane.reach}" if lane.reach else f"backfill of {lane.source}"
