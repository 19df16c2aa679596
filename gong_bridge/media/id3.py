"""Tags around audio: ID3v2 in front, ID3v1, APE and Lyrics3 behind."""

from __future__ import annotations

from typing import Final

from gong_bridge.media.extent import Reader

MAX_TAGS: Final = 32


def id3v2_length(reader: Reader, position: int) -> int:
    """Bytes of all ID3v2 tags that begin at `position`; 0 when there is none. May reach beyond the end."""
    start = position
    for _ in range(MAX_TAGS):
        head = reader.read_at(position, 10)
        if len(head) < 10 or head[:3] != b"ID3" or any(byte & 0x80 for byte in head[6:10]):
            break
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        position += 10 + size + (10 if head[5] & 0x10 else 0)
    return position - start


def audio_end(reader: Reader, start: int) -> int:
    """Where the audio ends when the tags at the end are left out; never before `start`."""
    end = reader.size_bytes
    for _ in range(MAX_TAGS):
        length = _tag_before(reader, end)
        if not length or end - length < start:
            break
        end -= length
    return end


def _tag_before(reader: Reader, end: int) -> int:
    if end >= 128 and reader.read_at(end - 128, 3) == b"TAG":
        return 128
    if end < 32:
        return 0
    footer = reader.read_at(end - 32, 32)
    if footer[:8] == b"APETAGEX":
        size = int.from_bytes(footer[12:16], "little")
        return size + (32 if footer[23] & 0x80 else 0)
    if footer[-9:] == b"LYRICS200" and footer[-15:-9].isdigit():
        return int(footer[-15:-9]) + 15
    return 0
