"""Which files of a call are sent, and how long the others are waited for; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.definition import Grouping
from gong_bridge.mapping.language import MERGED
from gong_bridge.model import Entry, State

LISTING_SECONDS = 10.0
"""Files that are old already are found one after another: so long after the newest, the others are waited for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One file of a call, as far as it is known.

    ready: it was looked at and can take part. trouble: why it cannot be sent by itself. trouble_as_side: why it cannot
    be one side or one segment. media: what was measured of this file alone.
    """

    entry: Entry
    name: str
    side: str
    starts_at: datetime | None
    ready: bool
    trouble: str | None = None
    trouble_as_side: str | None = None
    media: Mapping[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> tuple[float, str, str]:
        """By start, then by side and name: the same whatever the order of arrival."""
        start = self.starts_at.timestamp() if self.starts_at else 0.0
        return (start, self.side or self.name, self.entry.key)

    @property
    def precedence(self) -> tuple[bool, tuple[float, str, str]]:
        """Who leads: a new version of what led a call that was sent (it gets new media); else the first."""
        return (self.entry.replaces is None, self.order)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What one call is made of: one part, or several in the order in which they are put together.

    leader: the part whose entry goes on; its captures are those of the call. best: nothing better can come.
    """

    parts: tuple[Part, ...]
    leader: Part
    best: bool


def part_of(entry: Entry) -> Part:
    """The part that an entry of the ledger is; what it said of itself lies in its media record."""
    said = (entry.media or {}).get("group")
    if said is None:
        return Part(entry=entry, name=entry.group_part or "", side="", starts_at=None, ready=False)
    starts_at = said.get("starts_at")
    return Part(
        entry=entry,
        name=entry.group_part or "",
        side=said.get("side", ""),
        starts_at=None if starts_at is None else datetime.fromisoformat(starts_at),
        ready=True,
        trouble=said.get("trouble"),
        trouble_as_side=said.get("trouble_as_side"),
        media=said.get("own") or entry.media or {},
    )


def was_sent(entry: Entry) -> bool:
    """Whether Gong knows, or may know, a call of this entry."""
    return entry.call_id is not None or entry.intent is not None


def ripe_at(rule: Grouping, entries: Sequence[Entry], now: datetime) -> datetime:
    """When the window is over: after the newest file, by its own time, or a little after it was found.

    A file's time that lies in the future, or a moment of finding that does (a clock was set back), is not believed.
    """
    least = min(rule.window_seconds, LISTING_SECONDS)
    ends = []
    for entry in entries:
        if entry.found_at > now + timedelta(seconds=rule.window_seconds):
            continue
        changed_at = entry.modified_at if entry.modified_at <= now else min(entry.modified_at, entry.found_at)
        ends.append(max(changed_at + timedelta(seconds=rule.window_seconds), entry.found_at + timedelta(seconds=least)))
    return max(ends, default=now)


def choose(rule: Grouping, parts: Sequence[Part]) -> Choice | None:
    """The best that can be made of these parts by merge or pick; None while nothing that is wanted is there.

    Raises BadMetadata when two different files say that they are the same part.
    """
    ready = sorted((part for part in parts if part.ready), key=lambda part: part.order)
    for rank, wanted in enumerate(rule.prefers):
        if wanted == MERGED:
            left, right = (_only(side, [part for part in ready if part.side == side]) for side in ("left", "right"))
            if left is not None and right is not None:
                leader = min((left, right), key=lambda part: part.precedence)
                return Choice(parts=(left, right), leader=leader, best=rank == 0)
            continue
        one = _only(wanted, [part for part in ready if part.name == wanted], alone=True)
        if one is not None:
            return Choice(parts=(one,), leader=one, best=rank == 0)
    return None


def in_sequence(parts: Sequence[Part]) -> Choice | None:
    """The segments of a call that is joined; None when none of them has audio."""
    usable = tuple(sorted((part for part in parts if part.trouble_as_side is None), key=lambda part: part.order))
    if not usable:
        return None
    return Choice(parts=usable, leader=min(usable, key=lambda part: part.precedence), best=False)


def all_there_is(parts: Sequence[Part]) -> Choice | None:
    """The one usable file of a call that stays incomplete; None when there is none, or more than one."""
    usable = [part for part in parts if part.trouble is None]
    return Choice(parts=(usable[0],), leader=usable[0], best=False) if len(usable) == 1 else None


def missing(rule: Grouping, parts: Sequence[Part]) -> list[str]:
    """What is waited for, in words: sides that are not there, or the parts that could be picked."""
    wanted: list[str] = []
    for name in rule.prefers:
        if name == MERGED:
            there = {part.side for part in parts if part.trouble_as_side is None}
            wanted += [f"the {side} side" for side in ("left", "right") if side not in there]
        else:
            wanted.append(repr(name))
    return wanted


def is_in(choice: Choice, entry: Entry) -> bool:
    """Whether the call is made of this entry's file, among others."""
    return any(part.entry.id == entry.id for part in choice.parts)


def is_drafted_for(leader: Entry, choice: Choice) -> bool:
    """Whether the leader's draft, if it has one, was made of exactly these files."""
    if leader.state is not State.DRAFTED:
        return leader.state is State.FOUND
    assembly = (leader.media or {}).get("assembly")
    if assembly is None:
        return len(choice.parts) == 1
    made_of = [(piece["key"], piece["version"]) for piece in assembly["pieces"]]
    return made_of == [(part.entry.key, part.entry.version) for part in choice.parts]


def _only(name: str, parts: Sequence[Part], *, alone: bool = False) -> Part | None:
    usable = [part for part in parts if (part.trouble if alone else part.trouble_as_side) is None]
    different = {part.media.get("fingerprint") for part in usable}
    if len(different) > 1:
        keys = ", ".join(part.entry.key for part in usable[:3])
        raise BadMetadata(
            f"group_by: {len(usable)} different files say that they are {name!r} of the same call ({keys}); let "
            "group_by.call tell the calls apart, or skip the ones that are not wanted"
        )
    return usable[0] if usable else None
