"""The parent's end of one child: start it, give it a job, serve it bytes, kill it when it takes too long."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import gong_bridge
from gong_bridge import clock
from gong_bridge.errors import SourceChanged
from gong_bridge.media import frames

OpenFile = tuple[BinaryIO, int]
"""A seekable file and its size in bytes."""
PIPE_BYTES: Final = 2**20
MOST_SERVED_BYTES: Final = 2**20

_PROGRAM: Final = (
    "import sys; sys.path[:] = sys.argv[2:]; from gong_bridge.media.child import main; main(int(sys.argv[1]))"
)


class ChildDied(Exception):
    """The child ended in the middle of a job; `signal_number` is 0 when it exited by itself."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"signal {signal_number}")
        self.signal_number = signal_number


class ChildTooSlow(Exception):
    """The child took longer than its job allows and was killed."""


class JobFailed(Exception):
    """The child answered that it cannot; the message is for people. `errno` is set when writing a file failed."""

    def __init__(self, message: str, errno: int | None) -> None:
        super().__init__(message)
        self.errno = errno


class Progress(Protocol):
    """Called before bytes are served; may raise to end the job."""

    def __call__(self) -> object:
        """Look whether the job may go on."""
        ...


class ProbeChild:
    """One child process. Not thread-safe; after any exception from `run` it is of no more use: kill it."""

    def __init__(self, memory_limit_bytes: int) -> None:
        package_root = str(Path(gong_bridge.__file__).resolve().parents[1])
        paths = [package_root, *(path for path in sys.path if path and path != package_root)]
        # -I -S: nothing from the environment, the working folder or site files decides what is imported.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter with a fixed program
            [sys.executable, "-I", "-S", "-c", _PROGRAM, str(memory_limit_bytes), *paths],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
            env=_environment(),
            cwd="/",
        )
        self.jobs_done = 0
        self.resident_bytes = 0
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to_child = self._process.stdin.fileno()
        self._from_child = self._process.stdout.fileno()
        for descriptor in (self._to_child, self._from_child):
            os.set_blocking(descriptor, False)
            with contextlib.suppress(OSError):  # an unprivileged user may have used up the allowance for large pipes
                fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._deadline = 0.0

    @property
    def pid(self) -> int:
        """Its process id, also its session's."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def run(
        self, job: dict[str, Any], files: Sequence[OpenFile], time_limit_seconds: float, progress: Progress | None
    ) -> dict[str, Any]:
        """The child's answer. Time that the files take to deliver bytes does not count against the limit.

        Raises ChildDied, ChildTooSlow, JobFailed, whatever the files and `progress` raise, and SourceChanged when a
        file ends before its size.
        """
        self._deadline = clock.monotonic_seconds() + time_limit_seconds
        job = {**job, "sizes_bytes": [size for _, size in files], "time_limit_seconds": time_limit_seconds}
        self._write(frames.pack(frames.JOB, json.dumps(job).encode()))
        while True:
            kind, payload = self._read_frame()
            if kind == frames.READ:
                asked_at = clock.monotonic_seconds()
                if progress is not None:
                    progress()
                data = _serve(files, payload)
                self._deadline += clock.monotonic_seconds() - asked_at
                self._write(frames.pack(frames.DATA, data))
                continue
            answer: dict[str, Any] = json.loads(payload)
            self.jobs_done += 1
            self.resident_bytes = int(answer.get("resident_bytes", 0))
            if kind == frames.DONE:
                return answer
            if answer.get("broken"):
                raise RuntimeError(
                    f"the process that opens recordings cannot start ({answer['message']}); is gong-bridge installed "
                    "whole, and media.memory_limit at least 256 MiB?"
                )
            raise JobFailed(str(answer["message"]), answer.get("errno"))

    def end(self) -> None:
        """Send the end to it and everything it may have started, from any thread; `kill` must still follow."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End it and forget it; harmless when it is gone."""
        self.end()
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read_frame(self) -> tuple[bytes, bytes]:
        kind, length = frames.unpack_header(self._read(frames.HEADER.size))
        return kind, self._read(length)

    def _read(self, count: int) -> bytes:
        parts: list[bytes] = []
        while count:
            try:
                part = os.read(self._from_child, count)
            except BlockingIOError:
                self._wait(self._from_child, select.POLLIN)
                continue
            if not part:
                raise ChildDied(self._signal_number())
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._to_child, view) :]
            except BlockingIOError:
                self._wait(self._to_child, select.POLLOUT)
            except BrokenPipeError:
                raise ChildDied(self._signal_number()) from None

    def _wait(self, descriptor: int, event: int) -> None:
        poll = select.poll()
        poll.register(descriptor, event)
        remaining = self._deadline - clock.monotonic_seconds()
        if remaining <= 0 or not poll.poll(remaining * 1000):
            raise ChildTooSlow

    def _signal_number(self) -> int:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return max(-self._process.wait(timeout=5), 0)
        return 0


def _environment() -> dict[str, str]:
    """Nothing of the parent's, where keys may stand, but the one variable that some Pythons need to start."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"LC_ALL": "C.UTF-8", "MALLOC_ARENA_MAX": "1", "PATH": "/usr/bin:/bin"} | kept


def _serve(files: Sequence[OpenFile], request: bytes) -> bytes:
    number, offset, count = frames.READ_REQUEST.unpack(request)
    if number >= len(files):
        raise frames.BrokenFrame(f"there is no file {number} in this job")
    file, size_bytes = files[number]
    count = max(min(count, MOST_SERVED_BYTES, size_bytes - offset), 0)
    file.seek(offset)
    parts: list[bytes] = []
    while count:
        part = file.read(count)
        if not part:
            raise SourceChanged("the recording became shorter while it was looked at; it is looked at again later")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
