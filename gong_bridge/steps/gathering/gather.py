"""Brings the files of one call together in the ledger, and lets the one that leads go on for all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from gong_bridge.errors import AwaitingParts, BadMedia, IncompleteCall, LatePart
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.groups import Roles
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.definition import Grouping
from gong_bridge.mapping.grouping import GroupFacts, Membership, alone
from gong_bridge.media.assembly import Measured, Piece, join, merge, warnings_of
from gong_bridge.model import Completeness, Entry, MediaInfo, State
from gong_bridge.routes.route import media_of
from gong_bridge.steps.gathering.decision import (
    Choice,
    Part,
    all_there_is,
    choose,
    in_sequence,
    is_drafted_for,
    is_in,
    missing,
    part_of,
    ripe_at,
    was_sent,
)
from gong_bridge.steps.looking import Drafted, Looking, Together

UNEXAMINED_WAIT_SECONDS = 2.0
"""How often is asked whether the files found at the same time have been looked at."""
LONGEST_WAIT_SECONDS = 60.0

_NO_MEDIA = MediaInfo(
    container="", codec="", channels=0, sample_rate_hz=0, duration_seconds=None, declared_bytes=None,
    present_bytes=0, completeness=Completeness.UNSTATED,
)  # fmt: skip


class Gathering:
    """Stands before looking for sources whose mapping has `group_by`. Thread-safe: all state is in the ledger."""

    def __init__(self, ledger: Ledger, looking: Looking) -> None:
        self._ledger = ledger
        self._looking = looking

    def look(self, entry: Entry, *, now: datetime) -> tuple[Drafted | None, Entry]:
        """What looking at the whole call gives, None when another file leads it; and `entry` as it stands then.

        Raises AwaitingParts, IncompleteCall, LatePart, and what looking raises.
        """
        rule = self._looking.grouping_of(entry)
        if rule is None:
            return self._looking.look(entry, now=now), entry
        info, problem = self._measure(entry)
        member = self._looking.membership(entry, info, now=now)
        if member is None:
            if entry.group_key is not None:
                entry = self._ledger.groups.leave(entry, now=now)
            if problem is not None:
                raise problem
            return self._looking.look_at_measured(entry, info, now=now), entry
        entry = self._report(entry, member, info, problem, now)
        choice, entry = self._decide(entry, rule, now)
        if entry.state is State.SKIPPED:
            return None, entry
        if problem is not None:
            raise problem
        if choice is None or len(choice.parts) == 1:
            facts = self._facts(rule, member, choice, entry)
            together = Together(facts=facts, said=_said(entry))
            return self._looking.look_at_measured(entry, info, now=now, together=together), entry
        return self._together(entry, rule, member, choice, now), entry

    # --- each file by itself ----------------------------------------------------------------------------------------

    def _measure(self, entry: Entry) -> tuple[MediaInfo, BadMedia | None]:
        try:
            return self._looking.measure(entry), None
        except BadMedia as problem:
            return _NO_MEDIA, problem

    def _report(
        self, entry: Entry, member: Membership, info: MediaInfo, problem: BadMedia | None, now: datetime
    ) -> Entry:
        """Let the others know of this file, at first that it is there, then what it is."""
        groups = self._ledger.groups
        if (entry.group_key, entry.group_part) != (member.call, member.part):
            entry = groups.report(entry, now, group_key=member.call, group_part=member.part, media=None)
        alone, as_side = self._looking.troubles(entry, info, now=now) if problem is None else (problem.message,) * 2
        said = {
            "side": member.side,
            "starts_at": None if member.starts_at is None else member.starts_at.isoformat(),
            "trouble": alone,
            "trouble_as_side": as_side,
        }
        media = {**dataclasses.asdict(info), "group": said}
        if entry.media == media:
            return entry
        entry = groups.report(entry, now, group_key=member.call, group_part=member.part, media=media)
        reached(Point.GROUP_REPORTED)
        return entry

    # --- all files together -----------------------------------------------------------------------------------------

    def _decide(self, entry: Entry, rule: Grouping, now: datetime) -> tuple[Choice | None, Entry]:
        chosen: list[Choice | None] = []

        def decide(members: Sequence[Entry], unexamined: bool) -> Roles | None:
            outcome = _Table(entry=entry, rule=rule, members=members, unexamined=unexamined, now=now).decide()
            chosen.append(outcome if isinstance(outcome, Choice) else None)
            if outcome is None or isinstance(outcome, Roles):
                return outcome
            return _roles(rule, outcome, members)

        roles, after = self._ledger.groups.decide(entry, now, decide)
        if roles is not None:
            reached(Point.GROUP_CHOSEN)
        return chosen[-1], after

    def _facts(self, rule: Grouping, member: Membership, choice: Choice | None, entry: Entry) -> GroupFacts:
        if choice is None:
            return alone(member)
        number, count = 1, 1
        if rule.policy == "separate":
            ids = [part.entry.id for part in sorted(self._parts_of(entry), key=lambda part: part.order)]
            number, count = ids.index(entry.id) + 1, len(ids)
        starts = [part.starts_at for part in choice.parts if part.starts_at is not None]
        merged = len(choice.parts) > 1 and rule.policy != "join"
        return GroupFacts(
            call=member.call,
            part=member.part,
            number=number,
            count=count,
            parts=[part.name for part in choice.parts],
            starts_at=min(starts, default=None),
            channels={part.name: channel for channel, part in enumerate(choice.parts)} if merged else {},
        )

    def _parts_of(self, entry: Entry) -> list[Part]:
        return [part_of(one) for one in self._ledger.groups.members(entry)]

    def _together(self, entry: Entry, rule: Grouping, member: Membership, choice: Choice, now: datetime) -> Drafted:
        measured = [_measured(part) for part in choice.parts]
        if rule.policy == "join":
            assembly, info = join(measured, keep_gaps=rule.keep_gaps)
        else:
            left, right = measured
            assembly, info = merge(left, right)
        together = Together(
            facts=self._facts(rule, member, choice, entry),
            said={**_said(entry), "own": _own(entry)},
            assembly=assembly,
            warnings=warnings_of(assembly, [one.info for one in measured]),
        )
        return self._looking.look_at_measured(entry, info, now=now, together=together)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    """All that is known when it is decided what becomes of the files of a call."""

    entry: Entry
    rule: Grouping
    members: Sequence[Entry]
    unexamined: bool
    now: datetime

    def decide(self) -> Choice | Roles | None:
        """What the call is made of; roles when `entry` belongs to a call that was sent; None: it goes on by itself.

        Raises AwaitingParts, IncompleteCall, LatePart, BadMetadata.
        """
        rule, parts = self.rule, [part_of(one) for one in self.members]
        mine = next(part for part in parts if part.entry.id == self.entry.id)
        if rule.policy == "separate":
            self._wait_for_others(parts)
            return Choice(parts=(mine,), leader=mine, best=True)
        leader = next((one for one in self.members if was_sent(one) and one.id != self.entry.id), None)
        if leader is not None and self.entry.replaces != leader.id:
            return self._late(mine, leader)
        parts = [part for part in parts if not was_sent(part.entry)]
        if rule.policy == "join":
            self._wait_for_others(parts)
            return in_sequence(parts)
        choice = choose(rule, parts)
        if choice is None or not choice.best:
            self._wait_for_others(parts)
        if choice is None and rule.when_incomplete == "send":
            choice = all_there_is(parts)
        if choice is not None:
            return choice
        if mine.trouble is not None:
            return None  # its own trouble is what a person must hear of
        raise self._incomplete(parts)

    def _wait_for_others(self, parts: Sequence[Part]) -> None:
        """Raises AwaitingParts while others may come, or are there and were not looked at yet."""
        ripe = ripe_at(self.rule, self.members, self.now)
        unready = any(not part.ready and part.entry.state is State.FOUND for part in parts)
        remaining = (ripe - self.now).total_seconds()
        if remaining <= 0 and not unready and not self.unexamined:
            return
        there = ", ".join(sorted(repr(part.name) for part in parts if part.name)) or f"{len(parts)} of its files"
        others = missing(self.rule, parts)
        wanted = f"; waited for: {' or '.join(others)}" if others else "; others may follow"
        until = f" until {ripe:%H:%M:%S} UTC" if remaining > 0 else ""
        wait_seconds = remaining + 0.05 if remaining > 0 else UNEXAMINED_WAIT_SECONDS
        raise AwaitingParts(
            f"a file of the call {self.entry.group_key!r}: there is {there}{wanted}{until}",
            wait_seconds=min(wait_seconds, LONGEST_WAIT_SECONDS),
        )

    def _incomplete(self, parts: Sequence[Part]) -> IncompleteCall:
        there = ", ".join(sorted(repr(part.name) for part in parts))
        troubles = "".join(f"; {part.name!r} cannot be used: {part.trouble}" for part in parts if part.trouble)
        return IncompleteCall(
            f"of the call {self.entry.group_key!r} only {there} came within {self.rule.window_seconds:g} s "
            f"(group_by.window), without {' or '.join(missing(self.rule, parts))}{troubles}. It goes on by itself when "
            "that comes; else set group_by.when_incomplete: send and retry, or skip it"
        )

    def _late(self, mine: Part, leader: Entry) -> Roles | None:
        """A file of a call that Gong knows already."""
        pieces = ((leader.media or {}).get("assembly") or {}).get("pieces", ())
        made_of = {piece["key"]: piece["version"] for piece in pieces}
        known = made_of.get(mine.entry.key)
        if known == mine.entry.version:
            return Roles(leader=leader.id, followers={mine.entry.id: f"part of the call of entry {leader.id}"})
        changed = known is not None
        if not changed and self._is_duplicate(mine, leader, list(made_of)):
            reason = f"the call of entry {leader.id} was sent without it: it is a duplicate of what was sent"
            return Roles(leader=leader.id, followers={mine.entry.id: reason})
        how = "it changed" if changed else f"it came (part {mine.name!r})"
        reason = f"{how} after the call of entry {leader.id} was created; Gong's call stays as it is"
        if self.rule.when_late == "skip":
            return Roles(leader=leader.id, followers={mine.entry.id: reason}, code=LatePart.code)
        if self.rule.when_late == "send":
            return None
        raise LatePart(
            f"{reason}. Skip it, or set group_by.when_late: send and retry to make it a call of its own; a longer "
            "group_by.window waits for such files"
        )

    def _is_duplicate(self, mine: Part, leader: Entry, made_of: Sequence[str]) -> bool:
        """Whether everything in this file was sent: other audio of the same name, or side, was not."""
        if leader.media is None:
            return False  # long finished, and forgotten what it was made of
        sent = [part_of(one) for one in self.members if one.key in made_of or one.id == leader.id]
        if any(part.media.get("fingerprint") == mine.media.get("fingerprint") for part in sent):
            return True
        was_whole = bool(made_of) or part_of(leader).side == ""
        like_it = any(part.name == mine.name or (mine.side and part.side == mine.side) for part in sent)
        return self.rule.policy != "join" and was_whole and not like_it


def _roles(rule: Grouping, choice: Choice, members: Sequence[Entry]) -> Roles | None:
    if rule.policy == "separate":
        return None
    leader = choice.leader.entry
    followers = {}
    for one in members:
        if one.id == leader.id or was_sent(one):
            continue
        is_part = is_in(choice, one)
        followers[one.id] = (
            f"part of the call of entry {leader.id}, which goes on for all of its files"
            if is_part
            else f"entry {leader.id} is sent for this call: {_why_not(one)}"
        )
    return Roles(leader=leader.id, followers=followers, anew=not is_drafted_for(leader, choice))


def _said(entry: Entry) -> dict[str, object]:
    """What the entry said of itself; kept when its media record becomes that of the whole call."""
    return {name: value for name, value in (entry.media or {}).get("group", {}).items() if name != "facts"}


def _own(entry: Entry) -> dict[str, object]:
    return {name: value for name, value in (entry.media or {}).items() if name in _MEDIA_FIELDS}


def _why_not(entry: Entry) -> str:
    trouble = part_of(entry).trouble
    return f"this file cannot be used: {trouble}" if trouble else "this file is a duplicate of it"


def _measured(part: Part) -> Measured:
    entry = part.entry
    piece = Piece(
        entry_id=entry.id, key=entry.key, version=entry.version, size_bytes=entry.size_bytes, begins_seconds=0.0
    )
    return Measured(piece=piece, info=media_of(dict(part.media)), starts_at=part.starts_at)


_MEDIA_FIELDS = frozenset(field.name for field in dataclasses.fields(MediaInfo))
