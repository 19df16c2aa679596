"""Makes one recording of several files, streaming; runs only in the isolated child."""

from __future__ import annotations

import contextlib
import os
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import av
from av.audio.resampler import AudioResampler
from av.container import OutputContainer

from gong_bridge.media.convert import Converted
from gong_bridge.media.decode import every_frame, first_audio, open_media
from gong_bridge.media.extent import Extent
from gong_bridge.media.served_file import ServedFile

BLOCK_SAMPLES: Final = 8_192
"""So much of each file is in memory at once, besides what its decoder holds."""
SMALLEST_HOLE_SECONDS: Final = 0.1
LONGEST_HOLE_SECONDS: Final = 3600.0
"""A file may leave out silence and say so by its time stamps; a larger leap is a broken time stamp."""
_LAYOUTS: Final = {1: "mono", 2: "stereo"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Track:
    """One of the files, and where it begins in the result."""

    file: ServedFile
    extent: Extent
    begins_seconds: float


def assemble(tracks: Sequence[Track], *, how: str, channels: int, rate: int, target: str) -> Converted:
    """Write `target` (FLAC, created for its owner only, must not exist yet).

    "merge": two tracks become the left and the right channel; "join": the tracks follow one another. Raises
    Unreadable, av.FFmpegError, OSError.
    """
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    blocks = _side_by_side(tracks, rate) if how == "merge" else _one_by_one(tracks, channels, rate)
    with os.fdopen(descriptor, "w+b") as output:
        with av.open(output, mode="w", format="flac", container_options={"protocol_whitelist": "none"}) as sink:
            samples = _encode(blocks, sink, channels, rate)
        output.flush()
        os.fsync(output.fileno())
    return Converted(seconds=samples / rate, channels=channels)


def _encode(blocks: Iterator[bytes], sink: OutputContainer, channels: int, rate: int) -> int:
    """Encode interleaved 16-bit samples; how many there were on each channel."""
    stream = sink.add_stream("flac", rate=rate)
    stream.layout = _LAYOUTS[channels]
    stream.format = "s16"
    total = 0
    for block in blocks:
        samples = len(block) // (2 * channels)
        frame = av.AudioFrame(format="s16", layout=_LAYOUTS[channels], samples=samples)
        plane = frame.planes[0]
        plane.update(block.ljust(plane.buffer_size, b"\0"))
        frame.sample_rate = rate
        sink.mux(stream.encode(frame))
        total += samples
    with contextlib.suppress(av.error.EOFError):
        sink.mux(stream.encode(None))
    return total


def _side_by_side(tracks: Sequence[Track], rate: int) -> Iterator[bytes]:
    """The shorter side is silent to the end of the longer one."""
    sides = [_Blocks(_from_its_beginning(track, 1, rate)) for track in tracks]
    while any(pair := [side.next() for side in sides]):
        length = max(map(len, pair))
        both = array("h", bytes(2 * length))
        for channel, block in enumerate(pair):
            both[channel::2] = array("h", block.ljust(length, b"\0"))
        yield both.tobytes()


def _one_by_one(tracks: Sequence[Track], channels: int, rate: int) -> Iterator[bytes]:
    width = 2 * channels
    made = 0
    for track in tracks:
        for block in _silence(round(track.begins_seconds * rate) - made, width):
            made += len(block) // width
            yield block
        for block in _decoded(track, channels, rate):
            made += len(block) // width
            yield block


def _from_its_beginning(track: Track, channels: int, rate: int) -> Iterator[bytes]:
    yield from _silence(round(track.begins_seconds * rate), 2 * channels)
    yield from _decoded(track, channels, rate)


def _silence(samples: int, width: int) -> Iterator[bytes]:
    while samples > 0:
        step = min(samples, BLOCK_SAMPLES)
        yield bytes(step * width)
        samples -= step


class _Blocks:
    """Cuts a stream of samples of any length into blocks of one length; the last one is shorter, then empty."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._waiting = bytearray()

    def next(self) -> bytes:
        wanted = 2 * BLOCK_SAMPLES
        while len(self._waiting) < wanted and (piece := next(self._pieces, None)) is not None:
            self._waiting += piece
        block = bytes(self._waiting[:wanted])
        del self._waiting[:wanted]
        return block


def _decoded(track: Track, channels: int, rate: int) -> Iterator[bytes]:
    """Interleaved 16-bit samples at `rate`, with silence where the file leaves time out."""
    width, made = 2 * channels, 0
    with open_media(track.file, track.extent.demuxer) as container:
        stream = first_audio(container)
        resampler = AudioResampler(format="s16", layout=_LAYOUTS[channels], rate=rate)
        first: float | None = None
        for frame in every_frame(container, stream):
            if frame.time is not None:
                first = frame.time if first is None else first
                hole = frame.time - first - made / rate
                if SMALLEST_HOLE_SECONDS < hole < LONGEST_HOLE_SECONDS:
                    for block in _silence(round(hole * rate), width):
                        made += len(block) // width
                        yield block
            frame.pts = None
            for even in resampler.resample(frame):
                made += even.samples
                yield bytes(even.planes[0])[: even.samples * width]
        for even in resampler.resample(None):
            yield bytes(even.planes[0])[: even.samples * width]
