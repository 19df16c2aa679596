"""One configured source with everything that its recordings need on their way, and what describes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from gong_bridge.mapping.composition import Composition
from gong_bridge.mapping.engine import Mapping as CallMapping
from gong_bridge.mapping.facts import Known
from gong_bridge.mapping.people import Company, People
from gong_bridge.mapping.sidecars import Beside as BesideRecording
from gong_bridge.mapping.tables import Tables
from gong_bridge.model import Completeness, Entry, MediaInfo
from gong_bridge.routes.beside import Beside
from gong_bridge.routes.mapping_watch import WatchedMapping
from gong_bridge.sources.base import Source
from gong_bridge.sources.elsewhere import Elsewhere

_MEDIA_FIELDS = frozenset(one.name for one in fields(MediaInfo))


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """What bridge.yaml says of one source, ready to use.

    sidecar_wait_seconds: None leaves it to the mapping. sidecars: the places that hold sidecars only, by name.
    new_since: recordings last changed before are left to backfill.
    """

    source: Source
    watched: WatchedMapping
    company: Company
    sidecar_wait_seconds: float | None
    on_change: str
    settles_source: bool
    reach: str | None = None
    new_since: datetime | None = None
    delivery: Literal["upload", "link", "auto"] = "upload"
    when_not_fetched: Literal["upload", "hold"] = "upload"
    sidecars: Mapping[str, Elsewhere] = field(default_factory=dict)
    tables: Tables = field(default_factory=Tables)
    workspace: str | None = None

    @property
    def mapping(self) -> CallMapping:
        """The mapping as it is now; a call is composed with one and the same."""
        return self.watched.present

    def beside(self) -> Beside:
        """What lies beside one of its recordings, and in the places that hold sidecars only."""
        return Beside({"": self.source, **self.sidecars}, self.tables)

    def with_workspace(self, composition: Composition) -> Composition:
        """The call in this source's workspace, unless the mapping has chosen one."""
        draft = composition.draft
        if draft is None or self.workspace is None or draft.workspace_id is not None:
            return composition
        return dataclasses.replace(
            composition,
            draft=draft.model_copy(update={"workspace_id": self.workspace}),
            find_origins=lambda: {**composition.origins, "workspaceId": "bridge.yaml: the source's workspace"},
        )

    def known(self, entry: Entry, info: MediaInfo, *, people: People, now: datetime, beside: BesideRecording) -> Known:
        """All that the mapping may use of this recording."""
        wait_seconds = self.sidecar_wait_seconds
        if wait_seconds is None:
            wait_seconds = self.mapping.sidecar_wait_seconds
        # A file may come from a clock that is years ahead; its sidecar is waited for from the moment it was found.
        ahead_seconds = max(0.0, (entry.modified_at - entry.found_at).total_seconds())
        return Known(
            recording=entry.recording,
            media=info,
            company=self.company,
            people=people,
            now=now,
            sidecar_wait_seconds=wait_seconds - ahead_seconds,
            beside=beside,
            describe=lambda: self.source.describe(entry.recording),
        )

    def described_now(self, entry: Entry, *, people: People, now: datetime) -> tuple[str, str] | None:
        """Which sidecar describes the recording now, and a digest of what it says; None: there is none.

        Raises BadMetadata (it cannot be read), NotYetComplete (half written), SourceUnavailable.
        """
        info = media_of(entry.media or {})
        return self.mapping.described_by(self.known(entry, info, people=people, now=now, beside=self.beside()))


def media_of(record: dict[str, Any]) -> MediaInfo:
    """The media facts that the ledger kept; of a record without any, nothing is known."""
    known = {name: value for name, value in record.items() if name in _MEDIA_FIELDS}
    nothing: dict[str, Any] = {
        "container": "", "codec": "", "channels": 1, "sample_rate_hz": 0, "duration_seconds": None,
        "declared_bytes": None, "present_bytes": 0,
    }  # fmt: skip
    completeness = Completeness(known.pop("completeness", Completeness.UNSTATED))
    levels = {name: tuple(known.pop(name, ())) for name in ("level_dbfs", "peak_dbfs")}
    return MediaInfo(**{**nothing, **known, **levels, "completeness": completeness})
