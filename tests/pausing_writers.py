"""Recorders that pause while they write, longer than `settle`: a process that writes many files at once, each its way.

`python -m tests.pausing_writers SEED FOLDER MADE NAME...` writes the recordings MADE/NAME into FOLDER.
"""

from __future__ import annotations

import ctypes
import heapq
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests import made_recordings
from tests.end_to_end.recordings import call_text, sha256

PIECES = 5
PAUSES_SECONDS = (0.6, 2.0)
AT_ONCE = 40
ROOT = Path(__file__).resolve().parents[1]
_HEAD_BYTES = 512
_KEEP_SIZE = 1  # fallocate(2): room on the disk, and no bytes yet

Steps = Iterator[None]
"""What a writer does; it pauses at each `yield`."""


def appended(path: Path, data: bytes) -> Steps:
    """Its head says the final length from the beginning on."""
    with path.open("wb", buffering=0) as file:
        for piece in _pieces(data):
            file.write(piece)
            yield


def appended_by_many_openings(path: Path, data: bytes) -> Steps:
    """The file is opened and closed for each piece: every time the system says "closed"."""
    path.touch()
    for piece in _pieces(data):
        with path.open("ab") as file:
            file.write(piece)
        yield


def head_at_the_end(path: Path, data: bytes) -> Steps:
    """As Asterisk writes: the sizes are zeros until the recording is closed."""
    unfinished = bytearray(data)
    unfinished[4:8] = bytes(4)
    place = data.index(b"data") + 4
    unfinished[place : place + 4] = bytes(4)
    with path.open("wb", buffering=0) as file:
        for piece in _pieces(bytes(unfinished)):
            file.write(piece)
            yield
        os.pwrite(file.fileno(), data[: place + 4], 0)


def renamed(path: Path, data: bytes) -> Steps:
    """Under a temporary name until it is whole."""
    part = path.with_name(path.name + ".part")
    yield from appended(part, data)
    part.rename(path)


def moved_in(path: Path, data: bytes) -> Steps:
    """Written elsewhere on the same disk."""
    elsewhere = path.parents[1] / "elsewhere" / path.name
    yield from appended(elsewhere, data)
    elsewhere.rename(path)


def room_first(path: Path, data: bytes) -> Steps:
    """Its room is taken first (fallocate), its bytes come one after the other."""
    with path.open("wb", buffering=0) as file:
        _allocate(file.fileno(), len(data), _KEEP_SIZE)
        for piece in _pieces(data):
            file.write(piece)
            yield


def full_length_first(path: Path, data: bytes) -> Steps:
    """It has its full length at once (fallocate), all of it zeros; its head comes last."""
    with path.open("wb", buffering=0) as file:
        _allocate(file.fileno(), len(data), 0)
        yield
        place = _HEAD_BYTES
        for piece in _pieces(data[_HEAD_BYTES:]):
            place += os.pwrite(file.fileno(), piece, place)
            yield
        os.pwrite(file.fileno(), data[:_HEAD_BYTES], 0)


def begun_anew(path: Path, data: bytes) -> Steps:
    """Half of it, then nothing, then all of it."""
    with path.open("wb", buffering=0) as file:
        for piece in _pieces(data)[: PIECES // 2]:
            file.write(piece)
            yield
        file.truncate(0)
        file.seek(0)
        yield
        for piece in _pieces(data):
            file.write(piece)
            yield


WAYS = (
    appended, appended_by_many_openings, head_at_the_end, renamed, moved_in, room_first, full_length_first, begun_anew,
)  # fmt: skip
ONLY_WAV = (head_at_the_end,)


KINDS = (
    made_recordings.WAV_PCM, made_recordings.MP3, made_recordings.FLAC, made_recordings.WAV_MULAW, made_recordings.MP4,
    made_recordings.MP4_FAST, made_recordings.MKV,
)  # fmt: skip
"""Those whose content says how long they are (R7), and that Gong takes as they are: the same bytes must arrive."""


def make(made: Path, folder: Path, count: int) -> dict[str, str]:
    """So many recordings, to be written in each way in turn, with their sidecars in place: id -> sha256."""
    made.mkdir()
    expected = {}
    for number in range(count):
        way = WAYS[number % len(WAYS)]
        kind = KINDS[0] if way in ONLY_WAV else KINDS[number // len(WAYS) % len(KINDS)]
        name = f"{number:03}-{way.__name__}"
        data = made_recordings.record(kind, 4.0, number % 8)
        (made / f"{name}.rec").write_bytes(data)
        (folder / f"{name}.json").write_text(call_text(name))
        expected[name] = sha256(data)
    return expected


def begin(folder: Path, made: Path, names: Sequence[str], *, writers: int) -> list[subprocess.Popen[bytes]]:
    """So many processes that together write these recordings; each has its part of them."""
    (folder.parent / "elsewhere").mkdir()
    program = [sys.executable, "-m", "tests.pausing_writers"]
    return [
        subprocess.Popen([*program, str(number), str(folder), str(made), *names[number::writers]], cwd=ROOT)
        for number in range(writers)
    ]


def _write(seed: int, folder: Path, made: Path, names: Sequence[str]) -> None:
    """At most AT_ONCE at a time, each with pauses of its own."""
    chance = random.Random(seed)
    waiting = list(reversed(names))
    agenda: list[tuple[float, int, Steps]] = []
    while waiting or agenda:
        while waiting and len(agenda) < AT_ONCE:
            name = waiting.pop()
            way = next(one for one in WAYS if one.__name__ == name.partition(".")[0].partition("-")[2])
            steps = way(folder / name, (made / name).read_bytes())
            heapq.heappush(agenda, (time.monotonic() + chance.uniform(0, 1), len(waiting), steps))
        at, number, steps = heapq.heappop(agenda)
        time.sleep(max(0.0, at - time.monotonic()))
        if next(steps, steps) is None:
            heapq.heappush(agenda, (time.monotonic() + chance.uniform(*PAUSES_SECONDS), number, steps))


def _pieces(data: bytes) -> list[bytes]:
    step = len(data) // PIECES + 1
    return [data[start : start + step] for start in range(0, len(data), step)]


def _allocate(descriptor: int, size_bytes: int, mode: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate(descriptor, mode, ctypes.c_long(0), ctypes.c_long(size_bytes)):
        raise OSError(ctypes.get_errno(), "fallocate")


if __name__ == "__main__":
    _write(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
