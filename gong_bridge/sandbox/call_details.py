"""A call in full as Gong shows it: CallData, with the parts that a content selector names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from gong_bridge.sandbox.answers import EXTRA
from gong_bridge.sandbox.arrived import ArrivedCall
from gong_bridge.sandbox.call_views import basic_data, media_url
from gong_bridge.sandbox.seeds import TRACKERS
from gong_bridge.sandbox.transcripts import party_id, topics_seconds


def extensive_data(call: ArrivedCall, selector: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """CallData: the basic data, and what `selector` (contentSelector) asks for."""
    exposed = selector.get("exposedFields", {})
    context = selector.get("context", "None")
    data: dict[str, Any] = {"metaData": basic_data(call, request), **EXTRA}
    if context != "None" and "context" in call.body:
        data["context"] = _context(call.body["context"], selector, ("Opportunity", "Account"))
    if exposed.get("parties"):
        data["parties"] = [
            _party(call, number, party, selector) for number, party in enumerate(call.body["parties"], start=1)
        ]
    for name, parts in (("content", _CONTENT), ("interaction", _INTERACTION), ("collaboration", _COLLABORATION)):
        wanted = [part for part, is_wanted in exposed.get(name, {}).items() if is_wanted and part in parts]
        if wanted:
            shown = {key: value for part in wanted for key, value in parts[part](call).items()}
            data[name] = {**shown, **EXTRA}
    if "trackers" in data.get("content", {}) and not exposed["content"].get("trackerOccurrences"):
        for tracker in data["content"]["trackers"]:
            del tracker["occurrences"], tracker["phrases"]
    if exposed.get("media") and call.media is not None:
        data["media"] = {"audioUrl": media_url(request, call), **EXTRA}
    return data


def _party(call: ArrivedCall, number: int, party: Mapping[str, Any], selector: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: party[name] for name in ("emailAddress", "name", "userId", "phoneNumber") if name in party}
    if selector.get("context", "None") != "None" and "context" in party:
        shown["context"] = _context(party["context"], selector, ("Contact", "User", "Lead"))
    return {
        "id": party_id(call, number),
        "speakerId": party_id(call, number),
        "affiliation": "Internal" if "userId" in party else "External",
        "methods": ["Attendee"],
        **shown,
        **EXTRA,
    }


def _context(
    links: list[Mapping[str, Any]], selector: Mapping[str, Any], shown_types: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Each record as it is now, or was, or both; its fields only when they are asked for. Gong shows but few types."""
    is_extended = selector["context"] == "Extended"
    timings = selector.get("contextTiming") or ["Now"]
    return [
        {
            "system": link["system"],
            "objects": [
                {
                    **{name: value for name, value in record.items() if is_extended or name != "fields"},
                    "timing": timing,
                    **EXTRA,
                }
                for record in link.get("objects", ())
                if record["objectType"] in shown_types
                for timing in timings
            ],
            **EXTRA,
        }
        for link in links
    ]


def _trackers(_call: ArrivedCall) -> dict[str, Any]:
    occurrences = [{"startTime": 5.0, "speakerId": party_id(_call, 1)}]
    found = [
        {
            "id": tracker["trackerId"],
            "name": tracker["trackerName"],
            "count": 1,
            "type": "KEYWORD",
            "occurrences": occurrences,
            "phrases": [{"phrase": "price list", "count": 1, "occurrences": occurrences}],
        }
        for tracker in TRACKERS[:1]
    ]
    return {"trackers": found}


def _speakers(call: ArrivedCall) -> dict[str, Any]:
    spoken = [
        {"id": party_id(call, number), "talkTime": 12.5, **({"userId": party["userId"]} if "userId" in party else {})}
        for number, party in enumerate(call.body["parties"], start=1)
    ]
    return {"speakers": spoken}


_Part = Callable[[ArrivedCall], dict[str, Any]]
_CONTENT: Mapping[str, _Part] = {
    "structure": lambda _call: {"structure": [{"name": "Introductions", "duration": 5}]},
    "topics": lambda _call: {
        "topics": [{"name": name, "duration": seconds} for name, seconds in topics_seconds().items()]
    },
    "trackers": _trackers,
    "brief": lambda _call: {"brief": "The price list was discussed; an offer follows."},
    "outline": lambda _call: {
        "outline": [
            {
                "section": "Pricing",
                "startTime": 5.0,
                "duration": 5.0,
                "items": [{"text": "A line is new.", "startTime": 7.5}],
            }
        ]
    },
    "highlights": lambda _call: {
        "highlights": [{"title": "Next steps", "items": [{"text": "An offer follows.", "startTimes": [10.0]}]}]
    },
    "callOutcome": lambda _call: {"callOutcome": {"id": "7", "category": "Positive", "name": "Next step agreed"}},
    "keyPoints": lambda _call: {"keyPoints": [{"text": "An offer follows this week."}]},
}
_INTERACTION: Mapping[str, _Part] = {
    "speakers": _speakers,
    "video": lambda _call: {"video": [{"name": "Browser", "duration": 0.0}]},
    "personInteractionStats": lambda _call: {"interactionStats": [{"name": "Talk Ratio", "value": 0.5}]},
    "questions": lambda _call: {"questions": {"companyCount": 2, "nonCompanyCount": 0}},
}
_COLLABORATION: Mapping[str, _Part] = {
    "publicComments": lambda call: {
        "publicComments": [
            {
                "id": party_id(call, 900),
                "audioStartTime": 5.0,
                "audioEndTime": 7.5,
                "commenterUserId": call.body["primaryUser"],
                "comment": "Well said.",
                "posted": call.body["actualStart"],
                "duringCall": False,
            }
        ]
    },
}
