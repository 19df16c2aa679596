"""GET /v2/workspaces, /v2/settings/scorecards, /v2/settings/trackers, and the two of the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.call_views import page_url
from gong_bridge.sandbox.requests_read import read_query
from gong_bridge.sandbox.seeds import FOLDERS, SCORECARDS, TRACKERS, WORKSPACES
from gong_bridge.sandbox.shapes import Id

_IN_FOLDER: Mapping[str, Callable[[ArrivedCall], bool]] = {
    "All calls": lambda _call: True,
    "Incoming calls": lambda call: call.body["direction"] == "Inbound",
    "Service": lambda _call: False,
}


class SettingsOperations:
    """What the company has set up; each list is one page, as in Gong."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived

    async def list_workspaces(self, request: Request) -> Response:
        """Operation listWorkspaces."""
        read_query(request, set())
        return _answer(request, workspaces=[{**workspace, **EXTRA} for workspace in WORKSPACES])

    async def list_scorecards(self, request: Request) -> Response:
        """Operation listScorecards."""
        read_query(request, set())
        return _answer(request, scorecards=[{**scorecard, **EXTRA} for scorecard in SCORECARDS])

    async def list_trackers(self, request: Request) -> Response:
        """Operation listTrackers: of one workspace, or of all."""
        workspace = _id_in(request, "workspaceId")
        trackers = [one for one in TRACKERS if workspace in (None, one["workspaceId"])]
        if not trackers:
            raise Refusal(404, "No trackers found in this workspace")
        return _answer(request, keywordTrackers=[{**tracker, **EXTRA} for tracker in trackers])

    async def list_folders(self, request: Request) -> Response:
        """Operation getLibraryStructure: of one workspace, or of all."""
        workspace = _id_in(request, "workspaceId")
        folders = [_shown(one) for one in FOLDERS if workspace in (None, one["workspace"])]
        if not folders:
            raise Refusal(404, "No library folders found in this workspace")
        return _answer(request, folders=folders)

    async def folder_content(self, request: Request) -> Response:
        """Operation getCallsInSpecificFolder."""
        folder_id = _id_in(request, "folderId")
        folder = next((one for one in FOLDERS if one["id"] == folder_id), None)
        if folder is None:
            raise Refusal(404, "Folder was not found")
        calls = [
            {
                "id": call.id,
                "title": call.body.get("title", "Call"),
                "addedBy": folder["createdBy"],
                "created": call.body["actualStart"],
                "url": page_url(request, call),
                "snippet": {"fromSec": 5, "toSec": 10},
                **EXTRA,
            }
            for call in self._arrived.calls()
            if _IN_FOLDER[folder["name"]](call)
        ]
        shown = {name: value for name, value in _shown(folder).items() if name != "parentFolderId"}
        return _answer(request, **shown, calls=calls)


def _answer(request: Request, **content: Any) -> Response:
    return JsonAnswer(content, request_id=request.state.request_id)


def _shown(folder: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in folder.items() if name != "workspace"}, **EXTRA}


def _id_in(request: Request, name: str) -> str | None:
    value = read_query(request, {name}).get(name)
    mistakes = [] if value is None else list(Id().mistakes(value, name))
    if mistakes:
        raise Refusal(400, *mistakes)
    return value
