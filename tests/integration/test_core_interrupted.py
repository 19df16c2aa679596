"""R22, R28: a write that fails, a process that is suspended, a clock that was wrong: still one call and one media."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from gong_bridge import clock
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.ledger.database import Database
from gong_bridge.running import run, run_once
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop
from tests.integration.bench import Bench, bench


@contextmanager
def failing_at(database: Database, number: int, *, for_long: int) -> Iterator[list[int]]:
    """The disk is full at the write of this number and the `for_long - 1` after it; gives the count of writes."""
    real, count = database.write, [0]

    @contextmanager
    def write(*, durable: bool = True) -> Iterator[Any]:
        if durable:
            count[0] += 1
            if number <= count[0] < number + for_long:
                raise LedgerReadOnly("the disk is full")
        with real(durable=durable) as connection:
            yield connection

    database.write = write  # type: ignore[method-assign]
    try:
        yield count
    finally:
        database.write = real  # type: ignore[method-assign]


def lease_ran_out(bridge: Bench) -> None:
    """As if everything had been left alone for longer than a lease."""
    with bridge.bridge.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET lease_until = 1 WHERE lease_token IS NOT NULL")


@pytest.mark.parametrize("for_long", [1, 2, 4])
def test_R28_the_disk_is_full_at_any_one_write(tmp_path: Path, sandbox: Sandbox, for_long: int) -> None:
    """After a POST or a PUT that succeeded, too: the next look finds what is there. Nothing costs an attempt."""
    with bench(tmp_path, sandbox.base_url, source={"after_upload": "delete"}) as bridge:
        expected: dict[str, str] = {}
        for number in range(1, 20):
            name = f"call-{number}"
            expected[name] = drop(bridge.recorder, f"{name}.wav", number)
            bridge.find()
            with failing_at(bridge.bridge.ledger.database, number, for_long=for_long) as writes:
                try:
                    bridge.work()
                except LedgerReadOnly as error:  # of the claim
                    bridge.paused.append(error)
            lease_ran_out(bridge)
            bridge.work_again()
            if writes[0] < number:
                break
        assert writes[0] < number, "every write was made to fail"
        assert len(bridge.paused) >= number - 1
        entries = list(bridge.bridge.ledger.views.entries())
        assert {(str(entry.state), entry.attempts, entry.intent) for entry in entries} == {("done", 0, None)}
        assert not list(bridge.recorder.glob("*.wav"))
        each_call_once(sandbox, expected)


def test_R22_a_process_that_was_suspended_while_it_waited_to_upload_does_not_upload_again(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """A laptop's lid, a paused virtual machine: another process took over and finished."""
    home = Home(tmp_path / "home", sandbox.base_url)
    home.config["ledger"]["lease"] = "2s"
    home.limit(0.5)
    digest = drop(home.recorder, "one.wav", 1)
    with home.running() as first:
        wait_until(lambda: len(sandbox.calls) == 1, "the call")
        time.sleep(0.3)  # its id is written down; the allowance lets the upload begin after 2 s
        first.send(signal.SIGSTOP)
        time.sleep(2.5)
        assert home.run_once().returncode == 0
        assert sandbox.calls[0].media_puts == 1
        first.send(signal.SIGCONT)
        wait_until(lambda: "lease-lost" in first.log_text or "lease lost" in first.log_text, "it notices", 10)
        assert first.stop() == 0
    each_call_once(sandbox, {"one": digest})
    assert home.states() == {"one.wav": "done"}


def test_R22_a_process_that_was_suspended_during_its_upload_changes_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    """Its answer comes when another process has looked and seen that the media is there."""
    home = Home(tmp_path / "home", sandbox.base_url)
    home.config["ledger"]["lease"] = "2s"
    sandbox.play(Fault(operation="addCallRecording", kind="slow", seconds=3))
    digest = drop(home.recorder, "one.wav", 1)
    with home.running() as first:
        wait_until(lambda: sum(call.media_puts for call in sandbox.calls) == 1, "the upload")
        first.send(signal.SIGSTOP)
        time.sleep(2.5)
        assert home.run_once().returncode == 0
        first.send(signal.SIGCONT)
        wait_until(lambda: "lease lost" in first.log_text, "it notices", 10)
        assert first.stop() == 0
    each_call_once(sandbox, {"one": digest})
    assert home.entry("one.wav")["reason_code"] == "confirmed"


def test_entries_of_a_time_when_the_clock_was_ahead_do_not_wait_until_then(tmp_path: Path, sandbox: Sandbox) -> None:
    """The machine started with a clock years ahead; the network set it right."""
    with bench(tmp_path, sandbox.base_url, ledger={"url": f"sqlite:///{tmp_path}/ledger.db", "lease": "2s"}) as bridge:
        digest = drop(bridge.recorder, "one.wav", 1)
        source = bridge.bridge.routes["pbx"].source
        future = clock.now() + timedelta(days=3000)
        bridge.bridge.ledger.intake.add(list(source.candidates()), False, future)
        claimed = bridge.bridge.ledger.work.claim("another-host:1:1:dead", future, 30)
        assert claimed is not None
        assert run_once(bridge.bridge, threading.Event()) is None
        each_call_once(sandbox, {"one": digest})


def test_R28_a_clock_set_back_by_an_hour_under_the_service_keeps_nothing_waiting_for_an_hour(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One recording waits for its next attempt, one is found a moment before, one a moment after."""
    monkeypatch.setattr("gong_bridge.running.CLOCK_LOOK_SECONDS", 0.5)
    hour = timedelta(hours=1)
    source = {"settle": "200ms", "rescan": "500ms"}
    with (
        time_machine.travel(datetime.now(UTC) + hour, tick=True) as travelling,
        bench(tmp_path, sandbox.base_url, source=source) as bridge,
    ):
        sandbox.play(Fault(operation="addCall", kind="status", status=500, times=None))
        stop = threading.Event()
        running = threading.Thread(target=run, args=(bridge.bridge, stop))
        running.start()
        try:
            expected = {"one": drop(bridge.recorder, "one.wav", 1)}
            wait_until(lambda: [entry.attempts for entry in bridge.bridge.ledger.views.entries()] == [1], "a failure")
            travelling.shift(-hour)
            sandbox.play_no_faults()
            expected["two"] = drop(bridge.recorder, "two.wav", 2)
            wait_until(lambda: [state for state, _ in bridge.states().values()] == ["done"] * 2, "both", 30)
        finally:
            stop.set()
            running.join()
    each_call_once(sandbox, expected)
