"""What every source promises, run on a real folder and on a real store over HTTP."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.config.schema import BucketSource, FolderSource
from gong_bridge.errors import BadMetadata, ConfigError, SourceChanged, SourceGone, SourceUnavailable
from gong_bridge.model import ObjectFacts, Recording
from gong_bridge.sources.base import Source
from gong_bridge.sources.folder import Folder
from gong_bridge.sources.s3 import Bucket
from tests.notebook import Notebook, eventually, running
from tests.store import CREDENTIALS, moto_server, store_client


class Place(ABC):
    """Where a source looks, as another program would use it."""

    @abstractmethod
    def source(self, **options: Any) -> Source: ...

    @abstractmethod
    def put(self, key: str, data: bytes) -> None: ...

    @abstractmethod
    def get(self, key: str) -> bytes | None: ...

    @abstractmethod
    def remove(self, key: str) -> None: ...

    @abstractmethod
    def go_away(self) -> None: ...


class FolderPlace(Place):
    def __init__(self, root: Path) -> None:
        self.root = root

    def source(self, **options: Any) -> Source:
        settings = {"name": "calls", "folder": self.root, "mapping": "freepbx", "settle": 0.1, "rescan": 0.5}
        return Folder(FolderSource.model_validate({**settings, **options}))

    def put(self, key: str, data: bytes) -> None:
        (self.root / key).parent.mkdir(parents=True, exist_ok=True)
        (self.root / key).write_bytes(data)

    def get(self, key: str) -> bytes | None:
        path = self.root / key
        return path.read_bytes() if path.exists() else None

    def remove(self, key: str) -> None:
        (self.root / key).unlink()

    def go_away(self) -> None:
        self.root.rename(self.root.with_name("elsewhere"))


class BucketPlace(Place):
    numbers = count()

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.client = store_client(endpoint_url)
        self.bucket = f"recordings-{next(self.numbers)}"
        self.client.create_bucket(Bucket=self.bucket)

    def source(self, **options: Any) -> Source:
        settings = {"name": "calls", "bucket": self.bucket, "mapping": "amazon-connect", "rescan": 0.5}
        return Bucket(BucketSource.model_validate({**settings, "endpoint_url": self.endpoint_url, **options}))

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=data)

    def get(self, key: str) -> bytes | None:
        try:
            return bytes(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())
        except self.client.exceptions.NoSuchKey:
            return None

    def remove(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)

    def go_away(self) -> None:
        for found in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", []):
            self.remove(found["Key"])
        self.client.delete_bucket(Bucket=self.bucket)


@pytest.fixture(scope="module")
def endpoint_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, endpoint_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    if request.param == "folder":
        (tmp_path / "root").mkdir()
        yield FolderPlace(tmp_path / "root")
    else:
        bucket_place = BucketPlace(endpoint_url)
        yield bucket_place
        bucket_place.client.close()


def only_candidate(source: Source) -> Recording:
    (recording,) = source.candidates()
    return recording


# --- finding ----------------------------------------------------------------------------------------------------------


def test_a_recording_that_arrives_is_written_down_once(place: Place) -> None:
    notebook = Notebook()
    with running(place.source(), notebook):
        assert eventually(lambda: bool(notebook.health))
        place.put("2026/11/a.wav", b"RIFF1234")
        assert eventually(lambda: bool(notebook.rows))
        scans = len(notebook.health)
        assert eventually(lambda: len(notebook.health) > scans + 1)
    (row,) = notebook.rows
    assert (row.source, row.key, row.size_bytes) == ("calls", "2026/11/a.wav", 8)
    assert row.modified_at.tzinfo is not None
    assert abs(datetime.now(UTC) - row.modified_at) < timedelta(minutes=1)
    assert notebook.health[-1].healthy
    assert notebook.health[-1].source == "calls"


def test_one_pass_finds_everything_and_a_second_nothing_new(place: Place) -> None:
    for number in range(7):
        place.put(f"{number}.wav", b"RIFF")
    notebook = Notebook()
    assert place.source().scan_once(notebook.intake, threading.Event()) == 7
    assert place.source().scan_once(notebook.intake, threading.Event()) == 0
    assert notebook.keys == [f"{number}.wav" for number in range(7)]


def test_include_and_exclude_say_what_is_a_recording(place: Place) -> None:
    for key in ("a.wav", "b.mp3", "c.txt", "archive/d.wav", "2026/e.WAV"):
        place.put(key, b"RIFF")
    source = place.source(include=["**/*.wav", "**/*.mp3"], exclude=["archive/"])
    assert sorted(found.key for found in source.candidates()) == ["2026/e.WAV", "a.wav", "b.mp3"]


def test_R8_temporary_and_empty_ones_are_no_candidates(place: Place) -> None:
    for key in ("a.wav.part", "~b.wav", ".c.wav", "@eaDir/d.wav", "f.wav.crdownload"):
        place.put(key, b"RIFF")
    place.put("empty.wav", b"")
    assert list(place.source().candidates()) == []


@pytest.mark.parametrize("key", ["a+b %2B & 'q' \"d\".wav", "Köln/ü 通话.wav", "-rf.wav", "$(id);`x`.wav", "a\tb.wav"])
def test_a_hostile_name_is_found_read_and_described(place: Place, key: str) -> None:
    place.put(key, b"RIFF" + key.encode())
    source = place.source()
    recording = only_candidate(source)
    assert recording.key == key
    assert source.stat(key) == recording
    with source.open(recording) as file:
        assert file.read() == b"RIFF" + key.encode()


def test_R11_new_content_under_the_same_key_is_another_version(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"RIFF-one")
    first = only_candidate(source)
    time.sleep(0.01)
    place.put("a.wav", b"RIFF-two!")
    second = only_candidate(source)
    assert first.version != second.version
    assert first.key == second.key


def test_stat_of_what_is_not_there_says_gone(place: Place) -> None:
    place.put("a.wav", b"RIFF")
    with pytest.raises(SourceGone):
        place.source().stat("b.wav")


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_recording_is_read_from_any_position(place: Place) -> None:
    data = os.urandom(3_500_000)
    place.put("a.wav", data)
    source = place.source()
    with source.open(only_candidate(source)) as file:
        assert file.seekable()
        assert file.read(12) == data[:12]
        assert file.seek(-100, io.SEEK_END) == len(data) - 100
        assert file.read() == data[-100:]
        assert file.read(1) == b""
        file.seek(1_048_570)
        assert file.read(20) == data[1_048_570:1_048_590]  # across the border of two blocks
        file.seek(5)
        assert file.tell() == 5
        assert file.read(3_000_000) == data[5:3_000_005]


def test_a_recording_read_in_pieces_is_the_same_bytes(place: Place) -> None:
    data = os.urandom(5_000_001)
    place.put("a.wav", data)
    source = place.source()
    digest = hashlib.sha256()
    with source.open(only_candidate(source)) as file:
        while piece := file.read(1 << 20):
            assert len(piece) == 1 << 20 or digest.copy()  # a short piece only at the end, shown by the digest
            digest.update(piece)
    assert digest.hexdigest() == hashlib.sha256(data).hexdigest()


def test_a_recording_that_changed_is_not_opened(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"RIFF-one")
    recording = only_candidate(source)
    time.sleep(0.01)
    place.put("a.wav", b"RIFF-two")
    with pytest.raises(SourceChanged):
        source.open(recording)


def test_a_recording_that_changes_while_it_is_read_is_noticed(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"1" * 6_000_000)
    with source.open(only_candidate(source)) as file:
        assert file.read(1000) == b"1" * 1000
        time.sleep(0.01)
        place.put("a.wav", b"2" * 6_000_000)
        file.seek(3_000_000)
        with pytest.raises(SourceChanged):
            file.read(1000)


def test_a_recording_that_is_gone_is_not_opened(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"RIFF")
    place.put("b.wav", b"RIFF")
    recording = source.stat("a.wav")
    place.remove("a.wav")
    with pytest.raises(SourceGone):
        source.open(recording)


def test_a_source_that_is_away_loses_no_recording(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"RIFF")
    recording = only_candidate(source)
    place.go_away()
    for act in (lambda: source.open(recording), lambda: source.stat("a.wav"), lambda: list(source.candidates())):
        with pytest.raises(SourceUnavailable) as raised:
            act()
        assert raised.value.keeps_attempt
    with pytest.raises(SourceUnavailable):
        source.scan_once(Notebook().intake, threading.Event())


def test_a_source_that_is_away_reports_it_and_goes_on_when_it_is_back(place: Place) -> None:
    place.put("a.wav", b"RIFF")
    notebook = Notebook()
    with running(place.source(), notebook):
        assert eventually(lambda: notebook.keys == ["a.wav"])
        place.go_away()
        assert eventually(lambda: not notebook.health[-1].healthy)
        if isinstance(place, FolderPlace):
            place.root.mkdir()
        else:
            assert isinstance(place, BucketPlace)
            place.client.create_bucket(Bucket=place.bucket)
        place.put("b.wav", b"RIFF")
        assert eventually(lambda: notebook.keys == ["a.wav", "b.wav"])
        assert eventually(lambda: notebook.health[-1].healthy)


def test_a_ledger_that_refuses_for_a_while_loses_nothing(place: Place) -> None:
    from gong_bridge.errors import LedgerReadOnly
    from gong_bridge.sources.base import Intake

    notebook = Notebook()
    refusals = iter(range(2))

    def add(recordings: Any, backlog: bool) -> int:
        if next(refusals, None) is not None:
            raise LedgerReadOnly("the disk is full")
        return notebook.intake.add(recordings, backlog)

    place.put("a.wav", b"RIFF")
    stop = threading.Event()
    intake = Intake(unseen=notebook.intake.unseen, add=add, health=notebook.intake.health)
    thread = threading.Thread(target=place.source().run, args=(intake, stop), daemon=True)
    thread.start()
    try:
        assert eventually(lambda: notebook.keys == ["a.wav"])
    finally:
        stop.set()
        thread.join(10)
    assert "the disk is full" in {health.message for health in notebook.health}


# --- beside -----------------------------------------------------------------------------------------------------------


def test_R9_a_sidecar_is_read_whole_by_its_key(place: Place) -> None:
    place.put("2026/a.json", b'{"from": "x"}')
    sidecar = place.source().read_beside("2026/a.json", 1000)
    assert sidecar is not None
    assert (sidecar.key, sidecar.data) == ("2026/a.json", b'{"from": "x"}')
    assert sidecar.modified_at.tzinfo is not None


def test_R9_a_sidecar_that_is_not_there_is_none(place: Place) -> None:
    place.put("a.wav", b"RIFF")
    assert place.source().read_beside("a.json", 1000) is None
    assert place.source().read_beside("no/such/folder/a.json", 1000) is None


def test_an_empty_sidecar_is_there(place: Place) -> None:
    place.put("a.json", b"")
    sidecar = place.source().read_beside("a.json", 1000)
    assert sidecar is not None
    assert sidecar.data == b""


def test_a_sidecar_larger_than_allowed_is_refused(place: Place) -> None:
    place.put("a.json", b"x" * 1000)
    sidecar = place.source().read_beside("a.json", 1000)
    assert sidecar is not None
    with pytest.raises(BadMetadata, match="larger than 999 bytes"):
        place.source().read_beside("a.json", 999)


def test_an_impossible_sidecar_key_is_refused(place: Place) -> None:
    for key in ("", "a\0.json"):
        with pytest.raises(BadMetadata):
            place.source().read_beside(key, 1000)


def test_a_part_of_a_file_is_read_at_its_place(place: Place) -> None:
    place.put("2026/cdr.csv", b"0123456789")
    source = place.source()
    table = source.stat("2026/cdr.csv")
    assert [source.read_part(table, *part) for part in ((0, 3), (4, 2), (8, 100), (10, 5), (99, 5))] == [
        b"012", b"45", b"89", b"", b"",
    ]  # fmt: skip


def test_a_part_of_a_file_that_changed_is_never_mixed_with_the_old(place: Place) -> None:
    place.put("cdr.csv", b"old rows")
    source = place.source()
    table = source.stat("cdr.csv")
    place.put("cdr.csv", b"other rows and more")
    with pytest.raises(SourceChanged):
        source.read_part(table, 0, 100)


def test_a_recording_without_metadata_has_no_facts(place: Place) -> None:
    place.put("a.wav", b"RIFF")
    source = place.source()
    assert source.describe(only_candidate(source)) == ObjectFacts()


# --- after the delivery -----------------------------------------------------------------------------------------------


def test_R30_leave_touches_nothing(place: Place) -> None:
    place.put("a.wav", b"RIFF")
    source = place.source()
    assert source.settle(only_candidate(source)) == "left"
    assert place.get("a.wav") == b"RIFF"


def test_R30_delete_removes_the_delivered_version_and_may_be_repeated(place: Place) -> None:
    place.put("2026/a.wav", b"RIFF")
    place.put("b.txt", b"other")
    source = place.source(after_upload="delete", include=["**/*.wav"])
    recording = only_candidate(source)
    assert source.settle(recording) == "deleted"
    assert place.get("2026/a.wav") is None
    assert source.settle(recording) == "deleted"  # killed before the ledger knew
    assert place.get("b.txt") == b"other"


@pytest.mark.parametrize("after_upload", ["delete", {"move_to": "done"}])
def test_R30_another_version_than_the_delivered_one_is_not_touched(place: Place, after_upload: Any) -> None:
    place.put("a.wav", b"RIFF-one")
    source = place.source(after_upload=after_upload)
    recording = only_candidate(source)
    time.sleep(0.01)
    place.put("a.wav", b"RIFF-two")
    assert source.settle(recording) == "changed"
    assert place.get("a.wav") == b"RIFF-two"
    assert place.get("done/a.wav") is None


def test_R30_move_keeps_the_path_and_is_not_found_again(place: Place) -> None:
    place.put("2026/11/a.wav", b"RIFF")
    source = place.source(after_upload={"move_to": "done"})
    recording = only_candidate(source)
    assert source.settle(recording) == "moved"
    assert place.get("2026/11/a.wav") is None
    assert place.get("done/2026/11/a.wav") == b"RIFF"
    assert list(source.candidates()) == []
    assert source.settle(recording) == "moved"  # killed before the ledger knew
    assert place.get("done/2026/11/a.wav") == b"RIFF"
    assert place.get("done/2026/11/a.1.wav") is None


@pytest.mark.parametrize("after_upload", ["leave", "delete", {"move_to": "done"}])
def test_an_erased_recording_is_gone_from_wherever_it_was_put(place: Place, after_upload: Any) -> None:
    source = place.source(after_upload=after_upload)
    place.put("2026/a.wav", b"recording")
    place.put("2026/b.wav", b"another")
    recording = next(one for one in source.candidates() if one.key == "2026/a.wav")
    source.settle(recording)
    there = source.places_of(recording)
    assert len(there) == (0 if after_upload == "delete" else 1)
    assert all(one.endswith("2026/a.wav") for one in there)
    assert source.erase(recording).count == len(there)
    assert source.places_of(recording) == []
    assert source.erase(recording).count == 0
    assert [place.get(key) for key in ("2026/a.wav", "done/2026/a.wav", "2026/b.wav")] == [None, None, b"another"]


def test_another_version_than_the_one_to_be_erased_is_not_touched(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"recording")
    recording = only_candidate(source)
    place.put("a.wav", b"another recording")
    assert source.places_of(recording) == []
    assert source.erase(recording).count == 0
    assert place.get("a.wav") == b"another recording"


def test_a_sidecar_is_erased_by_its_key_once(place: Place) -> None:
    source = place.source()
    place.put("a.json", b"{}")
    assert source.erase_beside("a.json").count == 1
    assert source.erase_beside("a.json").count == 0
    assert place.get("a.json") is None


def test_a_bucket_that_keeps_versions_says_that_they_stay(endpoint_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    place = BucketPlace(endpoint_url)
    place.client.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    place.put("a.wav", b"recording")
    source = place.source()
    erased = source.erase(only_candidate(source))
    assert (erased.count, erased.versions_stay) == (1, True)
    assert place.get("a.wav") is None
    place.client.close()


def test_nothing_is_erased_from_a_source_that_is_away(place: Place) -> None:
    source = place.source()
    place.put("a.wav", b"recording")
    recording = only_candidate(source)
    place.go_away()
    with pytest.raises(SourceUnavailable):
        source.erase(recording)


def test_R30_move_never_overwrites(place: Place) -> None:
    place.put("done/a.wav", b"somebody else's")
    place.put("a.wav", b"RIFF")
    source = place.source(after_upload={"move_to": "done"})
    assert source.settle(only_candidate(source)) == "moved"
    assert place.get("done/a.wav") == b"somebody else's"
    assert place.get("done/a.1.wav") == b"RIFF"
    assert place.get("a.wav") is None


def test_R30_moving_onto_itself_is_a_mistake_in_the_configuration(place: Place) -> None:
    with pytest.raises(ConfigError, match="move_to"):
        place.source(after_upload={"move_to": "."} if isinstance(place, FolderPlace) else {"move_to": "/"})


def test_check_says_in_one_line_what_is_there(place: Place) -> None:
    place.put("a.wav", b"RIFF")
    place.put("notes.txt", b"x")
    source: Any = place.source(include=["*.wav"])
    line = source.check()
    assert "1 recordings" in line
    assert "\n" not in line
