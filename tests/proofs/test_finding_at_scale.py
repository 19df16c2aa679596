"""Finding recordings with real inotify at the sizes that operators have: bursts, overflows, folders of old files."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gong_bridge.ledger.ledger import Ledger
from tests.end_to_end.bridge import wait_until

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

FILES = 60_000
FOLDERS = 60
OLD_FILES = 100_000
RESCAN_SECONDS = 10.0
IN_CREATE, IN_Q_OVERFLOW = 0x100, 0x4000

WATCHER = """
    import json, resource, sys, threading
    from gong_bridge import clock
    from gong_bridge.config.schema import FolderSource
    from gong_bridge.ledger.ledger import Ledger
    from gong_bridge.sources.base import Intake
    from gong_bridge.sources.folder import Folder

    ledger = Ledger.open(sys.argv[1])
    source = Folder(FolderSource.model_validate({"name": "pbx", "mapping": "freepbx", **json.loads(sys.argv[2])}))
    intake = Intake(
        unseen=lambda found: ledger.intake.unseen(found),
        add=lambda found, backlog: ledger.intake.add(found, backlog=backlog, now=clock.now()),
        health=ledger.notes.save_health,
    )
    stop = threading.Event()
    running = threading.Thread(target=source.run, args=(intake, stop))
    running.start()
    sys.stdin.readline()
    stop.set()
    running.join()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


class Watcher:
    """A process that watches one folder and writes what it finds into a ledger, as the service does."""

    def __init__(self, url: str, root: Path, watch: str, *, ready: bool = True) -> None:
        options = {"folder": str(root), "settle": "1s", "rescan": f"{RESCAN_SECONDS:g}s", "watch": watch}
        self.ledger = Ledger.open(url)
        self.process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WATCHER), url, json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if ready:
            wait_until(lambda: self.ledger.notes.health(), "the first scan", 60)

    def found(self) -> int:
        """How many recordings are written down."""
        return self.ledger.views.open_count()

    def end(self) -> int:
        """Stop it; the most memory that it took, in MiB."""
        said, _ = self.process.communicate("stop\n", timeout=60)
        self.ledger.close()
        return int(said)


@contextmanager
def watching(tmp_path: Path, root: Path, watch: str, *, ready: bool = True) -> Iterator[Watcher]:
    watcher = Watcher(f"sqlite:///{tmp_path}/ledger.db", root, watch, ready=ready)
    try:
        yield watcher
    finally:
        watcher.process.kill()
        watcher.process.wait()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    return folder


def burst(root: Path, name: str, files: int = FILES) -> float:
    """So many recordings in new folders, by four writers at once; when the last one was written."""

    def write(writer: int) -> None:
        for folder in range(writer, FOLDERS, 4):
            place = root / name / f"{folder:02}"
            place.mkdir(parents=True)
            for number in range(files // FOLDERS):
                (place / f"{number:04}.wav").write_bytes(b"RIFF")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return time.monotonic()


def each_once(ledger: Ledger, expected: int) -> None:
    rows = [(entry.key, entry.version) for entry in ledger.views.entries()]
    assert len(rows) == len(set(rows)) == len({key for key, _ in rows}) == expected


class Witness:
    """An inotify queue that nobody reads: it tells whether such a burst overflows one."""

    def __init__(self, root: Path) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd = self._libc.inotify_init1(os.O_NONBLOCK)
        self._libc.inotify_add_watch(self._fd, os.fsencode(root), IN_CREATE)

    def overflowed(self) -> bool:
        """Whether the last event says so. Reads the queue."""
        mask = 0
        try:
            while data := os.read(self._fd, 65536):
                place = 0
                while place < len(data):
                    _, mask, _, length = struct.unpack_from("iIII", data, place)
                    place += 16 + length
        except BlockingIOError:
            os.close(self._fd)
        return bool(mask & IN_Q_OVERFLOW)


@pytest.mark.parametrize("watch", ["native", "polling"])
def test_R1_R14_a_burst_of_60_000_recordings_loses_none(root: Path, tmp_path: Path, watch: str) -> None:
    with watching(tmp_path, root, watch) as watcher:
        began = time.monotonic()
        ended = burst(root, "day")
        wait_until(lambda: watcher.found() >= FILES, "all of them", 300)
        took = time.monotonic() - ended
        time.sleep(2 * RESCAN_SECONDS)
        each_once(watcher.ledger, FILES)
        memory = watcher.end()
    print(
        f"\nburst, {watch}: {FILES:,} files in {ended - began:.0f} s; all in the ledger {took:.0f} s after the last, "
        f"each once; {memory} MiB"
    )
    assert memory < 250


def test_R1_R3_a_watcher_whose_queue_overflowed_finds_everything_by_its_next_rescan(root: Path, tmp_path: Path) -> None:
    """Its process stands still, as on a suspended machine: the kernel drops events, also those of new folders."""
    with watching(tmp_path, root, "native") as watcher:
        (root / "flat").mkdir()
        witness = Witness(root / "flat")
        watcher.process.send_signal(signal.SIGSTOP)
        for number in range(20_000):
            (root / "flat" / f"{number:05}.wav").write_bytes(b"RIFF")
        burst(root, "day")
        assert witness.overflowed()
        going_on = time.monotonic()
        watcher.process.send_signal(signal.SIGCONT)
        wait_until(lambda: watcher.found() >= FILES + 20_000, "all of them", 300)
        took = time.monotonic() - going_on
        late = root / "day" / "59" / "late.wav"
        late.write_bytes(b"RIFF")
        wrote = time.monotonic()
        wait_until(lambda: watcher.found() > FILES + 20_000, "one in a folder whose making went unheard", 60)
        late_seconds = time.monotonic() - wrote
        each_once(watcher.ledger, FILES + 20_001)
        watcher.end()
    print(
        f"\noverflow: {FILES + 20_000:,} files while the watcher stood still; all in the ledger {took:.0f} s after it "
        f"went on; the next one after {late_seconds:.1f} s"
    )
    assert late_seconds < RESCAN_SECONDS + 5


def test_R5_R14_a_folder_of_100_000_old_recordings_keeps_no_new_one_waiting(root: Path, tmp_path: Path) -> None:
    hour_ago = time.time() - 3600
    for folder in range(100):
        (root / f"{folder:02}").mkdir()
        for number in range(OLD_FILES // 100):
            path = root / f"{folder:02}" / f"{number:04}.wav"
            path.write_bytes(b"RIFF")
            os.utime(path, (hour_ago, hour_ago))
    with watching(tmp_path, root, "native", ready=False) as watcher:
        time.sleep(2)
        (root / "new.wav").write_bytes(b"RIFF")
        wrote = time.monotonic()
        wait_until(lambda: watcher.ledger.views.find_latest("pbx", "new.wav"), "the new one", 120)
        new_seconds = time.monotonic() - wrote
        wait_until(lambda: watcher.found() > OLD_FILES, "the old ones", 300)
        old_seconds = time.monotonic() - wrote
        each_once(watcher.ledger, OLD_FILES + 1)
        live = [entry.key for entry in watcher.ledger.views.entries() if not entry.backlog]
        memory = watcher.end()
    print(
        f"\nold files: {OLD_FILES:,} in the ledger after {old_seconds:.0f} s; one that was written meanwhile after "
        f"{new_seconds:.1f} s; {memory} MiB"
    )
    assert live == ["new.wav"]
    assert new_seconds < 60
    assert memory < 250
    with watching(tmp_path, root, "native") as again:
        time.sleep(3 * RESCAN_SECONDS)
        assert again.found() == OLD_FILES + 1
        again.end()
