"""Who was given access to single calls through the API."""

from __future__ import annotations

from gong_bridge.gong.wire import GongAnswer, Page


class UserAccess(GongAnswer):
    """A user who was given access."""

    user_id: str | None = None


class CallAccess(GongAnswer):
    """A call, and everybody who was given access to it through the API; sharing and profiles in Gong are not told."""

    call_id: str | None = None
    users: tuple[UserAccess, ...] | None = None


class CallsAccessPage(Page):
    """POST /v2/calls/users-access."""

    call_access_list: tuple[CallAccess, ...] | None = None
