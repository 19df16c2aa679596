"""What POST /v2/calls/extensive takes: its request as a table; pure."""

from __future__ import annotations

from typing import Any

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.shapes import Choice, Flag, Id, ListOf, Text, Thing, Time


def _flags(*names: str) -> Thing:
    return Thing({name: Flag() for name in names})


EXTENSIVE = Thing(
    {
        "cursor": Text(),
        "filter": Thing(
            {
                "fromDateTime": Time(),
                "toDateTime": Time(),
                "workspaceId": Id(),
                "callIds": ListOf(Id()),
                "primaryUserIds": ListOf(Id()),
            }
        ),
        "contentSelector": Thing(
            {
                "context": Choice(("None", "Basic", "Extended")),
                "contextTiming": ListOf(Choice(("Now", "TimeOfCall"))),
                "exposedFields": Thing(
                    {
                        "parties": Flag(),
                        "content": _flags(
                            "structure",
                            "topics",
                            "trackers",
                            "trackerOccurrences",
                            "pointsOfInterest",
                            "brief",
                            "outline",
                            "highlights",
                            "callOutcome",
                            "keyPoints",
                        ),
                        "interaction": _flags("speakers", "video", "personInteractionStats", "questions"),
                        "collaboration": _flags("publicComments"),
                        "media": Flag(),
                    }
                ),
            }
        ),
    },
    required=("filter",),
)
"""Gong API V2, request of listCallsExtensive."""


def check_extensive(body: Any) -> None:
    """Raise Refusal (400) that names every field that is wrong."""
    mistakes = list(EXTENSIVE.mistakes(body, ""))
    if mistakes:
        raise Refusal(400, *mistakes)
