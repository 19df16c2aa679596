"""Counts and hashes media as it streams by, from an upload or from a link; keeps bytes only of small media."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import ArrivedMedia

_MOST_WAITING = 8


def kind_of(start: bytes) -> str | None:
    """wav, mp3, mp4, mkv or flac by the first 12 bytes; None for anything else."""
    if start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE":
        return "wav"
    if start[:4] == b"fLaC":
        return "flac"
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return "mkv"
    if start[4:8] == b"ftyp":
        return "mp4"
    if start[:3] == b"ID3" or (
        # An MPEG frame: eleven set bits, a version and a layer that exist.
        len(start) > 1 and start[0] == 0xFF and start[1] & 0xE0 == 0xE0 and start[1] & 0x18 != 0x08 and start[1] & 0x06
    ):
        return "mp3"
    return None


class Tally:
    """What is known of one stream so far. With `hasher` hashing runs beside the reading."""

    def __init__(self, *, keep_bytes: int, largest_bytes: int, hasher: Executor | None) -> None:
        self._keep_bytes = keep_bytes
        self._largest_bytes = largest_bytes
        self._hasher = hasher
        self._digest = hashlib.sha256()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._size_bytes = 0
        self._start = b""
        self._kept: bytearray | None = bytearray()

    async def take(self, pieces: Iterable[memoryview]) -> None:
        """The next pieces of the media, in order."""
        for piece in pieces:
            self._size_bytes += len(piece)
            if self._size_bytes > self._largest_bytes:
                return
            if len(self._start) < 12:
                self._start += piece[: 12 - len(self._start)]
            self._keep(piece)
            await self._hash(piece)

    def _keep(self, piece: memoryview) -> None:
        if self._kept is None:
            return
        if self._size_bytes > self._keep_bytes:
            self._kept = None
        else:
            self._kept += piece

    async def _hash(self, piece: memoryview) -> None:
        if self._hasher is None:
            self._digest.update(piece)
            return
        # Hashing releases the interpreter; a few pieces may wait for it, no more, so that memory stays flat.
        loop = asyncio.get_running_loop()
        self._waiting.append(loop.run_in_executor(self._hasher, self._digest.update, piece))
        if len(self._waiting) > _MOST_WAITING:
            await self._waiting.popleft()

    async def finish(self, *, content_type: str, file_name: str) -> tuple[ArrivedMedia, bytes | None]:
        """The media, and its bytes when they are few. Raises Refusal (400) when Gong would not take it."""
        for future in self._waiting:
            await future
        if self._size_bytes > self._largest_bytes:
            raise Refusal(400, f"mediaFile must not be larger than {self._largest_bytes} bytes")
        if self._size_bytes == 0:
            raise Refusal(400, "mediaFile is empty")
        kind = kind_of(self._start)
        if kind is None:
            raise Refusal(400, "mediaFile is not a supported media file: WAV, MP3, MP4, MKV and FLAC are")
        media = ArrivedMedia(
            size_bytes=self._size_bytes,
            sha256=self._digest.hexdigest(),
            kind=kind,
            content_type=content_type,
            file_name=file_name,
        )
        return media, None if self._kept is None else bytes(self._kept)
