"""The probe with real child processes: it measures, it converts, and nothing hostile gets past it or through it."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import stat
import struct
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, NoRoom, RetryLater, SourceChanged, SourceUnavailable
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


# --- what it measures ------------------------------------------------------------------------------------------------


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


# --- conversion ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "conversion", "codec"),
    [
        (made.OGG_OPUS, TO_MKV, "opus"),
        (made.WEBM, TO_MKV, "opus"),
        (made.AAC, TO_MKV, "aac"),
        (made.AMR, TO_FLAC, "flac"),
        (made.WMA, TO_FLAC, "flac"),
        (made.AU, TO_FLAC, "flac"),
        (made.AIFF, TO_FLAC, "flac"),
        (made.CAF, TO_FLAC, "flac"),
        (made.WAV_ADPCM, TO_FLAC, "flac"),
    ],
    ids=str,
)
def test_a_conversion_is_whole_and_as_long_as_its_source(
    probe: MediaProbe, tmp_path: Path, kind: Kind, conversion: Conversion, codec: str
):
    data, target = record(kind), tmp_path / "converted"
    info = probe.convert(io.BytesIO(data), len(data), conversion, target)
    assert (info.container, info.codec, info.channels) == (conversion.container, codec, kind.channels)
    assert info.completeness is Completeness.WHOLE
    assert info.duration_seconds == pytest.approx(6.0, abs=0.15)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_flac_made_from_pcm_holds_the_same_samples(probe: MediaProbe, tmp_path: Path):
    import av

    data, target = record(made.AIFF), tmp_path / "x.flac"
    probe.convert(io.BytesIO(data), len(data), TO_FLAC, target)
    with av.open(str(target)) as container:
        samples = b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in container.decode(audio=0))
    assert samples == speech(6.0, 8000, 1)


def test_a_conversion_stays_within_the_disk_budget(tmp_path: Path):
    tight = MediaProbe(MediaOptions(conversion_disk=40_000))
    data, target = record(made.AIFF), tmp_path / "x.flac"
    with pytest.raises(BadMedia, match=r"needs more than media\.conversion_disk"):
        tight.convert(io.BytesIO(data), len(data), TO_FLAC, target)
    assert list(tmp_path.iterdir()) == []
    tight.close()


def test_a_conversion_waits_while_others_take_the_budget(tmp_path: Path):
    shared = MediaProbe(MediaOptions(conversion_disk=100_000))
    data, first = record(made.AIFF), tmp_path / "first.flac"
    shared.convert(io.BytesIO(data), len(data), TO_FLAC, first)
    with pytest.raises(NoRoom, match="waits its turn"):
        shared.convert(io.BytesIO(data), len(data), TO_FLAC, tmp_path / "second.flac")
    first.unlink()
    assert shared.convert(io.BytesIO(data), len(data), TO_FLAC, tmp_path / "second.flac").container == "flac"
    shared.close()


def test_a_conversion_never_follows_a_link_that_lies_in_its_place(probe: MediaProbe, tmp_path: Path):
    victim, target = tmp_path / "victim", tmp_path / "x.flac"
    victim.write_text("untouched")
    target.symlink_to(victim)
    data = record(made.AIFF)
    probe.convert(io.BytesIO(data), len(data), TO_FLAC, target)
    assert victim.read_text() == "untouched"
    assert not target.is_symlink()


def test_a_conversion_that_takes_too_long_is_stopped_and_leaves_nothing(tmp_path: Path):
    hasty = MediaProbe(MediaOptions(conversion_time_limit=0.01))
    data = record(made.OGG_OPUS)
    with pytest.raises(BadMedia, match=r"media\.conversion_time_limit \(0\.01 s\)"):
        hasty.convert(io.BytesIO(data), len(data), TO_MKV, tmp_path / "x.mkv")
    assert list(tmp_path.iterdir()) == []
    hasty.close()


# --- what goes wrong -------------------------------------------------------------------------------------------------


class Disturbed(io.BytesIO):
    """A recording during whose reading something happens; `disturb` is told how many reads there were."""

    def __init__(self, data: bytes, disturb) -> None:
        super().__init__(data)
        self._disturb = disturb
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        self._disturb(self._reads)
        return super().read(size)


def test_a_child_that_is_killed_once_is_replaced_and_the_recording_is_not_blamed():
    fragile = MediaProbe(MediaOptions(), children=1)
    data = record(made.WAV_PCM)

    def kill_first(reads: int) -> None:
        if reads == 1:
            os.kill(fragile.child_pids()[0], signal.SIGKILL)

    info = fragile.inspect(Disturbed(data, kill_first), len(data))
    assert info.completeness is Completeness.WHOLE
    fragile.close()


def test_a_child_that_dies_every_time_is_an_outcome_of_that_recording_alone():
    fragile = MediaProbe(MediaOptions(), children=1)
    data = record(made.WAV_PCM)
    with pytest.raises(BadMedia, match=r"died of it \(signal 9\)"):
        fragile.inspect(Disturbed(data, lambda _: os.kill(fragile.child_pids()[0], signal.SIGKILL)), len(data))
    with pytest.raises(BadMedia, match=r"died of it \(signal 11\)"):
        fragile.inspect(Disturbed(data, lambda _: os.kill(fragile.child_pids()[0], signal.SIGSEGV)), len(data))
    assert inspect(fragile, data).completeness is Completeness.WHOLE
    fragile.close()


def test_a_child_that_hangs_is_stopped_at_the_time_limit():
    hasty = MediaProbe(MediaOptions(time_limit=0.5), children=1)
    data = record(made.WAV_PCM)
    inspect(hasty, data)
    began = time.perf_counter()
    with pytest.raises(BadMedia, match=r"media\.time_limit \(0\.5 s\)"):
        hasty.inspect(Disturbed(data, lambda _: os.kill(hasty.child_pids()[0], signal.SIGSTOP)), len(data))
    assert time.perf_counter() - began < 3
    assert hasty.child_pids() == []
    hasty.close()


def test_a_slow_source_does_not_use_up_the_time_limit():
    hasty = MediaProbe(MediaOptions(time_limit=2), children=1)
    data = record(made.WAV_PCM)
    inspect(hasty, data)
    info = hasty.inspect(Disturbed(data, lambda _: time.sleep(2.5)), len(data))
    assert info.completeness is Completeness.WHOLE
    hasty.close()


def test_an_index_that_needs_more_than_the_memory_limit_is_an_outcome(tmp_path: Path):
    """An MP4 whose table of sample sizes has forty million entries, on disk a hole."""
    entries, data = 40_000_000, bytearray(record(made.MP4))
    table = data.find(b"stsz") - 4
    table_size, counted = struct.unpack_from(">I", data, table)[0], struct.unpack_from(">I", data, table + 16)[0]
    added = 4 * (entries - counted)
    struct.pack_into(">I", data, table + 16, entries)
    for box in (b"stsz", b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        place = data.rfind(box, 0, table + 8) - 4
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + added)
    path = tmp_path / "index.mp4"
    with path.open("wb") as file:
        file.write(data[: table + table_size])
        file.seek(added, io.SEEK_CUR)
        file.write(data[table + table_size :])
    small = MediaProbe(MediaOptions(memory_limit=160 * 2**20), children=1)
    with path.open("rb") as file, pytest.raises(BadMedia, match=r"more memory than media\.memory_limit"):
        small.inspect(file, path.stat().st_size)
    assert inspect(small, record(made.WAV_PCM)).completeness is Completeness.WHOLE
    assert status_kib(small.child_pids()[0], "VmPeak") <= 160 * 1024
    small.close()


def test_errors_of_the_source_pass_through_unchanged(probe: MediaProbe):
    def unplug(reads: int) -> None:
        raise SourceUnavailable("the folder is not mounted")

    data = record(made.WAV_PCM)
    with pytest.raises(SourceUnavailable, match="not mounted"):
        probe.inspect(Disturbed(data, unplug), len(data))
    with pytest.raises(SourceChanged, match="became shorter"):
        probe.inspect(io.BytesIO(data[:-10]), len(data))
    assert inspect(probe, data).completeness is Completeness.WHOLE


def test_bytes_beyond_the_size_that_was_announced_are_not_looked_at(probe: MediaProbe):
    data = record(made.WAV_PCM)
    info = probe.inspect(io.BytesIO(data + b"growing"), len(data))
    assert info.present_bytes == len(data)


def test_closing_ends_every_child_and_blames_no_recording():
    closing = MediaProbe(MediaOptions(), children=1)
    data = record(made.WAV_PCM)
    inspect(closing, data)
    pids = closing.child_pids()
    with pytest.raises(RetryLater, match="stopping"):
        closing.inspect(Disturbed(data, lambda _: closing.close()), len(data))
    with pytest.raises(RetryLater, match="stopping"):
        inspect(closing, data)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_many_threads_share_two_children(probe: MediaProbe):
    data = record(made.WAV_PCM)
    found: list[str] = []

    def look() -> None:
        found.extend(inspect(probe, data).fingerprint for _ in range(20))

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120
    assert len(set(found)) == 1
    assert len(probe.child_pids()) <= 4


# --- confinement -----------------------------------------------------------------------------------------------------


def test_the_child_has_no_environment_no_core_files_and_its_own_session(probe: MediaProbe, monkeypatch):
    monkeypatch.setenv("GONG_ACCESS_KEY_SECRET", "not-for-children")
    fresh = MediaProbe(MediaOptions(), children=1)
    inspect(fresh, record(made.WAV_PCM))
    pid = fresh.child_pids()[0]
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    limits = Path(f"/proc/{pid}/limits").read_text()
    session = os.getsid(pid)
    fresh.close()
    assert b"GONG" not in environment
    assert session == pid
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max file size")] == [
        ["0", "unlimited"]
    ]
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file")] == [["0", "0"]]
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max address space")] == [
        [str(768 * 2**20)] * 2
    ]


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path):
    import subprocess
    import sys

    program = (
        "import io,sys,time\n"
        "from gong_bridge.media.probe import MediaProbe\n"
        "from gong_bridge.config.schema import MediaOptions\n"
        "probe = MediaProbe(MediaOptions()); data = open(sys.argv[1], 'rb').read()\n"
        "probe.inspect(io.BytesIO(data), len(data)); print(probe.child_pids()[0], flush=True); time.sleep(60)\n"
    )
    path = tmp_path / "x.wav"
    path.write_bytes(record(made.WAV_PCM))
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, cwd=root)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z (zombie)" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


# --- hostile files ---------------------------------------------------------------------------------------------------


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """An HTTP server that nobody may ask for anything."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}/a.wav\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{url}/a.wav'\nfile '{secret}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na=control:{url}/a.wav\n",
        "<?xml version='1.0'?><MPD><Period><BaseURL>{url}/a.wav</BaseURL></Period></MPD>",
        "[playlist]\nFile1={url}/a.wav\nNumberOfEntries=1\n",
    ],
)
def test_a_playlist_named_wav_opens_nothing(probe: MediaProbe, canary, tmp_path: Path, playlist: str):
    url, asked = canary
    secret = tmp_path / "secret.wav"
    os.mkfifo(secret)  # whoever opens it hangs, and would be caught by the time limit
    text = playlist.format(url=url, secret=secret).encode()
    with pytest.raises(BadMedia, match="no audio in this file"):
        inspect(probe, text)
    assert asked == []


def test_a_mov_that_refers_to_another_file_opens_nothing(probe: MediaProbe, canary):
    url, asked = canary
    data = record(made.MOV)
    reference = b"url \0\0\0\x01"
    assert reference in data
    address = f"{url}/other.mov".encode() + b"\0"
    hostile = data.replace(b"\0\0\0\x0c" + reference, struct.pack(">I", 12 + len(address)) + b"url \0\0\0\0" + address)
    with contextlib.suppress(BadMedia):
        inspect(probe, hostile)
    assert asked == []


def test_a_zip_bomb_named_wav_is_not_unpacked(probe: MediaProbe):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.wav", bytes(50 * 2**20))
    with pytest.raises(BadMedia, match="ZIP archive; unpack it first"):
        inspect(probe, packed.getvalue())


def test_three_hundred_damaged_recordings_end_in_an_answer_or_in_bad_media():
    chance = random.Random(20260901)
    sturdy = MediaProbe(MediaOptions(time_limit=20))
    outcomes = {"answer": 0, "held": 0}
    kinds = [kind for kind in made.EVERY_KIND if kind is not made.MP3_44K]
    for number in range(300):
        data = bytearray(record(kinds[number % len(kinds)], 1.7))
        reach = min(len(data), 200 if number % 2 else len(data))
        for _ in range(chance.choice((1, 3, 10, 40))):
            data[chance.randrange(reach)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        if number % 5 == 0:
            del data[chance.randrange(4, len(data)) :]
        try:
            sturdy.inspect(io.BytesIO(bytes(data)), len(data))
            outcomes["answer"] += 1
        except BadMedia:
            outcomes["held"] += 1
    peaks = [status_kib(pid, "VmHWM") for pid in sturdy.child_pids()]
    sturdy.close()
    assert outcomes["answer"] + outcomes["held"] == 300
    assert outcomes["answer"] > 100
    assert max(peaks) < 200 * 1024


def test_damaged_recordings_are_converted_or_held_and_leave_nothing_behind(tmp_path: Path):
    chance = random.Random(7)
    sturdy = MediaProbe(MediaOptions(conversion_time_limit=20))
    for number in range(40):
        kind, conversion = [(made.OGG_OPUS, TO_MKV), (made.AMR, TO_FLAC), (made.WMA, TO_FLAC), (made.AU, TO_FLAC)][
            number % 4
        ]
        data = bytearray(record(kind, 1.7))
        for _ in range(20):
            data[chance.randrange(len(data))] = chance.randrange(256)
        target = tmp_path / f"{number}"
        try:
            sturdy.convert(io.BytesIO(bytes(data)), len(data), conversion, target)
            target.unlink()
        except BadMedia:
            assert not target.exists()
    sturdy.close()
