"""Calls: create one, deliver its media, and look one up when an outcome is unclear."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from gong_bridge.errors import BadCredentials, RefusedByGong, WrongBaseUrl
from gong_bridge.gong.bodies import JsonBody, MediaBody
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.pages import Pages
from gong_bridge.gong.wire import (
    Answer,
    CallAdded,
    CallsPage,
    CallSummary,
    DetailedCalls,
    NotFound,
    OneCall,
    Operation,
    RecordingAdded,
    read_as,
)

ADD = Operation(
    operation_id="addCall",
    method="POST",
    path="/v2/calls",
    doing="create the call",
    scope="api:calls:create",
    changes_gong=True,
)
ADD_RECORDING = Operation(
    operation_id="addCallRecording",
    method="PUT",
    path="/v2/calls/{id}/media",
    doing="take the recording",
    scope="api:calls:create",
    changes_gong=True,
    not_found=NotFound.REFUSED,
)
LIST = Operation(
    operation_id="listCalls",
    method="GET",
    path="/v2/calls",
    doing="list the calls",
    scope="api:calls:read:basic",
    not_found=NotFound.NONE,
)
GET = Operation(
    operation_id="getCall",
    method="GET",
    path="/v2/calls/{id}",
    doing="show the call",
    scope="api:calls:read:basic",
    not_found=NotFound.NONE,
)
LIST_EXTENSIVE = Operation(
    operation_id="listCallsExtensive",
    method="POST",
    path="/v2/calls/extensive",
    doing="show the call's media",
    scope="api:calls:read:extensive and api:calls:read:media-url",
    not_found=NotFound.NONE,
)

LOOK_AROUND = timedelta(minutes=10)
"""How far from its start a call is looked for: Gong lists by start, and may have rounded it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CreatedCall:
    """What POST /v2/calls gave."""

    call_id: str
    request_id: str | None
    http_status: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveredMedia:
    """What PUT /v2/calls/{id}/media gave. `sent_bytes` are the recording's, without the multipart frame."""

    call_url: str | None
    request_id: str | None
    http_status: int
    sent_bytes: int


class Calls:
    """The calls of one Gong."""

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def create(self, draft: Mapping[str, Any]) -> CreatedCall:
        """Create the call of a draft (CallDraft.to_json()). One API call.

        Raises AlreadyKnown (look it up and adopt it), NotEnabled and other RefusedByGong, Unclear (look it up before
        sending again), ServiceDown, RateLimited, BadCredentials, WrongBaseUrl, BadMetadata (not even JSON).
        """
        answer = self._client.send(ADD, body=JsonBody(draft), about=f"Gong user {draft.get('primaryUser', 'unknown')}")
        added = read_as(CallAdded, answer)
        return CreatedCall(call_id=added.call_id, request_id=answer.request_id, http_status=answer.http_status)

    def find(
        self, client_unique_id: str, around: str | datetime, workspace_id: str | None = None
    ) -> CallSummary | None:
        """The call with exactly this clientUniqueId that started within 10 minutes of `around`, or None.

        `around` is the draft's actualStart (ISO-8601 with offset). One API call a page; stops at the page that has it.
        Raises RateLimited, ServiceDown, BadCredentials, WrongBaseUrl.
        """
        start = datetime.fromisoformat(around) if isinstance(around, str) else around
        if start.tzinfo is None:
            raise ValueError("the time to look around has no offset")
        query = {
            "fromDateTime": _gong_time(start - LOOK_AROUND),
            "toDateTime": _gong_time(start + LOOK_AROUND),
        }
        if workspace_id:
            query["workspaceId"] = workspace_id

        def ask(cursor: str | None) -> Answer:
            return self._client.send(LIST, query=query | ({"cursor": cursor} if cursor else {}))

        for page in Pages(CallsPage, ask):
            for call in page.calls or ():
                if call.client_unique_id == client_unique_id:
                    return call
        return None

    def get(self, call_id: str) -> CallSummary | None:
        """The call with this id; None when Gong has none. One API call.

        Raises RateLimited, ServiceDown, BadCredentials, WrongBaseUrl, RefusedByGong (not an id).
        """
        answer = self._client.send(GET, path_ids={"id": call_id}, about=f"call {call_id}")
        return read_as(OneCall, answer).call if answer.found else None

    def has_media(self, call_id: str) -> bool:
        """Whether Gong certainly has this call's media; False also when it cannot be told.

        For use after an unclear delivery: sending the same bytes again is harmless, losing them is not. One API call:
        only a media URL proves it (the kind that GET /v2/calls/{id} shows may be set before any media arrived).
        """
        return call_id in (self.with_media([call_id]) or ())

    def with_media(self, call_ids: Sequence[str]) -> frozenset[str] | None:
        """Those of these calls whose media Gong certainly has; None when Gong does not tell. One API call a page.

        Raises RateLimited, ServiceDown.
        """
        body: dict[str, Any] = {
            "filter": {"callIds": list(call_ids)},
            "contentSelector": {"exposedFields": {"media": True}},
        }

        def ask(cursor: str | None) -> Answer:
            asked = JsonBody(body | ({"cursor": cursor} if cursor else {}))
            return self._client.send(LIST_EXTENSIVE, body=asked, about=f"{len(call_ids)} calls")

        try:
            calls = [call for page in Pages(DetailedCalls, ask) for call in page.calls or ()]
        except (BadCredentials, RefusedByGong, WrongBaseUrl):
            # What is missing may be only the scope for media URLs or, behind some proxies, this operation: no reason
            # to stop the house. If it is the key or the address, the delivery that follows will say so.
            return None
        found = [call for call in calls if call.media and (call.media.audio_url or call.media.video_url)]
        if len(call_ids) == 1:  # then there is no doubt which call it is
            return frozenset(call_ids) if found else frozenset()
        return frozenset(call.meta_data.id for call in found if call.meta_data and call.meta_data.id)

    def put_media(
        self,
        call_id: str,
        open_body: Callable[[], BinaryIO],
        size_bytes: int,
        suffix: str,
        content_type: str,
        on_progress: Callable[[int], None] = lambda _sent_bytes: None,
    ) -> DeliveredMedia:
        """Deliver (or replace) the media of a call, streamed. One API call.

        open_body: gives the recording at its beginning; called once the allowance is there, closed always.
        size_bytes: what the ledger knows; a source of another length raises SourceChanged and Gong stores nothing.
        on_progress: told the number of bytes of each chunk once it has been sent.
        Raises Unclear (ask has_media), ServiceDown, RateLimited, RefusedByGong, BadCredentials, WrongBaseUrl, and
        whatever the source raises (SourceChanged, SourceGone, SourceUnavailable).
        """
        body = MediaBody(
            open_body=open_body,
            size_bytes=size_bytes,
            suffix=suffix,
            content_type=content_type,
            on_progress=on_progress,
        )
        answer = self._client.send(ADD_RECORDING, path_ids={"id": call_id}, body=body, about=f"call {call_id}")
        added = read_as(RecordingAdded, answer)
        return DeliveredMedia(
            call_url=added.url,
            request_id=answer.request_id,
            http_status=answer.http_status,
            sent_bytes=body.sent_bytes,
        )


def _gong_time(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")
