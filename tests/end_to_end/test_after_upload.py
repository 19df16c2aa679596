"""R30: the source is touched last, and only if it is still what was delivered."""

from __future__ import annotations

from typing import Any

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop, sha256, wav, write
from tests.store import CREDENTIALS, store_client


def test_R30_delivered_files_are_deleted_or_moved(home: Home, sandbox: Sandbox) -> None:
    """Each after its call is complete; a held one stays."""
    home.config["sources"] = [
        {**home.source, "after_upload": "delete"},
        {**home.source, "name": "second", "folder": "second", "after_upload": {"move_to": "sent"}},
    ]
    for folder in ("second", "sent"):
        (home.root / folder).mkdir()
    expected = {
        "deleted": drop(home.recorder, "deleted.wav", 1),
        "moved": drop(home.root / "second", "2026/moved.wav", 2),
    }
    drop(home.recorder, "held.wav", 3, primaryUser="299")
    assert home.run_once().returncode == 1
    each_call_once(sandbox, expected)
    assert sorted(path.name for path in home.recorder.glob("*.wav")) == ["held.wav"]
    assert not list(home.root.glob("second/**/*.wav"))
    assert (home.root / "sent/2026/moved.wav").read_bytes() == wav(2)
    assert home.run_once().returncode == 1
    each_call_once(sandbox, expected)
    assert len(home.entries()) == 3


def test_R30_nothing_is_removed_before_gong_has_everything(home: Home, sandbox: Sandbox) -> None:
    """While uploads fail the file lies where it lay."""
    home.source["after_upload"] = "delete"
    sandbox.play(Fault(operation="addCallRecording", kind="status", status=500, times=2))
    digest = drop(home.recorder, "one.wav", 1)
    with home.running() as service:
        wait_until(lambda: "500" in sandbox.statuses, "a failed upload")
        assert (home.recorder / "one.wav").exists()
        home.wait_for("one.wav", "done")
        assert not (home.recorder / "one.wav").exists()
        assert service.stop() == 0
    each_call_once(sandbox, {"one": digest})


def test_R30_a_file_that_changed_during_its_upload_stays(home: Home, sandbox: Sandbox) -> None:
    """What was not delivered is not deleted; it is delivered then, and deleted after that."""
    home.source["after_upload"] = "delete"
    sandbox.play(Fault(operation="addCallRecording", kind="slow", seconds=1.5))
    drop(home.recorder, "one.wav", 1)
    with home.running() as service:
        wait_until(lambda: any(call.media for call in sandbox.calls), "the first upload")
        write(home.recorder / "one.wav", wav(2))
        wait_until(lambda: sandbox.calls[0].media_puts == 2, "the second upload")
        wait_until(lambda: not (home.recorder / "one.wav").exists(), "the deletion")
        assert service.stop() == 0
    (call,) = sandbox.calls
    assert call.media is not None
    assert call.media.sha256 == sha256(wav(2))
    (first, second) = home.entries()
    assert home.story(first["id"])[-1] == "source-changed"
    assert home.story(second["id"])[-1] == "source-deleted"


def test_R30_a_failed_move_is_retried_and_uploads_nothing_again(home: Home, sandbox: Sandbox) -> None:
    """Something lies in the way of the target folder; the reason says what to do."""
    home.source["after_upload"] = {"move_to": "sent"}
    target = home.root / "sent"
    target.mkdir()
    with home.running() as service:
        wait_until(lambda: home.health().get("pbx", False), "the service")
        target.rmdir()
        target.write_text("a file where a folder should be")
        digest = drop(home.recorder, "one.wav", 1)
        home.wait_for("one.wav", "delivered", code="source-unavailable")
        assert "cannot be removed" in home.entry("one.wav")["reason"]
        target.unlink()
        assert home.run("ledger", "retry", "1").stdout == "1 will be tried again\n"
        home.wait_for("one.wav", "done")
        assert service.stop() == 0
    assert (home.root / "sent" / "one.wav").read_bytes() == wav(1)
    each_call_once(sandbox, {"one": digest})
    assert home.entry("one.wav")["attempts"] == 0


@pytest.mark.parametrize(
    ("after_upload", "left"), [("delete", []), ({"move_to": "sent/"}, ["sent/one.wav"]), ("leave", ["calls/one.wav"])]
)
def test_R30_delivered_objects_are_deleted_moved_or_left(
    home: Home, sandbox: Sandbox, store_url: str, after_upload: Any, left: list[str]
) -> None:
    """The same for a bucket."""
    bucket = f"after-{len(str(after_upload))}"
    store = store_client(store_url)
    store.create_bucket(Bucket=bucket)
    digest = drop(home.root / "made", "one.wav", 1)
    for name in ("one.wav", "one.json"):
        store.put_object(Bucket=bucket, Key=f"calls/{name}", Body=(home.root / "made" / name).read_bytes())
    home.config["sources"] = [
        {"name": "store", "bucket": bucket, "prefix": "calls/", "endpoint_url": store_url, "delivery": "upload",
         "include": ["**/*.wav"], "mapping": "sidecar-json", "after_upload": after_upload}
    ]  # fmt: skip
    home.environment = dict(CREDENTIALS)
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"one": digest})
    keys = [item["Key"] for item in store.list_objects_v2(Bucket=bucket)["Contents"]]
    assert [key for key in keys if key.endswith(".wav")] == left
