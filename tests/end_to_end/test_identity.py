"""R4, R11, R12: which call a file belongs to when names, places and contents change; and on_change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import call_body, drop, sha256, wav, write


@pytest.fixture
def delivered(home: Home) -> str:
    """A recording `monday.wav` of the call `call-1` that Gong has; its sha256."""
    digest = drop(home.recorder, "monday.wav", 1, unique_id="call-1")
    assert home.run_once().returncode == 0
    return digest


def test_R11_a_rename_after_upload_is_the_same_call(home: Home, sandbox: Sandbox, delivered: str) -> None:
    """Skipped, with a link to the first entry."""
    for suffix in (".wav", ".json"):
        (home.recorder / f"monday{suffix}").rename(home.recorder / f"archived{suffix}")
    assert home.run_once().returncode == 0
    entry = home.entry("archived.wav")
    assert (entry["state"], entry["reason_code"], entry["duplicate_of"]) == ("skipped", "duplicate", 1)
    each_call_once(sandbox, {"call-1": delivered})


def test_R11_R12_copies_elsewhere_are_the_same_call(home: Home, sandbox: Sandbox) -> None:
    """Three copies found together: one is sent, two are skipped and name the one."""
    digest = drop(home.recorder, "a/one.wav", 1, unique_id="call-1")
    for folder in ("b", "c"):
        shutil.copytree(home.recorder / "a", home.recorder / folder)
    assert home.run_once().returncode == 0
    entries = home.entries()
    (sent,) = [entry for entry in entries if entry["state"] == "done"]
    assert [entry["duplicate_of"] for entry in entries if entry["state"] == "skipped"] == [sent["id"], sent["id"]]
    each_call_once(sandbox, {"call-1": digest})


def test_R11_R12_copies_without_an_id_of_the_recorder_are_known_by_their_content(home: Home, sandbox: Sandbox) -> None:
    """The mapping makes the id from content and description: names and places do not count."""
    digest = drop(home.recorder, "one.wav", 1, unique_id=None)
    assert home.run_once().returncode == 0
    drop(home.recorder, "elsewhere/copy.wav", 1, unique_id=None)
    other = drop(home.recorder, "two.wav", 2, unique_id=None)
    assert home.run_once().returncode == 0
    assert home.states() == {"one.wav": "done", "elsewhere/copy.wav": "skipped", "two.wav": "done"}
    assert sorted(call.media.sha256 for call in sandbox.calls if call.media) == sorted([digest, other])


def test_R12_two_different_recordings_of_one_id_are_a_mistake_of_the_mapping(
    home: Home, sandbox: Sandbox, delivered: str
) -> None:
    """Held: skipping one of them would lose it."""
    drop(home.recorder, "other.wav", 2, unique_id="call-1")
    (home.recorder / "other.wav").write_bytes(wav(2, seconds=45))
    assert home.run_once().returncode == 1
    assert "clientUniqueId is also that of entry 1" in home.entry("other.wav")["reason"]
    each_call_once(sandbox, {"call-1": delivered})


def test_R11_the_same_name_next_day_is_another_call(home: Home, sandbox: Sandbox, delivered: str) -> None:
    """Both are in Gong."""
    next_day = drop(home.recorder, "monday.wav", 2, unique_id="call-2", actualStart="2026-09-02T10:00:00-04:00")
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"call-1": delivered, "call-2": next_day})


def test_R11_another_file_in_the_same_inode_is_another_call(home: Home, sandbox: Sandbox, delivered: str) -> None:
    """A recorder that rewrites one file and renames it uses an inode again; only the file counts."""
    inode = (home.recorder / "monday.wav").stat().st_ino
    (home.recorder / "monday.wav").rename(home.recorder / "tuesday.wav")
    (home.recorder / "tuesday.json").write_text((home.recorder / "monday.json").read_text().replace("call-1", "call-2"))
    (home.recorder / "tuesday.wav").write_bytes(wav(2))
    assert (home.recorder / "tuesday.wav").stat().st_ino == inode
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"call-1": delivered, "call-2": sha256(wav(2))})


def test_R4_a_folder_that_goes_and_comes_back_is_no_news(home: Home, sandbox: Sandbox, delivered: str) -> None:
    """`status` says that it is away; its files are not taken for gone, nor for new; later ones are found."""
    with home.running() as service:
        before = drop(home.recorder, "before.wav", 3)
        wait_until(lambda: home.states().get("before.wav") == "done", "the folder is watched")
        home.recorder.rename(home.root / "unmounted")
        wait_until(lambda: not home.health()["pbx"], "the folder is missed")
        (home.root / "unmounted").rename(home.recorder)
        wait_until(lambda: home.health()["pbx"], "the folder is seen again")
        later = drop(home.recorder, "later.wav", 2)
        wait_until(lambda: home.states().get("later.wav") == "done", "the later recording")
        assert service.stop() == 0
    assert [entry["key"] for entry in home.entries()] == ["monday.wav", "before.wav", "later.wav"]
    each_call_once(sandbox, {"call-1": delivered, "before": before, "later": later})


def rewrite(path: Path, number: int) -> str:
    """New content under the same name; its sha256."""
    write(path, wav(number))
    return sha256(wav(number))


def test_on_change_replace_media_puts_the_new_media_on_the_same_call(
    home: Home, sandbox: Sandbox, delivered: str
) -> None:
    """Gong has no other way to change a call."""
    changed = rewrite(home.recorder / "monday.wav", 2)
    for _ in range(2):
        assert home.run_once().returncode == 0
    (call,) = sandbox.calls
    assert call.media is not None
    assert (call.media.sha256, call.media_puts) == (changed, 2)
    assert [entry["state"] for entry in home.entries()] == ["done", "done"]


@pytest.mark.parametrize(("on_change", "state", "exit_code"), [("ignore", "skipped", 0), ("hold", "held", 1)])
def test_on_change_can_leave_gong_as_it_is(
    home: Home, sandbox: Sandbox, delivered: str, on_change: str, state: str, exit_code: int
) -> None:
    """Skipped, or held for a person to say."""
    home.source["on_change"] = on_change
    rewrite(home.recorder / "monday.wav", 2)
    assert home.run_once().returncode == exit_code
    assert home.entries()[-1]["state"] == state
    each_call_once(sandbox, {"call-1": delivered})


def test_touching_a_delivered_file_sends_nothing_again(home: Home, sandbox: Sandbox, delivered: str) -> None:
    """Restored backups and `touch` change only the time. A change after that is a change all the same."""
    os.utime(home.recorder / "monday.wav")
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"call-1": delivered})
    assert [entry["reason_code"] for entry in home.entries()] == [None, "unchanged"]
    changed = rewrite(home.recorder / "monday.wav", 2)
    assert home.run_once().returncode == 0
    assert [call.media.sha256 for call in sandbox.calls if call.media] == [changed]


def test_a_sidecar_that_changes_after_delivery_sends_nothing(home: Home, sandbox: Sandbox, delivered: str) -> None:
    """Gong cannot change a call's metadata (decision 9)."""
    (home.recorder / "monday.json").write_text(str(call_body("call-1", title="New")).replace("'", '"'))
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"call-1": delivered})
