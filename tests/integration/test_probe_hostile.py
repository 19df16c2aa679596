"""Recordings made to do harm end in an answer or in BadMedia, and open nothing else."""

from __future__ import annotations

import contextlib
import io
import os
import random
import struct
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia
from gong_bridge.media.probe import MediaProbe
from gong_bridge.media.rules import Conversion
from gong_bridge.model import MediaInfo
from tests import made_recordings as made
from tests.made_recordings import record
from tests.proofs.hostile_files import MAKINGS, hostile_file
from tests.proofs.watched_probe import MEMORY_LIMIT_BYTES, probe_all

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


def test_R7_one_of_each_kind_of_hostile_file_ends_in_an_answer_or_is_held():
    """Bombs, loops, lies about sizes, streams without number; `make prove` looks into five thousand."""
    told = probe_all(hostile_file(number, 20260901) for number in range(len(MAKINGS)))
    assert told.crashes == []
    assert told.left_behind == []
    assert told.outcomes["held: refused"] >= 10
    assert told.largest_address_space <= MEMORY_LIMIT_BYTES


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
