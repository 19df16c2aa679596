"""POST, PUT and DELETE /v2/calls/users-access: who was given access to single calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.arrived import Arrived
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.request_shapes import ACCESS_ASKED, ACCESS_GIVEN, check_request
from gong_bridge.sandbox.requests_read import read_json, read_query
from gong_bridge.sandbox.shapes import Shape


class UsersAccessOperations:
    """Access through the API alone: what people share by hand is not known here, as in Gong."""

    def __init__(self, options: SandboxOptions, arrived: Arrived) -> None:
        self._arrived = arrived
        self._user_ids = {str(user["id"]) for user in options.users}

    async def show(self, request: Request) -> Response:
        """Operation getUsersAccessToCalls: every call that was asked for, also those of nobody; one page."""
        body = await self._read(request, ACCESS_ASKED)
        call_ids = body["filter"]["callIds"]
        self._check_calls((f"filter.callIds[{place}]", call_id) for place, call_id in enumerate(call_ids))
        calls = [call for call_id in call_ids if (call := self._arrived.call(call_id)) is not None]
        found = [
            {"callId": call.id, "users": [{"userId": one, **EXTRA} for one in call.shared_with], **EXTRA}
            for call in calls
        ]
        return JsonAnswer({"callAccessList": found}, request_id=request.state.request_id)

    async def give(self, request: Request) -> Response:
        """Operation addUsersAccessToCalls: all of it, or nothing when a call or a user is unknown."""
        for one in await self._checked(request):
            self._arrived.share(one["callId"], one["userIds"])
        return JsonAnswer({}, request_id=request.state.request_id)

    async def take_back(self, request: Request) -> Response:
        """Operation deleteUsersAccessToCalls: all of it, or nothing when a call or a user is unknown."""
        for one in await self._checked(request):
            self._arrived.unshare(one["callId"], one["userIds"])
        return JsonAnswer({}, request_id=request.state.request_id)

    async def _checked(self, request: Request) -> list[dict[str, Any]]:
        body = await self._read(request, ACCESS_GIVEN)
        wanted: list[dict[str, Any]] = body["callAccessList"]
        self._check_calls((f"callAccessList[{place}].callId", one["callId"]) for place, one in enumerate(wanted))
        unknown = [
            f"callAccessList[{place}].userIds: user {user_id} was not found"
            for place, one in enumerate(wanted)
            for user_id in one["userIds"]
            if user_id not in self._user_ids
        ]
        if unknown:
            raise Refusal(400, *unknown)
        return wanted

    def _check_calls(self, wanted: Iterable[tuple[str, str]]) -> None:
        unknown = [f"{place}: call {call_id} was not found" for place, call_id in wanted if not self._has(call_id)]
        if unknown:
            raise Refusal(400, *unknown)

    def _has(self, call_id: str) -> bool:
        return self._arrived.call(call_id) is not None

    @staticmethod
    async def _read(request: Request, shape: Shape) -> Any:
        read_query(request, set())
        body = await read_json(request)
        check_request(shape, body)
        return body
