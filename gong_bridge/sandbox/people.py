"""The people of the sandbox's company: roles at example.com, one for each case that a bridge meets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

USER_FIELDS: Mapping[str, Any] = {
    "created": "2024-01-15T09:00:00Z",
    "active": True,
    "emailAliases": [],
    "settings": {"telephonyCallsImported": True},
}
"""What a user has when nothing else is said."""


def _id_of(extension: int) -> str:
    return f"4815162342{extension}{extension * 1003}"


def _agent(
    extension: int, *, aliases: tuple[str, ...] = (), active: bool = True, imported: bool = True
) -> dict[str, Any]:
    email = f"agent-{extension}@example.com"
    return {
        "id": _id_of(extension),
        "emailAddress": email,
        "created": "2024-01-15T09:00:00Z",
        "active": active,
        "emailAliases": list(aliases),
        "trustedEmailAddress": email,
        "firstName": "Agent",
        "lastName": str(extension),
        "title": "Sales agent",
        "phoneNumber": f"+1 555 010 0{extension}",
        "extension": str(extension),
        "personalMeetingUrls": [],
        "settings": {
            "webConferencesRecorded": True,
            "preventWebConferenceRecording": False,
            "telephonyCallsImported": imported,
            "emailsImported": True,
            "preventEmailImport": False,
            "nonRecordedMeetingsImported": False,
            "gongConnectEnabled": False,
        },
        "managerId": _id_of(201),
        "spokenLanguages": [{"language": "en-US", "primary": True}],
    }


DEFAULT_USERS: tuple[Mapping[str, Any], ...] = (
    _agent(201),
    _agent(202, aliases=("sales-202@example.com",)),
    _agent(203),
    _agent(204),
    _agent(205),
    _agent(206, active=False),
    _agent(207, imported=False),
)
"""Agents 201 to 205 can host calls, 206 has left the company, 207 does not import telephony calls."""

AVATAR: Mapping[str, Any] = {**_agent(901, imported=False), "emailAddress": "support@example.com", "title": "Support"}
"""Stands for people of Gong's own; told only when avatars are asked for."""
