"""MP3 and ADTS AAC: frame headers, and what a Xing, Info or VBRI header promises of the bytes that follow.

Sources: ISO 11172-3 and 13818-3 (frame headers), the Xing and Fraunhofer VBRI headers as LAME and FFmpeg write them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from gong_bridge.media.extent import WHOLE, Extent, Reader, compare, truncated, unfinalised, unstated
from gong_bridge.media.id3 import audio_end, id3v2_length

JUNK_BYTES: Final = 64 * 1024
"""How far into the audio the first frame may begin."""
TAG_SLACK_BYTES: Final = 128
"""Old encoders counted the ID3v1 tag that a later tool removed."""

TAIL_BYTES: Final = 8192
FRAMES_IN_A_ROW: Final = 4
"""So many headers at the right distances are no chance."""
LONGEST_HEAD_BYTES: Final = 7
"""ADTS has seven, MPEG audio four."""

_RATES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBITS_1: Final = {
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_KBITS_2: Final = {
    1: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Frame:
    length: int
    signature: tuple[int, int, int]
    side_bytes: int


def _parse_frame(head: bytes) -> _Frame | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate_code, bitrate_code = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate_code == 3 or not 1 <= bitrate_code <= 14:
        return None
    rate = _RATES[version][rate_code]
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[layer][bitrate_code - 1]
    padding = head[2] >> 1 & 1
    if layer == 1:
        length = (12_000 * kbits // rate + padding) * 4
    else:
        samples_per_byte = 72_000 if layer == 3 and version != 3 else 144_000
        length = samples_per_byte * kbits // rate + padding
    mono = head[3] >> 6 == 3
    side = (17 if mono else 32) if version == 3 else (9 if mono else 17)
    return _Frame(length=length, signature=(version, layer, rate), side_bytes=side)


def find_mp3(reader: Reader) -> int | None:
    """Where the first MPEG audio frame begins, or None. Two frames in a row must agree, three where there is room."""
    start = id3v2_length(reader, 0)
    window = reader.read_at(start, JUNK_BYTES + 8192)
    position = window.find(b"\xff")
    while 0 <= position < JUNK_BYTES:
        if _chain_holds(window, position, at_start=position == 0):
            return start + position
        position = window.find(b"\xff", position + 1)
    return None


def _chain_holds(window: bytes, position: int, *, at_start: bool) -> bool:
    first = _parse_frame(window[position : position + 4])
    if first is None:
        return False
    wanted = 3 if at_start else 5
    frame, matched = first, 1
    while matched < wanted:
        position += frame.length
        if position + 4 > len(window):
            break
        following = _parse_frame(window[position : position + 4])
        if following is None or following.signature != first.signature:
            return False
        frame = following
        matched += 1
    return matched >= (2 if at_start else wanted)


def examine_mp3(reader: Reader, start: int) -> Extent:
    """An MP3 whose first frame begins at `start`."""
    frame = _parse_frame(reader.read_at(start, 4))
    if frame is None:
        return unstated("mp3", "mp3")
    name = {1: "mp1", 2: "mp2", 3: "mp3"}[frame.signature[1]]
    promised = _promised_bytes(reader.read_at(start, 4 + frame.side_bytes + 140), frame)
    end = audio_end(reader, start)
    if promised is None:
        missing = _missing_at_end(reader, start, end, _length_like(frame))
        if missing and end == reader.size_bytes:
            return truncated(name, "mp3", "it ends inside a frame", end + missing)
        return unstated(name, "mp3")
    behind = reader.size_bytes - start - frame.length
    if promised == 0:
        if behind > frame.length:
            return unfinalised(name, "mp3", "its header was never filled in")
        return unstated(name, "mp3")
    declared = start + promised
    if 0 < declared - end <= TAG_SLACK_BYTES and _missing_at_end(reader, start, end, _length_like(frame)) == 0:
        return Extent(container=name, demuxer="mp3", completeness=WHOLE, declared_bytes=declared)
    return compare(name, "mp3", declared, reader.size_bytes)


def _promised_bytes(head: bytes, frame: _Frame) -> int | None:
    """Bytes from the first frame on, as its Xing, Info or VBRI header says; 0 when left blank, None without one."""
    xing = 4 + frame.side_bytes
    for position in (xing, xing + 2):  # two bytes later in frames that carry a checksum
        if head[position : position + 4] in (b"Xing", b"Info"):
            flags = int.from_bytes(head[position + 4 : position + 8], "big")
            frames = int.from_bytes(head[position + 8 : position + 12], "big") if flags & 1 else None
            offset = position + 8 + (4 if flags & 1 else 0)
            if not flags & 2:
                return None
            promised = int.from_bytes(head[offset : offset + 4], "big")
            return promised if promised or frames == 0 else None
    if head[36:40] == b"VBRI":
        return int.from_bytes(head[46:50], "big") or None
    return None


def _length_like(first: _Frame) -> Callable[[bytes], int | None]:
    """Gives the length of a frame of the same kind as `first` from its head, None for anything else."""

    def length_of(head: bytes) -> int | None:
        frame = _parse_frame(head)
        return frame.length if frame is not None and frame.signature == first.signature else None

    return length_of


def _missing_at_end(reader: Reader, start: int, end: int, length_of: Callable[[bytes], int | None]) -> int | None:
    """Bytes that the last frame before `end` lacks: 0 when it is complete, None when no frames are found there.

    The first frame begins at `start`: from there on, fewer frames in a row are no chance either.
    """
    size = min(TAIL_BYTES, end)
    tail = reader.read_at(end - size, size)
    position = tail.find(b"\xff")
    while position >= 0:
        walked, frames, last = position, 0, 0
        while length := length_of(tail[walked : walked + 7]):
            walked, frames, last = walked + length, frames + 1, length
        rest = tail[walked:]
        if 0 < len(rest) < LONGEST_HEAD_BYTES and rest[:2] == tail[position : position + min(len(rest), 2)]:
            walked += last  # cut inside the head of one more frame
        if walked >= len(tail) and (frames >= FRAMES_IN_A_ROW or (frames and end - size + position == start)):
            return walked - len(tail)
        position = tail.find(b"\xff", position + 1)
    return None


def is_adts(reader: Reader) -> bool:
    """Whether ADTS AAC frames follow each other from the beginning."""
    position = 0
    for _ in range(3):
        length = _adts_length(reader.read_at(position, 7))
        if length is None:
            return False
        position += length
    return True


def examine_adts(reader: Reader) -> Extent:
    """ADTS never says how long it is; a file that ends inside a frame is cut off."""
    if reader.size_bytes < 32:
        return truncated("aac", "aac", "it ends inside its first frame")
    missing = _missing_at_end(reader, 0, reader.size_bytes, _adts_length)
    if missing:
        return truncated("aac", "aac", "it ends inside a frame", reader.size_bytes + missing)
    return unstated("aac", "aac")


def _adts_length(head: bytes) -> int | None:
    """The length in bytes of the frame that begins with these seven, None when they begin none."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 0xF > 12:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else None
