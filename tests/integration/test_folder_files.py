"""Opening, reading beside and removing files of a folder: hostile names, links, other file systems."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.config.schema import FolderSource
from gong_bridge.errors import BadMetadata, SourceChanged, SourceGone, SourceUnavailable
from gong_bridge.sources import lookout
from gong_bridge.sources.folder import Folder
from tests.notebook import Notebook

ODD_NAME = b"Andr\xe9 \xff\n\"'.wav"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    return folder


@pytest.fixture
def other_file_system(root: Path) -> Iterator[Path]:
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == root.stat().st_dev:
        pytest.skip("this machine has no second file system to move to")
    folder = Path(tempfile.mkdtemp(dir=shared_memory))
    yield folder
    shutil.rmtree(folder)


def source(root: Path, **options: Any) -> Folder:
    settings = {"name": "pbx", "folder": root, "mapping": "freepbx"}
    return Folder(FolderSource.model_validate({**settings, **options}))


def write_odd(root: Path, data: bytes) -> Path:
    path = Path(os.fsdecode(os.fsencode(root) + b"/" + ODD_NAME))
    path.write_bytes(data)
    return path


def test_a_name_that_is_no_utf8_is_found_opened_and_moved(root: Path) -> None:
    write_odd(root, b"RIFF")
    folder = source(root, after_upload={"move_to": "done"})
    (recording,) = folder.candidates()
    assert recording.key == "Andr\uf7e9 \uf7ff\n\"'.wav"
    assert folder.stat(recording.key) == recording
    with folder.open(recording) as file:
        assert file.read() == b"RIFF"
    assert folder.settle(recording) == "moved"
    assert os.listdir(os.fsencode(root / "done")) == [ODD_NAME]


def test_a_sidecar_with_an_odd_name_is_read(root: Path) -> None:
    write_odd(root, b"{}")
    (recording,) = source(root).candidates()
    sidecar = source(root).read_beside(recording.key, 100)
    assert sidecar is not None
    assert sidecar.data == b"{}"


@pytest.mark.parametrize(
    "key", ["../secret.json", "a/../../secret.json", "/etc/passwd", "..", ".", "a//b.json", "a/./b.json", "a/"]
)
def test_a_sidecar_outside_the_folder_is_refused(root: Path, key: str) -> None:
    (root / "a").mkdir()
    root.with_name("secret.json").write_bytes(b"{}")
    with pytest.raises(BadMetadata, match=r"\.\."):
        source(root).read_beside(key, 1000)


def test_links_lead_nowhere_when_a_sidecar_is_read(root: Path) -> None:
    secret = root.with_name("secret.json")
    secret.write_bytes(b"{}")
    (root / "a.json").symlink_to(secret)
    (root / "up").symlink_to(root.parent)
    with pytest.raises(BadMetadata, match="symbolic link"):
        source(root).read_beside("a.json", 1000)
    assert source(root).read_beside("up/secret.json", 1000) is None


def test_a_pipe_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "a.json")
    assert source(root).read_beside("a.json", 1000) is None
    with pytest.raises(SourceGone):
        source(root).stat("a.json")


def test_a_recording_replaced_by_a_link_is_not_opened(root: Path) -> None:
    (root / "a.wav").write_bytes(b"RIFF")
    (root / "b.wav").write_bytes(b"RIFF")
    folder = source(root)
    recording = folder.stat("a.wav")
    (root / "a.wav").unlink()
    (root / "a.wav").symlink_to(root / "b.wav")
    with pytest.raises(SourceGone):
        folder.open(recording)
    assert source(root, after_upload="delete").settle(recording) == "changed"


def test_a_folder_replaced_by_a_link_does_not_lead_out(root: Path, tmp_path: Path) -> None:
    (root / "day").mkdir()
    (root / "day" / "a.wav").write_bytes(b"RIFF")
    (root / "b.wav").write_bytes(b"RIFF")
    folder = source(root, after_upload="delete")
    recording = folder.stat("day/a.wav")
    (root / "day").rename(tmp_path / "day")
    (root / "day").symlink_to(tmp_path / "day")
    with pytest.raises(SourceGone):
        folder.open(recording)
    folder.settle(recording)
    assert (tmp_path / "day" / "a.wav").exists()


@pytest.mark.parametrize("kind", ["to a folder outside", "to nothing", "a file"])
def test_R30_a_link_below_the_target_does_not_lead_a_move_out(root: Path, tmp_path: Path, kind: str) -> None:
    """The target lies in the recorder's own folder, where others may put a link."""
    (root / "day").mkdir()
    (root / "day" / "a.wav").write_bytes(b"RIFF")
    outside = tmp_path / "outside"
    (root / "done").mkdir()
    if kind == "a file":
        (root / "done" / "day").write_text("in the way")
    else:
        (root / "done" / "day").symlink_to(outside)
    if kind == "to a folder outside":
        outside.mkdir()
    folder = source(root, after_upload={"move_to": "done"})
    with pytest.raises(SourceUnavailable, match="cannot be removed"):
        folder.settle(folder.stat("day/a.wav"))
    assert (root / "day" / "a.wav").exists()
    assert not outside.exists() or list(outside.iterdir()) == []


def test_a_file_cut_short_while_it_is_read_is_noticed(root: Path) -> None:
    (root / "a.wav").write_bytes(b"1" * 1_000_000)
    folder = source(root)
    with folder.open(folder.stat("a.wav")) as file:
        file.read(10)
        os.truncate(root / "a.wav", 300_000)
        file.seek(200_000)
        with pytest.raises(SourceChanged):
            file.read(500_000)


def test_R4_an_empty_root_says_nothing_about_any_file(root: Path) -> None:
    (root / "a.wav").write_bytes(b"RIFF")
    recording = source(root).stat("a.wav")
    (root / "a.wav").unlink()  # what a process sees that starts while the file system is not mounted
    with pytest.raises(SourceUnavailable, match="mount it"):
        source(root).open(recording)
    (root / "other.wav").write_bytes(b"RIFF")
    with pytest.raises(SourceGone):
        source(root).open(recording)


def test_a_root_that_is_a_file_is_named(root: Path) -> None:
    (root / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(SourceUnavailable, match="is no folder; correct `folder`"):
        list(source(root / "a.wav").candidates())


def test_R30_move_to_another_file_system_copies_whole_and_keeps_the_time(root: Path, other_file_system: Path) -> None:
    data = os.urandom(3_000_000)
    (root / "2026").mkdir()
    (root / "2026" / "a.wav").write_bytes(data)
    os.utime(root / "2026" / "a.wav", (1_700_000_000, 1_700_000_000))
    folder = source(root, after_upload={"move_to": str(other_file_system)})
    (recording,) = folder.candidates()
    assert folder.settle(recording) == "moved"
    assert (other_file_system / "2026" / "a.wav").read_bytes() == data
    assert (other_file_system / "2026" / "a.wav").stat().st_mtime == 1_700_000_000
    assert not (root / "2026" / "a.wav").exists()
    assert (root / "2026").is_dir()
    assert os.listdir(other_file_system / "2026") == ["a.wav"]
    assert folder.settle(recording) == "moved"


def test_R30_a_copy_finished_before_a_crash_is_not_made_twice(root: Path, other_file_system: Path) -> None:
    (root / "a.wav").write_bytes(b"RIFF")
    shutil.copy2(root / "a.wav", other_file_system / "a.wav")
    folder = source(root, after_upload={"move_to": str(other_file_system)})
    (recording,) = folder.candidates()
    assert folder.settle(recording) == "moved"
    assert os.listdir(other_file_system) == ["a.wav"]
    assert not (root / "a.wav").exists()


def test_R30_a_file_of_the_same_size_and_time_but_other_content_is_kept(root: Path, other_file_system: Path) -> None:
    (root / "a.wav").write_bytes(b"RIFF")
    (other_file_system / "a.wav").write_bytes(b"ELSE")
    for path in (root / "a.wav", other_file_system / "a.wav"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    folder = source(root, after_upload={"move_to": str(other_file_system)})
    (recording,) = folder.candidates()
    assert folder.settle(recording) == "moved"
    assert (other_file_system / "a.wav").read_bytes() == b"ELSE"
    assert (other_file_system / "a.1.wav").read_bytes() == b"RIFF"


def test_R30_a_name_reserved_before_a_crash_is_used_again(root: Path) -> None:
    (root / "done").mkdir()
    (root / "done" / "a.wav").touch()
    (root / "a.wav").write_bytes(b"RIFF")
    folder = source(root, after_upload={"move_to": "done"})
    (recording,) = folder.candidates()
    assert folder.settle(recording) == "moved"
    assert (root / "done" / "a.wav").read_bytes() == b"RIFF"
    assert os.listdir(root / "done") == ["a.wav"]


def test_R30_a_move_that_fails_leaves_everything_and_is_tried_again(root: Path) -> None:
    (root / "done").write_bytes(b"a file where the folder should be")
    (root / "a.wav").write_bytes(b"RIFF")
    folder = source(root, after_upload={"move_to": "done"}, include=["*.wav"])
    (recording,) = folder.candidates()
    with pytest.raises(SourceUnavailable, match="write permission"):
        folder.settle(recording)
    assert (root / "a.wav").read_bytes() == b"RIFF"
    (root / "done").unlink()
    assert folder.settle(recording) == "moved"


def test_a_long_walk_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookout, "REPORT_SECONDS", 0.0)
    for number in range(3):
        (tmp_path / f"{number}.wav").write_bytes(b"RIFF")
    notebook = Notebook()
    assert source(tmp_path, settle="0s").scan_once(notebook.intake, threading.Event()) == 3
    told = [health.under_way for health in notebook.health]
    assert "looking through the folder, 2 recordings so far, for 0 s" in told
    assert told[-1] is None
