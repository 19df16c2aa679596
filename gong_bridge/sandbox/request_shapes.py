"""What the operations that read take in their bodies, as tables; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.shapes import Choice, Day, Flag, Id, ListOf, Shape, Text, Thing, Time


def _flags(*names: str) -> Thing:
    return Thing({name: Flag() for name in names})


def _asking(filter_fields: Mapping[str, Shape], *required: str, **beside: Shape) -> Thing:
    """A body with a filter, a cursor and what is `beside` them; `required` names fields of the filter."""
    fields: dict[str, Shape] = {"cursor": Text(), "filter": Thing(filter_fields, required=required), **beside}
    return Thing(fields, required=("filter", *(name for name in beside if name == "aggregationPeriod")))


_CALLS: dict[str, Shape] = {
    "fromDateTime": Time(),
    "toDateTime": Time(),
    "workspaceId": Id(),
    "callIds": ListOf(Id()),
}
_CONTENT_SELECTOR = Thing(
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
)
_USERS_WITH_DATES: dict[str, Shape] = {
    "fromDate": Day(),
    "toDate": Day(),
    "createdFromDateTime": Time(),
    "createdToDateTime": Time(),
    "userIds": ListOf(Id()),
}
EXTENSIVE = _asking({**_CALLS, "primaryUserIds": ListOf(Id())}, contentSelector=_CONTENT_SELECTOR)
"""Gong API V2, request of listCallsExtensive."""
TRANSCRIPTS = _asking(_CALLS)
"""Request of getCallTranscripts."""
USERS = _asking(
    {
        "createdFromDateTime": Time(),
        "createdToDateTime": Time(),
        "includeAvatars": Flag(),
        "userIds": ListOf(Id()),
    }
)
"""Request of listMultipleUsers."""
ACTIVITY = _asking(_USERS_WITH_DATES, "fromDate", "toDate")
"""Request of listMultipleUsersAggregateActivity, listMultipleUsersDayByDayActivity and listInteractionStats."""
ACTIVITY_BY_PERIOD = _asking(
    _USERS_WITH_DATES,
    "fromDate",
    "toDate",
    aggregationPeriod=Choice(("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")),
)
"""Request of listMultipleUsersAggregateByPeriod."""
ANSWERED_SCORECARDS = _asking(
    {
        **{name: Day() for name in ("callFromDate", "callToDate", "reviewFromDate", "reviewToDate")},
        "reviewMethod": Choice(("AUTOMATIC", "MANUAL", "BOTH")),
        "reviewedUserIds": ListOf(Id()),
        "scorecardIds": ListOf(Id()),
    }
)
"""Request of listAnsweredScorecards."""

_ACCESS = Thing({"callId": Id(), "userIds": ListOf(Id(), at_least=1, unique=True)}, required=("callId", "userIds"))
ACCESS_GIVEN = Thing({"callAccessList": ListOf(_ACCESS, at_least=1)}, required=("callAccessList",))
"""Request of addUsersAccessToCalls and deleteUsersAccessToCalls. Gong says `userIds` are unique; that nothing at all
can be asked for it does not say, and the sandbox refuses it: whoever sends that has made a mistake."""
ACCESS_ASKED = Thing(
    {"filter": Thing({"callIds": ListOf(Id(), at_least=1, unique=True)}, required=("callIds",))}, required=("filter",)
)
"""Request of getUsersAccessToCalls."""


def check_request(shape: Shape, body: Any) -> None:
    """Raise Refusal (400) that names every field that is wrong."""
    mistakes = list(shape.mistakes(body, ""))
    if not mistakes and "contentSelector" in body:
        selector = body["contentSelector"]
        if "contextTiming" in selector and selector.get("context") != "Extended":
            mistakes = ["contentSelector.contextTiming can be given only when context is Extended"]
    if mistakes:
        raise Refusal(400, *mistakes)
