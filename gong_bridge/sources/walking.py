"""One walk over a folder: every name that can be a recording, one at a time, holding no list of names."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import NamedTuple

from gong_bridge.sources.beneath import NOT_THERE, open_folder, opened_root, unavailable
from gong_bridge.sources.names import NameRules, key_from_bytes


class FoundFile(NamedTuple):
    """A regular file as the file system describes it (a tuple: a walk makes millions of them)."""

    key: str
    size_bytes: int
    mtime_ns: int


class FolderWalk:
    """Iterate to walk; afterwards the counts say what was met.

    Symbolic links are never followed, neither to files nor to folders: what they point to inside the root is found
    by its own name, what lies outside does not belong to this source, and loops cannot exist. Sockets, FIFOs and
    devices are passed by. Empty files are left out: they wait until something is in them (R8).

    unreadable_folders, links: met and passed by. files: recordings that were found, also when they are known.
    """

    def __init__(self, root: str, names: NameRules, *, below: bytes = b"") -> None:
        self._root = root
        self._names = names
        self._below = below
        self.files = 0
        self.links = 0
        self.unreadable_folders = 0

    def __iter__(self) -> Generator[FoundFile, None, None]:
        """Raises SourceUnavailable when the root goes away or the disk fails."""
        with opened_root(self._root) as root_fd:
            waiting = [self._below]
            while waiting:
                folder = waiting.pop()
                try:
                    folder_fd = open_folder(root_fd, folder.split(b"/") if folder else [])
                except OSError as error:
                    if isinstance(error, PermissionError):
                        self.unreadable_folders += 1
                    elif error.errno not in NOT_THERE:
                        raise unavailable(self._root, error) from error
                    continue
                try:
                    yield from self._look_into(folder_fd, folder, waiting)
                finally:
                    os.close(folder_fd)

    def _look_into(self, folder_fd: int, folder: bytes, waiting: list[bytes]) -> Iterator[FoundFile]:
        key_prefix = key_from_bytes(folder) + "/" if folder else ""
        try:
            with os.scandir(folder_fd) as entries:
                for entry in entries:
                    key = key_prefix + key_from_bytes(os.fsencode(entry.name))
                    if entry.is_symlink():
                        self.links += 1
                    elif entry.is_dir(follow_symlinks=False):
                        if self._names.enters(key):
                            waiting.append(
                                folder + b"/" + os.fsencode(entry.name) if folder else os.fsencode(entry.name)
                            )
                    elif self._names.takes(key):
                        found = _found(entry, key)
                        if found is not None:
                            self.files += 1
                            yield found
        except OSError as error:
            raise unavailable(self._root, error) from error


def _found(entry: os.DirEntry[str], key: str) -> FoundFile | None:
    try:
        if not entry.is_file(follow_symlinks=False):
            return None
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        if error.errno in NOT_THERE:  # deleted or renamed since the folder was read
            return None
        raise
    return FoundFile(key, status.st_size, status.st_mtime_ns) if status.st_size else None
