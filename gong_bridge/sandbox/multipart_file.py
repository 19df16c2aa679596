"""Takes a body of multipart/form-data with exactly one file, piece by piece as it streams in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from gong_bridge.sandbox.answers import Refusal

_ENVELOPE_BYTES = 64 * 2**10


class OneFile:
    """A form of exactly one file, in the part `field`; gives out the file's bytes without copying them.

    types: what the part's content type may begin with, for people in `types_told`. Raises Refusal (400) for headers
    that announce another form, no length, or more than `largest_bytes`.
    """

    def __init__(
        self, headers: Mapping[str, str], *, field: str, types: tuple[bytes, ...], types_told: str, largest_bytes: int
    ) -> None:
        self.content_type = b""
        self.file_name = b""
        self._field = field
        self._types = types
        self._types_told = types_told
        boundary = _boundary_of(headers)
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            raise Refusal(400, "Content-Length is required: a body of unknown length is not accepted")
        self.announced_bytes = int(length)
        if self.announced_bytes > largest_bytes + _ENVELOPE_BYTES:
            raise Refusal(400, f"{field} must not be larger than {largest_bytes} bytes")
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
            raise Refusal(400, f"{self._field} is required")

    def _on_part_begin(self) -> None:
        if self._has_part:
            raise Refusal(400, f"The body must have exactly one part, {self._field}")
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
        if self._name != self._field.encode():
            name = self._name.decode("utf-8", "replace")[:50]
            raise Refusal(400, f"{name!r} is not a known part; send {self._field}")
        if not self.file_name:
            raise Refusal(400, f"{self._field} must be a file: its part needs a filename")
        if self.content_type and not self.content_type.lower().startswith(self._types):
            raise Refusal(400, f"{self._field} must be sent as {self._types_told}")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._pieces.append(memoryview(data)[start:end])

    def _on_end(self) -> None:
        self._has_ended = True


def _boundary_of(headers: Mapping[str, str]) -> bytes:
    kind, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Refusal(400, "Content-Type must be multipart/form-data with a boundary")
    return boundary
