"""Chooses recordings of the user's sources that would be sent, and copies them with what describes them; only reads."""

from __future__ import annotations

import dataclasses
import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, cast

from gong_bridge import clock
from gong_bridge.config.places import SidecarBucket
from gong_bridge.config.schema import BucketSource
from gong_bridge.drill.copies import Bank, Copy
from gong_bridge.errors import BridgeError, Held, NotYetComplete
from gong_bridge.model import Entry, ObjectFacts, Recording
from gong_bridge.outcomes import outcome_of
from gong_bridge.routes.route import Route
from gong_bridge.service import Bridge
from gong_bridge.sources.base import Source

LARGEST_COPY_BYTES = 200 * 10**6
"""Larger recordings are left out: copying them would take longer than the drill."""
LOOKED_AT = 6
"""So many times as many recordings as are wanted are looked at, the newest first."""
LISTING_SECONDS = 20.0
"""A listing is broken off then; the newest of what it gave by then are taken."""
_PIECE_BYTES = 1 << 20


@dataclass(kw_only=True)
class Chosen:
    """What of one source is played with. left_out: reason -> how many; made: whether they are samples of ours."""

    source: str
    copies: list[Copy] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    made: bool = False

    @property
    def recordings(self) -> list[Copy]:
        """Without what describes them."""
        return [copy for copy in self.copies if copy.is_recording]


def choose(bridge: Bridge, source: str, bank: Bank, wanted: int, tell: Callable[[str], None]) -> Chosen:
    """Up to `wanted` calls' recordings, the newest first, with what their mapping reads beside them.

    `bridge` reads the user's own sources and is never set going. What cannot be read leaves its reason in `left_out`.
    """
    chosen = Chosen(source=source)
    route = bridge.routes[source]
    noticed = _noticing(bridge, route)
    tell(f"listing {source}")
    try:
        newest = _newest(route, wanted * LOOKED_AT)
    except BridgeError as error:
        chosen.left_out[error.message] += 1
        return chosen
    calls: set[str] = set()
    for number, recording in enumerate(newest, start=1):
        tell(f"looking at {source}, {number} of {len(newest)}")
        call = _call_of(bridge, recording)
        if call not in calls and len(calls) == wanted:
            if route.mapping.grouping is None:
                break
            continue
        for one in noticed.values():
            one.read.clear()
        if recording.size_bytes > LARGEST_COPY_BYTES:
            chosen.left_out[f"larger than {LARGEST_COPY_BYTES // 10**6} MB"] += 1
            continue
        outcome = outcome_of(bridge, recording)
        if outcome.verdict != "sent":
            why = outcome.reason if outcome.verdict == "skipped" else outcome.code
            chosen.left_out[f"{outcome.verdict} ({why})"] += 1
            continue
        try:
            copies = _copied(bridge, recording, bank, noticed)
        except BridgeError as error:
            chosen.left_out[error.code] += 1
            continue
        calls.add(call)
        known = {(copy.place, copy.key) for copy in chosen.copies}
        chosen.copies += [copy for copy in copies if (copy.place, copy.key) not in known]
    return chosen


class Noticing:
    """A source, or a place of sidecars, that remembers which files beside recordings were asked for."""

    def __init__(self, place: Any) -> None:
        self._place = place
        self.read: dict[str, None] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._place, name)

    def read_beside(self, key: str, max_bytes: int) -> Any:
        """See Source.read_beside."""
        self.read[key] = None
        return self._place.read_beside(key, max_bytes)

    def stat(self, key: str) -> Any:
        """See Source.stat."""
        self.read[key] = None
        return self._place.stat(key)


def _noticing(bridge: Bridge, route: Route) -> dict[str, Noticing]:
    """From now on the bridge's route of this source remembers what is read; by place, the source's own is ""."""
    noticed = {"": Noticing(route.source), **{name: Noticing(place) for name, place in route.sidecars.items()}}
    sidecars: Any = {name: place for name, place in noticed.items() if name}
    changed = dataclasses.replace(route, source=cast(Source, noticed[""]), sidecars=sidecars)
    bridge.routes[route.source.name] = changed
    return noticed


def _newest(route: Route, wanted: int) -> list[Recording]:
    until = clock.monotonic_seconds() + LISTING_SECONDS
    with closing(route.source.candidates()) as candidates:
        in_time = takewhile(lambda _: clock.monotonic_seconds() < until, candidates)
        found = (one for one in in_time if not route.mapping.is_sidecar(one.key))
        return heapq.nlargest(wanted, found, key=lambda one: one.modified_at)


def _call_of(bridge: Bridge, recording: Recording) -> str:
    """What is the same for all files of one call; of most recordings the key."""
    if bridge.routes[recording.source].mapping.grouping is None:
        return recording.key
    now = clock.now()
    entry = Entry.as_if_found(recording, now)
    try:
        member = bridge.looking.membership(entry, bridge.looking.measure(entry), now=now)
    except (Held, NotYetComplete):
        return recording.key
    return recording.key if member is None else f"call {member.call}"


def _copied(bridge: Bridge, recording: Recording, bank: Bank, noticed: dict[str, Noticing]) -> list[Copy]:
    """The recording, and what was read beside it. Raises what the source raises."""
    options = next(one for one in bridge.config.sources if one.name == recording.source)
    source = bridge.routes[recording.source].source
    about = source.describe(recording) if isinstance(options, BucketSource) else ObjectFacts()
    with source.open(recording) as file:
        pieces = iter(lambda: file.read(_PIECE_BYTES), b"")
        copy = bank.keep(
            pieces, source=recording.source, key=recording.key, modified_at=recording.modified_at,
            is_recording=True, metadata=about.metadata, tags=about.tags,
        )  # fmt: skip
    copies = [copy]
    for name, place in noticed.items():
        if name and not isinstance(options.sidecars.get(name), SidecarBucket):
            continue  # a folder of sidecars is read where it is: nobody ever writes there
        for key in list(place.read):
            copies += _copied_beside(place, name, recording.source, key, bank)
    return copies


def _copied_beside(place: Noticing, name: str, source: str, key: str, bank: Bank) -> Iterator[Copy]:
    try:
        found: Recording = place.stat(key)
    except BridgeError:
        return  # it was asked for, and is not there
    if found.size_bytes <= LARGEST_COPY_BYTES:
        yield bank.keep(
            _parts(place, found), source=source, key=key, modified_at=found.modified_at, is_recording=False, place=name
        )


def _parts(place: Noticing, found: Recording) -> Iterator[bytes]:
    for first in range(0, found.size_bytes, 8 * _PIECE_BYTES):
        yield place.read_part(found, first, 8 * _PIECE_BYTES)
