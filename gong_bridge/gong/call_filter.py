"""Which calls are asked for, and which parts of them: the filter and the content selector of Gong's call lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from gong_bridge.gong.filters import filled, gong_time

CONTENT_PARTS = (
    "structure", "topics", "trackers", "trackerOccurrences", "brief", "outline", "highlights", "callOutcome",
    "keyPoints",
)  # fmt: skip
INTERACTION_PARTS = ("speakers", "video", "personInteractionStats", "questions")
PARTS = ("parties", *CONTENT_PARTS, *INTERACTION_PARTS, "publicComments", "media")
"""What a call can be asked to be shown with, in Gong's words; pointsOfInterest is left out, Gong has deprecated it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFilter:
    """Everything given must hold. from_time (included), to_time (excluded): when the call started, with offsets.

    primary_user_ids: calls that one of them hosted.
    """

    from_time: datetime | None = None
    to_time: datetime | None = None
    call_ids: Sequence[str] = ()
    primary_user_ids: Sequence[str] = ()
    workspace_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As Gong takes it."""
        return filled(
            fromDateTime=gong_time(self.from_time),
            toDateTime=gong_time(self.to_time),
            callIds=[*self.call_ids],
            primaryUserIds=[*self.primary_user_ids],
            workspaceId=self.workspace_id,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """Which parts of a call to show beside its basic facts.

    parts: words of PARTS. context: links to CRM records ("Basic"), or also their fields ("Extended"); context_timing:
    of these, as they are "Now" or were "TimeOfCall".
    """

    parts: Iterable[str] = ()
    context: Literal["None", "Basic", "Extended"] = "None"
    context_timing: Sequence[Literal["Now", "TimeOfCall"]] = ()

    @property
    def media(self) -> bool:
        """Whether links to the media are asked for, which takes a scope of its own."""
        return "media" in set(self.parts)

    def to_json(self) -> dict[str, Any]:
        """As Gong takes it; empty for the basic facts alone. Raises ValueError that names an unknown part."""
        wanted = set(self.parts)
        unknown = sorted(wanted - set(PARTS))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no part of a call; there are {', '.join(PARTS)}")
        if self.context_timing and self.context != "Extended":
            raise ValueError('context_timing is for context="Extended" alone')
        exposed = filled(
            parties="parties" in wanted,
            content={name: True for name in CONTENT_PARTS if name in wanted},
            interaction={name: True for name in INTERACTION_PARTS if name in wanted},
            collaboration={"publicComments": True} if "publicComments" in wanted else {},
            media="media" in wanted,
        )
        return filled(
            context=None if self.context == "None" else self.context,
            contextTiming=[*self.context_timing],
            exposedFields=exposed,
        )
