"""R4, R11, R12: which call a file belongs to when names, places and contents change; and on_change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import call_text, drop, sha256, wav, write


@contextmanager
def monday_delivered(home: Home) -> Iterator[str]:
    """A running service that has delivered `monday.wav`, the call `call-1`; its sha256."""
    digest = drop(home.recorder, "monday.wav", 1, unique_id="call-1")
    with home.running() as service:
        home.wait_for("monday.wav", "done")
        yield digest
        assert service.stop() == 0


def test_R11_a_rename_after_upload_is_the_same_call(home: Home, sandbox: Sandbox) -> None:
    """Skipped, with a link to the first entry."""
    with monday_delivered(home) as delivered:
        for suffix in (".json", ".wav"):
            (home.recorder / f"monday{suffix}").rename(home.recorder / f"archived{suffix}")
        home.wait_for("archived.wav", "skipped")
    entry = home.entry("archived.wav")
    assert (entry["reason_code"], entry["duplicate_of"]) == ("duplicate", 1)
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
    drop(home.recorder, "elsewhere/copy.wav", 1, unique_id=None)
    other = drop(home.recorder, "two.wav", 2, unique_id=None)
    assert home.run_once().returncode == 0
    assert sorted(home.states().values()) == ["done", "done", "skipped"]
    assert sorted(call.media.sha256 for call in sandbox.calls if call.media) == sorted([digest, other])


def test_R12_two_different_recordings_of_one_id_are_a_mistake_of_the_mapping(home: Home, sandbox: Sandbox) -> None:
    """Held: skipping one of them would lose it."""
    with monday_delivered(home) as delivered:
        (home.recorder / "other.json").write_bytes((home.recorder / "monday.json").read_bytes())
        write(home.recorder / "other.wav", wav(2, seconds=45))
        home.wait_for("other.wav", "held")
    assert "clientUniqueId is also that of entry 1" in home.entry("other.wav")["reason"]
    each_call_once(sandbox, {"call-1": delivered})


def test_R11_the_same_name_next_day_and_the_same_inode_are_other_calls(home: Home, sandbox: Sandbox) -> None:
    """A recorder that starts its numbers again, or writes into a file that it renames: only name and content count."""
    with monday_delivered(home) as first:
        second = drop(home.recorder, "monday.wav", 2, unique_id="call-2", actualStart="2026-09-02T10:00:00-04:00")
        wait_until(lambda: len(sandbox.calls) == 2, "the call of the next day")
        home.wait_for("monday.wav", "done")
        inode = (home.recorder / "monday.wav").stat().st_ino
        (home.recorder / "monday.json").unlink()
        (home.recorder / "monday.wav").rename(home.recorder / ".being-written.tmp")
        (home.recorder / ".being-written.tmp").write_bytes(wav(3))
        (home.recorder / ".being-written.tmp").rename(home.recorder / "tuesday.wav")
        (home.recorder / "tuesday.json").write_text(call_text("call-3"))
        home.wait_for("tuesday.wav", "done")
        assert (home.recorder / "tuesday.wav").stat().st_ino == inode
    each_call_once(sandbox, {"call-1": first, "call-2": second, "call-3": sha256(wav(3))})


def test_R4_a_folder_that_goes_and_comes_back_is_no_news(home: Home, sandbox: Sandbox) -> None:
    """`status` says that it is away; its files are not taken for gone, nor for new; later ones are found."""
    with monday_delivered(home) as delivered:
        home.recorder.rename(home.root / "unmounted")
        wait_until(lambda: not home.health()["pbx"], "the folder is missed")
        (home.root / "unmounted").rename(home.recorder)
        wait_until(lambda: home.health()["pbx"], "the folder is seen again")
        later = drop(home.recorder, "later.wav", 2)
        home.wait_for("later.wav", "done")
    assert [entry["key"] for entry in home.entries()] == ["monday.wav", "later.wav"]
    each_call_once(sandbox, {"call-1": delivered, "later": later})


def test_on_change_replace_media_puts_the_new_media_on_the_same_call(home: Home, sandbox: Sandbox) -> None:
    """Gong has no other way to change a call. Touching the file (a restored backup) is no change."""
    with monday_delivered(home):
        os.utime(home.recorder / "monday.wav")
        home.wait_for("monday.wav", "skipped", code="unchanged")
        (call,) = sandbox.calls
        assert call.media_puts == 1
        changed = rewrite(home.recorder / "monday.wav", 2)
        wait_until(lambda: sandbox.calls[0].media_puts == 2, "the new media")
        home.wait_for("monday.wav", "done")
    (call,) = sandbox.calls
    assert call.media is not None
    assert (call.media.sha256, call.media_puts) == (changed, 2)


@pytest.mark.parametrize(("on_change", "state"), [("ignore", "skipped"), ("hold", "held")])
def test_on_change_can_leave_gong_as_it_is(home: Home, sandbox: Sandbox, on_change: str, state: str) -> None:
    """Skipped, or held for a person to say. A sidecar that changes is no change: Gong could not take it."""
    home.source["on_change"] = on_change
    with monday_delivered(home) as delivered:
        (home.recorder / "monday.json").write_text(call_text("call-1", title="Another"))
        rewrite(home.recorder / "monday.wav", 2)
        home.wait_for("monday.wav", state)
    assert [entry["state"] for entry in home.entries()] == ["done", state]
    each_call_once(sandbox, {"call-1": delivered})


def rewrite(path: Path, number: int) -> str:
    """New content under the same name; its sha256."""
    write(path, wav(number))
    return sha256(wav(number))
