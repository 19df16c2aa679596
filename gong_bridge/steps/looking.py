"""Looks at a recording: what its media is, and which call its mapping makes of it; writes nothing down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from gong_bridge import clock
from gong_bridge.account.account import Accounts
from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, Held, NotYetComplete, UnknownPerson, UnusableUser
from gong_bridge.kill_points import Point, reached
from gong_bridge.mapping.composition import Composition
from gong_bridge.mapping.definition import Grouping
from gong_bridge.mapping.facts import Known
from gong_bridge.mapping.grouping import GroupFacts, Membership, alone, group_kept
from gong_bridge.media.assembly import Assembly
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Verdict, judge, nothing_in
from gong_bridge.model import Completeness, Entry, MediaInfo
from gong_bridge.routes.route import Route, media_of
from gong_bridge.routes.sidecar_watch import DEGRADED, SidecarWatch, is_described

DRAFT_IS_FRESH_SECONDS = 2.0
"""A draft that waited longer than this is compared with what describes it once more before it is sent."""
REDRAFTED = "redrafted"
"""Code of the event of a draft that was made anew before it was sent."""


Answer = TypeVar("Answer")


@dataclass(frozen=True, kw_only=True, slots=True)
class Together:
    """What is known of the other files of a call in several.

    assembly: how the media is made, None when one file is sent as it is. said: what the leading file said of itself.
    """

    facts: GroupFacts
    assembly: Assembly | None = None
    warnings: tuple[str, ...] = ()
    said: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafted:
    """What looking at a recording gave, before anything is written down."""

    info: MediaInfo
    verdict: Verdict
    composition: Composition | None
    mapping_version: str = ""
    together: Together | None = None

    def media_record(self) -> dict[str, object]:
        """The media facts as the ledger keeps them (JSON)."""
        record: dict[str, object] = dataclasses.asdict(self.info)
        conversion = self.verdict.conversion
        record["conversion"] = None if conversion is None else dataclasses.asdict(conversion)
        record["warnings"] = list(self.warnings)
        record["mapping_version"] = self.mapping_version
        if self.together is not None:
            record["group"] = {**self.together.said, "facts": self.together.facts.to_record()}
            if self.together.assembly is not None:
                record["assembly"] = self.together.assembly.to_json()
        return record

    @property
    def warnings(self) -> tuple[str, ...]:
        """Remarks that do not hinder sending."""
        return (
            *self.verdict.warnings,
            *(self.together.warnings if self.together else ()),
            *(self.composition.warnings if self.composition else ()),
        )

    def made_from(self, *, anew: bool) -> dict[str, Any]:
        """Fields of the entry that say what the draft was made from; `anew`: in place of one that was not sent yet."""
        composition = self.composition
        assert composition is not None
        told: dict[str, Any] = {
            "sidecar_key": composition.sidecar_key,
            "sidecar_digest": composition.sidecar_digest,
            "remark": DEGRADED if composition.missing_sidecar else None,
            "share_with": tuple(share.kept_as for share in composition.share_with),
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
        accounts: Accounts,
        media_options: MediaOptions,
        sidecar_watch: SidecarWatch,
    ) -> None:
        self._routes = routes
        self._probe = probe
        self._accounts = accounts
        self._media_options = media_options
        self._sidecar_watch = sidecar_watch

    def look(self, entry: Entry, *, now: datetime) -> Drafted:
        """Probe, judge and compose. Raises Held, NotYetComplete, and what the source raises."""
        info = self.measure(entry)
        return self.look_at_measured(entry, info, now=now, together=self.by_itself(entry, info, now=now))

    def measure(self, entry: Entry) -> MediaInfo:
        """What the probe says of the recording."""
        with self._routes[entry.source].source.open(entry.recording) as file:
            info = self._probe.inspect(file, entry.size_bytes)
        reached(Point.PROBED)
        return info

    def look_at_measured(
        self, entry: Entry, info: MediaInfo, *, now: datetime, together: Together | None = None
    ) -> Drafted:
        """Judge and compose what was measured; of a call in several files, what they will be together."""
        verdict = judge(info, self._media_options, modified_at=_waited_for_since(entry), now=now)
        if verdict.skip_reason:
            return Drafted(info=info, verdict=verdict, composition=None, together=together)
        # Before composing: a mapping that changes meanwhile shall be seen as newer.
        version = self._routes[entry.source].mapping.version
        composition = self._compose(entry, info, now, None if together is None else together.facts)
        return Drafted(info=info, verdict=verdict, composition=composition, mapping_version=version, together=together)

    def _compose(self, entry: Entry, info: MediaInfo, now: datetime, group: GroupFacts | None) -> Composition:
        mapping = self._routes[entry.source].mapping
        composition = self._with_sidecars(entry, info, now, lambda known: mapping.compose(known, group))
        return self._routes[entry.source].with_workspace(composition)

    def _with_sidecars(self, entry: Entry, info: MediaInfo, now: datetime, ask: Callable[[Known], Answer]) -> Answer:
        """Ask the mapping; when that ends in a hold, a sidecar that is corrected lets the recording go on."""
        route = self._routes[entry.source]
        beside = route.beside()
        directory = self._accounts.of_source(entry.source).directory

        def known() -> Known:
            return route.known(entry, info, people=directory.people(), now=now, beside=beside)

        try:
            try:
                return ask(known())
            except (UnknownPerson, UnusableUser):
                # The person may have joined, or been switched on, since the users were fetched.
                if not directory.refresh_for_unknown():
                    raise
                return ask(known())
        except Held:
            if beside.seen:
                self._sidecar_watch.expect(entry, beside)
            raise

    # --- calls in several files -------------------------------------------------------------------------------------

    def grouping_of(self, entry: Entry) -> Grouping | None:
        """What the mapping of this recording's source says of calls in several files."""
        return self._routes[entry.source].mapping.grouping

    def by_itself(self, entry: Entry, info: MediaInfo, *, now: datetime) -> Together | None:
        """For commands that look at one file: of which call it is one of several, the others not being known."""
        rule = self.grouping_of(entry)
        member = None if rule is None else self.membership(entry, info, now=now)
        if rule is None or member is None:
            return None
        part = f", part {member.part!r}" if member.part else ""
        side = f", the {member.side} side" if member.side else ""
        remark = (
            f"one of the files of the call {member.call!r}{part}{side}: group_by ({rule.policy}) waits up to "
            f"{rule.window_seconds:g} s for the others; shown as if it came alone"
        )
        return Together(facts=alone(member), warnings=(remark,))

    def membership(self, entry: Entry, info: MediaInfo, *, now: datetime) -> Membership | None:
        """Which call of several files this recording is one of. Raises Held and NotYetComplete."""
        return self._with_sidecars(entry, info, now, self._routes[entry.source].mapping.membership)

    def troubles(self, entry: Entry, info: MediaInfo, *, now: datetime) -> tuple[str | None, str | None]:
        """Why this file cannot be sent by itself, and why it cannot be one side or segment of a call.

        Raises NotYetComplete for one that may still be being written.
        """
        since = _waited_for_since(entry)
        try:
            as_side = nothing_in(info, self._media_options, modified_at=since, now=now)
            return judge(info, self._media_options, modified_at=since, now=now).skip_reason, as_side
        except BadMedia as problem:
            whole = info.completeness in (Completeness.WHOLE, Completeness.UNSTATED)
            return problem.message, None if whole else problem.message

    # --- what the mapping says of it now ------------------------------------------------------------------------

    def shared_with_now(self, entry: Entry) -> tuple[str, ...] | None:
        """With whom a mapping that was corrected since the draft shares this call; None: what was drafted counts.

        From what the ledger keeps of the media, and what still describes the recording; where that is no call any
        more (its sidecar is gone, say), what was drafted counts. Raises what Gong and the source raise.
        """
        route = self._routes[entry.source]
        drafted_by = (entry.media or {}).get("mapping_version", route.mapping.version)
        if drafted_by == route.mapping.version or self._accounts.of_source(entry.source).name != entry.account:
            return None
        people = self._accounts.of_source(entry.source).directory.people()
        media = media_of(entry.media or {})
        known = route.known(entry, media, people=people, now=clock.now(), beside=route.beside())
        of_group = (entry.media or {}).get("group", {}).get("facts")
        group = None if of_group is None else group_kept(of_group)
        try:
            return tuple(share.kept_as for share in route.mapping.compose(known, group).share_with)
        except (Held, NotYetComplete):
            return None

    # --- what describes it --------------------------------------------------------------------------------------

    def is_out_of_date(self, entry: Entry, *, now: datetime) -> bool:
        """Whether the mapping, or the sidecar of a draft that had to wait, says something else by now (R9).

        A draft made a moment ago was made from what is there. Raises BadMetadata, NotYetComplete, SourceUnavailable.
        """
        route = self._routes[entry.source]
        if (entry.media or {}).get("mapping_version", route.mapping.version) != route.mapping.version:
            return True
        if (now - entry.updated_at).total_seconds() < DRAFT_IS_FRESH_SECONDS or not is_described(entry):
            return False
        people = self._accounts.of_source(entry.source).directory.people()
        described = route.described_now(entry, people=people, now=now)
        return described is not None and described[1] != entry.sidecar_digest


def _waited_for_since(entry: Entry) -> datetime:
    """A file may come from a clock that is years ahead; it is waited for from the moment it was found."""
    return min(entry.modified_at, entry.found_at)
