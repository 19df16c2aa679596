"""The probe with real child processes measures every kind of recording, quickly and in little memory."""

from __future__ import annotations

import io
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge.config.schema import MediaOptions
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Conversion
from gong_bridge.model import Completeness, MediaInfo
from tests import made_recordings as made
from tests.made_recordings import Kind, record, speech, wav

TO_FLAC = Conversion(container="flac", codec="flac")
TO_MKV = Conversion(container="mkv", codec="copy")


@pytest.fixture(scope="module")
def probe() -> Iterator[MediaProbe]:
    probe = MediaProbe(MediaOptions())
    yield probe
    probe.close()


def inspect(probe: MediaProbe, data: bytes) -> MediaInfo:
    return probe.inspect(io.BytesIO(data), len(data))


def status_kib(pid: int, word: str) -> int:
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{word}:")[1].split()[0])


@pytest.mark.parametrize("kind", made.EVERY_KIND, ids=str)
def test_every_kind_of_recording_is_measured(probe: MediaProbe, kind: Kind):
    info = inspect(probe, record(kind))
    assert (info.container, info.codec, info.channels, info.sample_rate_hz) == (
        kind.container,
        kind.codec,
        kind.channels,
        kind.rate_hz,
    )
    assert info.duration_seconds == pytest.approx(6.0, abs=0.2)  # encoders add silence of their own
    assert [round(level, -1) for level in info.level_dbfs] == [-20.0] * kind.channels
    assert all(-15 < peak <= -8 for peak in info.peak_dbfs)
    assert not info.has_video


def test_the_levels_of_both_channels_are_told_apart(probe: MediaProbe):
    left = speech(3, 8000, 1)
    interleaved = b"".join(left[at : at + 2] + b"\0\0" for at in range(0, len(left), 2))
    stereo = wav(interleaved).replace(
        struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16), struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
    )
    info = inspect(probe, stereo)
    assert info.level_dbfs[0] == pytest.approx(-20, abs=2)
    assert (info.level_dbfs[1], info.peak_dbfs[1]) == (-120.0, -120.0)


def test_one_spoken_second_in_five_silent_minutes_is_heard(probe: MediaProbe):
    quiet = bytes(16000 * 201) + speech(1, 8000, 1) + bytes(16000 * 98)
    assert inspect(probe, wav(quiet)).peak_dbfs[0] > -30
    assert inspect(probe, wav(bytes(len(quiet)))).peak_dbfs == (-120.0,)


def test_gsm_in_a_wav_as_asterisk_writes_it_is_measured_and_becomes_flac(probe: MediaProbe, tmp_path: Path):
    blocks = random.Random(3).randbytes(65 * 250)
    fmt = struct.pack("<4sIHHIIHHHH", b"fmt ", 20, 0x31, 1, 8000, 1625, 65, 0, 2, 320)
    body = (
        b"WAVE" + fmt + struct.pack("<4sII", b"fact", 4, 320 * 250) + struct.pack("<4sI", b"data", len(blocks)) + blocks
    )
    wav49 = b"RIFF" + struct.pack("<I", len(body)) + body
    info = inspect(probe, wav49)
    assert (info.container, info.codec, info.duration_seconds) == ("wav", "gsm_ms", 10.0)
    converted = probe.convert(io.BytesIO(wav49), len(wav49), TO_FLAC, tmp_path / "x.flac")
    assert (converted.container, converted.duration_seconds) == ("flac", 10.0)


def test_the_fingerprint_follows_the_content(probe: MediaProbe):
    data = record(made.WAV_PCM)
    changed = data[:50_000] + bytes([data[50_000] ^ 1]) + data[50_001:]
    prints = [inspect(probe, each).fingerprint for each in (data, bytes(data), changed)]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]
    assert len(prints[0]) == 40


@pytest.mark.parametrize("kind", [made.WAV_PCM, made.WAV_MULAW, made.MP3, made.FLAC, made.MP4], ids=str)
def test_R7_half_of_a_recording_is_a_finding_and_no_error(probe: MediaProbe, kind: Kind):
    data = record(kind)
    assert inspect(probe, data[: len(data) // 2]).completeness in (Completeness.TRUNCATED, Completeness.UNFINALISED)


def test_R7_an_empty_file_is_a_finding(probe: MediaProbe):
    assert inspect(probe, b"").completeness is Completeness.UNFINALISED


def test_R7_a_recording_of_one_and_a_half_gigabytes_takes_a_second_and_60_mib(probe: MediaProbe, tmp_path: Path):
    size = 1_490_000_000
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(wav(b"", data_size=size, riff_size=size + 36))
        file.write(speech(3, 8000, 1))
        file.truncate(size + 44)
    alone = MediaProbe(MediaOptions(), children=1)
    inspect(alone, record(made.WAV_PCM))
    with path.open("rb") as file:
        began = time.perf_counter()
        info = alone.inspect(file, size + 44)
        took = time.perf_counter() - began
    peak_kib = status_kib(alone.child_pids()[0], "VmHWM")
    alone.close()
    assert (info.completeness, info.duration_seconds) == (Completeness.WHOLE, 93125.0)
    assert took < 1.0
    assert peak_kib < 60 * 1024
