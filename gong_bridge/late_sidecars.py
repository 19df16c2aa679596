"""Lets recordings go on whose sidecar came after all: held for a missing one, cured without a person (R9)."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from gong_bridge import clock
from gong_bridge.errors import BridgeError, MissingSidecar
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry
from gong_bridge.pipeline import Route

LOOK_SECONDS = 5.0
"""How often the places of missing sidecars are looked at."""
MOST_AWAITED = 1000
"""So many are looked for at a time; the others are tried again at the next start, or by `ledger retry`."""


class LateSidecars:
    """The sidecars that are missed, by entry; thread-safe.

    Only this process's own: at a start, whatever is held for a missing sidecar is tried once more.
    """

    def __init__(self, ledger: Ledger, routes: Mapping[str, Route]) -> None:
        self._ledger = ledger
        self._routes = routes
        self._awaited: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._lock = threading.Lock()
        self._looked_at = clock.monotonic_seconds()

    def try_all_again(self) -> int:
        """At the start: forget nobody whom an earlier process missed; how many were let go."""
        return self._ledger.operator.reopen_held(clock.now(), codes=(MissingSidecar.code,))

    def expect(self, entry: Entry, missing: MissingSidecar) -> None:
        """`entry` is held because `missing` was nowhere."""
        with self._lock:
            if len(self._awaited) < MOST_AWAITED:
                self._awaited[entry.id] = (entry.source, missing.looked_for)

    def look(self) -> int:
        """Look for what is missed, when it is time again; how many entries go on."""
        if clock.monotonic_seconds() - self._looked_at < LOOK_SECONDS:
            return 0
        self._looked_at = clock.monotonic_seconds()
        with self._lock:
            awaited = dict(self._awaited)
        arrived = tuple(entry for entry, (source, keys) in awaited.items() if self._is_there(source, keys))
        if not arrived:
            return 0
        with self._lock:
            for entry in arrived:
                self._awaited.pop(entry, None)
        return self._ledger.operator.retry(EntryFilter(ids=arrived, code=MissingSidecar.code), now=clock.now())

    def _is_there(self, source: str, keys: tuple[str, ...]) -> bool:
        route = self._routes.get(source)
        try:
            return route is not None and any(route.source.read_beside(key, 1) is not None for key in keys)
        except BridgeError as error:
            return error.code == "bad-metadata"  # larger than the one byte asked for: it is there
