"""AU, AIFF, CAF, ASF (WMA), AMR and raw GSM: what their headers declare against what is there."""

from __future__ import annotations

import struct
from typing import Final

from gong_bridge.media.extent import (
    MAX_STEPS,
    WHOLE,
    Extent,
    Reader,
    compare,
    truncated,
    unfinalised,
    unstated,
)

ASF_HEADER: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_DATA: Final = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_BROADCAST: Final = 1
_ASF_DATA_HEADER_BYTES: Final = 50
_ASF_END_OF_STREAM: Final = b"$E\x08\x00"
_ASF_END_OF_STREAM_BYTES: Final = 12
_AMR_FRAME_BYTES: Final = (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1)
_AMR_WIDE_FRAME_BYTES: Final = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1)
_GSM_FRAME_BYTES: Final = 33
_AMR_WALKED_BYTES: Final = 8 * 2**20


def examine_au(reader: Reader) -> Extent:
    """Sun's AU: offset and size of the audio; 0xFFFFFFFF says that the size is not known."""
    head = reader.read_at(0, 24)
    if len(head) < 24:
        return truncated("au", "au", "it ends inside its header")
    start, size = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
    if size == 0xFFFFFFFF and start < reader.size_bytes:
        return unstated("au", "au")
    if size == 0xFFFFFFFF:
        return unfinalised("au", "au", "it has a header and no audio")
    if size == 0:
        return unfinalised("au", "au", "the size of its audio is given as 0")
    return compare("au", "au", start + size, reader.size_bytes)


def examine_aiff(reader: Reader) -> Extent:
    """AIFF and AIFF-C: chunks as in RIFF, big-endian."""
    head = reader.read_at(0, 12)
    if len(head) < 12:
        return truncated("aiff", "aiff", "it ends inside its header")
    form_end = int.from_bytes(head[4:8], "big") + 8
    position = 12
    for _ in range(MAX_STEPS):
        header = reader.read_at(position, 8)
        if len(header) < 8:
            break
        size = int.from_bytes(header[4:8], "big")
        if header[:4] == b"SSND":
            if size <= 8:
                return unfinalised("aiff", "aiff", "the size of its audio is given as 0")
            return compare("aiff", "aiff", max(position + 8 + size, form_end - 1), reader.size_bytes)
        position += 8 + size + size % 2
    if form_end > reader.size_bytes:
        return compare("aiff", "aiff", form_end, reader.size_bytes)
    return unfinalised("aiff", "aiff", "its header ends before any audio")


def examine_caf(reader: Reader) -> Extent:
    """Apple's Core Audio Format: 64-bit sizes, -1 for audio that reaches to the end.

    Codecs with packets of varying length (ALAC, AAC) cannot be read without the packet table, which mostly comes last.
    """
    position, audio_end, needs_table, has_table = 8, 0, False, False
    for _ in range(MAX_STEPS):
        header = reader.read_at(position, 12)
        if len(header) < 12:
            break
        kind, size = header[:4], int.from_bytes(header[4:12], "big", signed=True)
        if kind == b"data" and size == -1:
            return unstated("caf", "caf")
        if kind == b"data" and size <= 4:
            return unfinalised("caf", "caf", "the size of its audio is given as 0")
        if size < 0:
            break
        if kind == b"desc":
            needs_table = 0 in struct.unpack(">II", reader.read_at(position + 28, 8).ljust(8, b"\0"))
        has_table = has_table or kind == b"pakt"
        position += 12 + size
        if kind == b"data":
            audio_end = position
        if position > reader.size_bytes and (not audio_end or kind in (b"data", b"pakt")):
            return compare("caf", "caf", position, reader.size_bytes)
    if not audio_end:
        return truncated("caf", "caf", "its header ends before any audio")
    if needs_table and not has_table:
        return truncated("caf", "caf", "the table of its packets is missing")
    return Extent(container="caf", demuxer="caf", completeness=WHOLE, declared_bytes=audio_end)


def examine_asf(reader: Reader) -> Extent:
    """ASF, the container of WMA: the file size in its properties, and the size of its data object."""
    head = reader.read_at(0, 30)
    if len(head) < 30:
        return truncated("asf", "asf", "it ends inside its header")
    header_size = int.from_bytes(head[16:24], "little")
    if header_size > reader.size_bytes:
        return compare("asf", "asf", min(header_size, 1 << 62), reader.size_bytes)
    properties = _asf_object(reader, 30, header_size, _ASF_FILE_PROPERTIES)
    broadcast = len(properties) >= 92 and bool(properties[88] & _ASF_BROADCAST)
    data = reader.read_at(header_size, 24)
    if len(data) < 24 or data[:16] != _ASF_DATA:
        return truncated("asf", "asf", "its header ends before any audio")
    data_size = int.from_bytes(data[16:24], "little")
    if broadcast:
        return _examine_broadcast(reader, properties, header_size + _ASF_DATA_HEADER_BYTES)
    if data_size <= 50:
        return unfinalised("asf", "asf", "the size of its audio is given as 0")
    return compare("asf", "asf", min(header_size + data_size, 1 << 62), reader.size_bytes)


def _examine_broadcast(reader: Reader, properties: bytes, start: int) -> Extent:
    """Written to a network or a pipe: the number of packets is not known, but all of them have one length."""
    shortest, longest = struct.unpack("<II", properties[92:100].ljust(8, b"\0"))
    if not shortest or shortest != longest or start >= reader.size_bytes:
        return unstated("asf", "asf") if start < reader.size_bytes else truncated("asf", "asf", "it has no audio yet")
    behind = (reader.size_bytes - start) % shortest
    tail = reader.read_at(reader.size_bytes - behind, behind)
    if tail.startswith(_ASF_END_OF_STREAM) and behind == _ASF_END_OF_STREAM_BYTES:
        return Extent(container="asf", demuxer="asf", completeness=WHOLE, declared_bytes=reader.size_bytes)
    if behind:
        return truncated("asf", "asf", "it ends inside a packet", reader.size_bytes - behind + shortest)
    return unstated("asf", "asf")


def _asf_object(reader: Reader, position: int, end: int, name: bytes) -> bytes:
    for _ in range(1_000):
        if position + 24 > end:
            break
        header = reader.read_at(position, 24)
        size = int.from_bytes(header[16:24], "little")
        if len(header) < 24 or size < 24:
            break
        if header[:16] == name:
            return reader.read_at(position, min(size, 104))
        position += size
    return b""


def examine_amr(reader: Reader) -> Extent:
    """AMR and AMR-WB in their own file: no length is stated, but a frame that is cut off shows."""
    wide = reader.read_at(0, 9) == b"#!AMR-WB\n"
    sizes = _AMR_WIDE_FRAME_BYTES if wide else _AMR_FRAME_BYTES
    position = 9 if wide else 6
    if position >= reader.size_bytes:
        return unfinalised("amr", "amr", "it has a header and no audio")
    if reader.size_bytes > _AMR_WALKED_BYTES:
        return unstated("amr", "amr")
    audio = reader.read_at(0, reader.size_bytes)
    while position < len(audio):
        size = sizes[audio[position] >> 3 & 0xF]
        if not size:
            return unstated("amr", "amr")
        position += size
    if position > len(audio):
        return truncated("amr", "amr", "its last frame is cut off", position)
    return unstated("amr", "amr")


def is_gsm(head: bytes) -> bool:
    """Whether frames of GSM 6.10 (33 bytes, each beginning with 0xD) follow each other; 15 in a row are no chance."""
    return len(head) >= _GSM_FRAME_BYTES * 15 and all(byte >> 4 == 0xD for byte in head[::_GSM_FRAME_BYTES])


def examine_gsm(reader: Reader) -> Extent:
    """Raw GSM 6.10 as Asterisk writes it: no header, no length, but whole frames only."""
    lacking = -reader.size_bytes % _GSM_FRAME_BYTES
    if lacking:
        return truncated("gsm", "gsm", "its last frame is cut off", reader.size_bytes + lacking)
    return unstated("gsm", "gsm")
