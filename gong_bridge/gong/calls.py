"""Calls: create one, deliver its media, look one up when an outcome is unclear, and list what Gong has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from gong_bridge.errors import BadCredentials, RefusedByGong, WrongBaseUrl
from gong_bridge.gong.bodies import JsonBody, media_body
from gong_bridge.gong.call_filter import CallFilter, Content
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.filters import filled, gong_time
from gong_bridge.gong.lists import list_of
from gong_bridge.gong.models.call_details import CallDetails, CallDetailsPage
from gong_bridge.gong.models.calls import CallAdded, CallsPage, CallSummary, OneCall, RecordingAdded
from gong_bridge.gong.models.transcripts import CallTranscript, TranscriptsPage
from gong_bridge.gong.pages import Listing
from gong_bridge.gong.wire import NotFound, Operation, read_as

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
    doing="list the calls with their details",
    scope="api:calls:read:extensive",
    not_found=NotFound.NONE,
)
LIST_MEDIA = replace(
    LIST_EXTENSIVE, doing="show the call's media", scope="api:calls:read:extensive and api:calls:read:media-url"
)
TRANSCRIPTS = Operation(
    operation_id="getCallTranscripts",
    method="POST",
    path="/v2/calls/transcript",
    doing="list the transcripts",
    scope="api:calls:read:transcript",
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
        near = self.list(start - LOOK_AROUND, start + LOOK_AROUND, workspace_id=workspace_id)
        return next((call for call in near if call.client_unique_id == client_unique_id), None)

    def list(
        self,
        from_time: datetime,
        to_time: datetime,
        *,
        workspace_id: str | None = None,
        cursor: str | None = None,
    ) -> Listing[CallSummary]:
        """Calls that started from (included) to (excluded) these times, which have offsets. Scope
        api:calls:read:basic.

        Raises, from `next()`, RateLimited, ServiceDown, CursorLost, BadCredentials, WrongBaseUrl, RefusedByGong.
        """
        query = filled(fromDateTime=gong_time(from_time), toDateTime=gong_time(to_time), workspaceId=workspace_id)
        return list_of(self._client, LIST, CallsPage, lambda page: page.calls, query=query, cursor=cursor)

    def details(
        self, wanted: CallFilter, content: Content | None = None, *, cursor: str | None = None
    ) -> Listing[CallDetails]:
        """Calls with the parts that `content` names. Scope api:calls:read:extensive, and api:calls:read:media-url
        where `content` has media.

        Raises as `list` does.
        """
        content = content or Content()
        body = filled(filter=wanted.to_json(), contentSelector=content.to_json())
        body.setdefault("filter", {})
        return self._details(LIST_MEDIA if content.media else LIST_EXTENSIVE, body, cursor)

    def transcripts(self, wanted: CallFilter, *, cursor: str | None = None) -> Listing[CallTranscript]:
        """What was said in calls. Scope api:calls:read:transcript. `wanted` by primary users is not known here.

        Raises as `list` does, and ValueError for primary users.
        """
        if wanted.primary_user_ids:
            raise ValueError("Gong finds transcripts by time, ids and workspace, not by primary user")
        body = {"filter": wanted.to_json()}
        return list_of(
            self._client, TRANSCRIPTS, TranscriptsPage, lambda page: page.call_transcripts, body=body, cursor=cursor
        )

    def _details(
        self, operation: Operation, body: Mapping[str, Any], cursor: str | None = None
    ) -> Listing[CallDetails]:
        return list_of(self._client, operation, CallDetailsPage, lambda page: page.calls, body=body, cursor=cursor)

    def get(self, call_id: str) -> CallSummary | None:
        """The call with this id; None when Gong has none. One API call.

        Raises RateLimited, ServiceDown, BadCredentials, WrongBaseUrl, RefusedByGong (not an id).
        """
        answer = self._client.send(GET, path_ids={"id": call_id}, about=f"call {call_id}")
        return read_as(OneCall, answer).call if answer.found else None

    def has_media(self, call_id: str) -> bool | None:
        """Whether Gong has this call's media; None when it does not tell, or does not list the call yet.

        For use after an unclear delivery. One API call: only a media URL proves it (the kind that GET /v2/calls/{id}
        shows may be set before any media arrived). Raises RateLimited, ServiceDown.
        """
        listed = self._with_their_media([call_id])
        return any(_shows_media(call) for call in listed) if listed else None

    def with_media(self, call_ids: Sequence[str]) -> frozenset[str] | None:
        """Those of these calls whose media Gong certainly has; None when Gong does not tell. One API call a page.

        Raises RateLimited, ServiceDown.
        """
        listed = self._with_their_media(call_ids)
        if listed is None:
            return None
        found = [call for call in listed if _shows_media(call)]
        if len(call_ids) == 1:  # then there is no doubt which call it is
            return frozenset(call_ids) if found else frozenset()
        return frozenset(call.meta_data.id for call in found if call.meta_data and call.meta_data.id)

    def _with_their_media(self, call_ids: Sequence[str]) -> Sequence[CallDetails] | None:
        body: dict[str, Any] = {
            "filter": {"callIds": list(call_ids)},
            "contentSelector": {"exposedFields": {"media": True}},
        }
        try:
            return list(self._details(LIST_MEDIA, body))
        except (BadCredentials, RefusedByGong, WrongBaseUrl):
            # What is missing may be only the scope for media URLs or, behind some proxies, this operation: no reason
            # to stop the house. If it is the key or the address, the delivery that follows will say so.
            return None

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
        body = media_body(
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


def _shows_media(call: CallDetails) -> bool:
    return bool(call.media and (call.media.audio_url or call.media.video_url))
