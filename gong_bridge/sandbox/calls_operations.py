"""POST /v2/calls, PUT /v2/calls/{id}/media, and the four ways to read calls back."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge import clock
from gong_bridge.sandbox.answers import JsonAnswer, Refusal
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.call_details import extensive_data
from gong_bridge.sandbox.call_views import basic_data, page_url
from gong_bridge.sandbox.links import LinkFetcher
from gong_bridge.sandbox.media import receive_media
from gong_bridge.sandbox.new_call import check_new_call
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.request_shapes import EXTENSIVE, TRANSCRIPTS, check_request
from gong_bridge.sandbox.requests_read import read_id, read_json, read_query
from gong_bridge.sandbox.rows import Rows
from gong_bridge.sandbox.scopes import MEDIA_URL_SCOPE
from gong_bridge.sandbox.seeds import DEFAULT_WORKSPACE
from gong_bridge.sandbox.shapes import Id, parse_time
from gong_bridge.sandbox.transcripts import transcript_of

_NO_CALLS = "No calls found corresponding to the provided filters"


class CallsOperations:
    """Calls of the company. `hasher` runs the hashing of large media beside the event loop."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, rows: Rows, hasher: Executor) -> None:
        self._options = options
        self._rows = rows
        self._arrived = arrived
        self._hasher = hasher
        self._links = LinkFetcher(options, arrived, hasher)
        self._users: Mapping[str, Mapping[str, Any]] = {str(user["id"]): user for user in options.users}

    async def add_call(self, request: Request) -> Response:
        """Operation addCall."""
        read_query(request, set())
        body = await read_json(request)
        now = clock.now()
        check_new_call(body, users=self._users, now=now, future_slack_seconds=self._options.future_slack_seconds)
        known = self._arrived.call_of(body["clientUniqueId"])
        if known is not None:
            return self._answer_repeat(known, request)
        link = body.get("downloadMediaUrl")
        if link is not None and self._arrived.link_is_known(link):
            raise Refusal(400, "downloadMediaUrl must be unique: another call has it")
        call = self._arrived.add_call(body, now)
        if link is not None and self._options.fetch_links:
            self._links.fetch_soon(call)
        return JsonAnswer({"callId": call.id}, request_id=request.state.request_id)

    def _answer_repeat(self, known: ArrivedCall, request: Request) -> Response:
        if self._options.repeated_id == "same_id":
            return JsonAnswer({"callId": known.id}, request_id=request.state.request_id)
        status = 409 if self._options.repeated_id == "conflict" else 400
        raise Refusal(status, "A call with this clientUniqueId already exists")

    async def add_media(self, request: Request) -> Response:
        """Operation addCallRecording. Nothing is kept unless the whole body arrived and is media."""
        read_query(request, set())
        call = self._arrived.call(read_id(request))
        if call is None:
            raise Refusal(400, "callId was not found")
        if "downloadMediaUrl" in call.body and call.link_trouble is None:
            raise Refusal(400, "The call has a downloadMediaUrl; its media is not uploaded")
        media, data = await receive_media(
            request.headers,
            request.stream(),
            keep_bytes=self._options.keep_media_bytes,
            largest_bytes=self._options.largest_media_bytes,
            hasher=self._hasher,
        )
        self._arrived.put_media(call.id, media, data)
        answer = {"callId": call.id, "url": page_url(request, call)}
        return JsonAnswer(answer, request_id=request.state.request_id, status=201)

    async def list_calls(self, request: Request) -> Response:
        """Operation listCalls: from (included) to (excluded), by start; 404 when there are none."""
        query = read_query(request, {"cursor", "fromDateTime", "toDateTime", "workspaceId"})
        missing = [f"{name} is required" for name in ("fromDateTime", "toDateTime") if name not in query]
        if missing:
            raise Refusal(400, *missing)
        page, records = self._rows.page(self._select(query), query, "listCalls", _NO_CALLS)
        answer = {"records": records, "calls": [basic_data(call, request) for call in page]}
        return JsonAnswer(answer, request_id=request.state.request_id)

    async def get_call(self, request: Request) -> Response:
        """Operation getCall."""
        read_query(request, set())
        call = self._arrived.call(read_id(request))
        if call is None:
            raise Refusal(404, "Call ID was not found")
        return JsonAnswer({"call": basic_data(call, request)}, request_id=request.state.request_id)

    async def list_extensive(self, request: Request) -> Response:
        """Operation listCallsExtensive, with the parts of each call that are asked for."""
        read_query(request, set())
        body = await read_json(request)
        check_request(EXTENSIVE, body)
        page, records = self._rows.page(self._select(body["filter"]), body, "listCallsExtensive", _NO_CALLS)
        selector = body.get("contentSelector", {})
        scopes = request.state.scopes
        if selector.get("exposedFields", {}).get("media") and scopes is not None and MEDIA_URL_SCOPE not in scopes:
            raise Refusal(403, f"The access token needs the scope {MEDIA_URL_SCOPE} for media URLs")
        answer = {"records": records, "calls": [extensive_data(call, selector, request) for call in page]}
        return JsonAnswer(answer, request_id=request.state.request_id)

    async def list_transcripts(self, request: Request) -> Response:
        """Operation getCallTranscripts: of calls whose media has arrived."""
        read_query(request, set())
        body = await read_json(request)
        check_request(TRANSCRIPTS, body)
        heard = [call for call in self._select(body["filter"]) if call.media is not None]
        page, records = self._rows.page(heard, body, "getCallTranscripts", _NO_CALLS)
        answer = {"records": records, "callTranscripts": [transcript_of(call) for call in page]}
        return JsonAnswer(answer, request_id=request.state.request_id)

    def _select(self, wanted: Mapping[str, Any]) -> list[ArrivedCall]:
        begin = _moment(wanted, "fromDateTime")
        end = _moment(wanted, "toDateTime")
        if begin is not None and end is not None and begin > end:
            raise Refusal(400, "fromDateTime must not be after toDateTime")
        workspace = wanted.get("workspaceId")
        mistakes = [] if workspace is None else list(Id().mistakes(workspace, "workspaceId"))
        if mistakes:
            raise Refusal(400, *mistakes)
        found = [
            call
            for call in self._arrived.calls()
            if (begin is None or call.started_at >= begin)
            and (end is None or call.started_at < end)
            and (workspace is None or call.body.get("workspaceId", DEFAULT_WORKSPACE) == workspace)
            and ("callIds" not in wanted or call.id in wanted["callIds"])
            and ("primaryUserIds" not in wanted or call.body["primaryUser"] in wanted["primaryUserIds"])
        ]
        return sorted(found, key=lambda call: (call.started_at, call.id))


def _moment(wanted: Mapping[str, Any], name: str) -> datetime | None:
    if name not in wanted:
        return None
    moment = parse_time(wanted[name])
    if moment is None:
        raise Refusal(400, f"{name} must be an ISO-8601 date and time with an offset")
    return moment
