"""Converts a recording into a container that Gong takes, streaming; runs only in the isolated child."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, Final, cast

import av
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from gong_bridge.media.decode import every_frame, first_audio, open_media
from gong_bridge.media.extent import Extent
from gong_bridge.media.served_file import ServedFile

_MUXERS: Final = {"mkv": "matroska", "flac": "flac"}
_DEEP_FORMATS: Final = frozenset({"s32", "s32p", "flt", "fltp", "dbl", "dblp", "s64", "s64p"})
_LOSSY_WITH_FLOATS: Final = frozenset({"aac", "mp3", "opus", "vorbis", "wmav1", "wmav2", "wmapro", "amr_nb", "amr_wb"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Converted:
    """What was read: seconds of audio and channels, to be compared with what the result says of itself."""

    seconds: float
    channels: int


def convert(file: ServedFile, extent: Extent, *, container: str, codec: str, target: str) -> Converted:
    """Write `target` (created for its owner only, must not exist yet); raises Unreadable, av.FFmpegError, OSError."""
    descriptor = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w+b") as output, open_media(file, extent.demuxer) as source:
        stream = first_audio(source)
        with _open_target(output, container) as sink:
            if codec == "copy":
                seconds = _copy(source, stream, sink)
            else:
                seconds = _encode(source, stream, sink, codec)
        output.flush()
        os.fsync(output.fileno())
        return Converted(seconds=seconds, channels=stream.codec_context.channels)


def _open_target(output: BinaryIO, container: str) -> OutputContainer:
    return av.open(output, mode="w", format=_MUXERS[container], container_options={"protocol_whitelist": "none"})


def _copy(source: InputContainer, stream: AudioStream, sink: OutputContainer) -> float:
    """Move the packets as they are: every sample stays what it was."""
    copied = sink.add_stream_from_template(stream)
    seconds = _Span()
    first: int | None = None
    for packet in source.demux(stream):
        if packet.dts is None or packet.is_corrupt:
            continue
        seconds.add(packet)
        first = max(packet.dts, 0) if first is None else first
        packet.dts -= first  # a transport stream begins anywhere; the result would be longer by that
        packet.pts = None if packet.pts is None else packet.pts - first
        packet.stream = copied
        sink.mux(packet)
    return seconds.length


class _Span:
    """From the first packet's beginning to the last packet's end, in seconds."""

    def __init__(self) -> None:
        self._first: Fraction | None = None
        self._last = Fraction(0)

    def add(self, packet: Any) -> None:
        if packet.pts is None or packet.time_base is None:
            return
        start = packet.pts * packet.time_base
        self._first = start if self._first is None else self._first
        self._last = max(self._last, start + (packet.duration or 0) * packet.time_base)

    @property
    def length(self) -> float:
        return float(self._last - self._first) if self._first is not None else 0.0


def _encode(source: InputContainer, stream: AudioStream, sink: OutputContainer, codec: str) -> float:
    """Decode and encode again without loss: 24 bits where the source has more than 16, else 16."""
    context = stream.codec_context
    deep = context.format.name in _DEEP_FORMATS and stream.codec_context.name not in _LOSSY_WITH_FLOATS
    target = cast(AudioStream, sink.add_stream(codec, rate=context.sample_rate))
    target.layout = context.layout.name
    target.format = "s32" if deep else "s16"
    resampler = AudioResampler(format=target.format, layout=context.layout.name, rate=context.sample_rate)
    samples = 0
    for frame in every_frame(source, stream):
        for even in resampler.resample(frame):
            samples += even.samples
            even.pts = None
            sink.mux(target.encode(even))
    with contextlib.suppress(av.error.EOFError):
        sink.mux(target.encode(None))
    return samples / context.sample_rate
