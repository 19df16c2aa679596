"""FLAC: the samples that STREAMINFO promises against the last frame that is there, proved by its CRC-16.

Source: RFC 9639. A FLAC states samples, not bytes, so the end of the file is read: the last frame's number says how far
the audio goes, its checksum whether that frame is complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gong_bridge.media.extent import WHOLE, Extent, Reader, truncated, unfinalised, unstated
from gong_bridge.media.flac_frame import Unparsable, crc8, crc16, frame_length
from gong_bridge.media.id3 import id3v2_length

MAX_METADATA_BLOCKS: Final = 1_000
TAIL_BYTES: Final = 64 * 1024
LARGEST_TAIL_BYTES: Final = 2 * 2**20
MAX_CANDIDATES: Final = 64
LONGEST_HEAD_BYTES: Final = 16

_SYNC: Final = re.compile(rb"\xff[\xf8\xf9]", re.DOTALL)
_BLOCK_SIZES: Final = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {code: 256 << (code - 8) for code in range(8, 16)}
_SAMPLE_BITS: Final = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}


@dataclass(frozen=True, kw_only=True, slots=True)
class _StreamInfo:
    max_block_samples: int
    max_frame_bytes: int
    sample_bits: int
    channels: int
    total_samples: int
    audio_start: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    start: int  # within the tail
    header_bytes: int
    first_sample: int
    samples: int
    sample_bits: int
    channel_code: int


def examine_flac(reader: Reader) -> Extent:
    """A native FLAC stream, with or without an ID3v2 tag in front and anything behind."""
    info = _stream_info(reader)
    if info is None:
        return truncated("flac", "flac", "it ends inside its header")
    if info.audio_start >= reader.size_bytes:
        if info.total_samples:
            return truncated("flac", "flac", "it has a header and no audio")
        return unfinalised("flac", "flac", "it has a header and no audio")
    size = min(max(TAIL_BYTES, 2 * info.max_frame_bytes), LARGEST_TAIL_BYTES, reader.size_bytes - info.audio_start)
    tail = reader.read_at(reader.size_bytes - size, size)
    frames = list(_last_frames(tail, info))
    if not info.total_samples:
        end = _end_of(tail, frames[0]) if frames else None
        if end is None or _begins_frame(tail[end:], tail[frames[0].start :]):
            return truncated("flac", "flac", "its last frame is cut off")
        return unstated("flac", "flac")
    # All candidates are asked: coded samples may look like the header of some other frame, never like the last one.
    final = [frame for frame in frames if frame.first_sample + frame.samples >= info.total_samples]
    if any(_end_of(tail, frame) is not None for frame in final):
        return Extent(container="flac", demuxer="flac", completeness=WHOLE)
    last = max((frame.first_sample for frame in frames), default=0)
    return truncated("flac", "flac", f"its audio ends near sample {last} of {info.total_samples}")


def _stream_info(reader: Reader) -> _StreamInfo | None:
    position = id3v2_length(reader, 0) + 4
    raw = b""
    for _ in range(MAX_METADATA_BLOCKS):
        header = reader.read_at(position, 4)
        if len(header) < 4:
            return None
        length = int.from_bytes(header[1:4], "big")
        if header[0] & 0x7F == 0:
            raw = reader.read_at(position + 4, 34)
        position += 4 + length
        if header[0] & 0x80:
            break
    if len(raw) < 34 or position > reader.size_bytes:
        return None
    packed = int.from_bytes(raw[10:18], "big")
    return _StreamInfo(
        max_block_samples=int.from_bytes(raw[2:4], "big"),
        max_frame_bytes=int.from_bytes(raw[7:10], "big"),
        sample_bits=(packed >> 36 & 0x1F) + 1,
        channels=(packed >> 41 & 0x7) + 1,
        total_samples=packed & 0xFFFFFFFFF,
        audio_start=position,
    )


def _last_frames(tail: bytes, info: _StreamInfo) -> Iterator[_Frame]:
    """Frames whose header proves itself (CRC-8), the last one first."""
    starts = [match.start() for match in _SYNC.finditer(tail)]
    found = 0
    for start in reversed(starts):
        frame = _frame_at(tail, start, info)
        if frame is not None:
            yield frame
            found += 1
            if found >= MAX_CANDIDATES:
                return


def _frame_at(tail: bytes, start: int, info: _StreamInfo) -> _Frame | None:
    head = tail[start : start + 16]
    if len(head) < 6 or head[3] & 1:
        return None
    number_length, number = _coded_number(head)
    block_code, rate_code, channel_code = head[2] >> 4, head[2] & 0xF, head[3] >> 4
    if not number_length or not block_code or rate_code == 15 or channel_code > 10:
        return None
    position = 4 + number_length
    samples = _BLOCK_SIZES.get(block_code, 0)
    if block_code in (6, 7):
        width = block_code - 5
        samples = int.from_bytes(head[position : position + width], "big") + 1
        position += width
    position += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if len(head) <= position or crc8(head[:position]) != head[position]:
        return None
    channels = channel_code + 1 if channel_code < 8 else 2
    if channels != info.channels:
        return None
    variable = head[1] & 1
    return _Frame(
        start=start,
        header_bytes=position + 1,
        first_sample=number if variable else number * info.max_block_samples,
        samples=samples,
        sample_bits=_SAMPLE_BITS.get(head[3] >> 1 & 7, info.sample_bits),
        channel_code=channel_code,
    )


def _coded_number(head: bytes) -> tuple[int, int]:
    """Length and value of the frame or sample number (UTF-8's scheme up to 36 bits); length 0 when malformed."""
    first = head[4]
    if first < 0x80:
        return 1, first
    length = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= length <= 7 or len(head) < 4 + length:
        return 0, 0
    value = first & (0x7F >> length)
    for byte in head[5 : 4 + length]:
        if byte & 0xC0 != 0x80:
            return 0, 0
        value = value << 6 | byte & 0x3F
    return length, value


def _end_of(tail: bytes, frame: _Frame) -> int | None:
    """Where the frame ends in `tail`; None when it is cut off or damaged."""
    data = tail[frame.start :]
    if crc16(data) == 0:  # the checksum of data with its own checksum behind is 0
        return len(tail)
    try:  # something follows the last frame (a tag, padding): find the frame's own end
        length = frame_length(
            data,
            header_bytes=frame.header_bytes,
            samples=frame.samples,
            sample_bits=frame.sample_bits,
            channel_code=frame.channel_code,
        )
    except Unparsable:
        return None
    return frame.start + length if length <= len(data) and crc16(data[:length]) == 0 else None


def _begins_frame(rest: bytes, frame: bytes) -> bool:
    """Whether `rest` is the first few bytes of one more frame of this kind."""
    return 0 < len(rest) < LONGEST_HEAD_BYTES and rest[:2] == frame[: min(len(rest), 2)]
