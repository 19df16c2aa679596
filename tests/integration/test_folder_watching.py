"""A folder source against a real file system and real inotify."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.config.schema import FolderSource
from gong_bridge.sources.folder import Folder
from gong_bridge.sources.watching import Watcher, file_system_of, tells_changes
from tests.notebook import Notebook, eventually, running

SETTLE_SECONDS = 0.1
AUDIO = b"RIFF" + bytes(2000)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    return folder


def source(root: Path, **options: Any) -> Folder:
    settings = {"settle": SETTLE_SECONDS, "rescan": 0.6, "watch": "native", "mapping": "freepbx", "name": "pbx"}
    return Folder(FolderSource.model_validate({**settings, "folder": root, **options}))


def armed(notebook: Notebook) -> bool:
    """The first scan is over: from here on only events and rescans can find anything."""
    return eventually(lambda: bool(notebook.health))


# --- arriving ---------------------------------------------------------------------------------------------------------


def write_and_close(root: Path, outside: Path) -> str:
    (root / "a.wav").write_bytes(AUDIO)
    return "a.wav"


def move_in(root: Path, outside: Path) -> str:
    (outside / "b.wav").write_bytes(AUDIO)
    (outside / "b.wav").rename(root / "b.wav")
    return "b.wav"


def rename_from_part(root: Path, outside: Path) -> str:
    (root / "c.wav.part").write_bytes(AUDIO)
    time.sleep(SETTLE_SECONDS * 2)
    (root / "c.wav.part").rename(root / "c.wav")
    return "c.wav"


def hard_link(root: Path, outside: Path) -> str:
    (outside / "d.wav").write_bytes(AUDIO)
    (root / "d.wav").hardlink_to(outside / "d.wav")
    return "d.wav"


def folder_moved_in(root: Path, outside: Path) -> str:
    (outside / "day" / "hour").mkdir(parents=True)
    (outside / "day" / "hour" / "e.wav").write_bytes(AUDIO)
    (outside / "day").rename(root / "day")
    return "day/hour/e.wav"


def new_folders_and_a_file(root: Path, outside: Path) -> str:
    (root / "2026" / "11" / "05").mkdir(parents=True)
    (root / "2026" / "11" / "05" / "f.wav").write_bytes(AUDIO)
    return "2026/11/05/f.wav"


WAYS = [write_and_close, move_in, rename_from_part, hard_link, folder_moved_in, new_folders_and_a_file]


@pytest.mark.parametrize("arrive", WAYS)
@pytest.mark.parametrize("watch", ["native", "polling"])
def test_R2_every_way_of_arriving_gives_exactly_one_row(
    root: Path, tmp_path: Path, watch: str, arrive: Callable[[Path, Path], str]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    notebook = Notebook()
    # A native watcher alone must do it: the next rescan is an hour away
    rescan = 3600 if watch == "native" else 0.4
    with running(source(root, watch=watch, rescan=rescan), notebook):
        assert armed(notebook)
        key = arrive(root, outside)
        assert eventually(lambda: notebook.keys == [key])
        time.sleep(SETTLE_SECONDS * 3)
    assert notebook.keys == [key]
    assert notebook.health[-1].watch == watch


def test_R1_with_a_watcher_that_says_nothing_a_file_is_found_within_rescan(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watcher, "take_hints", lambda self: (set(), set(), False))
    notebook = Notebook()
    with running(source(root, rescan=3.0), notebook):
        assert armed(notebook)
        for number in range(3):
            began = time.monotonic()
            (root / f"{number}.wav").write_bytes(AUDIO)
            assert eventually(lambda: len(notebook.rows) == number + 1)  # noqa: B023
            assert time.monotonic() - began < 3.0
            time.sleep(0.37)  # at another moment between two rescans each time


def test_R1_a_burst_loses_nothing_and_is_written_in_batches(root: Path) -> None:
    notebook = Notebook()
    with running(source(root), notebook):
        assert armed(notebook)
        for folder in range(10):
            (root / str(folder)).mkdir()
            for number in range(500):
                (root / str(folder) / f"{number:03}.wav").write_bytes(b"x")
        assert eventually(lambda: len(notebook.rows) == 5000, 30)
    assert len(set(notebook.keys)) == 5000
    assert len(notebook.batches) < 300


@pytest.mark.parametrize("once", [True, False])
def test_R14_more_unknown_files_than_are_waited_for_at_once_are_all_found(
    root: Path, monkeypatch: pytest.MonkeyPatch, once: bool
) -> None:
    monkeypatch.setattr("gong_bridge.sources.lookout.TRACKED_AT_MOST", 10)
    for number in range(55):
        (root / f"{number}.wav").write_bytes(AUDIO)
    notebook = Notebook()
    if once:
        assert source(root).scan_once(notebook.intake, threading.Event()) == 55
    else:
        with running(source(root, rescan=3600), notebook):
            assert eventually(lambda: len(notebook.rows) == 55)
    assert len(set(notebook.keys)) == 55


# --- the root goes and comes ------------------------------------------------------------------------------------------


def test_R3_a_root_renamed_away_and_back_is_watched_again(root: Path) -> None:
    notebook = Notebook()
    with running(source(root), notebook):
        assert armed(notebook)
        away = root.with_name("away")
        root.rename(away)
        assert eventually(lambda: not notebook.health[-1].healthy)
        assert str(root) in notebook.health[-1].message
        assert "create or mount it" in notebook.health[-1].message
        away.rename(root)
        assert eventually(lambda: notebook.health[-1].healthy)
        (root / "after.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["after.wav"])
    assert notebook.health[-1].watch == "native"


def test_R3_a_root_deleted_and_made_anew_is_watched_by_events_again(root: Path) -> None:
    notebook = Notebook()
    with running(source(root, rescan=5), notebook):  # the next rescan comes too late to explain what is found
        assert armed(notebook)
        shutil.rmtree(root)
        assert eventually(lambda: not notebook.health[-1].healthy)
        root.mkdir()
        assert eventually(lambda: notebook.health[-1].healthy)
        (root / "after.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["after.wav"], 2)


def test_R3_a_root_replaced_at_once_by_another_folder_is_noticed(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "there.wav").write_bytes(AUDIO)
    notebook = Notebook()
    with running(source(root, rescan=5), notebook):
        assert armed(notebook)
        root.rename(tmp_path / "old")
        other.rename(root)
        assert eventually(lambda: notebook.keys == ["there.wav"], 3)
        (root / "next.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["next.wav", "there.wav"], 3)


@pytest.mark.parametrize("victim", ["emitter", "reader"])
def test_R3_a_dead_thread_of_the_watcher_is_replaced(root: Path, victim: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watchers: list[Watcher] = []
    arm = Watcher.arm
    monkeypatch.setattr(Watcher, "arm", lambda self: (watchers.append(self), arm(self))[1])
    notebook = Notebook()
    with running(source(root, rescan=5), notebook):
        assert armed(notebook)
        observer: Any = watchers[0]._observer
        if victim == "emitter":
            (emitter,) = observer.emitters
            emitter.stop()
        else:
            observer._inotify_fd.stop()
        assert observer.is_alive()  # as in watchdog#648: the observer itself looks well
        assert eventually(lambda: len(watchers) == 2, 3)
        (root / "after.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["after.wav"], 2)


def test_R3_a_root_that_is_missing_at_start_is_waited_for(root: Path) -> None:
    root.rmdir()
    notebook = Notebook()
    with running(source(root), notebook):
        assert eventually(lambda: bool(notebook.health) and not notebook.health[-1].healthy)
        root.mkdir()
        (root / "a.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["a.wav"])


def test_R4_a_root_that_blinks_brings_nothing_new(root: Path) -> None:
    for number in range(20):
        (root / f"{number}.wav").write_bytes(AUDIO)
    notebook = Notebook()
    with running(source(root), notebook):
        assert eventually(lambda: len(notebook.rows) == 20)
        for _ in range(2):
            away = root.with_name("away")
            root.rename(away)
            root.mkdir()  # what an unmounted file system leaves: an empty folder
            time.sleep(0.3)
            root.rmdir()
            away.rename(root)
            time.sleep(0.3)
        scans = len(notebook.health)
        assert eventually(lambda: len(notebook.health) > scans + 1)
    assert len(notebook.rows) == 20


# --- settling ---------------------------------------------------------------------------------------------------------


def test_R5_a_file_present_at_start_settles_like_any_other(root: Path) -> None:
    (root / "growing.wav").write_bytes(AUDIO)
    notebook = Notebook()
    with running(source(root, settle=0.5), notebook):
        for _ in range(6):
            time.sleep(0.2)
            with (root / "growing.wav").open("ab") as file:
                file.write(AUDIO)
        assert notebook.rows == []
        assert eventually(lambda: bool(notebook.rows))
    assert [row.size_bytes for row in notebook.rows] == [7 * len(AUDIO)]


@pytest.mark.parametrize("watch", ["native", "polling"])
def test_R6_a_writer_that_pauses_less_than_settle_gives_one_row_of_the_whole(root: Path, watch: str) -> None:
    notebook = Notebook()
    with running(source(root, settle=0.6, watch=watch), notebook):
        assert armed(notebook)
        with (root / "slow.wav").open("wb") as file:
            for _ in range(5):
                file.write(AUDIO)
                file.flush()
                time.sleep(0.3)
        assert eventually(lambda: bool(notebook.rows))
    assert [row.size_bytes for row in notebook.rows] == [5 * len(AUDIO)]


def test_R6_a_writer_that_pauses_longer_is_armed_again_and_its_last_version_is_the_whole(root: Path) -> None:
    notebook = Notebook()
    with running(source(root), notebook):
        assert armed(notebook)
        with (root / "slow.wav").open("wb") as file:
            for _ in range(3):
                file.write(AUDIO)
                file.flush()
                time.sleep(0.5)
        assert eventually(lambda: bool(notebook.rows) and notebook.rows[-1].size_bytes == 3 * len(AUDIO))
    assert set(notebook.keys) == {"slow.wav"}


def test_R8_temporary_and_empty_files_wait(root: Path) -> None:
    for name in ("a.wav.part", "b.tmp", ".hidden.wav", "~c.wav"):
        (root / name).write_bytes(AUDIO)
    (root / ".stfolder").mkdir()
    (root / ".stfolder" / "d.wav").write_bytes(AUDIO)
    (root / "empty.wav").touch()
    notebook = Notebook()
    with running(source(root), notebook):
        assert eventually(lambda: len(notebook.health) > 2)
        assert notebook.rows == []
        (root / "empty.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["empty.wav"])


def test_old_files_present_at_start_are_backlog_and_fresh_ones_are_not(root: Path) -> None:
    for name, age_seconds in (("old.wav", 3600), ("fresh.wav", 60)):
        (root / name).write_bytes(AUDIO)
        moment = time.time() - age_seconds
        os.utime(root / name, (moment, moment))
    notebook = Notebook()
    with running(source(root), notebook):
        assert eventually(lambda: len(notebook.rows) == 2)
        (root / "late.wav").write_bytes(AUDIO)
        os.utime(root / "late.wav", (1, 1))
        assert eventually(lambda: len(notebook.rows) == 3)
    assert notebook.backlog == {"old.wav": True, "fresh.wav": False, "late.wav": False}


def test_a_file_of_tomorrow_or_of_1960_settles(root: Path) -> None:
    for name, moment in (("tomorrow.wav", time.time() + 86400), ("sixties.wav", -300_000_000)):
        (root / name).write_bytes(AUDIO)
        os.utime(root / name, (moment, moment))
    notebook = Notebook()
    with running(source(root), notebook):
        assert eventually(lambda: notebook.keys == ["sixties.wav", "tomorrow.wav"])


# --- limits -----------------------------------------------------------------------------------------------------------

IN_A_NAMESPACE_WITH_FEW_WATCHES = """
    import sys, threading
    from pathlib import Path
    from gong_bridge.config.schema import FolderSource
    from gong_bridge.sources.folder import Folder
    from tests.notebook import Notebook, eventually, running

    root = Path(sys.argv[1])
    for name in "abcdefgh":
        (root / name).mkdir()
    notebook = Notebook()
    options = {"name": "pbx", "folder": root, "mapping": "freepbx", "settle": 0.1, "rescan": 0.6, "watch": "native"}
    with running(Folder(FolderSource.model_validate(options)), notebook):
        assert eventually(lambda: bool(notebook.health))
        (root / "h" / "a.wav").write_bytes(b"RIFF")
        assert eventually(lambda: notebook.keys == ["h/a.wav"])
    print(notebook.health[-1].watch, notebook.health[-1].healthy, len(set(h.message for h in notebook.health)))
    print(notebook.health[0].message)
"""


@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_R10_at_a_real_inotify_limit_the_folder_is_polled_and_one_message_says_why(root: Path, limit: str) -> None:
    allowed = {"max_inotify_watches": 4, "max_inotify_instances": 0}[limit]  # fewer watches than the root has folders
    shell = f'echo {allowed} > /proc/sys/user/{limit} && exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", shell, "sh"]
    if not shutil.which("unshare") or subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no user namespace of one's own, so the limit cannot be lowered")
    done = subprocess.run(
        [*command, sys.executable, "-c", textwrap.dedent(IN_A_NAMESPACE_WITH_FEW_WATCHES), str(root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    state, message = done.stdout.splitlines()
    assert state.startswith("polling True")
    assert "fs.inotify.max_user_watches" in message
    assert "sysctl -w fs.inotify.max_user_" in message


MOUNTS = """\
rootfs / rootfs rw 0 0
/dev/sda1 / ext4 rw,relatime 0 0
overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0
nas:/calls /srv/calls nfs4 rw,vers=4.2 0 0
//nas/calls /srv/old\\040calls cifs rw 0 0
sshfs@pbx: /srv/pbx fuse.sshfs rw 0 0
/dev/sdb1 /srv/usb fuseblk rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "file_system", "native"),
    [
        ("/var/spool/asterisk/monitor", "ext4", True),
        ("/", "ext4", True),
        ("/srv/calls/2026", "nfs4", False),
        ("/srv/calls", "nfs4", False),
        ("/srv/callsign", "ext4", True),
        ("/srv/old calls/a", "cifs", False),
        ("/srv/pbx", "fuse.sshfs", False),
        ("/srv/usb", "fuseblk", True),
        ("/var/lib/docker/overlay2/x/merged/spool", "overlay", True),
    ],
)
def test_R10_auto_watches_natively_unless_other_machines_may_write_there(
    path: str, file_system: str, native: bool
) -> None:
    assert file_system_of(path, MOUNTS) == file_system
    assert tells_changes(file_system) is native


def test_R10_auto_is_native_on_this_machines_own_disk(root: Path) -> None:
    notebook = Notebook()
    with running(source(root, watch="auto"), notebook):
        assert eventually(lambda: bool(notebook.health))
    assert notebook.health[0].watch == "native"


# --- identity ---------------------------------------------------------------------------------------------------------


def test_R11_a_new_file_on_a_reused_inode_is_a_new_recording(root: Path) -> None:
    notebook = Notebook()
    with running(source(root), notebook):
        (root / "first.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["first.wav"])
        inode = (root / "first.wav").stat().st_ino
        (root / "first.wav").rename(root / ".hidden")  # the surest way to have the inode again
        (root / ".hidden").write_bytes(AUDIO + AUDIO)
        (root / ".hidden").rename(root / "second.wav")
        assert (root / "second.wav").stat().st_ino == inode
        assert eventually(lambda: notebook.keys == ["first.wav", "second.wav"])


def test_R11_tomorrows_file_with_todays_name_is_a_version_of_its_own(root: Path) -> None:
    notebook = Notebook()
    with running(source(root), notebook):
        (root / "daily.wav").write_bytes(AUDIO)
        assert eventually(lambda: len(notebook.rows) == 1)
        (root / "daily.wav").unlink()
        time.sleep(0.01)
        (root / "daily.wav").write_bytes(AUDIO)
        assert eventually(lambda: len(notebook.rows) == 2)
    assert notebook.keys == ["daily.wav", "daily.wav"]
    assert notebook.rows[0].version != notebook.rows[1].version


def test_R14_after_a_restart_nothing_is_repeated(root: Path) -> None:
    for number in range(30):
        (root / f"{number}.wav").write_bytes(AUDIO)
    notebook = Notebook()
    for _ in range(2):
        with running(source(root), notebook):
            scans = len(notebook.health)
            assert eventually(lambda: len(notebook.health) > scans + 1 and len(notebook.rows) == 30)  # noqa: B023
    assert len(notebook.rows) == 30


# --- what lies there that is no recording -----------------------------------------------------------------------------


def test_links_pipes_and_sockets_are_passed_by(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(AUDIO)
    (root / "out.wav").symlink_to(outside / "secret.wav")
    (root / "outfolder").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "dangling.wav").symlink_to(root / "nothing.wav")
    os.mkfifo(root / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket.wav"))
        (root / "real.wav").write_bytes(AUDIO)
        (root / "alias.wav").symlink_to(root / "real.wav")
        notebook = Notebook()
        assert source(root).scan_once(notebook.intake, threading.Event()) == 1
    assert notebook.keys == ["real.wav"]
    assert "5 symbolic links not followed" in notebook.health[-1].message


def test_a_root_that_is_a_link_is_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    notebook = Notebook()
    with running(source(tmp_path / "link", rescan=3600), notebook):
        assert armed(notebook)
        (root / "a.wav").write_bytes(AUDIO)
        assert eventually(lambda: notebook.keys == ["a.wav"], 3)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_reported(root: Path) -> None:
    (root / "closed").mkdir(mode=0)
    notebook = Notebook()
    source(root).scan_once(notebook.intake, threading.Event())
    assert "1 folders may not be read" in notebook.health[-1].message


def test_run_once_leaves_a_file_that_never_stops_growing_to_the_next_run(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gong_bridge.sources.lookout.GROWING_PATIENCE_SECONDS", 1.0)
    (root / "done.wav").write_bytes(AUDIO)
    (root / "live.wav").write_bytes(AUDIO)
    monkeypatch.setattr("gong_bridge.sources.lookout.TRACKED_AT_MOST", 3)
    for number in range(9):
        (root / f"{number}.wav").write_bytes(AUDIO)
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.02):
            with (root / "live.wav").open("ab") as file:
                file.write(AUDIO)

    writer = threading.Thread(target=write)
    writer.start()
    notebook = Notebook()
    try:
        assert source(root).scan_once(notebook.intake, threading.Event()) == 10
    finally:
        stop.set()
        writer.join()
    assert notebook.keys == [*(f"{number}.wav" for number in range(9)), "done.wav"]
    assert "1 still being written" in notebook.health[-1].message


def test_run_once_returns_soon_after_the_last_file_settled(root: Path) -> None:
    (root / "a.wav").write_bytes(AUDIO)
    began = time.monotonic()
    assert source(root).scan_once(Notebook().intake, threading.Event()) == 1
    assert SETTLE_SECONDS <= time.monotonic() - began < 3.0
