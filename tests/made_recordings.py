"""Recordings made on the spot for tests: speech-like sound in every container and codec that PyAV can write."""

from __future__ import annotations

import io
import math
import random
import struct
from array import array
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
from av.audio.resampler import AudioResampler


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One way of writing a recording. `container` is the bridge's word for it."""

    container: str
    muxer: str
    encoder: str
    codec: str
    rate_hz: int = 8000
    channels: int = 1
    options: tuple[tuple[str, str], ...] = ()
    seekable: bool = True

    def __str__(self) -> str:
        streamed = "" if self.seekable else "-streamed"
        return f"{self.container}-{self.codec}-{self.channels}ch{streamed}" + "".join(v for _, v in self.options)

    def cuts(self, data: bytes, *, seed: int = 1) -> list[int]:
        """Twenty byte counts to cut `data` at: in its headers, around its audio's borders, anywhere, and at its end."""
        chance = random.Random(seed)
        size = len(data)
        names = (b"data", b"mdat", b"moov", b"SSND", b"idx1", b"pakt", b"\x1f\x43\xb6\x75", b"moof", b"mfra", b"OggS")
        borders = {place + step for name in names if (place := data.rfind(name)) > 0 for step in (0, 3, 9)}
        wanted = [size - 1, size - 2, size - 9, 5, 12, 41, *sorted(borders)[-6:]]
        places = [place for place in dict.fromkeys(wanted) if 0 < place < size]
        while len(places) < 20:
            place = chance.choice((chance.randrange(1, min(size, 700)), chance.randrange(1, size)))
            if place not in places:
                places.append(place)
        return sorted(places[:20])


def speech(seconds: float, rate_hz: int, channels: int, seed: int = 1) -> bytes:
    """Interleaved s16 samples that come and go like talk: two tones with noise, a different pitch on each channel."""
    voices = [_voice(seconds, 180 + 90 * channel, seed) for channel in range(channels)]
    samples = array("h")
    for number in range(int(seconds * rate_hz)):
        place = min(number * 8000 // rate_hz, len(voices[0]) - 1)
        samples.extend([voice[place] for voice in voices])
    return samples.tobytes()


@cache
def _voice(seconds: float, pitch_hz: int, seed: int) -> array[int]:
    noise = random.Random(seed)
    samples = array("h")
    for number in range(int(seconds * 8000) + 1):
        moment = number / 8000
        tone = math.sin(moment * 2 * math.pi * pitch_hz) + 0.3 * math.sin(moment * 7000)
        samples.append(int(6000 * abs(math.sin(moment * 2.1)) * tone + noise.uniform(-300, 300)))
    return samples


class _Unseekable(io.RawIOBase):
    """What a pipe is to a writer: it cannot go back to fill in sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


@cache
def record(kind: Kind, seconds: float = 6.0, seed: int = 1) -> bytes:
    """The whole file."""
    seekable = io.BytesIO()
    piped = _Unseekable()
    with av.open(
        seekable if kind.seekable else piped,
        "w",
        format=kind.muxer,
        container_options=dict(kind.options),
        io_open=lambda *_: io.BytesIO(seekable.getvalue()),  # faststart reads again what it wrote
    ) as out:
        stream = out.add_stream(kind.encoder, rate=kind.rate_hz)
        stream.layout = "stereo" if kind.channels == 2 else "mono"
        stream.bit_rate = 64000
        wanted = stream.codec_context.format.name if stream.codec_context.format else "s16"
        resampler = AudioResampler(format=wanted, layout=stream.layout, rate=kind.rate_hz)
        data = speech(seconds, kind.rate_hz, kind.channels, seed)
        step = 1600 * kind.channels * 2
        for start in range(0, len(data), step):
            piece = data[start : start + step]
            frame = av.AudioFrame(format="s16", layout=stream.layout.name, samples=len(piece) // 2 // kind.channels)
            frame.planes[0].update(piece.ljust(frame.planes[0].buffer_size, b"\0"))
            frame.sample_rate = kind.rate_hz
            frame.time_base = Fraction(1, kind.rate_hz)
            frame.pts = start // 2 // kind.channels
            for even in resampler.resample(frame):
                out.mux(stream.encode(even))
        out.mux(stream.encode(None))
    return seekable.getvalue() if kind.seekable else bytes(piped.data)


WAV_PCM = Kind(container="wav", muxer="wav", encoder="pcm_s16le", codec="pcm_s16le")
WAV_PCM_STEREO = Kind(container="wav", muxer="wav", encoder="pcm_s16le", codec="pcm_s16le", channels=2)
WAV_MULAW = Kind(container="wav", muxer="wav", encoder="pcm_mulaw", codec="pcm_mulaw", channels=2)
WAV_ALAW = Kind(container="wav", muxer="wav", encoder="pcm_alaw", codec="pcm_alaw")
WAV_ADPCM = Kind(container="wav", muxer="wav", encoder="adpcm_ms", codec="adpcm_ms")
RF64 = Kind(container="rf64", muxer="wav", encoder="pcm_s16le", codec="pcm_s16le", options=(("rf64", "always"),))
W64 = Kind(container="w64", muxer="w64", encoder="pcm_s16le", codec="pcm_s16le")
MP3 = Kind(container="mp3", muxer="mp3", encoder="libmp3lame", codec="mp3")
MP3_44K = Kind(container="mp3", muxer="mp3", encoder="libmp3lame", codec="mp3", rate_hz=44100, channels=2)
MP3_BARE = Kind(
    container="mp3",
    muxer="mp3",
    encoder="libmp3lame",
    codec="mp3",
    options=(("write_xing", "0"), ("id3v2_version", "0")),
)
FLAC = Kind(container="flac", muxer="flac", encoder="flac", codec="flac")
FLAC_STEREO = Kind(container="flac", muxer="flac", encoder="flac", codec="flac", rate_hz=16000, channels=2)
FLAC_STREAMED = Kind(container="flac", muxer="flac", encoder="flac", codec="flac", seekable=False)
MP4 = Kind(container="mp4", muxer="mp4", encoder="aac", codec="aac", rate_hz=16000)
MP4_FAST = Kind(
    container="mp4", muxer="mp4", encoder="aac", codec="aac", rate_hz=16000, options=(("movflags", "faststart"),)
)
MP4_FRAGMENTS = Kind(
    container="mp4",
    muxer="mp4",
    encoder="aac",
    codec="aac",
    rate_hz=16000,
    options=(("movflags", "frag_keyframe+empty_moov"), ("frag_duration", "1000000")),
)
MOV = Kind(container="mov", muxer="mov", encoder="pcm_s16le", codec="pcm_s16le")
MKV = Kind(container="mkv", muxer="matroska", encoder="libopus", codec="opus", rate_hz=48000)
WEBM = Kind(container="webm", muxer="webm", encoder="libopus", codec="opus", rate_hz=48000)
WEBM_LIVE = Kind(
    container="webm", muxer="webm", encoder="libopus", codec="opus", rate_hz=48000, options=(("live", "1"),)
)
OGG_OPUS = Kind(container="ogg", muxer="ogg", encoder="libopus", codec="opus", rate_hz=48000, channels=2)
OGG_FLAC = Kind(container="ogg", muxer="ogg", encoder="flac", codec="flac")
AU = Kind(container="au", muxer="au", encoder="pcm_mulaw", codec="pcm_mulaw")
AIFF = Kind(container="aiff", muxer="aiff", encoder="pcm_s16be", codec="pcm_s16be")
CAF = Kind(container="caf", muxer="caf", encoder="pcm_s16le", codec="pcm_s16le")
WMA = Kind(container="asf", muxer="asf", encoder="wmav2", codec="wmav2", rate_hz=16000)
AVI = Kind(container="avi", muxer="avi", encoder="pcm_s16le", codec="pcm_s16le")
AMR = Kind(container="amr", muxer="amr", encoder="libopencore_amrnb", codec="amr_nb")
AAC = Kind(container="aac", muxer="adts", encoder="aac", codec="aac", rate_hz=16000)
MPEGTS = Kind(container="mpegts", muxer="mpegts", encoder="aac", codec="aac", rate_hz=16000)

STATING_THEIR_LENGTH = (
    WAV_PCM, WAV_PCM_STEREO, WAV_MULAW, WAV_ALAW, WAV_ADPCM, RF64, W64, MP3, MP3_44K, FLAC, FLAC_STEREO, MP4, MP4_FAST,
    MOV, MKV, WEBM, OGG_OPUS, OGG_FLAC, AU, AIFF, CAF, WMA, AVI,
)  # fmt: skip
NOT_STATING_IT = (MP3_BARE, FLAC_STREAMED, MP4_FRAGMENTS, WEBM_LIVE, AMR, AAC, MPEGTS)
EVERY_KIND = STATING_THEIR_LENGTH + NOT_STATING_IT


RARER_STATING_THEIR_LENGTH = (
    Kind(container="wav", muxer="wav", encoder="pcm_u8", codec="pcm_u8"),
    Kind(container="wav", muxer="wav", encoder="pcm_s24le", codec="pcm_s24le"),
    Kind(container="wav", muxer="wav", encoder="pcm_f32le", codec="pcm_f32le"),
    Kind(container="wav", muxer="wav", encoder="adpcm_ima_wav", codec="adpcm_ima_wav"),
    Kind(container="wav", muxer="wav", encoder="libmp3lame", codec="mp3"),
    Kind(container="mp3", muxer="mp3", encoder="libmp3lame", codec="mp3", options=(("write_id3v1", "1"),)),
    Kind(container="mp4", muxer="ipod", encoder="alac", codec="alac"),
    Kind(container="mp4", muxer="mp4", encoder="libmp3lame", codec="mp3", rate_hz=16000),
    Kind(container="3gp", muxer="3gp", encoder="libopencore_amrnb", codec="amr_nb"),
    Kind(container="3gp", muxer="3gp", encoder="aac", codec="aac", rate_hz=16000),
    Kind(container="mkv", muxer="matroska", encoder="flac", codec="flac"),
    Kind(container="mkv", muxer="matroska", encoder="pcm_s16le", codec="pcm_s16le"),
    Kind(container="mkv", muxer="matroska", encoder="libmp3lame", codec="mp3", rate_hz=16000),
    Kind(container="caf", muxer="caf", encoder="alac", codec="alac"),
    Kind(container="avi", muxer="avi", encoder="libmp3lame", codec="mp3", rate_hz=16000),
    Kind(container="aiff", muxer="aiff", encoder="pcm_s24be", codec="pcm_s24be"),
    Kind(container="w64", muxer="w64", encoder="pcm_mulaw", codec="pcm_mulaw"),
)
"""Further kinds that Gong takes or that are converted; for the tests of completeness, which cost little."""
RARER_NOT_STATING_IT = (
    Kind(container="mp2", muxer="mp2", encoder="mp2", codec="mp2", rate_hz=16000),
    Kind(container="mp3", muxer="mp3", encoder="libmp3lame", codec="mp3", seekable=False),
    Kind(container="mkv", muxer="matroska", encoder="libopus", codec="opus", rate_hz=48000, seekable=False),
    Kind(container="webm", muxer="webm", encoder="libopus", codec="opus", rate_hz=48000, seekable=False),
    Kind(container="au", muxer="au", encoder="pcm_s16be", codec="pcm_s16be", seekable=False),
    Kind(container="caf", muxer="caf", encoder="pcm_s16le", codec="pcm_s16le", seekable=False),
    Kind(container="asf", muxer="asf", encoder="wmav2", codec="wmav2", rate_hz=16000, seekable=False),
    Kind(container="mpegts", muxer="mpegts", encoder="libmp3lame", codec="mp3", rate_hz=16000),
    Kind(
        container="mp4",
        muxer="mp4",
        encoder="aac",
        codec="aac",
        rate_hz=16000,
        options=(("movflags", "frag_keyframe+empty_moov+dash"), ("frag_duration", "1000000")),
    ),
)


def wav(data: bytes, *, riff_size: int | None = None, data_size: int | None = None, before: bytes = b"") -> bytes:
    """A mono 8 kHz 16-bit WAV with the sizes that the test wants to see in its header."""
    fmt = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
    body = fmt + before + b"data" + struct.pack("<I", len(data) if data_size is None else data_size) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4 if riff_size is None else riff_size) + b"WAVE" + body


class Bytes:
    """A Reader over bytes in memory; counts what is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size_bytes = len(data)
        self.reads = 0

    def read_at(self, offset: int, count: int) -> bytes:
        self.reads += 1
        return self._data[offset : offset + count]
