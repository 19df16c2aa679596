"""Opens recordings with PyAV and decodes a few short windows of them; runs only in the isolated child."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from gong_bridge.media.extent import UNSTATED, Extent
from gong_bridge.media.levels import Levels, measure
from gong_bridge.media.served_file import ServedFile

WINDOW_SECONDS: Final = 1.0
WINDOW_ROUNDS: Final = (8, 24, 96)
"""Windows looked at; the next round is used only while a channel is still silent."""
PACKETS_PER_WINDOW: Final = 2_000
MOST_CHANNELS: Final = 64
MOST_STREAMS: Final = 64
LOWEST_RATE_HZ: Final = 1_000
WINDOWS_BEFORE_SILENT: Final = 600
THOROUGH_BYTES: Final = 32 * 2**20
"""Up to this size a last round of WINDOWS_BEFORE_SILENT is looked at before a recording is called silent."""
COUNTABLE_BYTES: Final = 256 * 2**20
"""Up to this size a recording that does not say how long it lasts is walked through packet by packet."""
COUNTED_BYTES: Final = 8 * 2**20
"""Up to this size one whose length FFmpeg could only guess from its bit rate is walked through as well."""

MOST_DAMAGED_PACKETS: Final = 100
"""With more of them a recording is not written anew."""

_UNSURE_SECONDS: Final = 30 * 24 * 3600.0
_PROBE_BYTES: Final = dict.fromkeys(("wav", "w64", "au", "aiff", "caf", "gsm", "amr"), "4096") | dict.fromkeys(
    ("mp3", "flac", "ogg", "matroska"), "65536"
)
"""What FFmpeg may read to learn about the streams; where the header says it all, little makes opening much faster."""

_BETTER_DECODERS: Final = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
_GUESSED: Final = frozenset({"aac", "amr", "mp3"})
_BYTE_SEEK: Final = frozenset({"aac", "mpegts"})


class Unreadable(Exception):
    """The media cannot be used; the message says why, for people."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What FFmpeg says of the first audio stream, and how loud its channels are."""

    codec: str
    channels: int
    sample_rate_hz: int
    duration_seconds: float | None
    has_video: bool
    levels: Levels


def open_media(file: ServedFile, demuxer: str) -> InputContainer:
    """The recording opened by exactly this demuxer; raises av.FFmpegError.

    Three locks against media that make FFmpeg open something else: the demuxer is fixed, no protocol is allowed, and
    every attempt to open another name is refused.
    """
    return av.open(
        file,
        mode="r",
        format=demuxer,
        container_options={
            "format_whitelist": demuxer,
            "protocol_whitelist": "none",
            "probesize": _PROBE_BYTES.get(demuxer, "1048576"),
            "fflags": "+fastseek",
            "max_streams": str(MOST_STREAMS),
        },
        metadata_errors="replace",
        io_open=_refuse_to_open,
    )


def _refuse_to_open(*_arguments: Any) -> Any:
    raise PermissionError("a recording may not open other files")


def first_audio(container: InputContainer) -> AudioStream:
    """The first audio stream, set to decode on this thread only; raises Unreadable when there is none."""
    if not container.streams.audio:
        raise Unreadable("there is no audio in this file; check what the recorder stores under this name")
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        raise Unreadable(
            "its audio is of a codec that is not known here, or lies in another file; check what the recorder writes"
        )
    stream.codec_context.thread_count = 1
    return stream


def decoder_of(stream: AudioStream) -> AudioCodecContext:
    """The decoder to use: FFmpeg's own for AMR knows no pauses (DTX), which phones make all the time."""
    name = _BETTER_DECODERS.get(stream.codec_context.name)
    if name is None or name not in av.codecs_available:
        return stream.codec_context
    decoder = av.CodecContext.create(name, "r")
    if not isinstance(decoder, AudioCodecContext):
        return stream.codec_context
    decoder.sample_rate = stream.codec_context.sample_rate
    decoder.layout = stream.codec_context.layout.name
    return decoder


def look(file: ServedFile, extent: Extent, *, silence_dbfs: float, audible: bool = True) -> Facts:
    """Facts and levels of the first audio stream.

    `audible`: also decode windows; without it levels are empty. Raises Unreadable and av.FFmpegError.
    """
    with open_media(file, extent.demuxer) as container:
        stream = first_audio(container)
        context = stream.codec_context
        if not 0 < context.channels <= MOST_CHANNELS or not LOWEST_RATE_HZ <= context.sample_rate <= 1_000_000:
            raise Unreadable("its header gives no usable number of channels or sample rate")
        duration = _duration_seconds(container, stream, extent, file.size_bytes)
        levels = Levels(level_dbfs=(), peak_dbfs=())
        if audible:
            levels = _levels(container, stream, extent, duration, file.size_bytes, silence_dbfs)
        return Facts(
            codec=context.name if context.codec is None else context.codec.canonical_name,
            channels=context.channels,
            sample_rate_hz=context.sample_rate,
            duration_seconds=None if duration is None else round(duration, 3),
            has_video=any(not _is_cover(stream) for stream in container.streams.video),
            levels=levels,
        )


def _is_cover(stream: Any) -> bool:
    return "attached_pic" in {flag.name for flag in stream.disposition}


def _duration_seconds(container: InputContainer, stream: AudioStream, extent: Extent, size_bytes: int) -> float | None:
    stated: float | None = None
    if stream.duration and stream.time_base:
        stated = float(stream.duration * stream.time_base)
    elif container.duration:
        stated = container.duration / av.time_base
    guessed = extent.completeness == UNSTATED and extent.demuxer in _GUESSED
    if stated is not None and 0 < stated < _UNSURE_SECONDS and not (guessed and size_bytes <= COUNTED_BYTES):
        return stated
    if size_bytes > COUNTABLE_BYTES:
        return None
    return _count_seconds(container, stream)


def _count_seconds(container: InputContainer, stream: AudioStream) -> float | None:
    """Walk all packets without decoding; for recordings that do not say how long they last."""
    first: float | None = None
    last = 0.0
    for packet in container.demux(stream):
        if packet.pts is None or packet.time_base is None:
            continue
        start = float(packet.pts * packet.time_base)
        first = start if first is None else first
        last = max(last, start + float((packet.duration or 0) * packet.time_base))
    container.seek(0)
    return None if first is None or last <= first else last - first


def _levels(
    container: InputContainer,
    stream: AudioStream,
    extent: Extent,
    duration: float | None,
    size_bytes: int,
    silence_dbfs: float,
) -> Levels:
    windows: list[bytes] = []
    tried: set[int] = set()
    levels = Levels(level_dbfs=(), peak_dbfs=())
    channels = stream.codec_context.channels
    for count in (*WINDOW_ROUNDS, WINDOWS_BEFORE_SILENT):
        if count == WINDOWS_BEFORE_SILENT and (size_bytes > THOROUGH_BYTES or max(levels.peak_dbfs) >= silence_dbfs):
            break
        for position in _positions(duration, count):
            key = int(position * 4)
            if key in tried:
                continue
            tried.add(key)
            windows.append(_window(container, stream, extent.demuxer, position, duration, size_bytes))
        if not any(windows):
            break
        levels = measure(windows, channels=channels, sample_rate_hz=stream.codec_context.sample_rate)
        if min(levels.peak_dbfs) >= silence_dbfs:
            break
    if not any(windows):
        raise Unreadable("none of its audio can be decoded; it is damaged, fetch it anew from the recorder")
    return levels


def _positions(duration: float | None, count: int) -> Iterator[float]:
    if duration is None:
        yield 0.0
        return
    last = max(duration - WINDOW_SECONDS, 0.0)
    count = min(count, int(last / WINDOW_SECONDS) + 2)
    for number in range(count):
        yield last * number / max(count - 1, 1)


def _window(
    container: InputContainer,
    stream: AudioStream,
    demuxer: str,
    position: float,
    duration: float | None,
    size_bytes: int,
) -> bytes:
    """About one second of samples (interleaved s16) from `position` on; empty when nothing there can be decoded."""
    rate = stream.codec_context.sample_rate
    wanted = int(rate * WINDOW_SECONDS) * stream.codec_context.channels * 2
    resampler = AudioResampler(format="s16", layout=stream.codec_context.layout, rate=rate)
    pieces: list[bytes] = []
    collected = 0
    try:
        _seek(container, stream, demuxer, position, duration, size_bytes)
        decoder = decoder_of(stream)
        for number, packet in enumerate(container.demux(stream)):
            for piece in _samples(decoder, packet, resampler):
                pieces.append(piece)
                collected += len(piece)
            if collected >= wanted or number >= PACKETS_PER_WINDOW:
                break
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
    return b"".join(pieces)[:wanted]


def _seek(
    container: InputContainer,
    stream: AudioStream,
    demuxer: str,
    position: float,
    duration: float | None,
    size_bytes: int,
) -> None:
    if position <= 0.0 or stream.time_base is None:
        container.seek(0)
    elif demuxer in _BYTE_SEEK and duration:
        container.seek(int(size_bytes * position / duration), unsupported_byte_offset=True, stream=stream)
    else:
        container.seek(int(position / stream.time_base) + (stream.start_time or 0), stream=stream)


def every_frame(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """All decoded frames of a recording that is to be written anew; a damaged packet gives none.

    Raises Unreadable when too many are damaged.
    """
    decoder = decoder_of(stream)
    damaged = 0
    for packet in container.demux(stream):
        try:
            frames = decoder.decode(packet)
        except av.error.InvalidDataError:
            damaged += 1
            if damaged > MOST_DAMAGED_PACKETS:
                raise Unreadable("too much of its audio is damaged to convert it; fetch it anew") from None
            continue
        yield from frames


def _samples(decoder: AudioCodecContext, packet: av.Packet[AudioStream], resampler: AudioResampler) -> Iterator[bytes]:
    """Decoded samples of one packet; one that is damaged gives none."""
    try:
        frames = decoder.decode(packet)
    except av.error.InvalidDataError:
        return
    for frame in frames:
        for even in resampler.resample(frame):
            yield bytes(even.planes[0])[: even.samples * len(even.layout.channels) * 2]
