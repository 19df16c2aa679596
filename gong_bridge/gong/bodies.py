"""Request bodies: nothing, JSON, and one file streamed as multipart/form-data (R19, R20)."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Protocol

from gong_bridge.errors import BadMetadata, SourceChanged, SourceUnavailable
from gong_bridge.kill_points import Point, reached

CHUNK_BYTES = 1024 * 1024
_SHARES = ((1, Point.BODY_1), (50, Point.BODY_50), (100, Point.BODY_100))
"""How many hundredths of a file have left, and the moment that this is."""


class Body(Protocol):
    """What a request carries. `headers` describe it; `opened()` gives its bytes once, for one attempt."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    def opened(self) -> Any: ...


class NoBody:
    """A request without a body."""

    headers: Mapping[str, str] = {}

    @contextmanager
    def opened(self) -> Iterator[bytes | None]:
        """Nothing to send."""
        yield None


class JsonBody:
    """A JSON object or list. Raises BadMetadata when it cannot be written as JSON in UTF-8."""

    def __init__(self, value: Mapping[str, Any] | Sequence[Any]) -> None:
        try:
            self._content = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            raise BadMetadata(
                "a text of the call holds bytes that are no text (a file name in another encoding?); "
                "clean it in the mapping"
            ) from None
        except ValueError:
            raise BadMetadata("a number of the call is not a number (NaN or infinite)") from None
        self.headers: Mapping[str, str] = {"Content-Type": "application/json"}

    @contextmanager
    def opened(self) -> Iterator[bytes]:
        """The bytes; the same for every attempt."""
        yield self._content


class FileBody:
    """One part, named `part`, around exactly `size_bytes` bytes of a file, never held whole.

    file_name, content_type: as the part tells them. what: how messages call the file. `sent_bytes` counts the file's
    bytes handed over by the present attempt.
    """

    def __init__(
        self,
        *,
        part: str,
        file_name: str,
        content_type: str,
        open_body: Callable[[], BinaryIO],
        size_bytes: int,
        on_progress: Callable[[int], None],
        what: str,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+", content_type):
            raise ValueError("content_type is like audio/wav")
        boundary = uuid.uuid4().hex
        self._prologue = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="{part}"; filename="{file_name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        ).encode("ascii")
        self._epilogue = f"\r\n--{boundary}--\r\n".encode("ascii")
        self._open_body = open_body
        self._size_bytes = size_bytes
        self._on_progress = on_progress
        self._what = what
        self.sent_bytes = 0
        self.headers: Mapping[str, str] = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(self._prologue) + size_bytes + len(self._epilogue)),
        }

    @contextmanager
    def opened(self) -> Iterator[Iterator[bytes]]:
        """The source, opened afresh, as chunks; closed when the attempt ends, however it ends.

        Raises what `open_body` raises, and SourceChanged while being read when the source is shorter or longer than
        `size_bytes`: the request is then cut off, and Gong stores nothing.
        """
        file = self._open_body()
        try:
            if file.tell() != 0:
                raise ValueError("open_body() must give a file at its beginning")
            self.sent_bytes = 0
            yield self._chunks(file)
        finally:
            file.close()

    def _chunks(self, file: BinaryIO) -> Iterator[bytes]:
        yield self._prologue
        while left := self._size_bytes - self.sent_bytes:
            chunk = self._read(file, min(CHUNK_BYTES, left))
            if not chunk:
                raise SourceChanged(
                    f"{self._what} ends after {self.sent_bytes} bytes, but {self._size_bytes} were expected"
                )
            yield chunk
            before, self.sent_bytes = self.sent_bytes, self.sent_bytes + len(chunk)
            for percent, point in _SHARES:
                if 100 * before < percent * self._size_bytes <= 100 * self.sent_bytes:
                    reached(point)
            self._on_progress(len(chunk))
        if self._read(file, 1):
            raise SourceChanged(f"{self._what} goes on after the {self._size_bytes} bytes that were expected")
        yield self._epilogue

    def _read(self, file: BinaryIO, size_bytes: int) -> bytes:
        try:
            return file.read(size_bytes)
        except OSError as error:
            raise SourceUnavailable(f"{self._what} cannot be read: {error.strerror or type(error).__name__}") from error


def media_body(
    *,
    open_body: Callable[[], BinaryIO],
    size_bytes: int,
    suffix: str,
    content_type: str,
    on_progress: Callable[[int], None],
) -> FileBody:
    """A recording as `mediaFile`. Its file name is `recording.<suffix>`: the real one holds what callers sent, and
    could break out of the header.
    """
    suffix = suffix.lstrip(".")
    if not re.fullmatch(r"[A-Za-z0-9]{1,16}", suffix):
        raise ValueError("suffix is letters and digits, such as wav")
    return FileBody(
        part="mediaFile",
        file_name=f"recording.{suffix}",
        content_type=content_type,
        open_body=open_body,
        size_bytes=size_bytes,
        on_progress=on_progress,
        what="the recording",
    )
