"""Which container a recording is, by its content, and whether it is all there: the first look, before FFmpeg's.

Only kinds in this table ever reach FFmpeg, each with its own demuxer: playlists, which make FFmpeg open other files
and addresses, have no entry.
"""

from __future__ import annotations

from gong_bridge.media.extent import Extent, NoRecording, Reader
from gong_bridge.media.riff import examine_riff, examine_wave64, is_wave64


def examine(reader: Reader) -> Extent:
    """What the container declares against what is present; raises NoRecording for anything that is none."""
    head = reader.read_at(0, 64)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return examine_riff(reader)
    if is_wave64(head):
        return examine_wave64(reader)
    raise NoRecording("no kind of recording")
