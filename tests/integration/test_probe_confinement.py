"""The probe and its children when something goes wrong: killed, hanging, closed, orphaned."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, RetryLater, SourceChanged, SourceUnavailable
from gong_bridge.media.probe import MediaProbe
from gong_bridge.model import Completeness, MediaInfo
from tests import made_recordings as made
from tests.made_recordings import record


@pytest.fixture(scope="module")
def probe() -> Iterator[MediaProbe]:
    probe = MediaProbe(MediaOptions())
    yield probe
    probe.close()


def inspect(probe: MediaProbe, data: bytes) -> MediaInfo:
    return probe.inspect(io.BytesIO(data), len(data))


def status_kib(pid: int, word: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{word}:")[1].split()[0])


class Disturbed(io.BytesIO):
    """A recording during whose reading something happens; `disturb` is told how many reads there were."""

    def __init__(self, data: bytes, disturb) -> None:
        super().__init__(data)
        self._disturb = disturb
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        self._disturb(self._reads)
        return super().read(size)


def test_a_child_that_is_killed_once_is_replaced_and_the_recording_is_not_blamed():
    fragile = MediaProbe(MediaOptions(), children=1)
    data = record(made.WAV_PCM)

    def kill_first(reads: int) -> None:
        if reads == 1:
            os.kill(fragile.child_pids()[0], signal.SIGKILL)

    info = fragile.inspect(Disturbed(data, kill_first), len(data))
    assert info.completeness is Completeness.WHOLE
    fragile.close()


def test_a_child_that_dies_every_time_is_an_outcome_of_that_recording_alone():
    fragile = MediaProbe(MediaOptions(), children=1)
    data = record(made.WAV_PCM)
    with pytest.raises(BadMedia, match=r"died of it \(signal 9\)"):
        fragile.inspect(Disturbed(data, lambda _: os.kill(fragile.child_pids()[0], signal.SIGKILL)), len(data))
    with pytest.raises(BadMedia, match=r"died of it \(signal 11\)"):
        fragile.inspect(Disturbed(data, lambda _: os.kill(fragile.child_pids()[0], signal.SIGSEGV)), len(data))
    assert inspect(fragile, data).completeness is Completeness.WHOLE
    fragile.close()


def test_a_child_that_hangs_is_stopped_at_the_time_limit():
    hasty = MediaProbe(MediaOptions(time_limit=0.5), children=1)
    data = record(made.WAV_PCM)
    inspect(hasty, data)
    began = time.perf_counter()
    with pytest.raises(BadMedia, match=r"media\.time_limit \(0\.5 s\)"):
        hasty.inspect(Disturbed(data, lambda _: os.kill(hasty.child_pids()[0], signal.SIGSTOP)), len(data))
    assert time.perf_counter() - began < 3
    assert hasty.child_pids() == []
    hasty.close()


def test_a_slow_source_does_not_use_up_the_time_limit():
    hasty = MediaProbe(MediaOptions(time_limit=2), children=1)
    data = record(made.WAV_PCM)
    inspect(hasty, data)
    info = hasty.inspect(Disturbed(data, lambda _: time.sleep(2.5)), len(data))
    assert info.completeness is Completeness.WHOLE
    hasty.close()


def test_an_index_that_needs_more_than_the_memory_limit_is_an_outcome(tmp_path: Path):
    """An MP4 whose table of sample sizes has forty million entries, on disk a hole."""
    entries, data = 40_000_000, bytearray(record(made.MP4))
    table = data.find(b"stsz") - 4
    table_size, counted = struct.unpack_from(">I", data, table)[0], struct.unpack_from(">I", data, table + 16)[0]
    added = 4 * (entries - counted)
    struct.pack_into(">I", data, table + 16, entries)
    for box in (b"stsz", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = data.rfind(box, 0, table + 8) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + added)
    path = tmp_path / "index.mp4"
    with path.open("wb") as file:
        file.write(data[: table + table_size])
        file.seek(added, io.SEEK_CUR)
        file.write(data[table + table_size :])
    small = MediaProbe(MediaOptions(memory_limit=160 * 2**20), children=1)
    with path.open("rb") as file, pytest.raises(BadMedia, match=r"more memory than media\.memory_limit"):
        small.inspect(file, path.stat().st_size)
    assert inspect(small, record(made.WAV_PCM)).completeness is Completeness.WHOLE
    assert status_kib(small.child_pids()[0], "VmPeak") <= 160 * 1024
    small.close()


def test_errors_of_the_source_pass_through_unchanged(probe: MediaProbe):
    def unplug(reads: int) -> None:
        raise SourceUnavailable("the folder is not mounted")

    data = record(made.WAV_PCM)
    with pytest.raises(SourceUnavailable, match="not mounted"):
        probe.inspect(Disturbed(data, unplug), len(data))
    with pytest.raises(SourceChanged, match="became shorter"):
        probe.inspect(io.BytesIO(data[:-10]), len(data))
    assert inspect(probe, data).completeness is Completeness.WHOLE


def test_bytes_beyond_the_size_that_was_announced_are_not_looked_at(probe: MediaProbe):
    data = record(made.WAV_PCM)
    info = probe.inspect(io.BytesIO(data + b"growing"), len(data))
    assert info.present_bytes == len(data)


def test_closing_ends_every_child_and_blames_no_recording():
    closing = MediaProbe(MediaOptions(), children=1)
    data = record(made.WAV_PCM)
    inspect(closing, data)
    pids = closing.child_pids()
    with pytest.raises(RetryLater, match="stopping"):
        closing.inspect(Disturbed(data, lambda _: closing.close()), len(data))
    with pytest.raises(RetryLater, match="stopping"):
        inspect(closing, data)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_many_threads_share_two_children(probe: MediaProbe):
    data = record(made.WAV_PCM)
    found: list[str] = []

    def look() -> None:
        found.extend(inspect(probe, data).fingerprint for _ in range(20))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120
    assert len(set(found)) == 1
    assert len(probe.child_pids()) <= 4


def test_the_child_has_no_environment_no_core_files_and_its_own_session(probe: MediaProbe, monkeypatch):
    monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", "not-for-children")
    fresh = MediaProbe(MediaOptions(), children=1)
    inspect(fresh, record(made.WAV_PCM))
    pid = fresh.child_pids()[0]
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    limits = Path(f"/proc/{pid}/limits").read_text()
    session = os.getsid(pid)
    fresh.close()
    assert b"GONG" not in environment
    assert session == pid
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max file size")] == [
        ["0", "unlimited"]
    ]
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file")] == [["0", "0"]]
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max address space")] == [
        [str(768 * 2**20)] * 2
    ]


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path):
    program = (
        "import io,sys,time\n"
        "from gong_bridge.media.probe import MediaProbe\n"
        "from gong_bridge.config.schema import MediaOptions\n"
        "probe = MediaProbe(MediaOptions()); data = open(sys.argv[1], 'rb').read()\n"
        "probe.inspect(io.BytesIO(data), len(data)); print(probe.child_pids()[0], flush=True); time.sleep(60)\n"
    )
    path = tmp_path / "x.wav"
    path.write_bytes(record(made.WAV_PCM))
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=root)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z (zombie)" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")
