"""Finds ids that stand in several lines without holding them all: they wait on disk, sorted into heaps."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import IO

from gong_bridge.errors import BridgeError

_HEAPS = 64
_DIGEST_BYTES = 16
_ROW_BYTES = _DIGEST_BYTES + 4
_PIECE_BYTES = 4096 * _ROW_BYTES


class RepeatedIds:
    """Ids by the line in which they stand; use it in `with`. 20 bytes of disk for each line.

    Memory holds the different ids of one heap: all the repeats of an id fall into the same one.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._heaps: list[IO[bytes]] = []

    def __enter__(self) -> RepeatedIds:
        try:
            self._heaps = [self._stack.enter_context(tempfile.TemporaryFile()) for _ in range(_HEAPS)]  # noqa: SIM115
        except OSError as error:
            self._stack.close()
            raise _no_room(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stack.close()
        except OSError:
            return  # what was not written is thrown away anyhow

    def add(self, one: str, line: int) -> None:
        """It stands in this line. Raises BridgeError when the disk is full."""
        digest = hashlib.blake2b(one.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        try:
            self._heaps[digest[0] % _HEAPS].write(digest + line.to_bytes(4, "big"))
        except OSError as error:
            raise _no_room(error) from None

    def repeated(self) -> Iterator[tuple[int, int]]:
        """Each line whose id stands in an earlier one, with the first of them."""
        for heap in self._heaps:
            first: dict[bytes, bytes] = {}
            for rows in _pieces(heap):
                for at in range(0, len(rows), _ROW_BYTES):
                    digest, line = rows[at : at + _DIGEST_BYTES], rows[at + _DIGEST_BYTES : at + _ROW_BYTES]
                    earlier = first.setdefault(digest, line)
                    if earlier is not line:
                        yield int.from_bytes(line, "big"), int.from_bytes(earlier, "big")


def _pieces(heap: IO[bytes]) -> Iterator[bytes]:
    """Whole rows, from the first on."""
    try:
        heap.seek(0)
        yield from iter(partial(heap.read, _PIECE_BYTES), b"")
    except OSError as error:
        raise _no_room(error) from None


def _no_room(error: OSError) -> BridgeError:
    where = tempfile.gettempdir()
    return BridgeError(f"there is no room in {where} to check the file ({error.strerror}); make some, or set TMPDIR")
