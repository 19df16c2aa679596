"""Gong's users: who may own a call."""

from __future__ import annotations

from collections.abc import Iterator

from gong_bridge.gong.client import GongClient
from gong_bridge.gong.pages import Pages
from gong_bridge.gong.wire import Answer, Operation, UserRow, UsersPage
from gong_bridge.model import GongUser

LIST = Operation(
    operation_id="listUsers", method="GET", path="/v2/users", doing="list the users", scope="api:users:read"
)


class Users:
    """The users of one Gong."""

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def list(self) -> Iterator[GongUser]:
        """Every user, page by page, one page in memory; without avatars, which are Gong's own people.

        Each page is one API call. Raises RateLimited, ServiceDown, BadCredentials, WrongBaseUrl between users.
        """
        for page in Pages(UsersPage, self._ask):
            for row in page.users or ():
                yield _user(row)

    def _ask(self, cursor: str | None) -> Answer:
        return self._client.send(LIST, query={"cursor": cursor} if cursor else None)


def _user(row: UserRow) -> GongUser:
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
