"""Looks at a recording: what its media is, and which call its mapping makes of it; writes nothing down."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gong_bridge.config.schema import MediaOptions
from gong_bridge.directory import Directory
from gong_bridge.errors import Held, UnknownPerson, UnusableUser
from gong_bridge.mapping.composition import Composition
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Verdict, judge
from gong_bridge.model import Entry, MediaInfo
from gong_bridge.route import Route
from gong_bridge.sidecar_watch import DEGRADED, Beside, SidecarWatch, is_described

DRAFT_IS_FRESH_SECONDS = 2.0
"""A draft that waited longer than this is compared with what describes it once more before it is sent."""
REDRAFTED = "redrafted"
"""Code of the event of a draft that was made anew before it was sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafted:
    """What looking at a recording gave, before anything is written down."""

    info: MediaInfo
    verdict: Verdict
    composition: Composition | None
    mapping_version: str = ""

    def media_record(self) -> dict[str, object]:
        """The media facts as the ledger keeps them (JSON)."""
        record: dict[str, object] = dataclasses.asdict(self.info)
        conversion = self.verdict.conversion
        record["conversion"] = None if conversion is None else dataclasses.asdict(conversion)
        record["warnings"] = [*self.verdict.warnings, *(self.composition.warnings if self.composition else ())]
        record["mapping_version"] = self.mapping_version
        return record

    def made_from(self, *, anew: bool) -> dict[str, Any]:
        """Fields of the entry that say what the draft was made from; `anew`: in place of one that was not sent yet."""
        composition = self.composition
        assert composition is not None
        told: dict[str, Any] = {
            "sidecar_key": composition.sidecar_key,
            "sidecar_digest": composition.sidecar_digest,
            "remark": DEGRADED if composition.missing_sidecar else None,
        }
        if anew:
            told.update(reason_code=REDRAFTED, reason="what describes the call changed before it was created")
        if composition.missing_sidecar:
            reason = f"{composition.missing_sidecar}; the call is sent with what else is known of it"
            told.update(reason_code=DEGRADED, reason=reason)
        return told


class Looking:
    """What `explain` shows and the pipeline then writes down. Thread-safe."""

    def __init__(
        self,
        *,
        routes: Mapping[str, Route],
        probe: MediaProbe,
        directory: Directory,
        media_options: MediaOptions,
        sidecar_watch: SidecarWatch,
    ) -> None:
        self._routes = routes
        self._probe = probe
        self._directory = directory
        self._media_options = media_options
        self._sidecar_watch = sidecar_watch

    def look(self, entry: Entry, *, now: datetime) -> Drafted:
        """Probe, judge and compose. Raises Held, NotYetComplete, and what the source raises."""
        return self.look_at_measured(entry, self.measure(entry), now=now)

    def measure(self, entry: Entry) -> MediaInfo:
        """What the probe says of the recording."""
        with self._routes[entry.source].source.open(entry.recording) as file:
            return self._probe.inspect(file, entry.size_bytes)

    def look_at_measured(self, entry: Entry, info: MediaInfo, *, now: datetime) -> Drafted:
        """Judge and compose what was measured."""
        route = self._routes[entry.source]
        # A file may come from a clock that is years ahead; it is waited for from the moment it was found.
        modified_at = min(entry.modified_at, entry.found_at)
        verdict = judge(info, self._media_options, modified_at=modified_at, now=now)
        if verdict.skip_reason:
            return Drafted(info=info, verdict=verdict, composition=None)
        version = route.mapping.version  # before composing: a mapping that changes meanwhile shall be seen as newer
        composition = self._compose(route, entry, info, now)
        return Drafted(info=info, verdict=verdict, composition=composition, mapping_version=version)

    def _compose(self, route: Route, entry: Entry, info: MediaInfo, now: datetime) -> Composition:
        beside = Beside(route.source.read_beside)

        def compose() -> Composition:
            people = self._directory.people()
            return route.compose(entry, info, people=people, now=now, read_beside=beside.read)

        try:
            try:
                return compose()
            except (UnknownPerson, UnusableUser):
                # The person may have joined, or been switched on, since the users were fetched.
                if not self._directory.refresh_for_unknown():
                    raise
                return compose()
        except Held:
            if beside.seen:
                self._sidecar_watch.expect(entry, route.source.read_beside, beside.seen)
            raise

    def is_out_of_date(self, entry: Entry, *, now: datetime) -> bool:
        """Whether the mapping, or the sidecar of a draft that had to wait, says something else by now (R9).

        A draft made a moment ago was made from what is there. Raises BadMetadata, NotYetComplete, SourceUnavailable.
        """
        route = self._routes[entry.source]
        if (entry.media or {}).get("mapping_version", route.mapping.version) != route.mapping.version:
            return True
        if (now - entry.updated_at).total_seconds() < DRAFT_IS_FRESH_SECONDS or not is_described(entry):
            return False
        described = route.described_now(entry, people=self._directory.people(), now=now)
        return described is not None and described[1] != entry.sidecar_digest
