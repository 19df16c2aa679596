"""Ogg: whether the last page is there, complete, and marked as the last (RFC 3533)."""

from __future__ import annotations

import zlib
from typing import Final

from gong_bridge.media.extent import WHOLE, Extent, Reader, truncated, unfinalised

LARGEST_PAGE_BYTES: Final = 27 + 255 + 255 * 255
TAIL_BYTES: Final = 4 * LARGEST_PAGE_BYTES

_CONTINUED, _LAST = 1, 4
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def examine_ogg(reader: Reader) -> Extent:
    """Opus, Vorbis, Speex or FLAC in Ogg; anything behind the last page is tolerated."""
    size = min(TAIL_BYTES, reader.size_bytes)
    tail = reader.read_at(reader.size_bytes - size, size)
    position = tail.rfind(b"OggS")
    while position >= 0:
        verdict = _judge_page(tail, position, reader.size_bytes)
        if verdict is not None:
            return verdict
        position = tail.rfind(b"OggS", 0, position)
    return truncated("ogg", "ogg", "no complete page is found at its end")


def _judge_page(tail: bytes, position: int, present_bytes: int) -> Extent | None:
    """What the page at `position` says of the file, or None when it only looks like a page."""
    header = tail[position : position + 27]
    if len(header) < 27:
        return truncated("ogg", "ogg", "it ends inside the header of a page")
    if header[4] != 0:
        return None
    segments = tail[position + 27 : position + 27 + header[26]]
    length = 27 + header[26] + sum(segments)
    page = tail[position : position + length]
    if len(segments) < header[26] or len(page) < length:
        return truncated("ogg", "ogg", "its last page is cut off")
    if _page_crc(page) != int.from_bytes(page[22:26], "little"):
        return None
    if not header[5] & _LAST:
        return unfinalised("ogg", "ogg", "its last page is not marked as the last")
    return Extent(
        container="ogg", demuxer="ogg", completeness=WHOLE, declared_bytes=present_bytes - len(tail) + position + length
    )


def _page_crc(page: bytes) -> int:
    """Ogg's CRC-32 runs the other way round than zlib's: mirror the bytes, and mirror the result back."""
    blank = page[:22] + b"\0\0\0\0" + page[26:]
    mirrored = zlib.crc32(blank.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")
