"""Puts back what Gong has no more: only recordings that still lie in their source, as they were delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gong_bridge import clock
from gong_bridge.errors import SourceGone, SourceUnavailable
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, State
from gong_bridge.routes.route import Route


@dataclass(frozen=True, kw_only=True, slots=True)
class Mendable:
    """A missing recording. hindrance: why it cannot be delivered anew; None: it can."""

    entry: Entry
    call_id: str
    hindrance: str | None


def look(ledger: Ledger, routes: Mapping[str, Route], entry_id: int, call_id: str) -> Mendable | None:
    """Whether this entry's recording, and every file of its call, is still there. None: it is no longer missing."""
    entry = ledger.views.get(entry_id)
    if entry is None or entry.state is not State.DONE or entry.call_id != call_id:
        return None
    files = [entry, *ledger.groups.followers_of(entry)]
    hindrances = (_hindrance(one, routes.get(one.source)) for one in files)
    return Mendable(entry=entry, call_id=call_id, hindrance=next((one for one in hindrances if one), None))


def put_back(ledger: Ledger, mendable: Mendable) -> bool:
    """Let it be delivered anew; False when somebody else changed it meanwhile. Raises LedgerReadOnly."""
    return ledger.putting_back.put_back(mendable.entry.id, mendable.call_id, clock.now())


def _hindrance(entry: Entry, route: Route | None) -> str | None:
    if route is None:
        return f"bridge.yaml has no source {entry.source} any more; write it back"
    if entry.reach is not None and entry.reach != route.reach:
        return f"it can be read on {entry.reach} only; repair there"
    try:
        there = route.source.stat(entry.key)
    except SourceGone:
        return "its recording is no longer in the source (deleted or moved after delivery); put it back there"
    except SourceUnavailable as trouble:
        return f"its source cannot be read now: {trouble.message}"
    if there.version != entry.version:
        return "another file has its name now"
    return None
