"""WAV, RF64, BW64, Sony Wave64 and AVI: the sizes in chunk headers against the bytes that are there.

Sources: the RIFF and RF64 specifications (EBU Tech 3306), Sony's Wave64 paper, and what recorders do in the wild:
Asterisk writes zeros at open and the sizes at close; tools that write to a pipe leave 0xFFFFFFFF or 0x7FFFF000.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from gong_bridge.media.extent import (
    MAX_STEPS,
    WHOLE,
    Extent,
    NoRecording,
    Reader,
    compare,
    truncated,
    unfinalised,
)

SIZE_SLACK_BYTES: Final = 16
"""Some writers count the eight bytes of the RIFF header twice or promise a pad byte that they never write."""

_W64_RIFF: Final = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA: Final = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chunk:
    name: bytes
    start: int  # of the payload
    size: int


def examine_riff(reader: Reader) -> Extent:
    """RIFF, RIFX, RF64 or BW64 with a WAVE or AVI form."""
    head = reader.read_at(0, 12)
    if len(head) < 12:
        return truncated("wav", "wav", "it ends inside its first twelve bytes")
    form = head[8:12]
    if form == b"WAVE":
        return _examine_wave(reader, head)
    if form == b"AVI ":
        return _examine_avi(reader)
    if form == b"\0\0\0\0":
        return unfinalised("wav", "wav", "its header was never written")
    raise NoRecording("a RIFF file without sound or video")


def _is_stand_in(size: int) -> bool:
    return size >= 0xFFFFFF00 or 0x7FFFF000 <= size <= 0x80000000


def _examine_wave(reader: Reader, head: bytes) -> Extent:
    order = ">" if head[:4] == b"RIFX" else "<"
    large = head[:4] in (b"RF64", b"BW64")
    container = "rf64" if large else "wav"
    riff_size = int(struct.unpack(order + "I", head[4:8])[0])
    large_sizes: tuple[int, int] | None = None
    position = 12
    for _ in range(MAX_STEPS):
        chunk = _chunk_at(reader, position, order)
        if chunk is None:
            break
        if chunk.name == b"ds64" and large:
            sizes = reader.read_at(chunk.start, 16)
            if len(sizes) == 16:
                large_sizes = struct.unpack("<QQ", sizes)
        if chunk.name == b"data":
            if large_sizes is not None:
                riff_size = large_sizes[0]
                chunk = _Chunk(name=b"data", start=chunk.start, size=large_sizes[1])
            return _judge_data(reader, container, riff_size, chunk, order, large=large_sizes is not None)
        position = chunk.start + chunk.size + chunk.size % 2
    return _without_data(reader, container, riff_size)


def _chunk_at(reader: Reader, position: int, order: str) -> _Chunk | None:
    header = reader.read_at(position, 8)
    if len(header) < 8:
        return None
    return _Chunk(name=header[:4], start=position + 8, size=int(struct.unpack(order + "I", header[4:])[0]))


def _judge_data(reader: Reader, container: str, riff_size: int, data: _Chunk, order: str, *, large: bool) -> Extent:
    present = reader.size_bytes
    behind = present - data.start
    if data.size == 0 and not (behind and _ends_like_chunks(reader, data.start, riff_size, order)):
        return unfinalised(container, "wav", f"the size of its audio is given as 0, {behind} bytes follow")
    if not large and _is_stand_in(data.size) and data.size > behind:
        return unfinalised(container, "wav", f"the size of its audio is a stand-in, {behind} bytes follow")
    data_end = data.start + data.size
    riff_end = riff_size + 8
    if data_end > present:
        return compare(container, "wav", data_end, present)
    if riff_end > present + SIZE_SLACK_BYTES and (large or not _is_stand_in(riff_size)):
        return compare(container, "wav", riff_end, present)
    return Extent(container=container, demuxer="wav", completeness=WHOLE, declared_bytes=max(data_end, riff_end))


def _ends_like_chunks(reader: Reader, position: int, riff_size: int, order: str) -> bool:
    """Whether proper chunks follow, up to the end that the header announces: then "no audio" is meant."""
    for _ in range(64):
        if position >= reader.size_bytes or position >= riff_size + 8:
            return max(abs(end - reader.size_bytes) for end in (position, riff_size + 8)) <= 1
        chunk = _chunk_at(reader, position, order)
        if chunk is None or not (chunk.name.isascii() and chunk.name.decode().isprintable()):
            return False
        position = chunk.start + chunk.size + chunk.size % 2
    return False


def _without_data(reader: Reader, container: str, riff_size: int) -> Extent:
    present = reader.size_bytes
    if riff_size in (0, 0xFFFFFFFF):
        return unfinalised(container, "wav", "its header ends before any audio")
    if riff_size + 8 > present:
        return compare(container, "wav", riff_size + 8, present)
    raise NoRecording("a WAV file without audio data")


def _examine_avi(reader: Reader) -> Extent:
    present = reader.size_bytes
    position = 0
    for _ in range(MAX_STEPS):
        header = reader.read_at(position, 12)
        if len(header) < 12 or header[:4] != b"RIFF" or header[8:12] not in (b"AVI ", b"AVIX"):
            break
        size = int(struct.unpack("<I", header[4:8])[0])
        if size == 0 or _is_stand_in(size):
            return unfinalised("avi", "avi", "the size in its header is a stand-in")
        if position + size + 8 > present:
            return compare("avi", "avi", position + size + 8, present)
        position += size + 8 + size % 2
    return Extent(container="avi", demuxer="avi", completeness=WHOLE, declared_bytes=min(position, present))


def is_wave64(head: bytes) -> bool:
    """Whether the first 16 bytes are Wave64's."""
    return head[:16] == _W64_RIFF


def examine_wave64(reader: Reader) -> Extent:
    """Sony Wave64: chunks named by 16 bytes, sizes of 64 bits that count their own header of 24, aligned to 8."""
    present = reader.size_bytes
    head = reader.read_at(0, 40)
    if len(head) < 40:
        return truncated("w64", "w64", "it ends inside its header")
    file_size = int(struct.unpack("<Q", head[16:24])[0])
    position = 40
    for _ in range(MAX_STEPS):
        header = reader.read_at(position, 24)
        if len(header) < 24:
            break
        size = int(struct.unpack("<Q", header[16:])[0])
        if header[:16] == _W64_DATA:
            if size <= 24 or size >= 1 << 62:
                return unfinalised("w64", "w64", "the size of its audio is a stand-in")
            return compare("w64", "w64", position + size, present)
        if size < 24:
            break
        position += (size + 7) & ~7
    if file_size > present:
        return compare("w64", "w64", min(file_size, 1 << 62), present)
    return unfinalised("w64", "w64", "its header ends before any audio")
