"""The recordings of a person: where they lie, and deleting them; only those that this host can open."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gong_bridge.errors import BridgeError, SourceGone
from gong_bridge.ledger.erasing import Concerned
from gong_bridge.sources.base import Source

Lies = Literal["here", "gone", "elsewhere", "unreadable"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A source, and who can open it (see model.Entry.reach). sidecars_apart: it names other places for sidecars."""

    source: Source
    reach: str | None
    sidecars_apart: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingFound:
    """One entry's recording. lies: "here" (at `at`), "gone", "elsewhere" (`why` says where), "unreadable" (now).

    sidecar: the key of a sidecar that describes this recording alone and lies beside it; by_hand: what else describes
    it, and a person must look after.
    """

    entry: Concerned
    lies: Lies
    at: tuple[str, ...] = ()
    why: str = ""
    sidecar: str | None = None
    by_hand: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordingErased:
    """What became of it. trouble: why it is still there; versions_stay: see sources.base.Erased."""

    files: int
    versions_stay: bool = False
    trouble: str | None = None


def look(entry: Concerned, places: Mapping[str, Place], *, is_shared: bool) -> RecordingFound:
    """Where the recording of an entry lies now. is_shared: its sidecar describes other recordings, too."""
    place = places.get(entry.recording.source)
    if entry.is_gone:
        return RecordingFound(entry=entry, lies="gone")
    if not entry.is_same_file:
        return RecordingFound(entry=entry, lies="gone", why="another recording has its name now")
    if place is None:
        why = f"this bridge.yaml has no source {entry.recording.source}; only a host that has it can open it"
        return RecordingFound(entry=entry, lies="elsewhere", why=why)
    if entry.reach != place.reach:
        why = f"only {entry.reach or 'another host'} can open it"
        return RecordingFound(entry=entry, lies="elsewhere", why=why)
    try:
        at = tuple(place.source.places_of(entry.recording))
        sidecar, by_hand = _sidecar(entry, place, is_shared=is_shared)
    except BridgeError as trouble:
        return RecordingFound(entry=entry, lies="unreadable", why=trouble.message)
    lies: Lies = "here" if at or sidecar else "gone"
    return RecordingFound(entry=entry, lies=lies, at=at, sidecar=sidecar, by_hand=by_hand)


def _sidecar(entry: Concerned, place: Place, *, is_shared: bool) -> tuple[str | None, str | None]:
    """The sidecar that may be deleted with the recording, and one that may not."""
    key = entry.sidecar_key
    if key is None:
        return None, None
    if is_shared or not _belongs_to(key, entry.recording.key):
        return None, f"{key} describes other recordings, too; take the rows of this one out by hand"
    try:
        place.source.stat(key)
    except SourceGone:
        apart = f"its sidecar {key} lies in another place of the source's `sidecars`; delete it by hand"
        return None, apart if place.sidecars_apart else None
    return key, None


def _belongs_to(sidecar_key: str, key: str) -> bool:
    """Whether it is named after the recording: x.json or x.wav.json of x.wav."""
    stem = posixpath.splitext(sidecar_key)[0]
    name = posixpath.basename(stem)
    recording = posixpath.basename(key)
    return name in (recording, posixpath.splitext(recording)[0])


def erase(found: RecordingFound, places: Mapping[str, Place]) -> RecordingErased:
    """Delete a recording that is here, and its sidecar; repeating it is harmless. The sidecar goes last."""
    source = places[found.entry.recording.source].source
    files, versions_stay = 0, False
    try:
        erased = source.erase(found.entry.recording)
        files, versions_stay = erased.count, erased.versions_stay
        if found.sidecar is not None:
            beside = source.erase_beside(found.sidecar)
            files, versions_stay = files + beside.count, versions_stay or beside.versions_stay
    except BridgeError as trouble:
        return RecordingErased(files=files, versions_stay=versions_stay, trouble=trouble.message)
    return RecordingErased(files=files, versions_stay=versions_stay)
