"""R3, R4, R22: a watched folder is unmounted, mounted again, mounted over: an empty mount point is no news."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.running import run
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import each_call_once, wait_until
from tests.end_to_end.recordings import call_text, drop
from tests.integration.bench import Bench, bench
from tests.integration.test_folder_watching import AUDIO, source
from tests.notebook import Notebook, eventually, running
from tests.small_disk import bound, disk, mounted


@contextmanager
def at_work(root: Path, sandbox: Sandbox) -> Iterator[Bench]:
    """The service, whose recorder's folder is somebody else's to mount."""
    options = {"settle": "200ms", "rescan": "600ms", "sidecar_wait": "1h"}
    with bench(root, sandbox.base_url, source=options) as bridge:
        stop = threading.Event()
        service = threading.Thread(target=run, args=(bridge.bridge, stop))
        service.start()
        try:
            yield bridge
        finally:
            stop.set()
            service.join()


def code(bridge: Bench, key: str) -> str | None:
    entry = bridge.bridge.ledger.views.find_latest("pbx", key)
    return None if entry is None else entry.reason_code


def is_told(bridge: Bench) -> bool:
    return any("mount" in one.message and not one.healthy for one in bridge.bridge.ledger.notes.health())


def is_waited_for(bridge: Bench) -> bool:
    """What cannot be read just now waits without losing an attempt; it is neither gone nor a person's business."""
    return [code(bridge, key) for key in ("begun.wav", "found.wav")] == ["source-unavailable"] * 2


def is_drained(bridge: Bench, count: int) -> bool:
    states = [state for state, _ in bridge.states().values()]
    return states == ["done"] * count


def is_found(notebook: Notebook, key: str) -> bool:
    return key in notebook.keys


def as_it_is(share: Path, other: Path) -> Path:
    return share


def as_a_copy(share: Path, other: Path) -> Path:
    """Another file system with the same files, as after a repair or on the other node of a cluster."""
    shutil.copytree(share, other, dirs_exist_ok=True)
    return other


def nothing(mount_point: Path) -> None:
    """The mount point is empty."""


def a_note(mount_point: Path) -> None:
    """What careful administrators put there."""
    (mount_point / "NOT-MOUNTED").write_text("this share is not mounted\n")


@pytest.mark.parametrize(
    ("leaves", "comes_back", "restarted"),
    [(nothing, as_it_is, False), (a_note, as_a_copy, False), (a_note, as_it_is, True)],
    ids=["empty", "a note, another disk", "a note, restarted meanwhile"],
)
def test_R3_R4_R22_a_share_that_goes_in_the_midst_and_comes_back_changed_loses_and_doubles_nothing(
    tmp_path: Path,
    sandbox: Sandbox,
    leaves: Callable[[Path], None],
    comes_back: Callable[[Path, Path], Path],
    restarted: bool,
) -> None:
    """One recording is in Gong, one has a call without media, one waits for its sidecar; another comes meanwhile."""
    home, recorder = tmp_path / "home", tmp_path / "home" / "recorder"
    recorder.mkdir(parents=True)
    expected: dict[str, str] = {}
    with ExitStack() as at_home, disk(tmp_path / "share", "8m") as share, disk(tmp_path / "other", "8m") as other:
        service = at_home.enter_context(ExitStack())
        bridge = service.enter_context(at_work(home, sandbox))
        with bound(share, recorder):
            expected["done"] = drop(recorder, "done.wav", 1)
            wait_until(lambda: is_drained(bridge, 1), "the first")
            sandbox.play(Fault(operation="addCallRecording", kind="status", status=500, times=None))
            expected["begun"] = drop(recorder, "begun.wav", 2)
            wait_until(lambda: sandbox.calls[-1].client_unique_id == "begun", "a call without media")
            expected["found"] = drop(recorder, "found.wav", 3)
            (recorder / "found.json").unlink()
            wait_until(lambda: code(bridge, "found.wav") == "waiting-for-sidecar", "one without its sidecar")
        leaves(recorder)
        sandbox.play_no_faults()
        if restarted:
            service.close()
            bridge = service.enter_context(at_work(home, sandbox))
        else:
            wait_until(lambda: is_told(bridge), "the pages tell of it")
        bridge.bridge.ledger.operator.hurry(EntryFilter(), clock.now())
        wait_until(lambda: is_waited_for(bridge), "nobody believes that they are gone")
        expected["meanwhile"] = drop(share, "meanwhile.wav", 4)
        (share / "found.json").write_text(call_text("found"))
        at_home.enter_context(bound(comes_back(share, other), recorder))
        bridge.bridge.ledger.operator.hurry(EntryFilter(), clock.now())
        wait_until(lambda: is_drained(bridge, 4), "everything")
        expected["after"] = drop(recorder, "after.wav", 5)
        wait_until(lambda: is_drained(bridge, 5), "the next")
        service.close()
    each_call_once(sandbox, expected)


@pytest.mark.parametrize("watch", ["native", "polling"])
def test_R3_R4_a_file_system_mounted_over_the_folder_and_taken_off_again_is_followed(
    tmp_path: Path, watch: str
) -> None:
    """Old files that show again are not news; the next file is found in either, natively without a rescan."""
    root = tmp_path / "monitor"
    root.mkdir()
    (root / "below.wav").write_bytes(AUDIO)
    notebook = Notebook()
    rescan = 10 if watch == "native" else 0.6
    with running(source(root, watch=watch, rescan=rescan), notebook):
        assert eventually(lambda: notebook.keys == ["below.wav"])
        for letter, known in (("a", ["below.wav"]), ("b", ["a-above.wav", "a-back.wav", "below.wav"])):
            above, back = f"{letter}-above.wav", f"{letter}-back.wav"
            with mounted(root, "8m"):
                assert eventually(lambda: "is something not mounted?" in notebook.health[-1].message)
                assert not notebook.health[-1].healthy
                assert notebook.keys == known
                (root / above).write_bytes(AUDIO)
                assert eventually(partial(is_found, notebook, above), 5)
            assert eventually(lambda: notebook.health[-1].healthy, 5)
            (root / back).write_bytes(AUDIO)
            assert eventually(partial(is_found, notebook, back), 5)
    assert notebook.keys == ["a-above.wav", "a-back.wav", "b-above.wav", "b-back.wav", "below.wav"]
