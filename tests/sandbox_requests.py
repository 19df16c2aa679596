"""Requests that tests send to a sandbox: a client with the right keys, a call that is right, media that is right."""

from __future__ import annotations

import io
import wave
from typing import Any

import httpx

from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox

HOST_ID = next(str(user["id"]) for user in DEFAULT_USERS if user["extension"] == "201")
INACTIVE_ID = next(str(user["id"]) for user in DEFAULT_USERS if user["extension"] == "206")
NOT_IMPORTED_ID = next(str(user["id"]) for user in DEFAULT_USERS if user["extension"] == "207")


def client_of(sandbox: Sandbox, **changes: Any) -> httpx.Client:
    """An HTTP client with the sandbox's keys."""
    # Plain HTTP: without `verify` httpx reads no certificates, which takes longer than a test.
    settings: dict[str, Any] = {"auth": ("sandbox", "sandbox-secret"), "verify": False, "trust_env": False, **changes}
    return httpx.Client(base_url=sandbox.base_url, **settings)


def new_call(**changes: Any) -> dict[str, Any]:
    """The smallest body of POST /v2/calls that is taken, with `changes`; None takes a field away."""
    body: dict[str, Any] = {
        "clientUniqueId": "call-1",
        "actualStart": "2024-03-01T10:12:01-05:00",
        "direction": "Inbound",
        "primaryUser": HOST_ID,
        "parties": [{"userId": HOST_ID}, {"phoneNumber": "+15550100"}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def wav_bytes(frames: int = 800) -> bytes:
    """A mono WAV of silence, 44 bytes and two for each frame."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(2 * frames))
    return file.getvalue()


def as_media_file(content: bytes, name: str = "call.wav", content_type: str = "audio/wav") -> dict[str, Any]:
    """The `files` argument of httpx for PUT media."""
    return {"mediaFile": (name, content, content_type)}


def add_call(client: httpx.Client, **changes: Any) -> str:
    """Post a call that must be taken; its id."""
    answer = client.post("/v2/calls", json=new_call(**changes))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["callId"])


def put_media(client: httpx.Client, call_id: str, content: bytes) -> httpx.Response:
    """Upload `content` as the call's media; whatever the sandbox answers."""
    return client.put(f"/v2/calls/{call_id}/media", files=as_media_file(content))


def full_call(**changes: Any) -> dict[str, Any]:
    """A call with every property that Gong knows, but for speakersTimeline and downloadMediaUrl."""
    crm_object = {"objectType": "Account", "objectId": "0015", "fields": [{"name": "Industry", "value": "Retail"}]}
    context = [{"system": "Salesforce", "objects": [crm_object]}]
    return new_call(
        title="Renewal",
        purpose="Demo call",
        scheduledStart="2024-03-01T10:10:00-05:00",
        scheduledEnd="2024-03-01T15:30:00.5Z",
        duration=125.8,
        disposition="Answered",
        context=context,
        customData="queue 7",
        meetingUrl="https://meet.example.com/1",
        callProviderCode="zoom",
        workspaceId="623457276584334",
        languageCode="en-US",
        flowContext={"taskId": "714366367493425"},
        parties=[
            {"userId": HOST_ID, "mediaChannelId": 0, "emailAddress": "agent-201@example.com"},
            {
                "phoneNumber": "+15550100",
                "name": "Customer",
                "partyId": "2",
                "mediaChannelId": 1,
                "context": context,
            },
        ],
        **changes,
    )
