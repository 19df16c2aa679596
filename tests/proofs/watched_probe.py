"""Looks into files with the real probe, and writes down what each cost: time, memory, how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia
from gong_bridge.media.probe import MediaProbe

TIME_LIMIT_SECONDS = 10
MEMORY_LIMIT_BYTES = MediaOptions().memory_limit


@dataclass(kw_only=True)
class Told:
    """What a run of many files gave."""

    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest: str = ""
    largest_address_space: int = 0
    largest_resident: int = 0
    pids: set[int] = field(default_factory=set)

    @property
    def left_behind(self) -> list[int]:
        """Children that live on after the probe was closed."""
        return [pid for pid in self.pids if Path(f"/proc/{pid}").exists() and os.getsid(pid) == pid]

    def note(self, label: str, outcome: str, seconds: float, pids: Iterable[int]) -> None:
        """One file is done."""
        self.outcomes[outcome] += 1
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest = seconds, label
        for pid in pids:
            self.pids.add(pid)
            with contextlib.suppress(OSError, IndexError):  # the child has just been replaced
                status = Path(f"/proc/{pid}/status").read_text()
                peak, resident = (int(status.split(f"{word}:")[1].split()[0]) for word in ("VmPeak", "VmHWM"))
                self.largest_address_space = max(self.largest_address_space, peak * 1024)
                self.largest_resident = max(self.largest_resident, resident * 1024)


class Timed(io.RawIOBase):
    """A file that knows how long it took to deliver bytes: that time does not count against the limit."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.seconds = 0.0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        began = time.perf_counter()
        try:
            return self._file.read(-1 if size is None else size)
        finally:
            self.seconds += time.perf_counter() - began


def probe_all(files: Iterable[tuple[str, bytes | Path]]) -> Told:
    """Look into all of them, one after the other; nothing but an answer or BadMedia is allowed."""
    told = Told()
    probe = MediaProbe(MediaOptions(time_limit=TIME_LIMIT_SECONDS, memory_limit=MEMORY_LIMIT_BYTES), children=2)
    try:
        for label, content in files:
            with contextlib.ExitStack() as opened:
                file, size_bytes = _opened(content, opened)
                timed = Timed(file)
                began = time.perf_counter()
                try:
                    outcome = f"an answer: {probe.inspect(timed, size_bytes).completeness}"
                except BadMedia as held:
                    outcome = _kind_of_hold(held.message)
                except Exception as error:
                    outcome = "crash"
                    told.crashes.append(f"{label}: {type(error).__name__}: {error}")
                told.note(label, outcome, time.perf_counter() - began - timed.seconds, probe.child_pids())
    finally:
        probe.close()
    return told


def _opened(content: bytes | Path, opened: contextlib.ExitStack) -> tuple[BinaryIO, int]:
    if isinstance(content, bytes):
        return io.BytesIO(content), len(content)
    return opened.enter_context(content.open("rb")), content.stat().st_size


def _kind_of_hold(message: str) -> str:
    for words, kind in (
        ("died of it", "its child died"),
        ("took longer", "time limit"),
        ("more memory", "memory limit"),
    ):
        if words in message:
            return f"held: {kind}"
    return "held: refused"
