"""Finding a folder's recordings: first scan, events, rescans and settling, all in the one thread that calls `run`.

The rescan is the truth; events only put names into the set to look at. A file is written down when its size and time
stayed the same over `settle`, no matter how it was found.
"""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from gong_bridge import clock
from gong_bridge.config.schema import FolderSource
from gong_bridge.errors import BridgeError
from gong_bridge.model import Recording, SourceHealth
from gong_bridge.sources.base import BACKLOG_AGE_SECONDS, BATCH_SIZE, REPORT_SECONDS, Intake
from gong_bridge.sources.beneath import NOT_THERE, moment_of, opened_root, stat_beneath, unavailable, version_of
from gong_bridge.sources.names import NameRules, key_from_bytes, key_to_bytes
from gong_bridge.sources.root_watch import RootWatch
from gong_bridge.sources.stability import StabilityTracker
from gong_bridge.sources.walking import FolderWalk, FoundFile

TRACKED_AT_MOST = 100_000
"""Unknown files waited for at once (about 50 MiB); the others are found by the next walk, as soon as there is room."""

GROWING_PATIENCE_SECONDS = 30.0
"""`run --once` leaves a file that still grows after this long, or after six times `settle`, to the next run."""


class Lookout:
    """One run (or one pass) over one folder. Not thread-safe: belongs to the thread that runs it."""

    def __init__(
        self, options: FolderSource, names: NameRules, root_watch: RootWatch, intake: Intake, stop: threading.Event
    ) -> None:
        self._options = options
        self._root = str(options.folder)
        self._names = names
        self._intake = intake
        self._stop = stop
        self._tracker = StabilityTracker(settle_seconds=options.settle)
        self._root_watch = root_watch
        self._started_at = clock.now()
        self._backlog_keys: set[str] = set()
        self._first_scan_done = False
        self._left_over = False
        self._added = 0
        self._files_at_last_scan = 0
        self._last_scan_at: datetime | None = None
        self._notes: list[str] = []
        self._next_check = self._next_scan = 0.0
        self._reported: tuple[bool, str, str | None] | None = None
        self._step_seconds = min(0.5, max(0.02, min(options.rescan, options.settle or options.rescan) / 5))

    def run(self) -> None:
        """Until stopped. Every failure of the folder or the ledger is reported and tried again."""
        try:
            while not self._stop.is_set():
                try:
                    self._cycle()
                    pause_seconds = self._step_seconds
                except (BridgeError, OSError) as error:
                    trouble = unavailable(self._root, error) if isinstance(error, OSError) else error
                    self._report(healthy=False, message=trouble.message)
                    self._next_scan = 0.0  # hints that were taken and not written down are found again by a walk
                    pause_seconds = min(2.0, self._options.rescan)
                clock.wait(self._stop, pause_seconds)
        finally:
            self._root_watch.close()

    def run_once(self) -> int:
        """One complete pass: walk, and wait for what has not settled. Returns rows added. Raises SourceUnavailable."""
        patience_seconds = max(GROWING_PATIENCE_SECONDS, 6 * self._options.settle)
        give_up = clock.monotonic_seconds() + patience_seconds
        self._root_watch.look(watching=False)
        self._scan()
        while not self._stop.is_set() and (len(self._tracker) or self._left_over):
            self._look_at_due()
            now = clock.monotonic_seconds()
            if self._left_over and len(self._tracker) < TRACKED_AT_MOST / 2:
                self._scan()
                give_up = now + patience_seconds
            elif now >= give_up:
                break
            due = self._tracker.next_due()
            clock.wait(self._stop, 0.0 if due is None else min(due - now, self._step_seconds))
        if len(self._tracker):
            self._notes.append(f"{len(self._tracker)} still being written, run again later")
        self._report(healthy=True, message=self._summary())
        return self._added

    def _cycle(self) -> None:
        now = clock.monotonic_seconds()
        if now >= self._next_check:
            self._next_check = now + min(5.0, self._options.rescan / 10)
            if self._root_watch.look(watching=True):
                self._next_scan = now
        self._take_hints()
        self._look_at_due()
        if now >= self._next_scan or (self._left_over and len(self._tracker) < TRACKED_AT_MOST / 2):
            self._scan()
            self._root_watch.check_room()
            self._report_scan()

    # --- looking --------------------------------------------------------------------------------------------------

    def _scan(self) -> None:
        began = clock.monotonic_seconds()
        self._left_over = False
        walk = FolderWalk(self._root, self._names)
        self._enter_all(self._telling(walk, began), first=not self._first_scan_done)
        if self._stop.is_set():
            return
        ended = clock.monotonic_seconds()
        # A walk that takes long (a slow file server) leaves it at least as long in peace
        self._next_scan = max(began + self._root_watch.scan_interval_seconds, ended + (ended - began))
        self._first_scan_done = self._first_scan_done or not self._left_over
        self._last_scan_at = clock.now()
        self._files_at_last_scan = walk.files
        self._root_watch.scanned(walk.files)
        self._notes = []
        if walk.unreadable_folders:
            self._notes.append(
                f"{walk.unreadable_folders} folders may not be read (shown by: find {self._root} -type d ! -readable, "
                "run as the service's user)"
            )
        if walk.links:
            self._notes.append(f"{walk.links} symbolic links not followed")

    def _take_hints(self) -> None:
        files, folders, too_many = self._root_watch.take_hints()
        if too_many:
            self._next_scan = 0.0
        if files:
            self._enter_all(self._existing(files))
        for folder in folders:
            if self._names.enters(key_from_bytes(folder)):
                self._enter_all(FolderWalk(self._root, self._names, below=folder))

    def _existing(self, paths: Iterable[bytes]) -> Iterable[FoundFile]:
        with opened_root(self._root) as root_fd:
            for path in paths:
                key = key_from_bytes(path)
                found = _look(root_fd, key) if self._names.takes(key) else None
                if found is not None:
                    yield found

    def _enter_all(self, found: Iterable[FoundFile], *, first: bool = False) -> None:
        iterator = iter(found)
        while batch := list(islice(iterator, BATCH_SIZE)):
            self._enter(batch, first=first)
            if self._stop.is_set():
                return
            if first or len(batch) == BATCH_SIZE:
                self._look_at_due()  # a long walk does not make new calls wait

    def _enter(self, batch: list[FoundFile], *, first: bool) -> None:
        """Wait for those to settle that neither the tracker nor the ledger knows."""
        new = {found.key: found for found in batch if found.key not in self._tracker}
        unseen = self._intake.unseen([self._recording(found) for found in new.values()]) if new else []
        now = clock.monotonic_seconds()
        for recording in unseen:
            if len(self._tracker) >= TRACKED_AT_MOST:
                self._left_over = True
                return
            found = new[recording.key]
            self._tracker.observe(found.key, found.size_bytes, found.mtime_ns, now)
            if first and self._started_at - recording.modified_at > timedelta(seconds=BACKLOG_AGE_SECONDS):
                self._backlog_keys.add(found.key)

    # --- settling -------------------------------------------------------------------------------------------------

    def _look_at_due(self) -> None:
        now = clock.monotonic_seconds()
        while not self._stop.is_set() and (keys := self._tracker.due(now, BATCH_SIZE)):
            settled: list[Recording] = []
            with opened_root(self._root) as root_fd:
                for key in keys:
                    found = _look(root_fd, key)
                    if found is None:
                        self._forget(key)
                    elif self._tracker.observe(*found, now) is None:
                        settled.append(self._recording(found))
            for backlog in (False, True):
                self._add([each for each in settled if (each.key in self._backlog_keys) is backlog], backlog)

    def _add(self, recordings: list[Recording], backlog: bool) -> None:
        if recordings:
            self._added += self._intake.add(recordings, backlog)
            for recording in recordings:
                self._forget(recording.key)

    def _forget(self, key: str) -> None:
        self._tracker.forget(key)
        self._backlog_keys.discard(key)

    def _recording(self, found: FoundFile) -> Recording:
        return recording_of(self._options.name, found)

    # --- telling --------------------------------------------------------------------------------------------------

    def _telling(self, walk: FolderWalk, began: float) -> Iterator[FoundFile]:
        """The files of a walk; meanwhile it is told how far a long one is."""
        reported = began
        for found in walk:
            yield found
            now = clock.monotonic_seconds()
            if now - reported >= REPORT_SECONDS:
                reported = now
                self._report(
                    healthy=self._root_watch.trouble is None,
                    message=self._root_watch.trouble or self._summary(),
                    under_way=f"looking through the folder, {walk.files:,} recordings so far, for {now - began:.0f} s",
                )

    def _report_scan(self) -> None:
        trouble = self._root_watch.trouble
        self._reported = None
        self._report(healthy=trouble is None, message=trouble or self._summary())

    def _summary(self) -> str:
        parts = [f"{self._files_at_last_scan:,} recordings in the folder", *self._notes]
        if self._root_watch.note:
            parts.append(self._root_watch.note)
        return "; ".join(parts)

    def _report(self, *, healthy: bool, message: str, under_way: str | None = None) -> None:
        if self._reported == (healthy, message, under_way):
            return
        self._reported = (healthy, message, under_way)
        health = SourceHealth(
            source=self._options.name,
            healthy=healthy,
            message=message,
            watch=self._root_watch.mode,
            scanned=self._files_at_last_scan,
            last_scan_at=self._last_scan_at,
            updated_at=clock.now(),
            under_way=under_way,
        )
        with suppress(BridgeError):  # a ledger that cannot take this says so to everybody who writes to it
            self._intake.health(health)


def _look(root_fd: int, key: str) -> FoundFile | None:
    try:
        status = stat_beneath(root_fd, key_to_bytes(key).split(b"/"))
    except OSError as error:
        if error.errno in NOT_THERE or isinstance(error, PermissionError):
            return None
        raise
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return None
    return FoundFile(key, status.st_size, status.st_mtime_ns)


def recording_of(source: str, found: FoundFile) -> Recording:
    """The recording that a file is."""
    return Recording(
        source=source,
        key=found.key,
        version=version_of(found.size_bytes, found.mtime_ns),
        size_bytes=found.size_bytes,
        modified_at=moment_of(found.mtime_ns),
    )
