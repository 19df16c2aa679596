"""The root of a folder source: is it there, is it the same as before, is the watcher on it alive (R3, R10)."""

from __future__ import annotations

import errno
import os
import stat

from gong_bridge import clock
from gong_bridge.config.schema import FolderSource
from gong_bridge.sources.beneath import unavailable
from gong_bridge.sources.watching import Watcher, WatchLimitReached, native_by_file_system

# Polling is our own rescan, only more often. watchdog's PollingObserver would hold two snapshots of every name in
# memory (1,000,000 files: over a gigabyte), and its events would still have to be checked by a rescan.
_POLLING_SECONDS = 10.0
_NATIVE_AGAIN_SECONDS = 600.0  # how long after a reached limit watching is tried again


class RootWatch:
    """Looks after one root; belongs to the thread of its Lookout.

    mode: "native" or "polling", as it is now. note: why it is not as configured, or None.
    trouble: why the folder looks wrong though it can be read, or None.
    holds_none: whether the last complete walk found no recording; None before the first one.
    """

    def __init__(self, options: FolderSource) -> None:
        self._root = str(options.folder)
        self._options = options
        self._watcher = Watcher(self._root)
        self._identity: tuple[int, int] | None = None
        self._device_with_files: int | None = None
        self._native_again_at = 0.0
        self.mode = "polling"
        self.note: str | None = None
        self.trouble: str | None = None
        self.holds_none: bool | None = None

    @property
    def scan_interval_seconds(self) -> float:
        """Time between the beginnings of two walks, so that "in the ledger within `rescan`" includes settling (R1)."""
        rescan = self._options.rescan
        interval = max(rescan - self._options.settle - 1.0, rescan / 2)
        return interval if self.mode == "native" else min(interval, _POLLING_SECONDS)

    def look(self, *, watching: bool) -> bool:
        """Check the root, and with `watching` make or mend the watcher. True when everything must be looked at anew.

        Raises SourceUnavailable while the root is missing.
        """
        try:
            status = os.stat(self._root)
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        except OSError as error:
            self._identity = None
            self._watcher.disarm()
            raise unavailable(self._root, error) from error
        is_new = self._identity != (status.st_dev, status.st_ino)
        self._identity = (status.st_dev, status.st_ino)
        return (watching and self._mend_watcher(is_new)) or is_new

    def take_hints(self) -> tuple[set[bytes], set[bytes], bool]:
        """What events spoke of: files, folders, and whether some were dropped."""
        return self._watcher.take_hints()

    def check_room(self) -> None:
        """After a walk: could folders that were made meanwhile be watched? Else fall back to polling."""
        if self.mode == "native":
            try:
                self._watcher.check_room()
            except WatchLimitReached as limit:
                self._fall_back(limit)
            except OSError as error:
                raise unavailable(self._root, error) from error

    def scanned(self, files: int) -> None:
        """A complete walk found so many recordings. An unmounted root is empty: that is trouble, not news (R4)."""
        device = self._identity[0] if self._identity else None
        self.trouble = None
        self.holds_none = not files
        if files:
            self._device_with_files = device
        elif self._device_with_files not in (None, device):
            self.trouble = (
                f"folder {self._root} holds no recording and is on another file system than before: is something "
                "not mounted? Nothing is forgotten, recordings go on when it is back"
            )

    def had_files_here(self) -> bool:
        """Whether recordings were found on the file system that the root lies on now. Any thread may ask."""
        return self._device_with_files is not None and self._device_with_files == _device_of(self._root)

    def lost_its_files(self) -> bool:
        """Whether the root lies on another file system than the one where recordings were found. Any thread may ask."""
        return self._device_with_files is not None and _device_of(self._root) not in (None, self._device_with_files)

    def close(self) -> None:
        """Stop watching."""
        self._watcher.disarm()

    def _mend_watcher(self, is_new: bool) -> bool:
        if not self._wants_native():
            self.mode = "polling"
            return False
        if self.mode == "native" and not is_new and self._watcher.is_alive():
            return False
        if self._native_again_at > clock.monotonic_seconds():
            return False
        try:
            self._watcher.arm()
        except WatchLimitReached as limit:
            self._fall_back(limit)
        except OSError as error:
            raise unavailable(self._root, error) from error
        else:
            self.mode, self.note = "native", None
        return True

    def _fall_back(self, limit: WatchLimitReached) -> None:
        self._watcher.disarm()
        self.mode, self.note = "polling", str(limit)
        self._native_again_at = clock.monotonic_seconds() + _NATIVE_AGAIN_SECONDS

    def _wants_native(self) -> bool:
        if self._options.watch == "auto":
            return native_by_file_system(self._root)
        return self._options.watch == "native"


def _device_of(path: str) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None
