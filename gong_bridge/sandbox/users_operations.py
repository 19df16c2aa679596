"""GET /v2/users, POST /v2/users/extensive, GET /v2/users/{id} and its settings-history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.people import AVATAR
from gong_bridge.sandbox.request_shapes import USERS, check_request
from gong_bridge.sandbox.requests_read import read_id, read_json, read_query
from gong_bridge.sandbox.rows import Rows, meant_users

_HISTORY_NAMES = {"telephonyCallsImported": "callsImported"}
"""A setting that has another name in the history."""


class UsersOperations:
    """The company's people, as the options name them."""

    def __init__(self, options: SandboxOptions, rows: Rows) -> None:
        self._options = options
        self._rows = rows
        self._by_id: Mapping[str, Mapping[str, Any]] = {str(user["id"]): user for user in options.users}

    async def list_users(self, request: Request) -> Response:
        """Operation listUsers: pages by cursor."""
        query = read_query(request, {"cursor", "includeAvatars"})
        if query.get("includeAvatars", "false") not in ("true", "false"):
            raise Refusal(400, "includeAvatars must be true or false")
        if self._options.users_forbidden:
            raise Refusal(403, "Access to users is denied for these credentials")
        everybody = self._everybody(with_avatars=query.get("includeAvatars") == "true")
        return self._answer(request, everybody, query, "listUsers")

    async def list_chosen(self, request: Request) -> Response:
        """Operation listMultipleUsers: by id or by when they were created; 404 when there are none."""
        read_query(request, set())
        body = await read_json(request)
        check_request(USERS, body)
        wanted = body["filter"]
        users = meant_users(self._everybody(with_avatars=wanted.get("includeAvatars", False)), wanted)
        return self._answer(request, users, body, "listMultipleUsers", "No users found for the provided filter")

    async def get_user(self, request: Request) -> Response:
        """Operation getUser."""
        return JsonAnswer({"user": {**self._user(request), **EXTRA}}, request_id=request.state.request_id)

    async def settings_history(self, request: Request) -> Response:
        """Operation getUserHistory: each setting was set once, when the user was created."""
        user = self._user(request)
        settings = {**user.get("settings", {}), "active": user["active"]}
        history = [
            {"setting": _HISTORY_NAMES.get(name, name), "value": value, "time": user["created"], **EXTRA}
            for name, value in settings.items()
        ]
        return JsonAnswer({"userSettingsHistory": history}, request_id=request.state.request_id)

    def _user(self, request: Request) -> Mapping[str, Any]:
        read_query(request, set())
        user = self._by_id.get(read_id(request))
        if user is None:
            raise Refusal(404, "User was not found")
        return user

    def _everybody(self, *, with_avatars: bool) -> list[Mapping[str, Any]]:
        return [*self._options.users, *([AVATAR] if with_avatars else [])]

    def _answer(
        self,
        request: Request,
        users: Sequence[Mapping[str, Any]],
        asked: Mapping[str, Any],
        operation: str,
        none_found: str | None = None,
    ) -> Response:
        page, records = self._rows.page(users, asked, operation, none_found)
        answer = {"records": records, "users": [{**user, **EXTRA} for user in page]}
        return JsonAnswer(answer, request_id=request.state.request_id)
