"""What a source of recordings is, and what the service hands it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol

from gong_bridge.errors import BadMetadata
from gong_bridge.model import Notification, ObjectFacts, Recording, SidecarFile, SourceHealth

BATCH_SIZE = 500
"""Recordings that go to the ledger in one call: 60,000 files at once must not be 60,000 transactions."""

REPORT_SECONDS = 5.0
"""How often a pass that goes on says how far it is."""

BACKLOG_AGE_SECONDS = 600.0
"""A recording present when the source started is backlog when it was last changed longer ago than this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """What a source may ask of the service; sources never see the ledger.

    unseen: those of the given recordings whose (source, key, version) the ledger does not know. A long listing hands
    over a RecordingPage, so that only these are made.
    add: write recordings down; the flag says whether they are backlog (present when the source started, and not
    fresh). Returns how many rows are new or changed.
    health: how the source is doing, to be shown to people.
    refuse: keep a notification that cannot be understood, so that it may be deleted from the queue. False when too
    many are kept already.
    noticed: these keys were written just now; somebody may wait for one that is no recording (a sidecar).
    restored: these keys can be read again (archived objects).
    Each may raise a BridgeError; the source then tries the same recordings again.
    """

    unseen: Callable[[Sequence[Recording]], list[Recording]]
    add: Callable[[Sequence[Recording], bool], int]
    health: Callable[[SourceHealth], None]
    refuse: Callable[[Notification], bool] = lambda _: False
    noticed: Callable[[Sequence[str]], None] = lambda _: None
    restored: Callable[[Sequence[str]], None] = lambda _: None

    def add_new(self, recordings: Sequence[Recording], *, backlog_before: datetime | None) -> int:
        """Write down those of a page that are new; what was last changed well before then is backlog.

        `backlog_before`: None makes everything live. Returns how many rows are new or changed.
        """
        limit = None if backlog_before is None else backlog_before - timedelta(seconds=BACKLOG_AGE_SECONDS)
        added = 0
        new = self.unseen(recordings)
        for backlog in (False, True):
            part = [one for one in new if (limit is not None and one.modified_at < limit) is backlog]
            added += self.add(part, backlog) if part else 0
        return added


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A URL by which anybody can read one recording until `expires_at`: a secret, never logged or written down."""

    url: str = field(repr=False)
    expires_at: datetime


class NotLinkable(Exception):
    """There can be no link to this recording; `reason` says why, in words for the ledger."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Source(Protocol):
    """A place where recordings appear. Every method may be called from any thread."""

    @property
    def name(self) -> str:
        """The name that bridge.yaml gives this source."""

    def run(self, intake: Intake, stop: threading.Event) -> None:
        """Find recordings until stopped. Survives every failure of the place itself: reports it, tries again."""

    def scan_once(self, intake: Intake, stop: threading.Event) -> int:
        """One complete pass, waiting for files that are still being written. Returns rows added.

        Raises SourceUnavailable.
        """

    def candidates(self) -> Generator[Recording, None, None]:
        """One complete listing of what include and exclude take, asking neither the ledger nor whether it settled.

        Raises SourceUnavailable.
        """

    def check(self) -> str:
        """One line on what is found there now, for `check --online`. Raises SourceUnavailable."""

    def stat(self, key: str) -> Recording:
        """The version that lies at this key now. Raises SourceGone, SourceUnavailable."""

    def open(self, recording: Recording) -> BinaryIO:
        """A seekable, read-only file of exactly this version.

        Raises SourceChanged, SourceGone, SourceUnavailable; so may every later read.
        """

    def read_beside(self, key: str, max_bytes: int) -> SidecarFile | None:
        """Another file or object of the same source, whole; None when there is none.

        Raises BadMetadata when it is larger than `max_bytes` or not inside the source, SourceUnavailable.
        """

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        """At most so many bytes of exactly this version, from the byte `first` on; empty behind its end.

        Raises SourceChanged, SourceGone, SourceUnavailable.
        """

    def describe(self, recording: Recording) -> ObjectFacts:
        """User metadata and tags of an object; empty for files. Raises SourceGone, SourceUnavailable."""

    def link(self, recording: Recording, *, content_type: str, file_name: str) -> Link:
        """A link to exactly this version, answered with this content type and name (G3, R18).

        Raises NotLinkable, SourceChanged, SourceGone, SourceUnavailable.
        """

    def notified(self, body: str) -> list[Recording]:
        """The recordings, as they are now, that a message of the source's queue speaks of.

        Raises BadNotification, SourceUnavailable.
        """

    def settle(self, recording: Recording) -> str:
        """Do what after_upload says, once Gong has everything (R30).

        Acts only while the version is still the delivered one, and may be repeated after a crash. Returns
        "left", "deleted", "moved", or "changed" (another version lies there: nothing was touched).
        Raises SourceUnavailable: try again.
        """

    def places_of(self, recording: Recording) -> list[str]:
        """Where exactly this version lies now, in words for people: in its place, and where after_upload moved it.

        Raises SourceUnavailable.
        """

    def erase(self, recording: Recording) -> Erased:
        """Delete exactly this version, also where after_upload moved it; repeating it is harmless.

        Raises SourceUnavailable: some of it may be there still.
        """

    def erase_beside(self, key: str) -> Erased:
        """Delete a sidecar. Raises BadMetadata (not inside the source), SourceUnavailable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Erased:
    """What became of one recording that was to be erased. count: files or objects deleted.

    versions_stay: the store keeps versions, so that what was deleted can still be had there.
    """

    count: int
    versions_stay: bool = False


def too_large_beside(key: str, max_bytes: int) -> BadMetadata:
    """What is raised for a sidecar that is larger than the mapping allows; no more of it was read."""
    size = f"{max_bytes / 2**20:g} MiB" if max_bytes >= 2**20 else f"{max_bytes} bytes"
    return BadMetadata(
        f"the sidecar {key} is larger than {size}: is it the right file? If it is, let the mapping allow it "
        "(sidecar: largest: ...)"
    )
