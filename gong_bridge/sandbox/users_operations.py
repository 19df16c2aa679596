"""GET /v2/users and GET /v2/users/{id}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.paging import page_of
from gong_bridge.sandbox.requests_read import read_id, read_query


class UsersOperations:
    """The company's people, as the options name them."""

    def __init__(self, options: SandboxOptions) -> None:
        self._options = options
        self._by_id: Mapping[str, Mapping[str, Any]] = {str(user["id"]): user for user in options.users}

    async def list_users(self, request: Request) -> Response:
        """Operation listUsers: pages by cursor."""
        query = read_query(request, {"cursor", "includeAvatars"})
        if query.get("includeAvatars", "false") not in ("true", "false"):
            raise Refusal(400, "includeAvatars must be true or false")
        if self._options.users_forbidden:
            raise Refusal(403, "Access to users is denied for these credentials")
        users, records = page_of(
            [{**user, **EXTRA} for user in self._options.users],
            cursor=query.get("cursor"),
            page_size=self._options.page_size,
            question=f"users {query.get('includeAvatars', 'false')}",
        )
        return JsonAnswer({"records": records, "users": users}, request_id=request.state.request_id)

    async def get_user(self, request: Request) -> Response:
        """Operation getUser."""
        read_query(request, set())
        user = self._by_id.get(read_id(request))
        if user is None:
            raise Refusal(404, "User was not found")
        return JsonAnswer({"user": {**user, **EXTRA}}, request_id=request.state.request_id)
