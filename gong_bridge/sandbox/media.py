"""Takes the body of PUT /v2/calls/{id}/media as it streams in; keeps its size and hash, not its bytes."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import ArrivedMedia

_FIELD = "mediaFile"
_ENVELOPE_BYTES = 64 * 2**10
_HASH_ASIDE_BYTES = 256 * 2**10
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


class MediaReceiver:
    """One upload. Feed it with `take`, then ask for the media with `finish`; both raise Refusal."""

    def __init__(self, headers: Mapping[str, str], *, keep_bytes: int, largest_bytes: int, hasher: Executor) -> None:
        kind, options = parse_options_header(headers.get("content-type", ""))
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise Refusal(400, "Content-Type must be multipart/form-data with a boundary")
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(400, "Content-Length is required: a body of unknown length is not accepted")
        if int(length) > largest_bytes + _ENVELOPE_BYTES:
            raise Refusal(400, f"mediaFile must not be larger than {largest_bytes} bytes")
        self._keep_bytes = keep_bytes
        self._largest_bytes = largest_bytes
        self._hasher = hasher if int(length) > _HASH_ASIDE_BYTES else None
        self._digest = hashlib.sha256()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._pieces: list[memoryview] = []
        self._size_bytes = 0
        self._start = b""
        self._kept: bytearray | None = bytearray()
        self._parts: list[dict[str, bytes]] = []
        self._header_name = b""
        self._header_value = b""
        self._ended = False
        self._parser = self._new_parser(options[b"boundary"])

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        callbacks: Any = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_end": self._on_end,
        }
        try:
            return MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise Refusal(400, f"The boundary cannot be used: {error}") from None

    async def take(self, chunk: bytes) -> None:
        """The next piece of the request's body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Refusal(400, f"The body is not well-formed multipart/form-data: {error}") from None
        pieces, self._pieces = self._pieces, []
        for piece in pieces:
            await self._hash(piece)

    async def _hash(self, piece: memoryview) -> None:
        if self._hasher is None:
            self._digest.update(piece)
            return
        # Hashing releases the interpreter, so it runs beside the reading; a few pieces may wait, no more.
        loop = asyncio.get_running_loop()
        self._waiting.append(loop.run_in_executor(self._hasher, self._digest.update, piece))
        if len(self._waiting) > _MOST_WAITING:
            await self._waiting.popleft()

    async def finish(self) -> tuple[ArrivedMedia, bytes | None]:
        """The media once the whole body has been taken, and its bytes when it is small."""
        for future in self._waiting:
            await future
        if not self._ended:
            raise Refusal(400, "The body ends before the closing boundary")
        if not self._parts:
            raise Refusal(400, "mediaFile is required")
        if self._size_bytes > self._largest_bytes:
            raise Refusal(400, f"mediaFile must not be larger than {self._largest_bytes} bytes")
        if self._size_bytes == 0:
            raise Refusal(400, "mediaFile is empty")
        kind = kind_of(self._start)
        if kind is None:
            raise Refusal(400, "mediaFile is not a supported media file: WAV, MP3, MP4, MKV and FLAC are")
        part = self._parts[0]
        media = ArrivedMedia(
            size_bytes=self._size_bytes,
            sha256=self._digest.hexdigest(),
            kind=kind,
            content_type=part["type"].decode("latin-1"),
            file_name=part["file_name"].decode("utf-8", "replace"),
        )
        return media, None if self._kept is None else bytes(self._kept)

    def _on_part_begin(self) -> None:
        if self._parts:
            raise Refusal(400, "The body must have exactly one part, mediaFile")
        self._parts.append({"name": b"", "file_name": b"", "type": b""})

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        name, value = self._header_name.lower(), self._header_value
        self._header_name = self._header_value = b""
        part = self._parts[0]
        if name == b"content-disposition":
            kind, options = parse_options_header(value)
            if kind == b"form-data":
                part["name"], part["file_name"] = options.get(b"name", b""), options.get(b"filename", b"")
        elif name == b"content-type":
            part["type"] = value

    def _on_headers_finished(self) -> None:
        part = self._parts[0]
        if part["name"] != _FIELD.encode():
            raise Refusal(400, f"{part['name'].decode('utf-8', 'replace')[:50]!r} is not a known part; send mediaFile")
        if not part["file_name"]:
            raise Refusal(400, "mediaFile must be a file: its part needs a filename")
        allowed = (b"audio/", b"video/", b"application/octet-stream", b"binary/octet-stream")
        if part["type"] and not part["type"].lower().startswith(allowed):
            raise Refusal(400, "mediaFile must be sent as audio/*, video/* or application/octet-stream")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._size_bytes += end - start
        if self._size_bytes > self._largest_bytes:
            return
        if len(self._start) < 12:
            self._start += data[start : min(end, start + 12)]
        if self._kept is not None:
            if self._size_bytes > self._keep_bytes:
                self._kept = None
            else:
                self._kept += data[start:end]
        self._pieces.append(memoryview(data)[start:end])

    def _on_end(self) -> None:
        self._ended = True


async def receive_media(
    headers: Mapping[str, str], body: AsyncIterator[bytes], *, keep_bytes: int, largest_bytes: int, hasher: Executor
) -> tuple[ArrivedMedia, bytes | None]:
    """Read `body` to its end: the media, and its bytes when they are at most `keep_bytes`.

    Raises Refusal (400), or whatever `body` raises when the client goes away.
    """
    receiver = MediaReceiver(headers, keep_bytes=keep_bytes, largest_bytes=largest_bytes, hasher=hasher)
    async for chunk in body:
        if chunk:
            await receiver.take(chunk)
    return await receiver.finish()
