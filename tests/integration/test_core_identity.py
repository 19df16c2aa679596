"""R11, R12, R22: no sequence of changes, renames and refusals sends a recording twice, to the wrong call, or never."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.recordings import call_text, drop, sha256, wav, write
from tests.integration.bench import Bench, bench

OTHER_DAY = "2026-09-02T09:00:00-04:00"


@pytest.fixture
def bridge(tmp_path: Path, sandbox: Sandbox) -> Iterator[Bench]:
    with bench(tmp_path, sandbox.base_url) as opened:
        yield opened


def media_of(sandbox: Sandbox) -> dict[str, tuple[str | None, int]]:
    """clientUniqueId -> sha256 of the media, and how often media was put."""
    return {
        call.client_unique_id: (call.media.sha256 if call.media else None, call.media_puts) for call in sandbox.calls
    }


def not_enabled(times: int | None) -> Fault:
    """Gong refuses the primary user."""
    body = json.dumps({"requestId": "r1", "errors": ["Recording is not enabled for the primary user"]})
    return Fault(operation="addCall", kind="status", status=409, body=body, times=times)


def test_R12_a_copy_of_a_delivered_call_is_not_sent_when_its_original_vanished(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """The recorder took the file away before the bridge could delete it: the call is complete all the same."""
    with bench(tmp_path, sandbox.base_url, source={"after_upload": "delete"}) as bridge:
        digest = drop(bridge.recorder, "one.wav", 1)
        bridge.find()
        entry = bridge.claim()
        assert entry is not None
        for _ in range(3):
            entry = bridge.bridge.pipeline.step(entry)
        write(bridge.recorder / "one.wav", wav(9))  # another content: the bridge must not delete it
        entry = bridge.bridge.pipeline.step(entry)
        assert (str(entry.state), entry.reason_code) == ("done", "source-changed")
        (bridge.recorder / "one.wav").unlink()
        drop(bridge.recorder, "copy.wav", 1, unique_id="one")
        bridge.find()
        bridge.work()
        assert media_of(sandbox) == {"one": (digest, 1)}
        assert bridge.states() == {1: ("done", "source-changed"), 2: ("skipped", "duplicate")}


def test_R12_another_recording_does_not_inherit_the_call_of_one_that_vanished(bridge: Bench, sandbox: Sandbox) -> None:
    """The mapping gives both one id: a mistake that must not put one customer's voice on another one's call."""
    drop(bridge.recorder, "one.wav", 1, unique_id="same")
    bridge.find()
    entry = bridge.claim()
    assert entry is not None
    for _ in range(2):
        entry = bridge.bridge.pipeline.step(entry)
    bridge.bridge.ledger.work.release(entry, clock.now())
    (bridge.recorder / "one.wav").unlink()
    drop(bridge.recorder, "two.wav", 2, unique_id="same", actualStart=OTHER_DAY)
    bridge.find()
    bridge.work()
    bridge.work_again()
    assert bridge.states() == {1: ("held", "source-gone"), 2: ("held", "bad-metadata")}
    assert media_of(sandbox) == {"same": (None, 0)}


def test_R11_a_recording_that_was_renamed_before_its_upload_goes_on_with_its_call(
    bridge: Bench, sandbox: Sandbox
) -> None:
    """Renamed and longer: the recorder closed it. The start says that it is the same call."""
    drop(bridge.recorder, "being-written.wav", 1, unique_id="same")
    bridge.find()
    entry = bridge.claim()
    assert entry is not None
    for _ in range(2):
        entry = bridge.bridge.pipeline.step(entry)
    bridge.bridge.ledger.work.release(entry, clock.now())
    (bridge.recorder / "being-written.wav").unlink()
    (bridge.recorder / "closed.json").write_text(call_text("same"))
    write(bridge.recorder / "closed.wav", wav(1, seconds=90))
    bridge.find()
    bridge.work()
    bridge.work_again()
    assert bridge.states() == {1: ("skipped", "superseded"), 2: ("done", None)}
    assert media_of(sandbox) == {"same": (sha256(wav(1, seconds=90)), 1)}


def test_on_change_the_newest_content_wins_when_it_changes_again_during_the_replacing(
    bridge: Bench, sandbox: Sandbox
) -> None:
    """Delivered, changed, and changed once more before the change was sent."""
    drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    bridge.work()
    write(bridge.recorder / "one.wav", wav(2))
    bridge.find()
    entry = bridge.claim()
    assert entry is not None
    entry = bridge.bridge.pipeline.step(entry)
    assert str(entry.state) == "created"
    bridge.bridge.ledger.work.release(entry, clock.now())
    write(bridge.recorder / "one.wav", wav(3, seconds=50))
    bridge.find()
    bridge.work()
    bridge.work_again()
    assert media_of(sandbox) == {"one": (sha256(wav(3, seconds=50)), 2)}
    assert bridge.states() == {1: ("done", None), 2: ("skipped", "superseded"), 3: ("done", None)}


def test_R11_a_copy_takes_over_when_the_held_original_turns_out_to_be_gone(bridge: Bench, sandbox: Sandbox) -> None:
    """Refused; renamed meanwhile (the copy is a duplicate of the held one); then the cause is cured, and a retry."""
    sandbox.play(not_enabled(1))
    digest = drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    bridge.work()
    assert bridge.states() == {1: ("held", "not-enabled")}
    for suffix in (".json", ".wav"):
        (bridge.recorder / f"one{suffix}").rename(bridge.recorder / f"archived{suffix}")
    bridge.find()
    bridge.work()
    assert bridge.retry() == 1
    bridge.work()
    bridge.work_again()
    assert media_of(sandbox) == {"one": (digest, 1)}
    assert sorted(state for state, _ in bridge.states().values()) == ["done", "skipped"]


def test_R11_a_copy_takes_over_when_the_original_of_a_created_call_turns_out_to_be_gone(
    bridge: Bench, sandbox: Sandbox
) -> None:
    """The same with a call that is in Gong already, whose media was refused."""
    sandbox.play(Fault(operation="addCallRecording", kind="status", status=400))
    digest = drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    bridge.work()
    assert bridge.states() == {1: ("held", "refused-by-gong")}
    for suffix in (".json", ".wav"):
        (bridge.recorder / f"one{suffix}").rename(bridge.recorder / f"archived{suffix}")
    bridge.find()
    bridge.work()
    assert bridge.retry() == 1
    bridge.work()
    bridge.work_again()
    assert media_of(sandbox) == {"one": (digest, 1)}
    assert bridge.states() == {1: ("skipped", "superseded"), 2: ("done", None)}


@pytest.mark.parametrize("with_media", [True, False])
def test_R23_a_call_of_somebody_else_under_the_same_id_is_not_adopted(
    bridge: Bench, sandbox: Sandbox, tmp_path: Path, with_media: bool
) -> None:
    """Another bridge, another recorder, one id: adopting would lose this recording, or put it on a stranger's call."""
    with bench(tmp_path / "other", sandbox.base_url) as other:
        somebody = "agent-203@example.com"
        theirs = drop(
            other.recorder, "theirs.wav", 7, unique_id="1693559823.12", primaryUser=somebody,
            parties=[{"emailAddress": somebody}],
        )  # fmt: skip
        if not with_media:
            sandbox.play(Fault(operation="addCallRecording", kind="status", status=400))
        other.find()
        other.work()
    drop(bridge.recorder, "ours.wav", 1, unique_id="1693559823.12")
    bridge.find()
    bridge.work()
    assert media_of(sandbox) == {"1693559823.12": (theirs, 1) if with_media else (None, 0)}
    entry = bridge.entry(1)
    assert (str(entry.state), entry.call_id) == ("held", None)
    assert "another person" in (entry.reason or "")


def test_R11_a_name_used_again_on_another_day_does_not_overwrite_the_call_it_named_before(
    bridge: Bench, sandbox: Sandbox
) -> None:
    """A mapping that makes the id of the name alone: the second call is held, the first keeps its media."""
    digest = drop(bridge.recorder, "line1.wav", 1, unique_id="line1")
    bridge.find()
    bridge.work()
    drop(bridge.recorder, "line1.wav", 2, unique_id="line1", actualStart=OTHER_DAY)
    bridge.find()
    bridge.work()
    assert media_of(sandbox) == {"line1": (digest, 1)}
    assert bridge.states() == {1: ("done", None), 2: ("held", "bad-metadata")}
    assert "2026-09-01" in (bridge.entry(2).reason or "")


def test_a_retried_entry_whose_call_went_to_another_is_looked_at_from_the_beginning(
    bridge: Bench, sandbox: Sandbox
) -> None:
    """By its id, an operator may retry anything that is skipped; a call that it no longer has is no checkpoint."""
    sandbox.play(Fault(operation="addCallRecording", kind="status", status=400))
    drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    bridge.work()
    changed = sha256(wav(2))
    write(bridge.recorder / "one.wav", wav(2))
    bridge.find()
    bridge.work()
    assert bridge.states() == {1: ("skipped", "superseded"), 2: ("done", None)}
    assert bridge.retry(1) == 1
    bridge.work()
    assert bridge.entry(1).attempts == 0
    assert media_of(sandbox)["one"][0] == changed


def test_what_an_operator_set_aside_is_not_sent_because_its_file_changed(bridge: Bench, sandbox: Sandbox) -> None:
    """A private call: a restored backup or a second write must not bring it back."""
    sandbox.play(not_enabled(1))
    drop(bridge.recorder, "private.wav", 1)
    bridge.find()
    bridge.work()
    assert bridge.bridge.ledger.operator.skip_by_operator(EntryFilter(), clock.now(), "private") == 1
    write(bridge.recorder / "private.wav", wav(2))
    bridge.find()
    bridge.work()
    assert sandbox.calls == []
    assert bridge.states() == {1: ("skipped", "operator"), 2: ("skipped", "operator")}
    assert bridge.retry(1) == 1
    bridge.work()
    assert bridge.retry(2) == 1
    bridge.work()
    assert media_of(sandbox) == {"private": (sha256(wav(2)), 1)}


def test_a_file_that_became_its_former_version_again_is_not_waited_for(bridge: Bench, sandbox: Sandbox) -> None:
    """A backup was restored before the change was looked at: `run --once` must come to an end."""
    digest = drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    bridge.work()
    before = (bridge.recorder / "one.wav").stat()
    write(bridge.recorder / "one.wav", wav(2))
    bridge.find()
    write(bridge.recorder / "one.wav", wav(1))
    os.utime(bridge.recorder / "one.wav", ns=(before.st_atime_ns, before.st_mtime_ns))
    bridge.find()
    bridge.work()
    assert bridge.states() == {1: ("done", None), 2: ("skipped", "changed")}
    assert media_of(sandbox) == {"one": (digest, 1)}


def test_a_file_that_was_emptied_after_it_was_found_is_held_until_there_is_something_in_it(
    bridge: Bench, sandbox: Sandbox
) -> None:
    """No source ever finds an empty file: waiting for its new version would never end."""
    drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    (bridge.recorder / "one.wav").write_bytes(b"")
    bridge.work()
    assert bridge.states() == {1: ("held", "bad-media")}
    assert "empty" in (bridge.entry(1).reason or "")
    write(bridge.recorder / "one.wav", wav(2))
    bridge.find()
    bridge.work()
    assert media_of(sandbox) == {"one": (sha256(wav(2)), 1)}
