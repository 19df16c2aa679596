"""A recording as the child sees it: a seekable file whose bytes the parent serves on request."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

BLOCK_BYTES: Final = 256 * 1024
KEPT_BLOCKS: Final = 8
SMALL_READ_BYTES: Final = 512
SMALL_WINDOW_BYTES: Final = 4096
READ_IN_BLOCKS_BYTES: Final = 32 * 2**20
"""Files up to this size are always read in blocks: that many round trips are fewer than their headers may be."""


class ServedFile(io.RawIOBase):
    """Seekable, read-only; keeps the blocks used last.

    `fetch(offset, count)` returns exactly `count` bytes, fewer only at the end. Whole blocks are fetched so that round
    trips stay few; single headers far apart (walking chunks of 1.5 GB) fetch 4 KiB only.
    """

    def __init__(self, fetch: Callable[[int, int], bytes], size_bytes: int) -> None:
        super().__init__()
        self.size_bytes = size_bytes
        self._fetch = fetch
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._window_start = 0
        self._window = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError("seek before the beginning")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes (1 MiB when not said) from the present position."""
        data = self.read_at(self._position, 2**20 if size is None or size < 0 else size)
        self._position += len(data)
        return data

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer only at the end, empty beyond it."""
        end = min(offset + count, self.size_bytes)
        if offset >= end:
            return b""
        if self._worth_a_window(offset, count):
            return self._read_small(offset, end)
        parts = []
        while offset < end:
            number, inside = divmod(offset, BLOCK_BYTES)
            part = self._block(number)[inside : inside + end - offset]
            if not part:
                break
            parts.append(part)
            offset += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _worth_a_window(self, offset: int, count: int) -> bool:
        return (
            count <= SMALL_READ_BYTES
            and self.size_bytes > READ_IN_BLOCKS_BYTES
            and offset >= BLOCK_BYTES
            and offset // BLOCK_BYTES not in self._blocks
        )

    def _read_small(self, offset: int, end: int) -> bytes:
        inside = offset - self._window_start
        if inside < 0 or inside + end - offset > len(self._window):
            self._window = self._fetch(offset, min(SMALL_WINDOW_BYTES, self.size_bytes - offset))
            self._window_start, inside = offset, 0
        return self._window[inside : inside + end - offset]

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            start = number * BLOCK_BYTES
            block = self._fetch(start, min(BLOCK_BYTES, self.size_bytes - start))
            self._blocks[number] = block
            if len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        else:
            self._blocks.move_to_end(number)
        return block
