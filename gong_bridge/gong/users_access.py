"""Access of single users to single calls: who was given it through the API, giving it, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gong_bridge.gong.bodies import JsonBody
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.lists import list_of
from gong_bridge.gong.models.users_access import CallAccess, CallsAccessPage
from gong_bridge.gong.pages import Listing
from gong_bridge.gong.wire import NotFound, Operation

GET = Operation(
    operation_id="getUsersAccessToCalls",
    method="POST",
    path="/v2/calls/users-access",
    doing="show who was given access to calls",
    scope="api:call-user-access:read",
    not_found=NotFound.REFUSED,
)
ADD = Operation(
    operation_id="addUsersAccessToCalls",
    method="PUT",
    path="/v2/calls/users-access",
    doing="give users access to calls",
    scope="api:call-user-access:write",
    changes_gong=True,
    not_found=NotFound.REFUSED,
)
REMOVE = Operation(
    operation_id="deleteUsersAccessToCalls",
    method="DELETE",
    path="/v2/calls/users-access",
    doing="take back access to calls",
    scope="api:call-user-access:write",
    changes_gong=True,
    not_found=NotFound.REFUSED,
)

MOST_CALLS = 100
"""Calls in one request of the bridge. Gong documents no limit; as many as it puts on a page are taken anywhere."""


class UsersAccess:
    """Access to single calls, as far as it is given through the API.

    All raise RateLimited, ServiceDown, BadCredentials (the scope is missing, too), WrongBaseUrl, RefusedByGong (a call
    or user that Gong does not know). `add` and `remove` also raise Unclear: repeating them is harmless.
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def get(self, call_ids: Sequence[str]) -> Listing[CallAccess]:
        """Who was given access to these calls through the API. Scope api:call-user-access:read. One page.

        Whoever may open a call for another reason (a profile, sharing in Gong) is not told.
        """
        body = {"filter": {"callIds": [*dict.fromkeys(call_ids)]}}
        return list_of(self._client, GET, CallsAccessPage, lambda page: page.call_access_list, body=body)

    def add(self, users_of_calls: Mapping[str, Sequence[str]]) -> None:
        """Give users access: call id -> user ids. Scope api:call-user-access:write. One API call.

        Whoever may open the call already is not concerned, so that repeating it has no effect.
        """
        self._change(ADD, users_of_calls)

    def remove(self, users_of_calls: Mapping[str, Sequence[str]]) -> None:
        """Take back what `add` gave: call id -> user ids. Scope api:call-user-access:write. One API call.

        Whoever has no access, or has it for another reason, is not concerned.
        """
        self._change(REMOVE, users_of_calls)

    def _change(self, operation: Operation, users_of_calls: Mapping[str, Sequence[str]]) -> None:
        wanted = [
            {"callId": call_id, "userIds": [*dict.fromkeys(user_ids)]} for call_id, user_ids in users_of_calls.items()
        ]
        about = f"call {wanted[0]['callId']}" if len(wanted) == 1 else f"{len(wanted)} calls"
        self._client.send(operation, body=JsonBody({"callAccessList": wanted}), about=about)
