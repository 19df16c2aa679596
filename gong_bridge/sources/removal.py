"""Taking a delivered file out of its folder: delete it, or move it to another place without overwriting (R30)."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count

from gong_bridge.kill_points import Point, reached
from gong_bridge.sources.beneath import NOT_THERE, open_beneath, open_folder, stat_beneath, version_of

_CHUNK_BYTES = 1 << 20
_NO_FILE = "no file"


def delete_delivered(root_fd: int, parts: list[bytes], version: str) -> str:
    """Delete the file if it still is this version. "deleted" (also when it is gone), "changed". Raises OSError."""
    lies_there = _version_at(root_fd, parts)
    if lies_there is None:
        return "deleted"
    if lies_there != version:
        return "changed"
    reached(Point.DELETE_CHECKED)
    _unlink(root_fd, parts)
    reached(Point.DELETED)
    return "deleted"


def move_delivered(root_fd: int, parts: list[bytes], version: str, move_to: bytes) -> str:
    """Move the file below `move_to`, keeping its path. "moved", "changed". Raises OSError.

    May be repeated after a crash at any point: a file that lies there already, whole, is not moved a second time.
    A name that is taken by something else gets a number: x.wav, x.1.wav.
    """
    wanted = os.path.join(move_to, *parts)
    lies_there = _version_at(root_fd, parts)
    if lies_there is None:
        return "moved" if any(_version_of_path(path) == version for path in _taken_names(wanted)) else "changed"
    if lies_there != version:
        return "changed"
    with _target_folder(move_to, parts[:-1]) as folder:
        return _move_to(root_fd, parts, version, os.path.join(folder, parts[-1]))


def copies_beneath(root_fd: int, parts: list[bytes], version: str, *, numbered: bool) -> Iterator[list[bytes]]:
    """Where this version lies below the root: at this path and, `numbered`, at x.1.wav, x.2.wav. Raises OSError."""
    for name in _names(parts[-1]):
        there = [*parts[:-1], name]
        lies_there = _version_at(root_fd, there)
        if lies_there == version:
            yield there
        if lies_there is None or not numbered:
            return


def erase_beneath(root_fd: int, parts: list[bytes]) -> bool:
    """Delete a regular file; whether there was one. Links are not followed, and not deleted. Raises OSError."""
    if _version_at(root_fd, parts) in (None, _NO_FILE):
        return False
    _unlink(root_fd, parts)
    return True


@contextmanager
def _target_folder(move_to: bytes, parts: list[bytes]) -> Iterator[bytes]:
    """The folder below `move_to` for these parts, made where it is missing, and held open while it is written to.

    No link below `move_to` is followed, also none that is put there meanwhile: it may lie in the recorder's own folder,
    where others write. `move_to` itself is the operator's word and may be a link. Raises OSError.
    """
    os.makedirs(move_to, exist_ok=True)
    folder_fd = os.open(move_to, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder_fd)
            below = open_folder(folder_fd, [part])
            os.close(folder_fd)
            folder_fd = below
        yield b"/proc/self/fd/%d" % folder_fd
    finally:
        os.close(folder_fd)


def _move_to(root_fd: int, parts: list[bytes], version: str, wanted: bytes) -> str:
    if any(_is_copy(root_fd, parts, version, path) for path in _taken_names(wanted)):
        _unlink(root_fd, parts)  # copied before a crash; only this was left to do
        return "moved"
    target = _reserve(wanted)
    reached(Point.MOVE_RESERVED)
    folder_fd = open_folder(root_fd, parts[:-1])
    try:
        os.rename(parts[-1], target, src_dir_fd=folder_fd)
    except OSError as error:
        if error.errno == errno.EXDEV and _copy_over(root_fd, parts, version, target):
            _unlink(root_fd, parts)
            return "moved"
        os.unlink(target)
        if error.errno != errno.EXDEV:
            raise
        return "changed"
    finally:
        os.close(folder_fd)
    reached(Point.MOVED)
    return "moved"


def _copy_over(root_fd: int, parts: list[bytes], version: str, target: bytes) -> bool:
    """Copy to another file system, onto the disk, before the original goes. False when it changed meanwhile."""
    folder = os.path.dirname(target)
    # A dot file with a short name of its own: no source takes it, and long names stay within the limit
    copy = os.path.join(
        folder, b".gong-bridge-" + hashlib.sha256(os.path.basename(target)).hexdigest()[:16].encode() + b".tmp"
    )
    file_fd, status = open_beneath(root_fd, parts)
    try:
        with open(file_fd, "rb") as original, open(copy, "wb") as file:
            while chunk := original.read(_CHUNK_BYTES):
                file.write(chunk)
                reached(Point.COPY_BEGUN)
            file.flush()
            os.utime(file.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(file.fileno())
        if _version_at(root_fd, parts) != version:
            os.unlink(copy)
            return False
        reached(Point.COPY_WHOLE)
        os.rename(copy, target)
    except OSError:
        for leftover in (copy, target):
            with suppress(FileNotFoundError):
                os.unlink(leftover)
        raise
    folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder_fd)
    finally:
        os.close(folder_fd)
    reached(Point.COPY_PLACED)
    return True


def _reserve(wanted: bytes) -> bytes:
    """An empty file of the wanted name, or the next free one: renaming onto it overwrites nothing of anybody's.

    An empty file that lies there already was reserved by an attempt that crashed; recordings are never empty.
    """
    for target in _names(wanted):
        try:
            os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            return target
        except FileExistsError:
            status = os.lstat(target)
            if stat.S_ISREG(status.st_mode) and status.st_size == 0:
                return target
    raise AssertionError("names never end")


def _names(wanted: bytes) -> Iterator[bytes]:
    stem, suffix = os.path.splitext(wanted)
    yield wanted
    for number in count(1):
        yield b"%s.%d%s" % (stem, number, suffix)


def _taken_names(wanted: bytes) -> Iterator[bytes]:
    for path in _names(wanted):
        if not os.path.lexists(path):
            return
        yield path


def _is_copy(root_fd: int, parts: list[bytes], version: str, path: bytes) -> bool:
    if _version_of_path(path) != version:
        return False
    file_fd, _ = open_beneath(root_fd, parts)
    with open(file_fd, "rb") as original, open(path, "rb") as other:
        while chunk := original.read(_CHUNK_BYTES):
            if other.read(_CHUNK_BYTES) != chunk:
                return False
    return True


def _unlink(root_fd: int, parts: list[bytes]) -> None:
    folder_fd = open_folder(root_fd, parts[:-1])
    try:
        os.unlink(parts[-1], dir_fd=folder_fd)
    finally:
        os.close(folder_fd)


def _version_at(root_fd: int, parts: list[bytes]) -> str | None:
    try:
        return _version_of(stat_beneath(root_fd, parts))
    except OSError as error:
        if error.errno in NOT_THERE:
            return None
        raise


def _version_of_path(path: bytes) -> str | None:
    try:
        return _version_of(os.lstat(path))
    except FileNotFoundError:
        return None


def _version_of(status: os.stat_result) -> str:
    # What is no regular file any more (a link, a folder) is another version, whatever its size
    return version_of(status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else _NO_FILE
