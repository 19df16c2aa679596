"""Gong's users: who may own a call, what is set for each, and what was set before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from gong_bridge.gong.client import GongClient
from gong_bridge.gong.filters import filled, gong_time
from gong_bridge.gong.lists import list_of
from gong_bridge.gong.models.users import OneUser, SettingChange, SettingsHistory, UserRow, UsersPage
from gong_bridge.gong.pages import Listing
from gong_bridge.gong.wire import NotFound, Operation, read_as
from gong_bridge.model import GongUser

_SCOPE = "api:users:read"
LIST = Operation(operation_id="listUsers", method="GET", path="/v2/users", doing="list the users", scope=_SCOPE)
LIST_EXTENSIVE = Operation(
    operation_id="listMultipleUsers",
    method="POST",
    path="/v2/users/extensive",
    doing="list chosen users",
    scope=_SCOPE,
    not_found=NotFound.NONE,
)
GET = Operation(
    operation_id="getUser",
    method="GET",
    path="/v2/users/{id}",
    doing="show the user",
    scope=_SCOPE,
    not_found=NotFound.NONE,
)
SETTINGS_HISTORY = Operation(
    operation_id="getUserHistory",
    method="GET",
    path="/v2/users/{id}/settings-history",
    doing="show what was set for the user",
    scope=_SCOPE,
    not_found=NotFound.NONE,
)


class Users:
    """The users of one Gong. Every method needs the scope api:users:read.

    All raise RateLimited, ServiceDown, BadCredentials (the scope is missing, too), WrongBaseUrl; lists from `next()`.
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def list(self, *, include_avatars: bool = False, cursor: str | None = None) -> Listing[UserRow]:
        """Every user. include_avatars: also those that stand for Gong's own people. CursorLost: see Pages."""
        query = {"includeAvatars": "true"} if include_avatars else {}
        return list_of(self._client, LIST, UsersPage, lambda page: page.users, query=query, cursor=cursor)

    def chosen(
        self,
        *,
        ids: Sequence[str] = (),
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        include_avatars: bool = False,
        cursor: str | None = None,
    ) -> Listing[UserRow]:
        """The users with these ids, or created from (included) to (excluded) these times; everybody without either.

        Also raises RefusedByGong (an id that is none). CursorLost: see Pages.
        """
        wanted = filled(
            userIds=[*ids],
            createdFromDateTime=gong_time(created_from),
            createdToDateTime=gong_time(created_to),
            includeAvatars=include_avatars,
        )
        return list_of(
            self._client,
            LIST_EXTENSIVE,
            UsersPage,
            lambda page: page.users,
            body={"filter": wanted},
            cursor=cursor,
        )

    def get(self, user_id: str) -> UserRow | None:
        """The user with this id; None when Gong has none. One API call. Also raises RefusedByGong (not an id)."""
        answer = self._client.send(GET, path_ids={"id": user_id}, about=f"Gong user {user_id}")
        return read_as(OneUser, answer).user if answer.found else None

    def settings_history(self, user_id: str) -> tuple[SettingChange, ...] | None:
        """What was set for a user, and when; None when Gong has no such user. One API call.

        Also raises RefusedByGong (not an id).
        """
        answer = self._client.send(SETTINGS_HISTORY, path_ids={"id": user_id}, about=f"Gong user {user_id}")
        return (read_as(SettingsHistory, answer).user_settings_history or ()) if answer.found else None

    def everybody(self) -> Iterator[GongUser]:
        """Every user as mappings know them; without avatars, which are Gong's own people."""
        return map(_known_as, self.list())


def _known_as(row: UserRow) -> GongUser:
    imports = row.settings.telephony_calls_imported if row.settings else None
    return GongUser(
        id=row.id,
        email=row.email_address or "",
        aliases=tuple(row.email_aliases or ()),
        name=" ".join(part for part in (row.first_name, row.last_name) if part),
        extension=row.extension or "",
        phone_number=row.phone_number or "",
        active=row.active is not False,
        telephony_calls_imported=imports is not False,
    )
