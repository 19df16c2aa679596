"""Where a recording that does not state its length may be cut without a trace: worked out by FFmpeg, not by us."""

from __future__ import annotations

import io

import av

from tests.made_recordings import Kind

_MATROSKA_LEVELS = (b"\x1f\x43\xb6\x75", b"\x1c\x53\xbb\x6b", b"\x12\x54\xc3\x67")  # clusters, cues, tags
TRANSPORT_PACKET_BYTES = 188
ASF_PACKET_BYTES = 3200  # FFmpeg's


def silent_cuts(kind: Kind, data: bytes) -> set[int]:
    """The byte counts at which no reader can see that more was to come."""
    if kind.container in ("au", "caf"):  # PCM up to the end of the file
        return set(range(25, len(data)))
    if kind.container == "mpegts":
        return set(range(TRANSPORT_PACKET_BYTES, len(data), TRANSPORT_PACKET_BYTES))
    if kind.container in ("mkv", "webm"):
        return {place for level in _MATROSKA_LEVELS for place in places(data, level)}
    if kind.container == "mp4":  # fragments: before each of them, and before the index behind the last
        return {place - 4 for name in (b"moof", b"mfra", b"sidx") for place in places(data, name)}
    if kind.container == "asf":
        return set(range(int.from_bytes(data[16:24], "little") + 50, len(data), ASF_PACKET_BYTES))
    return packet_ends(data)


def places(data: bytes, wanted: bytes) -> list[int]:
    """Every position of `wanted` in `data`."""
    found, place = [], data.find(wanted)
    while place >= 0:
        found.append(place)
        place = data.find(wanted, place + 1)
    return found


def packet_ends(data: bytes) -> set[int]:
    """Where packets end, as FFmpeg reads them."""
    with av.open(io.BytesIO(data)) as container:
        return {
            packet.pos + packet.size
            for packet in container.demux(audio=0)
            if packet.pos is not None and packet.pos >= 0 and packet.size
        }
