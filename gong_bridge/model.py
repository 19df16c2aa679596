"""The nouns: frozen, keyword-only, no I/O. Gong's own terms where Gong has one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """The furthest checkpoint a recording has reached; a retry never moves it back."""

    FOUND = "found"
    DRAFTED = "drafted"
    CREATED = "created"
    DELIVERED = "delivered"
    DONE = "done"
    SKIPPED = "skipped"
    HELD = "held"
    REJECTED = "rejected"


OPEN_STATES = (State.FOUND, State.DRAFTED, State.CREATED, State.DELIVERED)
"""States in which the bridge still has something to do by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """One version of one file or object, as a source saw it.

    `key` is the path below the source's root (POSIX; bytes that are no UTF-8 are mapped by
    sources.folder) or the object key.
    `version` is "<size>-<mtime in ms>" or the ETag / version id. (source, key, version) names it uniquely.
    """

    source: str
    key: str
    version: str
    size_bytes: int
    modified_at: datetime


class Completeness(StrEnum):
    """What the container itself says about whether the file is all there (R7)."""

    WHOLE = "whole"  # declared and present agree
    UNSTATED = "unstated"  # this kind of file does not say how long it is
    TRUNCATED = "truncated"  # declares more than is present
    UNFINALISED = "unfinalised"  # the writer never came back to fill in the sizes


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaInfo:
    """What the probe measured.

    container: "wav", "mp3", "flac", "mp4", "mkv", "webm", "ogg", "aiff", "au", "amr", "asf", ...
    (by content, never by suffix).
    codec: FFmpeg's name of the first audio stream's codec ("pcm_s16le", "pcm_mulaw", "mp3", "opus", ...).
    level_dbfs / peak_dbfs: one value per channel over the sampled windows; -inf is stored as -120.0.
    declared_bytes: the file size that the container's header implies, None when it does not say.
    fingerprint: hex digest over size and sampled content; the same bytes give the same value, wherever they lie.
    """

    container: str
    codec: str
    channels: int
    sample_rate_hz: int
    duration_seconds: float | None
    declared_bytes: int | None
    present_bytes: int
    completeness: Completeness
    level_dbfs: tuple[float, ...] = ()
    peak_dbfs: tuple[float, ...] = ()
    has_video: bool = False
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class GongUser:
    """One row of GET /v2/users, reduced to what deciding about a call needs. Ids stay strings (up to 20 digits)."""

    id: str
    email: str
    aliases: tuple[str, ...] = ()
    name: str = ""
    extension: str = ""
    phone_number: str = ""
    active: bool = True
    telephony_calls_imported: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One row of the ledger: a recording, how far it got, and why it waits.

    held_from: the open state that a held, rejected or skipped entry left.
    intent: "create" or "deliver" while a request may be under way whose outcome is not written down yet.
    reason_code / reason: fixed word and sentence for the present wait, hold, skip or rejection.
    person: what an unknown person was looked for by, such as "extension 204" (only while held for that).
    duplicate_of / replaces: ids of other entries (R12; new media for a delivered call).
    lease_token: proof of the claim; every write of a worker is conditional on it.
    group_key / group_part: what binds the files of one call, and what this file is among them.
    sidecar_key / sidecar_digest: the description that the draft was made from, as it was last seen.
    remark: fixed word for what stays worth knowing however far the entry goes, such as "degraded"; an event says more.
    reach: who can open the recording; None: everybody. account: the Gong account, None: the only one.
    delivery: "upload" or "link". linked_at / link_expires_at: when Gong was given the link, and until when it is good.
    started_at: when the call began, as drafted; None before there is a draft.
    notification: the raw body of a message of the queue that could not be understood; then there is no recording.
    share_with: who is still to be given access to the call once Gong has its media: ids of Gong users, or words of the
    mapping that nobody was found for.
    """

    id: int
    source: str
    key: str
    version: str
    size_bytes: int
    modified_at: datetime
    state: State
    held_from: State | None = None
    client_unique_id: str | None = None
    call_id: str | None = None
    draft: dict[str, Any] | None = None
    media: dict[str, Any] | None = None
    intent: str | None = None
    attempts: int = 0
    due_at: datetime
    backlog: bool = False
    reason_code: str | None = None
    reason: str | None = None
    person: str | None = None
    http_status: int | None = None
    request_id: str | None = None
    duplicate_of: int | None = None
    replaces: int | None = None
    owns_call: bool = False
    lease_token: str | None = None
    lease_until: datetime | None = None
    found_at: datetime
    updated_at: datetime
    group_key: str | None = None
    group_part: str | None = None
    sidecar_key: str | None = None
    sidecar_digest: str | None = None
    reach: str | None = None
    delivery: str | None = None
    account: str | None = None
    linked_at: datetime | None = None
    link_expires_at: datetime | None = None
    remark: str | None = None
    notification: str | None = None
    started_at: datetime | None = None
    share_with: tuple[str, ...] = ()

    @classmethod
    def as_if_found(cls, recording: Recording, now: datetime) -> Entry:
        """What a recording would be in the ledger, for those who only look; its id is that of no row."""
        return cls(
            id=0, source=recording.source, key=recording.key, version=recording.version,
            size_bytes=recording.size_bytes, modified_at=recording.modified_at, state=State.FOUND,
            due_at=now, found_at=now, updated_at=now,
        )  # fmt: skip

    @property
    def recording(self) -> Recording:
        """The recording this entry speaks of."""
        return Recording(
            source=self.source,
            key=self.key,
            version=self.version,
            size_bytes=self.size_bytes,
            modified_at=self.modified_at,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryEvent:
    """One transition of one entry, written in the same transaction as the transition."""

    entry_id: int
    at: datetime
    from_state: State | None
    to_state: State
    attempt: int
    code: str | None = None
    reason: str | None = None
    http_status: int | None = None
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceHealth:
    """How a source is doing, as its own thread last reported it. under_way: how far a pass is that has not ended."""

    source: str
    healthy: bool
    message: str
    reach: str | None = None
    watch: str = ""  # "native", "polling", "listing" or "notifications + listing"
    scanned: int = 0
    last_scan_at: datetime | None = None
    updated_at: datetime | None = None
    under_way: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Notification:
    """A message of a source's queue that could not be understood, and why."""

    source: str
    message_id: str
    body: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectFacts:
    """What a store knows of an object besides its bytes: user metadata and tags (S3); empty for files."""

    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SidecarFile:
    """A file that lies beside a recording and describes it, whole, as bytes."""

    key: str
    data: bytes
    modified_at: datetime
