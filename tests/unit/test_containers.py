"""What a container says about its own length: whole files are never called incomplete, halves never whole."""

from __future__ import annotations

import contextlib
import random
import struct
import time

import pytest

from gong_bridge.media import extent
from gong_bridge.media.containers import examine
from gong_bridge.media.extent import NoRecording
from gong_bridge.model import Completeness
from tests import made_recordings as made
from tests.made_recordings import Bytes, Kind, record, wav

INCOMPLETE = ("truncated", "unfinalised")
SAMPLES = made.speech(2.0, 8000, 1)


def completeness_of(data: bytes) -> str:
    return examine(Bytes(data)).completeness


def test_the_child_and_the_model_use_the_same_words():
    assert {extent.WHOLE, extent.UNSTATED, extent.TRUNCATED, extent.UNFINALISED} == set(Completeness)


@pytest.mark.parametrize("kind", made.EVERY_KIND, ids=str)
def test_R7_a_whole_recording_is_never_called_incomplete(kind: Kind):
    for seconds, seed in ((6.0, 1), (1.7, 1), (0.4, 1)):
        found = examine(Bytes(record(kind, seconds, seed)))
        assert (found.container, found.completeness in INCOMPLETE) == (kind.container, False), (seconds, found.clue)


@pytest.mark.parametrize("kind", made.STATING_THEIR_LENGTH, ids=str)
def test_R7_a_recording_that_states_its_length_is_whole_only_when_all_of_it_is_there(kind: Kind):
    data = record(kind)
    assert completeness_of(data) == "whole"
    places = {len(data) * part // 24 for part in range(1, 24)} | {len(data) - missing for missing in (1, 7, 500, 1024)}
    called_whole = {cut: found for cut in places if (found := completeness_of(data[:cut])) not in INCOMPLETE}
    assert called_whole == {}


@pytest.mark.parametrize("kind", made.NOT_STATING_IT, ids=str)
def test_R7_a_cut_recording_that_states_no_length_is_never_called_whole(kind: Kind):
    data = record(kind)
    for cut in range(2000, len(data) - 1, 997):
        assert completeness_of(data[:cut]) in (*INCOMPLETE, "unstated"), cut


@pytest.mark.parametrize("kind", made.STATING_THEIR_LENGTH, ids=str)
@pytest.mark.parametrize("cut", [1, 3, 5, 8, 12, 40])
def test_R7_a_recording_that_has_only_begun_is_waited_for(kind: Kind, cut: int):
    assert completeness_of(record(kind)[:cut]) in INCOMPLETE


@pytest.mark.parametrize("kind", [made.WAV_PCM, made.MP3, made.FLAC, made.MP4, made.OGG_OPUS, made.AU], ids=str)
@pytest.mark.parametrize("garbage", [b"\0" * 700, b"TAG" + b"x" * 125, b"left over from a bigger file " * 40])
def test_R7_something_behind_a_whole_recording_is_tolerated(kind: Kind, garbage: bytes):
    assert completeness_of(record(kind) + garbage) == "whole"


def test_R7_every_tenth_byte_count_of_a_small_flac_is_judged_rightly():
    data = record(made.FLAC, 0.8)
    assert {completeness_of(data[:cut]) for cut in range(90, len(data), 10)} == {"truncated"}
    assert completeness_of(data) == "whole"


@pytest.mark.parametrize("seed", range(25))
def test_R7_whole_flac_files_of_many_shapes_are_whole_and_not_whole_without_their_last_kilobyte(seed: int):
    data = record(made.FLAC_STEREO, 0.5 + seed * 0.11, seed)
    assert completeness_of(data) == "whole"
    assert completeness_of(data + bytes(range(256))) == "whole"
    assert completeness_of(data[:-1024]) == "truncated"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(wav(SAMPLES, riff_size=0, data_size=0), id="sizes 0 and audio behind, as Asterisk writes at open"),
        pytest.param(wav(SAMPLES, riff_size=36, data_size=0), id="an empty header and audio behind"),
        pytest.param(wav(SAMPLES, riff_size=0xFFFFFFFF, data_size=0xFFFFFFFF), id="sizes of a pipe"),
        pytest.param(wav(SAMPLES, riff_size=0x7FFFF024, data_size=0x7FFFF000), id="sizes that sox gives a pipe"),
        pytest.param(wav(b"", riff_size=36, data_size=0), id="a header of 44 bytes only"),
        pytest.param(wav(SAMPLES, data_size=0), id="a data size of 0 under a right RIFF size"),
        pytest.param(wav(b"", riff_size=0, data_size=0), id="a header of 44 bytes only, all sizes 0"),
        pytest.param(
            wav(SAMPLES)[:36].replace(struct.pack("<I", 36 + len(SAMPLES)), b"\0\0\0\0"), id="no data chunk yet"
        ),
        pytest.param(record(made.MP4)[:36] + b"\0\0\0\0mdat" + bytes(5000), id="an MP4 whose index was never written"),
        pytest.param(b"", id="an empty file"),
    ],
)
def test_R7_a_header_that_was_never_finalised_is_told_from_a_cut(data: bytes):
    assert completeness_of(data) == "unfinalised"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(wav(SAMPLES, riff_size=0), id="only the RIFF size is missing"),
        pytest.param(wav(SAMPLES, riff_size=44 + len(SAMPLES)), id="the RIFF size counts its own header"),
        pytest.param(wav(SAMPLES, before=b"LIST\x03\0\0\0abc\0"), id="an odd chunk with its pad byte"),
        pytest.param(wav(SAMPLES + b"x"), id="an odd number of audio bytes without pad"),
        pytest.param(wav(SAMPLES) + b"LIST\x04\0\0\0abcd", id="a chunk behind the declared end"),
        pytest.param(wav(SAMPLES).replace(b"RIFF", b"RIFF"), id="plain"),
    ],
)
def test_R7_wav_headers_of_real_recorders_are_whole(data: bytes):
    assert completeness_of(data) == "whole"


def test_R7_a_wav_says_how_many_bytes_it_should_have():
    found = examine(Bytes(wav(SAMPLES)[: 44 + 1000]))
    assert (found.completeness, found.declared_bytes) == ("truncated", 44 + len(SAMPLES))
    assert found.clue == f"it declares {44 + len(SAMPLES)} bytes and has 1044"


def test_a_wav_without_audio_that_is_properly_closed_is_no_unfinished_one():
    closed = wav(b"", data_size=0, riff_size=48) + b"LIST\x04\0\0\0abcd"
    assert completeness_of(closed) == "whole"


def test_ten_thousand_chunks_are_walked_in_no_time():
    data = wav(SAMPLES, before=b"junk\x02\0\0\0ab" * 10_000)
    began = time.thread_time()
    assert completeness_of(data) == "whole"
    assert time.thread_time() - began < 1.0


@pytest.mark.parametrize(
    "endless",
    [
        pytest.param(b"RIFF\xff\xff\xff\x7fWAVE" + b"junk\0\0\0\0" * 400_000, id="chunks without content"),
        pytest.param(b"\0\0\0\x18ftypisom" + bytes(12) + b"\0\0\0\x08free" * 400_000, id="boxes without content"),
        pytest.param(b"\x1aE\xdf\xa3\x84\x42\x82\x81w" + b"\xec\x80" * 400_000, id="void elements"),
        pytest.param(b"ID3\x04\0\0\0\0\0\0" * 100_000, id="tags in tags"),
        pytest.param(b"\xff\xfb\x90\x00" * 200_000, id="MP3 headers everywhere"),
        pytest.param(b"fLaC\x00\0\0\x22" + bytes(34) + b"\x01\0\0\0" * 300_000, id="metadata blocks"),
        pytest.param(b"fLaC\x80\0\0\x22" + bytes(34) + b"\xff\xf8" * 300_000, id="frame beginnings"),
        pytest.param(b"OggS" * 300_000, id="page beginnings"),
    ],
)
def test_hostile_repetition_costs_a_bounded_time(endless: bytes):
    reader = Bytes(endless)
    began = time.thread_time()
    with contextlib.suppress(NoRecording):
        examine(reader)
    assert time.thread_time() - began < 2.0
    assert reader.reads < 150_000


@pytest.mark.parametrize("kind", [made.WAV_PCM, made.MKV, made.WMA, made.CAF, made.W64, made.AIFF], ids=str)
def test_sizes_that_no_disk_holds_are_only_numbers(kind: Kind):
    data = bytearray(record(kind))
    for start in range(4, min(len(data), 400), 4):
        hostile = bytes(data[:start]) + b"\xff" * 8 + bytes(data[start + 8 :])
        try:
            found = examine(Bytes(hostile))
        except NoRecording:
            continue
        assert found.declared_bytes is None or found.declared_bytes < 1 << 63


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04" + bytes(2000), "ZIP archive"),
        (b"%PDF-1.7\n" + bytes(2000), "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2000), "picture"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:5\nfile:///etc/hostname\n", "playlist"),
        (b"ffconcat version 1.0\nfile '/etc/hostname'\n", "playlist"),
        (b"date;from;to\n2026-09-01;201;+15550100\n" * 30, "text"),
        (bytes(5000), "zeros"),
        (random.Random(7).randbytes(5000), "is it encrypted"),
    ],
)
def test_what_is_no_recording_is_named(data: bytes, words: str):
    with pytest.raises(NoRecording, match=words):
        examine(Bytes(data))


@pytest.mark.parametrize(
    ("encode", "words"),
    [("ulaw", r"mu-law \(\.ulaw\)"), ("alaw", r"A-law \(\.alaw\)"), ("pcm", r"16-bit PCM \(\.sln, \.raw\)")],
)
def test_audio_without_a_header_is_named_with_the_cure(encode: str, words: str):
    raw = {
        "pcm": made.speech(5, 8000, 1),
        "ulaw": record(made.AU, 5.0)[32:],
        "alaw": record(made.WAV_ALAW, 5.0)[92:],
    }[encode]
    with pytest.raises(NoRecording, match=words + r" without a header.*let the recorder write \.wav"):
        examine(Bytes(raw))


def test_R7_an_mp3_without_a_length_is_cut_when_it_ends_inside_a_frame():
    data = record(made.MP3_BARE)
    found = examine(Bytes(data[:3000]))
    assert (found.completeness, found.declared_bytes) == ("truncated", 3456)  # frames of 576 bytes
    assert completeness_of(data[:3456]) == "unstated"
    assert completeness_of(data + b"TAG" + bytes(125)) == "unstated"


@pytest.mark.parametrize("kind", [made.AAC, made.MPEGTS], ids=str)
def test_R7_frames_and_packets_without_a_length_are_cut_when_the_last_one_is_not_all_there(kind: Kind):
    data = record(kind)
    assert completeness_of(data) == "unstated"
    assert completeness_of(data[: len(data) // 2 | 1]) == "truncated"
    assert completeness_of(data[:-3]) == "truncated"


def test_R7_raw_gsm_is_cut_when_it_ends_inside_a_frame():
    frames = (b"\xd4" + bytes(range(32))) * 100
    assert completeness_of(frames) == "unstated"
    assert completeness_of(frames[:-10]) == "truncated"


def test_raw_gsm_is_known_by_its_frames():
    assert examine(Bytes((b"\xd4" + bytes(range(32))) * 100)).container == "gsm"
