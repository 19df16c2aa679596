"""Which container a recording is, by its content, and whether it is all there: the first look, before FFmpeg's.

Only kinds in this table ever reach FFmpeg, each with its own demuxer: playlists, which make FFmpeg open other files
and addresses, have no entry.
"""

from __future__ import annotations

from typing import Final

from gong_bridge.media.extent import Extent, Reader, truncated, unfinalised, unstated
from gong_bridge.media.flac import examine_flac
from gong_bridge.media.id3 import id3v2_length
from gong_bridge.media.isobmff import examine_isobmff, is_isobmff
from gong_bridge.media.matroska import examine_matroska
from gong_bridge.media.mpeg_audio import examine_adts, examine_mp3, find_mp3, is_adts
from gong_bridge.media.not_media import refuse
from gong_bridge.media.ogg import examine_ogg
from gong_bridge.media.older_containers import (
    ASF_HEADER,
    examine_aiff,
    examine_amr,
    examine_asf,
    examine_au,
    examine_caf,
    examine_gsm,
    is_gsm,
)
from gong_bridge.media.riff import examine_riff, examine_wave64, is_wave64

_BY_FIRST_FOUR: Final = {
    b"RIFF": examine_riff,
    b"RIFX": examine_riff,
    b"RF64": examine_riff,
    b"BW64": examine_riff,
    b"fLaC": examine_flac,
    b"OggS": examine_ogg,
    b"\x1a\x45\xdf\xa3": examine_matroska,
    b".snd": examine_au,
    b"caff": examine_caf,
}
_TRANSPORT_PACKET_BYTES: Final = 188

LEAST_BYTES: Final = 1024
"""With less than this, an unknown file may be the beginning of anything: it is waited for like a recording."""


def examine(reader: Reader) -> Extent:
    """What the container declares against what is present; raises NoRecording for anything that is none."""
    if reader.size_bytes == 0:
        return unfinalised("", "", "it is empty")
    head = reader.read_at(0, 64)
    if len(head) < 4:
        return truncated("", "", "it has only begun")
    if (known := _BY_FIRST_FOUR.get(head[:4])) is not None:
        return known(reader)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC", b""):
        return examine_aiff(reader)
    if is_wave64(head):
        return examine_wave64(reader)
    if head[:16] == ASF_HEADER:
        return examine_asf(reader)
    if head.startswith((b"#!AMR\n", b"#!AMR-WB\n")):
        return examine_amr(reader)
    if is_isobmff(head):
        return examine_isobmff(reader, head)
    return _examine_without_name(reader)


def _examine_without_name(reader: Reader) -> Extent:
    """MP3, AAC, MPEG transport streams and raw GSM have no name in front: their frames are looked for."""
    tag_bytes = id3v2_length(reader, 0)
    if tag_bytes >= reader.size_bytes:
        return truncated("mp3", "mp3", "it ends inside its tag", tag_bytes)
    if tag_bytes and reader.read_at(tag_bytes, 4) == b"fLaC":
        return examine_flac(reader)
    if is_adts(reader):
        return examine_adts(reader)
    opening = reader.read_at(0, 33 * 60)
    if is_gsm(opening):
        return examine_gsm(reader)
    if len(opening) > 4 * _TRANSPORT_PACKET_BYTES and all(
        opening[number * _TRANSPORT_PACKET_BYTES] == 0x47 for number in range(5)
    ):
        missing = -reader.size_bytes % _TRANSPORT_PACKET_BYTES
        if missing:
            return truncated("mpegts", "mpegts", "it ends inside a packet", reader.size_bytes + missing)
        return unstated("mpegts", "mpegts")
    start = find_mp3(reader)
    if start is not None:
        return examine_mp3(reader, start)
    refusal = refuse(reader)
    if reader.size_bytes < LEAST_BYTES and not refusal.certain:
        return truncated("", "", "it has only begun")
    raise refusal
