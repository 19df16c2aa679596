"""The public folders of the library and the calls in them."""

from __future__ import annotations

from gong_bridge.gong.wire import GongAnswer, Number, Page


class LibraryFolder(GongAnswer):
    """A folder. updated: ISO-8601."""

    id: str | None = None
    name: str | None = None
    parent_folder_id: str | None = None
    created_by: str | None = None
    updated: str | None = None


class Snippet(GongAnswer):
    """A part of a call. from_sec, to_sec: seconds from its start."""

    from_sec: Number | None = None
    to_sec: Number | None = None


class LibraryCall(GongAnswer):
    """A call in a folder. created: ISO-8601."""

    id: str | None = None
    title: str | None = None
    note: str | None = None
    added_by: str | None = None
    created: str | None = None
    url: str | None = None
    snippet: Snippet | None = None


class FolderContent(GongAnswer):
    """A folder with its calls. updated: ISO-8601."""

    id: str | None = None
    name: str | None = None
    created_by: str | None = None
    updated: str | None = None
    calls: tuple[LibraryCall, ...] | None = None


class FoldersPage(Page):
    """GET /v2/library/folders."""

    folders: tuple[LibraryFolder, ...] | None = None
