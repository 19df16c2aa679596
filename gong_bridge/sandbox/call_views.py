"""A call as Gong lists it: CallBasicData, and where a person finds it."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from gong_bridge.sandbox.answers import EXTRA
from gong_bridge.sandbox.arrived import ArrivedCall

_AS_POSTED = (
    "title",
    "direction",
    "clientUniqueId",
    "customData",
    "purpose",
    "meetingUrl",
    "workspaceId",
)


def page_url(request: Request, call: ArrivedCall) -> str:
    """Where a person looks at the call."""
    return f"{request.base_url}#call-{call.id}"


def media_url(request: Request, call: ArrivedCall) -> str:
    """Where a person listens to the call."""
    return f"{request.base_url}media/{call.id}"


def basic_data(call: ArrivedCall, request: Request) -> dict[str, Any]:
    """CallBasicData. Nothing in it says whether media arrived, as in Gong's."""
    body = call.body
    data: dict[str, Any] = {
        "id": call.id,
        "url": page_url(request, call),
        "started": body["actualStart"],
        "primaryUserId": body["primaryUser"],
        "system": body.get("callProviderCode", "API"),
        "scope": "Internal" if all("userId" in party for party in body["parties"]) else "External",
        "media": "Audio",
        "language": "und",
        "isPrivate": False,
        **{name: body[name] for name in _AS_POSTED if name in body},
        **EXTRA,
    }
    if "scheduledStart" in body:
        data["scheduled"] = body["scheduledStart"]
    if "duration" in body:
        data["duration"] = round(body["duration"])
    if "disposition" in body:
        data["sdrDisposition"] = body["disposition"]
    return data
