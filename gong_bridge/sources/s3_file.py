"""An object of a store as a seekable file: read by ranges, resumed where it breaks, never spooled whole."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from gong_bridge import clock
from gong_bridge.errors import SourceUnavailable

BLOCK_BYTES = 1 << 20
"""Random access fetches and keeps pieces of this size."""

_BLOCKS_KEPT = 4  # the head, the index at the end, and what is being decoded
_FAILURES_IN_A_ROW = 6
_FIRST_WAIT_SECONDS = 0.2


class BrokenBody(Exception):
    """The connection broke while a body was read; what has been read so far is good."""


class Body(Protocol):
    """The bytes of one range as they come from the store."""

    def read(self, size_bytes: int) -> bytes:
        """At most so many bytes; empty at the end. Raises BrokenBody."""

    def close(self) -> None:
        """Give the connection back."""


class ObjectReader(io.RawIOBase):
    """Seekable and read-only. Holds at most four blocks of 1 MiB and one open response.

    Whoever jumps about gets blocks; whoever goes on reading where the last block ended gets one response that runs to
    the end of the object, so an upload costs two requests and not one for every block. A body that breaks is resumed
    from the byte it broke at; the ranges are fetched with If-Match, so another version can never be mixed in (R19).
    """

    def __init__(self, open_range: Callable[[int, int], Body], size_bytes: int) -> None:
        """`open_range(first, last)` opens bytes first..last inclusive; raises the errors that reads then raise."""
        self._open_range = open_range
        self._size_bytes = size_bytes
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._last_fetched = -1
        self._stream: Body | None = None
        self._stream_position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size_bytes}[whence]
        if base + offset < 0:
            raise ValueError("a position before the beginning of the object")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Raises SourceChanged, SourceGone, SourceUnavailable."""
        wanted = min(len(buffer), self._size_bytes - self._position)
        if wanted <= 0:
            return 0
        data = self._read_some(wanted)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        self._close_stream()
        self._blocks.clear()
        super().close()

    def fetch_first_block(self) -> None:
        """Open the object now, so that its absence or change is noticed before anything is read."""
        if self._size_bytes:
            self._block(0)

    def _read_some(self, wanted: int) -> bytes:
        number, offset = divmod(self._position, BLOCK_BYTES)
        if number not in self._blocks:
            if self._stream is not None and self._stream_position == self._position:
                return self._read_stream(wanted)
            if offset == 0 and number == self._last_fetched + 1 and number > 0:
                self._close_stream()
                self._stream_position = self._position
                return self._read_stream(wanted)
        return self._block(number)[offset : offset + wanted]

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            self._close_stream()
            first = number * BLOCK_BYTES
            last = min(first + BLOCK_BYTES, self._size_bytes) - 1
            block = self._fetch(first, last)
            self._blocks[number] = block
            self._last_fetched = number
            if len(self._blocks) > _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return block

    def _fetch(self, first: int, last: int) -> bytes:
        data = bytearray()
        failures = 0
        while len(data) <= last - first:
            body = self._open_range(first + len(data), last)
            try:
                while piece := body.read(last - first + 1 - len(data)):
                    data += piece
                    failures = 0
            except BrokenBody:
                pass
            finally:
                body.close()
            if len(data) <= last - first:
                failures = self._pause(failures)
        return bytes(data)

    def _read_stream(self, wanted: int) -> bytes:
        failures = 0
        while True:
            if self._stream is None:
                self._stream = self._open_range(self._stream_position, self._size_bytes - 1)
            try:
                data = self._stream.read(wanted)
            except BrokenBody:
                data = b""
            if data:
                self._stream_position += len(data)
                return data
            self._close_stream()
            failures = self._pause(failures)

    def _pause(self, failures: int) -> int:
        if failures + 1 >= _FAILURES_IN_A_ROW:
            raise SourceUnavailable(
                f"reading an object broke off {_FAILURES_IN_A_ROW} times at the same byte; it is tried again later"
            )
        clock.wait(threading.Event(), _FIRST_WAIT_SECONDS * 2**failures)
        return failures + 1

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
