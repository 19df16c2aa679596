"""Being told of new files: watchdog's inotify observer, and the check that it still lives.

Events are hints only: they make a recording known sooner. The rescan finds whatever no event spoke of.
"""

from __future__ import annotations

import ctypes
import errno
import logging
import os
import re
import threading
import warnings
from pathlib import Path

from watchdog.events import (
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver

_HINTS_AT_MOST = 100_000
_IN_DELETE_SELF = 0x400  # inotify(7)
# Not FileModifiedEvent: a recorder appends many times a second to every call, and the tracker looks by itself.
_EVENTS: list[type[FileSystemEvent]] = [
    DirCreatedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileMovedEvent,
]

_UNWATCHABLE = re.compile(
    r"(?:nfs\d?|cifs|smb\w*|9p|fuse|fuse\..*|vboxsf|vmhgfs|prl_fs|afs|ceph|glusterfs|lustre|gpfs|beegfs|ncpfs|virtiofs)"
)


class WatchLimitReached(Exception):
    """The system lets this user watch no more folders; the message says which limit and how to raise it."""


def file_system_of(path: str, mounts: str) -> str:
    """The type of the file system that holds `path` (absolute, no links), by the text of /proc/mounts."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[1]).rstrip("/")
        # The last of several mounts on one point is the one that is seen
        if (path == point or path.startswith(point + "/")) and len(point) >= best:
            best, kind = len(point), fields[2]
    return kind


def tells_changes(file_system: str) -> bool:
    """Whether inotify hears of every change there: not of what other machines write to a network file system."""
    return _UNWATCHABLE.fullmatch(file_system) is None


def native_by_file_system(root: str) -> bool:
    """Whether `watch: auto` means native for this folder."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return False
    return tells_changes(file_system_of(os.path.realpath(root), mounts))


class Hints(FileSystemEventHandler):
    """Paths that events spoke of, relative to the root, collected by watchdog's thread for the source's thread."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self._prefix = os.fsencode(root).rstrip(b"/") + b"/"
        self._lock = threading.Lock()
        self._files: set[bytes] = set()
        self._folders: set[bytes] = set()
        self._too_many = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = os.fsencode(event.dest_path or event.src_path)
        if not path.startswith(self._prefix):
            return
        with self._lock:
            if len(self._files) + len(self._folders) >= _HINTS_AT_MOST:
                self._too_many = True
                return
            (self._folders if event.is_directory else self._files).add(path[len(self._prefix) :])

    def take(self) -> tuple[set[bytes], set[bytes], bool]:
        """Files, folders, and whether there were more than could be kept (then a rescan must find them)."""
        with self._lock:
            taken = self._files, self._folders, self._too_many
            self._files, self._folders, self._too_many = set(), set(), False
        return taken


class Watcher:
    """One observer on one root; thrown away and made anew when the root or a thread of it is no longer the same."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._observer: BaseObserver | None = None
        self._hints: Hints | None = None

    def arm(self) -> None:
        """Watch the root as it is now. Raises WatchLimitReached, OSError."""
        self.disarm()
        real_root = os.path.realpath(self._root)  # watchdog would watch a link instead of what it points to
        hints = Hints(real_root)
        try:
            observer = new_observer()
            self._observer, self._hints = observer, hints
            observer.schedule(hints, real_root, recursive=True, event_filter=_EVENTS)
            observer.start()
            self.check_room()
        except OSError as error:
            self.disarm()
            raise self._limit(error) from error
        except WatchLimitReached:
            self.disarm()
            raise

    def check_room(self) -> None:
        """Raises WatchLimitReached when no further folder could be watched, OSError.

        watchdog tells when the root cannot be watched but is silent about folders below it, so one watch more is
        tried, on an inotify instance of our own: where it fails, some folder is not watched or the next one will not
        be.
        """
        try:
            _try_one_more_watch(os.path.realpath(self._root))
        except OSError as error:
            raise self._limit(error) from error

    def _limit(self, error: OSError) -> Exception:
        if error.errno in (errno.ENOSPC, errno.EMFILE, errno.ENFILE):
            return WatchLimitReached(_limit_message(self._root, error.errno))
        return error

    def is_alive(self) -> bool:
        """Whether every thread that events pass through is running.

        `observer.is_alive()` alone stays True when the emitter died (gorakhargosh/watchdog#648); the thread that
        reads inotify is a third one.
        """
        observer = self._observer
        if observer is None:
            return False
        reader = getattr(observer, "_inotify_fd", None)
        threads = [observer, *observer.emitters, *([reader] if isinstance(reader, threading.Thread) else [])]
        return bool(observer.emitters) and all(thread.is_alive() for thread in threads)

    def take_hints(self) -> tuple[set[bytes], set[bytes], bool]:
        """What events spoke of since the last time; see Hints.take."""
        return self._hints.take() if self._hints is not None else (set(), set(), False)

    def disarm(self) -> None:
        """Stop watching; does nothing when not armed."""
        observer, self._observer, self._hints = self._observer, None, None
        if observer is not None:
            _stop(observer)


def new_observer() -> BaseObserver:
    """An observer that is not started. Raises OSError (EMFILE) when no more inotify instances are allowed."""
    from watchdog.observers.inotify import InotifyObserver

    # watchdog warns when folders appear nested faster than it reads, and logs an error at every stop. Both mean
    # nothing here, and both would put people's folder names into the log; with -W error the warning kills its thread.
    warnings.filterwarnings("ignore", message="Callback with id", category=RuntimeWarning)
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
    return InotifyObserver()


def _try_one_more_watch(path: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    inotify_fd = libc.inotify_init1(os.O_CLOEXEC)
    if inotify_fd < 0:
        raise OSError(ctypes.get_errno(), "no inotify instance")
    try:
        if libc.inotify_add_watch(inotify_fd, os.fsencode(path), _IN_DELETE_SELF) < 0:
            raise OSError(ctypes.get_errno(), "no inotify watch")
    finally:
        os.close(inotify_fd)


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    if observer.ident is not None:
        observer.join(5.0)


def _limit_message(root: str, error_number: int | None) -> str:
    if error_number == errno.ENOSPC:
        advice = "raise it with: sysctl -w fs.inotify.max_user_watches=524288"
        limit = "fs.inotify.max_user_watches"
    else:
        advice = "raise them: sysctl -w fs.inotify.max_user_instances=512, and LimitNOFILE of the service"
        limit = "fs.inotify.max_user_instances (or of open files; fs.inotify.max_user_watches is not the one)"
    return (
        f"folder {root} is looked through regularly instead of being watched, because the system's limit {limit} "
        f"is reached; nothing is lost, recordings are found a little later; {advice}"
    )
