"""Which call a file is one of several of, and what a mapping is told of the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.definition import Grouping, Node
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.mapping.templates import NotUsable, text_of

LONGEST_NAME = 500
"""Characters that the value of `call` or `part` may have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A file that is one of several of a call. `side`: which channel it becomes when sides are merged."""

    call: str
    part: str
    starts_at: datetime | None
    side: Literal["left", "right", ""]


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupFacts:
    """What `group` means in templates.

    number, count: this call among those that its segments became. parts: those that this call is made of, in their
    order. starts_at: when the first of them starts. channels: part -> channel, when sides were merged.
    """

    call: str = ""
    part: str = ""
    number: int = 1
    count: int = 1
    parts: Sequence[str] = ()
    starts_at: datetime | None = None
    channels: dict[str, int] = field(default_factory=dict)

    def to_facts(self) -> dict[str, Any]:
        """As templates see it."""
        return {
            "call": self.call,
            "part": self.part,
            "number": self.number,
            "count": self.count,
            "parts": list(self.parts),
            "starts_at": self.starts_at,
            "channels": self.channels,
            "merged": bool(self.channels),
        }

    def to_record(self) -> dict[str, Any]:
        """As the ledger keeps them (JSON); see `group_kept`."""
        starts_at = None if self.starts_at is None else self.starts_at.isoformat()
        return {**dataclasses.asdict(self), "starts_at": starts_at, "parts": list(self.parts)}


def group_kept(record: Mapping[str, Any]) -> GroupFacts:
    """What `GroupFacts.to_record` kept."""
    starts_at = record["starts_at"]
    return GroupFacts(**{**record, "starts_at": None if starts_at is None else datetime.fromisoformat(starts_at)})


def alone(member: Membership) -> GroupFacts:
    """What is known when no other file of the call has come."""
    return GroupFacts(call=member.call, part=member.part, parts=[member.part], starts_at=member.starts_at)


def membership_by(rule: Grouping, value_of: Callable[[Node, str], Any]) -> Membership | None:
    """What `group_by` says of one file; None when its `call` is empty. Raises BadMetadata."""
    call = _name(value_of(rule.call, "group_by.call"), "call")
    if not call:
        return None
    part = _name(value_of(rule.part, "group_by.part"), "part")
    left, right = (
        _name(value_of(node, f"group_by.merge.{side}"), f"merge.{side}")
        for side, node in (("left", rule.left), ("right", rule.right))
    )
    if left and left == right:
        raise BadMetadata(f"group_by.merge: {left!r} cannot be on both sides")
    side: Literal["left", "right", ""] = ""
    if part:
        side = "left" if part == left else "right" if part == right else ""
    return Membership(call=call, part=part, side=side, starts_at=_moment(rule, value_of))


def _name(value: Any, key: str) -> str:
    if is_empty(value):
        return ""
    try:
        text = text_of(value).strip()
    except NotUsable as error:
        raise BadMetadata(f"group_by.{key}: {error}") from None
    if len(text) > LONGEST_NAME:
        raise BadMetadata(f"group_by.{key}: it has more than {LONGEST_NAME} characters; put | digest behind it")
    return text


def _moment(rule: Grouping, value_of: Callable[[Node, str], Any]) -> datetime | None:
    value = value_of(rule.starts_at, "group_by.starts_at")
    if is_empty(value):
        if rule.policy in ("join", "separate"):
            raise BadMetadata(
                f"group_by.starts_at: it is empty; {rule.policy} needs to know when each file of the call starts"
            )
        return None
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise BadMetadata("group_by.starts_at: this is no moment; read it with | time")
    return value
