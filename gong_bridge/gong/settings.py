"""What a company has set up in Gong: workspaces, scorecards, trackers."""

from __future__ import annotations

from gong_bridge.gong.client import GongClient
from gong_bridge.gong.filters import filled
from gong_bridge.gong.lists import list_of
from gong_bridge.gong.models.settings import (
    KeywordTracker,
    Scorecard,
    ScorecardsPage,
    TrackersPage,
    Workspace,
    WorkspacesPage,
)
from gong_bridge.gong.pages import Listing
from gong_bridge.gong.wire import NotFound, Operation

WORKSPACES = Operation(
    operation_id="listWorkspaces",
    method="GET",
    path="/v2/workspaces",
    doing="list the workspaces",
    scope="api:workspaces:read",
)
SCORECARDS = Operation(
    operation_id="listScorecards",
    method="GET",
    path="/v2/settings/scorecards",
    doing="list the scorecards",
    scope="api:settings:scorecards:read",
    not_found=NotFound.NONE,
)
TRACKERS = Operation(
    operation_id="listTrackers",
    method="GET",
    path="/v2/settings/trackers",
    doing="list the trackers",
    scope="api:settings:trackers:read",
    not_found=NotFound.NONE,
)


class Settings:
    """The settings of one Gong; each list is one page, one API call.

    All methods raise, from `next()`: RateLimited, ServiceDown, BadCredentials (the scope is missing, too),
    WrongBaseUrl, RefusedByGong (an id that is none).
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def workspaces(self) -> Listing[Workspace]:
        """Every workspace. Scope api:workspaces:read."""
        return list_of(self._client, WORKSPACES, WorkspacesPage, lambda page: page.workspaces)

    def scorecards(self) -> Listing[Scorecard]:
        """Every scorecard with its questions. Scope api:settings:scorecards:read."""
        return list_of(self._client, SCORECARDS, ScorecardsPage, lambda page: page.scorecards)

    def trackers(self, *, workspace_id: str | None = None) -> Listing[KeywordTracker]:
        """Every keyword tracker, of all workspaces or one. Scope api:settings:trackers:read."""
        query = filled(workspaceId=workspace_id)
        return list_of(self._client, TRACKERS, TrackersPage, lambda page: page.keyword_trackers, query=query)
