"""Takes the body of PUT /v2/calls/{id}/media as it streams in: multipart/form-data with one part, mediaFile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Executor
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import ArrivedMedia
from gong_bridge.sandbox.tally import Tally

_FIELD = b"mediaFile"
_MEDIA_TYPES = (b"audio/", b"video/", b"application/octet-stream", b"binary/octet-stream")
_ENVELOPE_BYTES = 64 * 2**10
_HASH_ASIDE_BYTES = 256 * 2**10


async def receive_media(
    headers: Mapping[str, str], body: AsyncIterator[bytes], *, keep_bytes: int, largest_bytes: int, hasher: Executor
) -> tuple[ArrivedMedia, bytes | None]:
    """Read `body` to its end: the media, and its bytes when they are at most `keep_bytes`.

    Raises Refusal (400), or whatever `body` raises when the client goes away.
    """
    boundary = _boundary_of(headers)
    length = headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()):
        raise Refusal(400, "Content-Length is required: a body of unknown length is not accepted")
    if int(length) > largest_bytes + _ENVELOPE_BYTES:
        raise Refusal(400, f"mediaFile must not be larger than {largest_bytes} bytes")
    form = _Form(boundary)
    tally = Tally(
        keep_bytes=keep_bytes,
        largest_bytes=largest_bytes,
        hasher=hasher if int(length) > _HASH_ASIDE_BYTES else None,
    )
    async for chunk in body:
        if chunk:
            await tally.take(form.take(chunk))
    form.check_end()
    return await tally.finish(
        content_type=form.content_type.decode("latin-1"), file_name=form.file_name.decode("utf-8", "replace")
    )


def _boundary_of(headers: Mapping[str, str]) -> bytes:
    kind, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Refusal(400, "Content-Type must be multipart/form-data with a boundary")
    return boundary


class _Form:
    """A form of exactly one file; gives out the file's bytes piece by piece, without copying them."""

    def __init__(self, boundary: bytes) -> None:
        self.content_type = b""
        self.file_name = b""
        self._name = b""
        self._has_part = False
        self._has_ended = False
        self._header_name = b""
        self._header_value = b""
        self._pieces: list[memoryview] = []
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
            self._parser = MultipartParser(boundary, callbacks)
        except FormParserError as error:
            raise Refusal(400, f"The boundary cannot be used: {error}") from None

    def take(self, chunk: bytes) -> list[memoryview]:
        """The file's bytes in the next chunk of the body. Raises Refusal (400) for any other form."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise Refusal(400, f"The body is not well-formed multipart/form-data: {error}") from None
        pieces, self._pieces = self._pieces, []
        return pieces

    def check_end(self) -> None:
        """Raise Refusal (400) unless the whole form has been taken."""
        if not self._has_ended:
            raise Refusal(400, "The body ends before the closing boundary")
        if not self._has_part:
            raise Refusal(400, "mediaFile is required")

    def _on_part_begin(self) -> None:
        if self._has_part:
            raise Refusal(400, "The body must have exactly one part, mediaFile")
        self._has_part = True

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        name, value = self._header_name.lower(), self._header_value
        self._header_name = self._header_value = b""
        if name == b"content-disposition":
            kind, options = parse_options_header(value)
            if kind == b"form-data":
                self._name, self.file_name = options.get(b"name", b""), options.get(b"filename", b"")
        elif name == b"content-type":
            self.content_type = value

    def _on_headers_finished(self) -> None:
        if self._name != _FIELD:
            raise Refusal(400, f"{self._name.decode('utf-8', 'replace')[:50]!r} is not a known part; send mediaFile")
        if not self.file_name:
            raise Refusal(400, "mediaFile must be a file: its part needs a filename")
        if self.content_type and not self.content_type.lower().startswith(_MEDIA_TYPES):
            raise Refusal(400, "mediaFile must be sent as audio/*, video/* or application/octet-stream")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(memoryview(data)[start:end])

    def _on_end(self) -> None:
        self._has_ended = True
