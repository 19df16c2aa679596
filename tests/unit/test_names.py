"""Which names are recordings, and how names become keys."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gong_bridge.sources.names import NameRules, key_from_bytes, key_to_bytes

PATH_BYTES = st.binary(max_size=60).map(lambda data: data.replace(b"\0", b"0"))


@given(PATH_BYTES)
@example(b"caf\xe9.wav")
@example("\uf780\uf7ff.wav".encode())
@example(b"\xed\xa0\x80")  # a surrogate written as UTF-8 is no UTF-8
def test_every_name_on_disk_comes_back_from_its_key(path: bytes) -> None:
    key = key_from_bytes(path)
    assert key_to_bytes(key) == path
    key.encode("utf-8", "strict")  # any database takes it


@given(PATH_BYTES, PATH_BYTES)
@example("\uf7e9".encode(), b"\xe9")
@example(b"\xef\x9f\xa9", b"\xe9")
def test_two_names_never_share_a_key(one: bytes, other: bytes) -> None:
    assert (key_from_bytes(one) == key_from_bytes(other)) == (one == other)


def test_bytes_that_are_no_utf8_become_private_characters() -> None:
    assert key_from_bytes(b"Andr\xe9/\xff.wav") == "Andr\uf7e9/\uf7ff.wav"
    assert key_from_bytes("André.wav".encode()) == "André.wav"


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("**/*", "a.wav", True),
        ("**/*", "2026/11/05/a.wav", True),
        ("**/*.wav", "a.wav", True),
        ("**/*.wav", "2026/a.wav", True),
        ("**/*.wav", "2026/a.mp3", False),
        ("*.wav", "2026/a.wav", True),
        ("/*.wav", "2026/a.wav", False),
        ("/*.wav", "a.wav", True),
        ("2026/*.wav", "2026/a.wav", True),
        ("2026/*.wav", "2026/11/a.wav", False),
        ("2026/**/*.wav", "2026/a.wav", True),
        ("2026/**/*.wav", "2026/11/05/a.wav", True),
        ("2026/**/*.wav", "2025/2026/a.wav", False),
        ("calls/", "calls/2026/a.wav", True),
        ("calls/", "calls.wav", False),
        ("calls/**", "calls/2026/a.wav", True),
        ("in-????-*.wav", "in-5550-x.wav", True),
        ("in-????-*.wav", "in-55/0-x.wav", False),
        ("[io]*.wav", "out.wav", True),
        ("[!io]*.wav", "out.wav", False),
        ("[!io]*.wav", "x.wav", True),
        ("[0-9]*.wav", "7.wav", True),
        ("[z-a].wav", "[z-a].wav", True),
        ("a[.wav", "a[.wav", True),
        ("a[].wav", "a[].wav", True),
        ("a[!].wav", "a[!].wav", True),
        ("(a|b)+.wav", "(a|b)+.wav", True),
        ("(a|b)+.wav", "aab.wav", False),
        ("**/*.wav", "new\nline.wav", True),
        ("**/*.wav", "OUT-0001.WAV", True),
        ("**/*.WAV", "a.wav", True),
        ("Köln/*.wav", "Ko\u0308ln/a.wav", True),
    ],
)
def test_a_pattern_takes_what_it_says(pattern: str, key: str, taken: bool) -> None:
    assert NameRules([pattern]).takes(key) is taken


@pytest.mark.parametrize("exclude", ["archive/", "archive", "archive/**", "/archive", "ARCHIVE/"])
def test_an_excluded_folder_is_neither_taken_nor_entered(exclude: str) -> None:
    names = NameRules(["**/*.wav"], [exclude])
    assert not names.takes("archive/2026/a.wav")
    assert not names.enters("archive")
    assert names.takes("a.wav")
    assert names.enters("2026")


def test_excluding_some_files_of_a_folder_does_not_close_the_folder() -> None:
    names = NameRules(["**/*"], ["calls/*.mp3"])
    assert names.enters("calls")
    assert names.takes("calls/a.wav")
    assert not names.takes("calls/a.mp3")


TEMPORARY = [
    "a.wav.part",
    "a.wav.partial",
    "a.wav.filepart",
    "a.wav.tmp",
    "a.wav.crdownload",
    "a.wav.PART",
    "~a.wav",
    ".a.wav",
    ".hidden/a.wav",
    "@eaDir/a.wav",
    "2026/@eaDir/a.wav",
    ".stfolder/a.wav",
    "upload.tmp/a.wav",
]


@pytest.mark.parametrize("key", TEMPORARY)
def test_R8_temporary_names_are_ignored_by_default(key: str) -> None:
    assert not NameRules(["**/*"]).takes(key)


@pytest.mark.parametrize("folder", [".stfolder", "@eaDir", "2026/.snapshots", "upload.part"])
def test_R8_folders_of_temporary_files_are_not_entered(folder: str) -> None:
    assert not NameRules(["**/*"]).enters(folder)


@pytest.mark.parametrize(
    ("include", "key"),
    [("*.tmp", "a.tmp"), (".spool/**", ".spool/a.wav"), ("~*.wav", "~a.wav"), ("@eaDir/*", "@eaDir/a.wav")],
)
def test_R8_a_temporary_name_that_include_spells_out_is_taken(include: str, key: str) -> None:
    assert NameRules([include]).takes(key)


def test_two_dots_in_an_object_key_are_no_dot_file() -> None:
    assert NameRules(["**/*"]).takes("a/../b.wav")


def test_the_folder_that_delivered_recordings_are_moved_to_is_left_alone() -> None:
    names = NameRules(["**/*"], apart="done")
    assert not names.takes("done/a.wav")
    assert not names.enters("done")
    assert not names.enters("done/2026")
    assert names.takes("done.wav")
    assert names.enters("done2")
