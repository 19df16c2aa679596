"""The process that opens recordings: small, confined, without credentials; killed and replaced by its parent at will.

It speaks frames over stdin and stdout and never opens a recording itself: the parent serves the bytes. Limits are set
before the decoders are loaded. It ends when its parent does: at the end of stdin, or by its own alarm.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, BinaryIO, Final

from gong_bridge.media import frames
from gong_bridge.media.confinement import confine, resident_bytes

ALARM_MARGIN_SECONDS: Final = 10


class Conversation:
    """The child's end of the two pipes."""

    def __init__(self, inward: BinaryIO, outward: BinaryIO) -> None:
        self._inward = inward
        self._outward = outward
        self.alarm_seconds = 60

    def next_job(self) -> dict[str, Any] | None:
        """The next job, or None when the parent is gone."""
        signal.alarm(0)
        header = self._inward.read(frames.HEADER.size)
        if len(header) < frames.HEADER.size:
            return None
        kind, length = frames.unpack_header(header)
        if kind != frames.JOB:
            raise frames.BrokenFrame(f"a job was expected, {kind!r} came")
        job: dict[str, Any] = json.loads(self._inward.read(length))
        self.alarm_seconds = int(job["time_limit_seconds"]) + ALARM_MARGIN_SECONDS
        signal.alarm(self.alarm_seconds)
        return job

    def fetch(self, number: int, offset: int, count: int) -> bytes:
        """Bytes of one of the job's files, as many as asked for except at its end."""
        self.send(frames.READ, frames.READ_REQUEST.pack(number, offset, count))
        signal.alarm(0)  # the source may be slow; that is not this recording's fault
        header = self._inward.read(frames.HEADER.size)
        if len(header) < frames.HEADER.size:
            os._exit(0)  # the parent is gone; FFmpeg would go on asking
        signal.alarm(self.alarm_seconds)
        kind, length = frames.unpack_header(header)
        if kind != frames.DATA:
            raise frames.BrokenFrame(f"data was expected, {kind!r} came")
        return self._inward.read(length)

    def send(self, kind: bytes, payload: bytes) -> None:
        """Write one frame; ends the process when nobody listens any more."""
        try:
            self._outward.write(frames.pack(kind, payload))
            self._outward.flush()
        except BrokenPipeError:
            os._exit(0)

    def answer(self, kind: bytes, answer: dict[str, Any]) -> None:
        """Write one JSON frame."""
        self.send(kind, json.dumps(answer).encode())


def main(memory_limit_bytes: int) -> None:
    """Answer jobs until the parent is gone."""
    confine(memory_limit_bytes)
    conversation = Conversation(sys.stdin.buffer, sys.stdout.buffer)
    try:
        from gong_bridge.media import jobs
    except Exception as error:
        conversation.next_job()
        conversation.answer(frames.FAILED, {"message": f"{type(error).__name__}: {error}", "broken": True})
        return
    while (job := conversation.next_job()) is not None:
        kind, answer = jobs.answer(job, conversation.fetch)
        conversation.answer(kind, answer | {"resident_bytes": resident_bytes()})


if __name__ == "__main__":
    main(int(sys.argv[1]))
