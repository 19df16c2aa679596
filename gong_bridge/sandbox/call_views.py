"""A call as Gong shows it: CallBasicData, and the parts of CallData that the sandbox knows."""

from __future__ import annotations

from collections.abc import Mapping
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


def extensive_data(call: ArrivedCall, exposed: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """CallData: the basic data, and what `exposed` (contentSelector.exposedFields) asks for."""
    data: dict[str, Any] = {"metaData": basic_data(call, request), **EXTRA}
    if exposed.get("parties"):
        data["parties"] = [_party(call, number, party) for number, party in enumerate(call.body["parties"], start=1)]
    if exposed.get("media") and call.media is not None:
        data["media"] = {"audioUrl": media_url(request, call), **EXTRA}
    return data


def _party(call: ArrivedCall, number: int, party: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: party[name] for name in ("emailAddress", "name", "userId", "phoneNumber") if name in party}
    return {
        "id": f"{call.id[-12:]}{number:03d}",
        "affiliation": "Internal" if "userId" in party else "External",
        "methods": ["Attendee"],
        **shown,
        **EXTRA,
    }
