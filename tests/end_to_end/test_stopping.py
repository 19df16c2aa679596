"""SIGTERM finishes the current steps and exits 0; a second one stops at once; nothing is lost or sent twice."""

from __future__ import annotations

import signal
import time

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop_many


def test_sigterm_finishes_the_uploads_under_way_and_exits_0(home: Home, sandbox: Sandbox) -> None:
    """Their outcome is written down, nothing stays leased, and the next run sends only what is left."""
    sandbox.play(Fault(operation="addCallRecording", kind="slow", seconds=1.5, times=None))
    expected = drop_many(home.recorder, 8)
    with home.running() as service:
        wait_until(lambda: sum(call.media_puts for call in sandbox.calls) >= 4, "uploads that wait for their answer")
        assert service.stop() == 0
        assert "Traceback" not in service.log_text
    entries = home.entries()
    arrived = {call.client_unique_id for call in sandbox.calls if call.media}
    assert {entry["client_unique_id"] for entry in entries if entry["state"] == "done"} == arrived
    assert not [entry for entry in entries if entry["working"]]
    assert {entry["intent"] for entry in entries} == {None}
    sandbox.play_no_faults()
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)


def test_a_second_sigterm_stops_at_once(home: Home, sandbox: Sandbox) -> None:
    """The uploads under way are looked up at the next start."""
    sandbox.play(Fault(operation="addCallRecording", kind="slow", seconds=20, times=None))
    expected = drop_many(home.recorder, 3)
    with home.running() as service:
        wait_until(lambda: sum(call.media_puts for call in sandbox.calls) == 3, "uploads that wait for their answer")
        service.send(signal.SIGTERM)
        wait_until(lambda: '"stopping"' in service.log_text, "the first signal")
        began = time.monotonic()
        service.send(signal.SIGTERM)
        assert service.ended() == 128 + signal.SIGTERM
        assert time.monotonic() - began < 8
    sandbox.play_no_faults()
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
    assert {entry["reason_code"] for entry in home.entries()} == {"confirmed"}


def test_uploads_longer_than_the_grace_period_do_not_keep_it(home: Home, sandbox: Sandbox) -> None:
    """It exits 0 when the grace period is over; the next run sees that the media is there."""
    sandbox.play(Fault(operation="addCallRecording", kind="slow", seconds=30, times=None))
    home.config["work"] = {"grace": "1s"}
    expected = drop_many(home.recorder, 2)
    with home.running() as service:
        wait_until(lambda: sum(call.media_puts for call in sandbox.calls) == 2, "uploads that wait for their answer")
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 15
    sandbox.play_no_faults()
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)


def test_ctrl_c_ends_run_once_with_what_is_left(home: Home, sandbox: Sandbox) -> None:
    """Exit 1: something is still open, and it says so."""
    sandbox.play(Fault(operation="addCallRecording", kind="slow", seconds=0.5, times=None))
    drop_many(home.recorder, 12)
    with home.running("--once") as service:
        wait_until(lambda: len(sandbox.calls) >= 2, "two calls")
        service.send(signal.SIGINT)
        assert service.ended() == 1
        assert "not finished: stopped before everything was delivered" in service.log_text
