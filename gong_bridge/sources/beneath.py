"""Reaching files below a root, part by part and never through a symbolic link: the only place that opens them.

Paths are bytes, relative to the root. Because every part is opened from its parent's descriptor with O_NOFOLLOW, no
name and no link made meanwhile leads out of the root. Nothing here waits: opening a FIFO or a device does not block
(O_NONBLOCK), and what is no regular file is never read.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from gong_bridge.errors import BadMetadata, SourceChanged, SourceUnavailable
from gong_bridge.model import Recording

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)

NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""What the system says where no file can be reached without following a link."""

_CURES = {
    errno.ENOENT: "is not there; create or mount it, recordings are found again by themselves",
    errno.ENOTDIR: "is no folder; correct `folder` in the configuration",
    errno.EACCES: "or a file in it may not be read by the user that runs gong-bridge; give that user the permission",
    errno.ESTALE: "has gone on the file server; mount it again",
    errno.EMFILE: "cannot be opened, too many files are open; raise LimitNOFILE of the service",
}


def unavailable(root: str, error: OSError) -> SourceUnavailable:
    """The error that says what is wrong with the folder and what to do about it."""
    cure = _CURES.get(error.errno or 0, f"cannot be used ({error.strerror or error}); it is tried again")
    return SourceUnavailable(f"folder {root} {cure}")


def safe_parts(key_bytes: bytes) -> list[bytes]:
    """The parts of a path below the root. Raises BadMetadata where it would leave the root."""
    parts = key_bytes.split(b"/")
    if any(part in (b"", b".", b"..") or b"\0" in part for part in parts):
        raise BadMetadata("a file of the source is asked for by a path that is empty, absolute or holds `..`")
    return parts


@contextmanager
def opened_root(root: str) -> Iterator[int]:
    """A descriptor of the root, which may itself be a link. Raises SourceUnavailable."""
    try:
        root_fd = os.open(root, _FOLDER)
    except OSError as error:
        raise unavailable(root, error) from error
    try:
        yield root_fd
    finally:
        os.close(root_fd)


def open_folder(root_fd: int, parts: list[bytes]) -> int:
    """A new descriptor of a folder below the root. Raises OSError."""
    here = os.dup(root_fd)
    try:
        for part in parts:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
    except OSError:
        os.close(here)
        raise
    return here


def stat_beneath(root_fd: int, parts: list[bytes]) -> os.stat_result:
    """What lies at this path; a link is described, not followed. Raises OSError."""
    if len(parts) == 1:
        return os.stat(parts[0], dir_fd=root_fd, follow_symlinks=False)
    folder_fd = open_folder(root_fd, parts[:-1])
    try:
        return os.stat(parts[-1], dir_fd=folder_fd, follow_symlinks=False)
    finally:
        os.close(folder_fd)


def open_beneath(root_fd: int, parts: list[bytes]) -> tuple[int, os.stat_result]:
    """A descriptor to read a regular file, and its status. Raises OSError; ENOENT for what is no regular file."""
    folder_fd = open_folder(root_fd, parts[:-1])
    try:
        # A FIFO or a device must not even be opened: opening alone can have effects
        before = os.stat(parts[-1], dir_fd=folder_fd, follow_symlinks=False)
        if not stat.S_ISREG(before.st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a regular file")
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        file_fd = os.open(parts[-1], flags, dir_fd=folder_fd)
    finally:
        os.close(folder_fd)
    status = os.fstat(file_fd)
    if not stat.S_ISREG(status.st_mode):
        os.close(file_fd)
        raise FileNotFoundError(errno.ENOENT, "not a regular file")
    return file_fd, status


def version_of(size_bytes: int, mtime_ns: int) -> str:
    """The version of a file: its size, and its time of last change in milliseconds."""
    return f"{size_bytes}-{mtime_ns // 1_000_000}"


def moment_of(mtime_ns: int) -> datetime:
    """A file's time as a moment in UTC; times that no calendar holds become the nearest that it does."""
    try:
        moment = _EPOCH + timedelta(microseconds=mtime_ns // 1000)
    except OverflowError:
        return _EARLIEST if mtime_ns < 0 else _LATEST
    return min(max(moment, _EARLIEST), _LATEST)


class VersionedFile(io.RawIOBase):
    """An open file that stops being readable as soon as it is no longer the version that was asked for.

    Owns the descriptor. Reads raise SourceChanged or SourceUnavailable.
    """

    def __init__(self, file_fd: int, recording: Recording, root: str) -> None:
        self._file_fd = file_fd
        self._version = recording.version
        self._root = root
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file_fd

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            count = os.preadv(self._file_fd, [buffer], self._position)
            status = os.fstat(self._file_fd)
        except OSError as error:
            raise unavailable(self._root, error) from error
        if version_of(status.st_size, status.st_mtime_ns) != self._version:
            raise SourceChanged(f"a recording in {self._root} changed while it was read; its new version is taken")
        self._position += count
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: os.fstat(self._file_fd).st_size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning of the file")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            os.close(self._file_fd)
        super().close()
