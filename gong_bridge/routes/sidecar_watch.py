"""Lets held recordings go on when the sidecar that held them comes after all, or is corrected (R9)."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass

from gong_bridge import clock
from gong_bridge.errors import BadMetadata, BridgeError, MissingSidecar
from gong_bridge.ledger.filters import EntryFilter, Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, State
from gong_bridge.routes.beside import Beside, Seen

LOOK_SECONDS = 3.0
"""How often some of the awaited sidecars are looked at."""
MOST_AT_ONCE = 25
"""So many entries are looked at each time, in turn: in a bucket every look is a request."""
MOST_ROWS_AT_ONCE = 1000
"""So many that wait for a row of a table: asking an index costs next to nothing."""
MOST_AWAITED = 10_000
"""Beyond that, entries wait for the next start or `ledger retry`."""

DEGRADED = "degraded"
"""Remark on a call that was sent without the sidecar that it should have had."""
SIDECAR_AGAIN = "sidecar-again"
"""Remark on a call whose sidecar said something else after the call was created."""
SIDECAR_LATE = "sidecar-late"
"""Code of the event of a sidecar that came after the call had been created without it."""


def is_described(entry: Entry) -> bool:
    """Whether a sidecar describes this recording, or should have."""
    return entry.sidecar_key is not None or entry.remark == DEGRADED


@dataclass(frozen=True, kw_only=True, slots=True)
class _Awaited:
    entry_id: int
    seen: tuple[Seen, ...]
    reads_files: bool


class SidecarWatch:
    """Compares, in turn, what lies beside held recordings with what lay there; thread-safe.

    It knows only what this process held: at a start, everything held for its sidecar is tried once more.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._awaited: dict[int, _Awaited] = {}
        self._lock = threading.Lock()
        self._looked_at = clock.monotonic_seconds()

    def try_all_again(self, lanes: tuple[Lane, ...]) -> int:
        """At the start: sidecars, mappings and clocks may have been corrected meanwhile; how many were let go.

        What other hosts hold is not tried: nothing is known here of what lies beside it.
        """
        codes = (MissingSidecar.code, BadMetadata.code)
        return self._ledger.operator.reopen_held(clock.now(), codes=codes, lanes=lanes)

    def expect(self, entry: Entry, beside: Beside) -> None:
        """`entry` is about to be held by what was seen beside it."""
        with self._lock:
            if len(self._awaited) < MOST_AWAITED:
                self._awaited[entry.id] = _Awaited(
                    entry_id=entry.id, seen=beside.seen, reads_files=beside.has_read_files
                )

    def notice(self, keys: Collection[str]) -> None:
        """These keys were written a moment ago: whoever waits for one of them is looked at next."""
        wanted = set(keys)
        with self._lock:
            first = {
                one.entry_id: one for one in self._awaited.values() if any(seen.key in wanted for seen in one.seen)
            }
            if first:
                self._awaited = {**first, **self._awaited}
                self._looked_at = -LOOK_SECONDS

    def look(self) -> int:
        """Look at some, when it is time again; how many entries go on."""
        if clock.monotonic_seconds() - self._looked_at < LOOK_SECONDS:
            return 0
        self._looked_at = clock.monotonic_seconds()
        with self._lock:
            waiting = list(self._awaited.values())
            some = [one for one in waiting if one.reads_files][:MOST_AT_ONCE]
            some += [one for one in waiting if not one.reads_files][:MOST_ROWS_AT_ONCE]
            for one in some:
                del self._awaited[one.entry_id]
        freed = 0
        while some:
            one = some[0]
            try:
                freed_now = _changed(one) and self._free(one.entry_id)
                waits = not freed_now and self._still_waits(one.entry_id)
            except BridgeError:  # the ledger cannot be used: none of them is forgotten
                self._put_back(some)
                raise
            if waits:
                self._put_back([one])
            freed += freed_now
            del some[0]
        return freed

    def _free(self, entry_id: int) -> bool:
        found = EntryFilter(ids=(entry_id,), states=(State.HELD,))
        return self._ledger.operator.retry(found, now=clock.now()) > 0

    def _put_back(self, some: list[_Awaited]) -> None:
        with self._lock:
            for one in some:
                self._awaited.setdefault(one.entry_id, one)

    def _still_waits(self, entry_id: int) -> bool:
        entry = self._ledger.views.get(entry_id)  # found: its hold is about to be written down
        return entry is not None and entry.state in (State.HELD, State.FOUND)


def _changed(one: _Awaited) -> bool:
    for seen in one.seen:
        try:
            now = seen.look()
        except BadMetadata:
            now = "too large"
        except BridgeError:
            continue  # the source is away: look again next time
        if now != seen.digest:
            return True
    return False
