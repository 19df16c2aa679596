"""R6, R7, R9: recordings that are still being written, came in halves, or whose sidecar comes when it likes."""

from __future__ import annotations

import os
import time

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import age, call_text, drop, sha256, wav, write


def sidecar(home: Home, name: str) -> None:
    """The sidecar of the recording `name`.wav."""
    (home.recorder / f"{name}.json").write_text(call_text(name))


def test_R6_a_slow_writer_is_waited_for_and_sent_whole(home: Home, sandbox: Sandbox) -> None:
    """It pauses for longer than `settle` between its chunks; one entry, one call, all of it."""
    data = wav(1)
    sidecar(home, "slow")
    with home.running() as service:
        with (home.recorder / "slow.wav").open("wb", buffering=0) as writer:
            for start in range(0, len(data), 62_011):
                writer.write(data[start : start + 62_011])
                time.sleep(0.7)  # the writer's own pace
        home.wait_for("slow.wav", "done")
        assert service.stop() == 0
    assert len(home.entries()) == 1
    each_call_once(sandbox, {"slow": sha256(data)})


def test_R7_half_a_wav_waits_and_goes_once_when_it_is_whole(home: Home, sandbox: Sandbox) -> None:
    """A copy that was broken off and is taken up again half a minute later."""
    data = wav(1)
    sidecar(home, "copied")
    write(home.recorder / "copied.wav", data[: len(data) // 2])
    with home.running() as service:
        home.wait_for("copied.wav", "found", code="not-yet-complete")
        with (home.recorder / "copied.wav").open("ab") as writer:
            writer.write(data[len(data) // 2 :])
        home.wait_for("copied.wav", "done")
        assert service.stop() == 0
    each_call_once(sandbox, {"copied": sha256(data)})
    assert home.entry("copied.wav")["attempts"] == 0


def test_R7_half_a_wav_that_stays_half_is_held_and_never_sent(home: Home, sandbox: Sandbox) -> None:
    """It is old, so nobody writes any more. When it is copied again it goes without anybody's doing."""
    data = wav(1)
    sidecar(home, "broken")
    write(home.recorder / "broken.wav", data[: len(data) // 2])
    age(home.recorder / "broken.wav", 3600)
    with home.running() as service:
        home.wait_for("broken.wav", "held", code="bad-media")
        assert "cut off" in home.entry("broken.wav")["reason"]
        assert not [request for request in sandbox.requests if request.method != "GET"]
        write(home.recorder / "broken.wav", data)
        home.wait_for("broken.wav", "done")
        assert service.stop() == 0
    each_call_once(sandbox, {"broken": sha256(data)})


def test_R9_a_sidecar_comes_first_or_late(home: Home, sandbox: Sandbox) -> None:
    """Late: the recording waits for it without using up attempts. (Too late and never: test_sidecars.)"""
    expected = {name: sha256(wav(number)) for number, name in enumerate(["first", "late"])}
    sidecar(home, "first")
    for number, name in enumerate(expected):
        write(home.recorder / f"{name}.wav", wav(number))
    with home.running() as service:
        home.wait_for("first.wav", "done")
        home.wait_for("late.wav", "found", code="waiting-for-sidecar")
        sidecar(home, "late")
        home.wait_for("late.wav", "done")
        assert service.stop() == 0
    assert home.entry("late.wav")["attempts"] == 0
    each_call_once(sandbox, expected)


def test_R12_hard_links_are_one_call(home: Home, sandbox: Sandbox) -> None:
    """The same file under two names: the second is skipped as a duplicate."""
    digest = drop(home.recorder, "one.wav", 1, unique_id="call-1")
    os.link(home.recorder / "one.wav", home.recorder / "two.wav")
    os.link(home.recorder / "one.json", home.recorder / "two.json")
    assert home.run_once().returncode == 0
    assert sorted(home.states().values()) == ["done", "skipped"]
    each_call_once(sandbox, {"call-1": digest})


def test_R8_what_is_not_yet_a_recording_is_left_alone(home: Home, sandbox: Sandbox) -> None:
    """Temporary names and empty files: nothing in the ledger, exit 0."""
    for name in (".hidden.wav", "~call.wav", "call.wav.part", "@eaDir/thumb.wav"):
        (home.recorder / name).parent.mkdir(exist_ok=True)
        (home.recorder / name).write_bytes(wav(1))
    (home.recorder / "empty.wav").touch()
    ran = home.run_once()
    assert (ran.returncode, ran.stdout) == (0, "no recordings were found\n")
    assert home.entries() == []


def test_R3_the_polling_watcher_finds_what_the_native_one_finds(home: Home, sandbox: Sandbox) -> None:
    """On file systems without events the rescan does it all."""
    home.source["watch"] = "polling"
    with home.running() as service:
        wait_until(lambda: home.ledger_path.exists(), "the service")
        digest = drop(home.recorder, "2026/09/01/one.wav", 1)
        home.wait_for("2026/09/01/one.wav", "done")
        assert service.stop() == 0
    each_call_once(sandbox, {"one": digest})
