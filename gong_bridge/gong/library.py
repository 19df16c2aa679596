"""The library: public folders, and the calls that people put into them."""

from __future__ import annotations

from gong_bridge.gong.client import GongClient
from gong_bridge.gong.filters import filled
from gong_bridge.gong.lists import list_of
from gong_bridge.gong.models.library import FolderContent, FoldersPage, LibraryFolder
from gong_bridge.gong.pages import Listing
from gong_bridge.gong.wire import NotFound, Operation, read_as

FOLDERS = Operation(
    operation_id="getLibraryStructure",
    method="GET",
    path="/v2/library/folders",
    doing="list the library's folders",
    scope="api:library:read",
    not_found=NotFound.NONE,
)
FOLDER_CONTENT = Operation(
    operation_id="getCallsInSpecificFolder",
    method="GET",
    path="/v2/library/folder-content",
    doing="list the calls of the folder",
    scope="api:library:read",
    not_found=NotFound.NONE,
)


class Library:
    """The library of one Gong. Every method needs the scope api:library:read.

    All raise RateLimited, ServiceDown, BadCredentials (the scope is missing, too), WrongBaseUrl, RefusedByGong (an id
    that is none); lists from `next()`.
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def folders(self, *, workspace_id: str | None = None) -> Listing[LibraryFolder]:
        """The public folders, of all workspaces or one; private and archived ones are never told. One page."""
        query = filled(workspaceId=workspace_id)
        return list_of(self._client, FOLDERS, FoldersPage, lambda page: page.folders, query=query)

    def folder_content(self, folder_id: str) -> FolderContent | None:
        """A folder and the calls in it; None when Gong has no such folder. One API call."""
        answer = self._client.send(FOLDER_CONTENT, query={"folderId": folder_id}, about=f"folder {folder_id}")
        return read_as(FolderContent, answer) if answer.found else None
