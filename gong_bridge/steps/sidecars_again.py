"""Notices sidecars that change, or come at last, when their call is in Gong already, and writes that down (R9).

Gong has no request that changes a call's metadata, so all that can be done is to say so. Wherever a sidecar lies, each
call is looked at when it is twice as old as at the last look: some fifteen small reads in a week, and nothing for the
hundred thousand files that lie beside older calls.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from gong_bridge import clock
from gong_bridge.account.account import Accounts
from gong_bridge.errors import BadMetadata, NotYetComplete, SourceUnavailable
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry
from gong_bridge.routes.route import Route
from gong_bridge.routes.sidecar_watch import DEGRADED, SIDECAR_AGAIN, SIDECAR_LATE, is_described

FIRST_LOOK_SECONDS = 5.0
"""How soon a call's sidecar is looked at for the first time after the call was created."""
KEPT_FOR = timedelta(days=7)
"""Later changes are not noticed any more."""
LOOK_SECONDS = 3.0
"""How often some are looked at."""
MOST_AT_ONCE = 25
"""So many each time: in a bucket every look is a request."""
MOST_KEPT = 100_000


class SidecarsAgain:
    """The calls of the last days whose sidecars are looked at again; thread-safe."""

    def __init__(self, *, ledger: Ledger, routes: Mapping[str, Route], accounts: Accounts) -> None:
        self._ledger = ledger
        self._routes = routes
        self._accounts = accounts
        self._due: list[tuple[float, int]] = []  # a heap of (monotonic seconds, entry id)
        self._lock = threading.Lock()
        self._looked_at = clock.monotonic_seconds()

    def recall(self) -> None:
        """At the start: the calls of the last days, the newest first."""
        ids = self._ledger.descriptions.created_since(clock.now() - KEPT_FOR, limit=MOST_KEPT)
        with self._lock:
            self._due = [(clock.monotonic_seconds() + place / 1000, entry_id) for place, entry_id in enumerate(ids)]

    def expect(self, entry: Entry) -> None:
        """The call of `entry` was created a moment ago."""
        if is_described(entry):
            self._look_later(entry.id, FIRST_LOOK_SECONDS)

    def look(self) -> int:
        """Look at those whose time has come; how many changed."""
        now_seconds = clock.monotonic_seconds()
        if now_seconds - self._looked_at < LOOK_SECONDS:
            return 0
        self._looked_at = now_seconds
        with self._lock:
            ids: list[int] = []
            while self._due and self._due[0][0] <= now_seconds and len(ids) < MOST_AT_ONCE:
                ids.append(heapq.heappop(self._due)[1])
        changed = 0
        for entry in self._ledger.views.entries(EntryFilter(ids=tuple(ids))) if ids else ():
            changed += self._look_at(entry, now=clock.now())
            age = clock.now() - entry.updated_at
            if age < KEPT_FOR:
                self._look_later(entry.id, max(FIRST_LOOK_SECONDS, age.total_seconds()))
        return changed

    def _look_later(self, entry_id: int, in_seconds: float) -> None:
        with self._lock:
            if len(self._due) < MOST_KEPT:
                heapq.heappush(self._due, (clock.monotonic_seconds() + in_seconds, entry_id))

    def _look_at(self, entry: Entry, *, now: datetime) -> bool:
        route = self._routes.get(entry.source)
        if route is None or entry.call_id is None or not is_described(entry):
            return False
        if entry.reach not in (None, route.reach):
            return False  # another host's folder, which may hold other files under the same names
        try:
            people = self._accounts.of_source(entry.source).directory.people()
            described = route.described_now(entry, people=people, now=now)
        except (BadMetadata, NotYetComplete, SourceUnavailable):
            return False  # half written, broken or out of reach: perhaps next time
        if described is None or described[1] == entry.sidecar_digest:
            return False
        key, digest = described
        late = entry.sidecar_digest is None
        what = "came" if late else "says something else"
        return self._ledger.descriptions.note(
            entry,
            key=key,
            digest=digest,
            code=SIDECAR_LATE if late else SIDECAR_AGAIN,
            reason=f"the sidecar {key} {what} after the call was created; nothing can be changed in Gong any more",
            remark=DEGRADED if late else entry.remark or SIDECAR_AGAIN,
            now=now,
        )
