"""A local or mounted folder as a source of recordings."""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Generator
from contextlib import closing, suppress
from typing import BinaryIO, cast

from gong_bridge.config.schema import FolderSource, MoveTo
from gong_bridge.errors import (
    BadMetadata,
    BadNotification,
    BridgeError,
    ConfigError,
    SourceChanged,
    SourceGone,
    SourceUnavailable,
)
from gong_bridge.model import ObjectFacts, Recording, SidecarFile
from gong_bridge.sources.base import Erased, Intake, Link, NotLinkable, too_large_beside
from gong_bridge.sources.beneath import (
    NOT_THERE,
    VersionedFile,
    moment_of,
    open_beneath,
    opened_root,
    safe_parts,
    stat_beneath,
    unavailable,
    version_of,
)
from gong_bridge.sources.lookout import Lookout, recording_of
from gong_bridge.sources.names import NameRules, key_from_bytes, key_to_bytes
from gong_bridge.sources.removal import copies_beneath, delete_delivered, erase_beneath, move_delivered
from gong_bridge.sources.root_watch import RootWatch
from gong_bridge.sources.walking import FolderWalk, FoundFile

_READ_AHEAD_BYTES = 128 * 1024


class Folder:
    """A Source: everything below one folder. Keys are paths below it (see names.key_from_bytes).

    Any thread may call any method; each call of `run` and `scan_once` has its own state.
    """

    def __init__(self, options: FolderSource) -> None:
        """Raises ConfigError when delivered recordings would be moved onto themselves."""
        self.name = options.name
        self._options = options
        self._root = str(options.folder)
        self._move_to: bytes | None = None
        apart = None
        if isinstance(options.after_upload, MoveTo):
            self._move_to = os.fsencode(os.path.join(os.path.abspath(self._root), options.after_upload.move_to))
            apart = self._key_inside(self._move_to)
        self._names = NameRules(options.include, options.exclude, apart=apart)
        self._root_watch = RootWatch(options)

    def run(self, intake: Intake, stop: threading.Event) -> None:
        """See Source.run."""
        self._root_watch = RootWatch(self._options)
        Lookout(self._options, self._names, self._root_watch, intake, stop).run()

    def scan_once(self, intake: Intake, stop: threading.Event) -> int:
        """See Source.scan_once. A file that still grows after six times `settle` is left to the next pass."""
        self._root_watch = RootWatch(self._options)
        try:
            return Lookout(self._options, self._names, self._root_watch, intake, stop).run_once()
        except OSError as error:
            raise unavailable(self._root, error) from error

    def candidates(self) -> Generator[Recording, None, None]:
        """See Source.candidates."""
        for found in FolderWalk(self._root, self._names):
            yield recording_of(self.name, found)

    def stat(self, key: str) -> Recording:
        """See Source.stat."""
        try:
            with opened_root(self._root) as root_fd:
                status = stat_beneath(root_fd, safe_parts(key_to_bytes(key)))
        except BadMetadata as error:
            raise SourceGone(f"folder {self._root} cannot hold a file of this name") from error
        except OSError as error:
            raise self._missing(error) from error
        if not stat.S_ISREG(status.st_mode):
            raise SourceGone(f"what lies in folder {self._root} under this name is no file")
        return recording_of(self.name, FoundFile(key, status.st_size, status.st_mtime_ns))

    def open(self, recording: Recording) -> BinaryIO:
        """See Source.open."""
        return cast(BinaryIO, io.BufferedReader(self._opened(recording), _READ_AHEAD_BYTES))

    def _opened(self, recording: Recording) -> VersionedFile:
        try:
            with opened_root(self._root) as root_fd:
                file_fd, status = open_beneath(root_fd, key_to_bytes(recording.key).split(b"/"))
        except OSError as error:
            raise self._missing(error) from error
        if version_of(status.st_size, status.st_mtime_ns) != recording.version:
            os.close(file_fd)
            raise SourceChanged(f"a recording in {self._root} changed since it was found; its new version is taken")
        return VersionedFile(file_fd, recording, self._root)

    def read_beside(self, key: str, max_bytes: int) -> SidecarFile | None:
        """See Source.read_beside. Symbolic links are not followed."""
        parts = safe_parts(key_to_bytes(key))
        try:
            with opened_root(self._root) as root_fd:
                if stat.S_ISLNK(stat_beneath(root_fd, parts).st_mode):
                    raise BadMetadata("the file beside the recording is a symbolic link; put the file itself there")
                file_fd, status = open_beneath(root_fd, parts)
            with open(file_fd, "rb") as file:
                data = file.read(max_bytes + 1)
        except OSError as error:
            if error.errno in NOT_THERE:
                return None
            raise unavailable(self._root, error) from error
        if len(data) > max_bytes:
            raise too_large_beside(key, max_bytes)
        return SidecarFile(key=key, data=data, modified_at=moment_of(status.st_mtime_ns))

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        """See Source.read_part. Reads no further than that: a row of a large table is all that is wanted of it."""
        with self._opened(recording) as file:
            file.seek(first)
            parts = [file.read(size_bytes)]
            while parts[-1] and (missing := size_bytes - sum(map(len, parts))) > 0:
                parts.append(file.read(missing))
        return b"".join(parts)

    def describe(self, recording: Recording) -> ObjectFacts:  # noqa: ARG002
        """Files have no metadata but their name."""
        return ObjectFacts()

    def link(self, recording: Recording, *, content_type: str, file_name: str) -> Link:  # noqa: ARG002 - the Protocol's
        """See Source.link. Gong cannot come to a folder."""
        raise NotLinkable("the recording lies in a folder of this machine")

    def notified(self, body: str) -> list[Recording]:  # noqa: ARG002 - the Protocol's
        """See Source.notified."""
        raise BadNotification(f"source {self.name} is a folder now and has no queue; skip this entry")

    def settle(self, recording: Recording) -> str:
        """See Source.settle. Folders that become empty stay."""
        if self._options.after_upload == "leave":
            return "left"
        if self._root_watch.lost_its_files():
            raise SourceUnavailable(f"folder {self._root} is not the file system it was; mount it again")
        parts = key_to_bytes(recording.key).split(b"/")
        try:
            with opened_root(self._root) as root_fd:
                if self._move_to is None:
                    return delete_delivered(root_fd, parts, recording.version)
                return move_delivered(root_fd, parts, recording.version, self._move_to)
        except OSError as error:
            place = os.fsdecode(self._move_to) if self._move_to else self._root
            raise SourceUnavailable(
                f"a delivered recording cannot be removed from {self._root}"
                + (f" to {place}" if self._move_to else "")
                + f" ({error.strerror or error}); give the service's user write permission and room there"
            ) from error

    def places_of(self, recording: Recording) -> list[str]:
        """See Source.places_of."""
        return [os.fsdecode(os.path.join(root, *there)) for root, there in self._copies(recording)]

    def erase(self, recording: Recording) -> Erased:
        """See Source.erase."""
        return Erased(count=sum(self._erase(root, there) for root, there in self._copies(recording)))

    def erase_beside(self, key: str) -> Erased:
        """See Source.erase_beside."""
        return Erased(count=self._erase(os.fsencode(self._root), safe_parts(key_to_bytes(key))))

    def _copies(self, recording: Recording) -> list[tuple[bytes, list[bytes]]]:
        """The root, and the path below it, of each file that is exactly this version."""
        parts = safe_parts(key_to_bytes(recording.key))
        roots = [os.fsencode(self._root), *([self._move_to] if self._move_to is not None else [])]
        found: list[tuple[bytes, list[bytes]]] = []
        for root in roots:
            if root == self._move_to and not os.path.isdir(root):
                continue  # nothing was moved yet
            try:
                with opened_root(os.fsdecode(root)) as root_fd:
                    copies = copies_beneath(root_fd, parts, recording.version, numbered=root == self._move_to)
                    found += [(root, there) for there in copies]
            except OSError as error:
                raise unavailable(os.fsdecode(root), error) from error
        if not found:
            self._tell_gone_from_away(recording.key)
        return found

    def _tell_gone_from_away(self, key: str) -> None:
        """Raises SourceUnavailable when an empty root says nothing about any file."""
        with suppress(SourceGone):
            self.stat(key)

    def _erase(self, root: bytes, parts: list[bytes]) -> bool:
        try:
            with opened_root(os.fsdecode(root)) as root_fd:
                return erase_beneath(root_fd, parts)
        except OSError as error:
            if error.errno in NOT_THERE:
                return False
            raise SourceUnavailable(
                f"a recording cannot be erased from {os.fsdecode(root)} ({error.strerror or error}); give the "
                "service's user write permission there"
            ) from error

    def check(self) -> str:
        """One line on what is found there now. Raises SourceUnavailable."""
        walk = FolderWalk(self._root, self._names)
        newest = max((found.mtime_ns for found in walk), default=None)
        if newest is None:
            return f"folder {self._root} can be read; no recordings in it yet"
        return f"folder {self._root}: {walk.files} recordings, the newest of {moment_of(newest):%Y-%m-%d %H:%M} UTC"

    def _missing(self, error: OSError) -> BridgeError:
        """Gone for good, or is the folder itself away? A root without any recording says nothing about one (R4)."""
        if error.errno not in NOT_THERE:
            return unavailable(self._root, error)
        try:
            with os.scandir(self._root) as entries:
                is_empty = next(entries, None) is None
        except OSError as root_error:
            return unavailable(self._root, root_error)
        if self._root_watch.lost_its_files():
            return SourceUnavailable(f"folder {self._root} is not the file system it was; mount it again")
        if (is_empty or self._holds_none()) and not self._root_watch.had_files_here():
            return SourceUnavailable(f"folder {self._root} holds no recording; if it is a mount, mount it")
        return SourceGone(f"the recording is no longer in folder {self._root}")

    def _holds_none(self) -> bool:
        """Whether no recording lies there at all: just after the start, before the first walk, somebody must look."""
        known = self._root_watch.holds_none
        if known is not None:
            return known
        with closing(iter(FolderWalk(self._root, self._names))) as found:
            return next(found, None) is None

    def _key_inside(self, move_to: bytes) -> str | None:
        root, target = os.path.realpath(os.fsencode(self._root)), os.path.realpath(move_to)
        if target == root:
            raise ConfigError(
                f"source {self.name}: after_upload.move_to is the source's own folder; name another one, such as done"
            )
        return (
            key_from_bytes(target[len(root.rstrip(b"/")) + 1 :])
            if target.startswith(root.rstrip(b"/") + b"/")
            else None
        )
