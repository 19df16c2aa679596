"""R28, R29: while the service runs, no error, wherever it comes from, ends the work in silence."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gong_bridge import clock, supervision
from gong_bridge import running as bridge_running
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.model import Entry
from gong_bridge.observer import Observer
from gong_bridge.running import run, run_once
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.sources.folder import Folder
from gong_bridge.worker import Leases
from tests.end_to_end.bridge import Home, environment, wait_until
from tests.end_to_end.recordings import drop, drop_many, wav, write
from tests.integration.bench import Bench, bench

QUICK = {"settle": "100ms", "rescan": "300ms"}


@pytest.fixture(autouse=True)
def again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "AGAIN_SECONDS", 0.1)


@pytest.fixture
def bridge(tmp_path: Path, sandbox: Sandbox) -> Iterator[Bench]:
    with bench(tmp_path, sandbox.base_url, source=QUICK) as opened:
        yield opened


@pytest.fixture
def home(tmp_path: Path, sandbox: Sandbox) -> Home:
    return Home(tmp_path / "home", sandbox.base_url)


@contextmanager
def running(bridge: Bench) -> Iterator[None]:
    """The service in a thread of this process."""
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(bridge.bridge, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def fails_once(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """`real`, whose first call raises `error` instead."""
    left = [error]

    def call(*arguments: Any, **named: Any) -> Any:
        if left:
            raise left.pop()
        return real(*arguments, **named)

    return call


def test_a_source_that_fails_unexpectedly_is_started_again(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in looking for recordings may delay them; until it goes on, the source does not count as well."""
    monkeypatch.setattr(supervision, "AGAIN_SECONDS", 1.0)
    monkeypatch.setattr(Folder, "run", fails_once(Folder.run, ValueError("a bug")))
    drop(bridge.recorder, "one.wav", 1)
    with running(bridge):
        wait_until(lambda: [one.healthy for one in bridge.bridge.ledger.notes.health()] == [False], "the trouble")
        wait_until(lambda: len(sandbox.calls) == 1, "the call")


def test_R29_a_thread_that_fails_again_and_again_is_told_of_and_forgotten_when_it_goes_on(
    bridge: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Housekeeping that dies would leave a service that looks well: it is begun again, and `status` says so."""
    ill = threading.Event()
    ill.set()

    def reload() -> None:
        if ill.is_set():
            raise ZeroDivisionError("a bug")

    monkeypatch.setattr(bridge.bridge.agents, "reload", reload)
    monkeypatch.setattr(supervision, "FAILED_LATELY_SECONDS", 2.0)
    failing = bridge.bridge.ledger.notes.failing
    with running(bridge):
        wait_until(lambda: len(failing()) == 1, "it is told of")
        assert "a part of the bridge (agents) fails with ZeroDivisionError" in failing()[0]
        ill.clear()
        wait_until(lambda: failing() == [], "it is forgotten")


def test_the_heart_goes_on_after_any_error(bridge: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it, recordings that are being sent would be claimed and sent a second time."""
    leases = Leases(bridge.bridge.ledger, 0.6)
    beats: list[float] = []
    monkeypatch.setattr(leases, "beat", fails_once(lambda: beats.append(time.monotonic()), RuntimeError("a bug")))
    stop = threading.Event()
    heart = threading.Thread(target=leases.run, args=(stop,))
    heart.start()
    wait_until(lambda: len(beats) >= 2, "beats after the failed one", 5)
    stop.set()
    heart.join(5)
    assert not heart.is_alive()


class Broken(Observer):
    """A display whose terminal is gone."""

    def found(self, count: int) -> None:
        raise BrokenPipeError

    def stepped(self, before: Entry, after: Entry) -> None:
        raise BrokenPipeError

    def sending(self, entry: Entry, chunk_bytes: int, size_bytes: int) -> None:
        raise BrokenPipeError

    def finished_sending(self, entry: Entry) -> None:
        raise BrokenPipeError


def test_a_broken_display_keeps_nothing_from_gong(tmp_path: Path, sandbox: Sandbox) -> None:
    with bench(tmp_path, sandbox.base_url, source=QUICK, observer=Broken()) as bridge:
        expected = drop_many(bridge.recorder, 3)
        drop(bridge.recorder, "held.wav", 9, primaryUser="299")
        with running(bridge):
            wait_until(lambda: len(bridge.states()) == 4, "four entries")
            wait_until(lambda: {state for state, _ in bridge.states().values()} == {"done", "held"}, "their ends")
    assert {call.client_unique_id: call.media_puts for call in sandbox.calls} == dict.fromkeys(expected, 1)


def test_run_once_into_a_pipe_that_nobody_reads_delivers_everything(home: Home, sandbox: Sandbox) -> None:
    """`gong-bridge run --once | head -1`."""
    home.write()
    drop_many(home.recorder, 5)
    reading, writing = os.pipe()
    with subprocess.Popen(
        home.command("run", "--once"), stdout=writing, stderr=subprocess.DEVNULL, env=environment({})
    ) as process:
        os.close(writing)
        os.close(reading)
        process.wait(60)
    assert set(home.states().values()) == {"done"}
    assert len(sandbox.calls) == 5


def test_a_service_whose_log_is_on_a_full_disk_delivers(home: Home, sandbox: Sandbox) -> None:
    home.write()
    drop_many(home.recorder, 3)
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen(home.command("run"), stdout=full, stderr=full, env=environment({}))
        try:
            wait_until(lambda: sum(call.media_puts for call in sandbox.calls) == 3, "three uploads")
            assert process.poll() is None
        finally:
            process.terminate()
            process.wait(30)


def test_R28_a_ledger_that_cannot_be_written_is_noticed_although_nobody_has_work(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate closes, which is logged and makes `run --once` end; when there is room again, all goes on."""
    full = LedgerReadOnly("ledger cannot be used: the disk is full")
    real = bridge.bridge.ledger.intake.add

    def add(*_: Any, **__: Any) -> int:
        raise full

    monkeypatch.setattr(bridge.bridge.ledger.intake, "add", add)
    monkeypatch.setattr("gong_bridge.account.gate.FIRST_PROBE_SECONDS", 0.5)
    drop(bridge.recorder, "one.wav", 1)
    with running(bridge):
        wait_until(lambda: bridge.bridge.accounts.default.gate.cause is full, "the gate closes")
        monkeypatch.setattr(bridge.bridge.ledger.intake, "add", real)
        wait_until(lambda: len(sandbox.calls) == 1, "the call")


def test_run_once_ends_when_its_scan_can_never_write(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scan_once(*_: Any) -> int:
        raise ValueError("a bug")

    monkeypatch.setattr(Folder, "scan_once", scan_once)
    monkeypatch.setattr(bridge_running, "ONCE_PATIENCE_SECONDS", 0.5)
    trouble = run_once(bridge.bridge, threading.Event())
    assert trouble is not None
    assert "ValueError" in trouble


def test_run_once_ends_when_only_files_are_left_that_cannot_be_removed(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stay delivered, and the next run tries again."""
    monkeypatch.setattr(bridge_running, "ONCE_PATIENCE_SECONDS", 1.0)
    (tmp_path / "sent").mkdir()
    with bench(tmp_path, sandbox.base_url, source={**QUICK, "after_upload": {"move_to": str(tmp_path / "sent")}}) as it:
        (tmp_path / "sent").rmdir()
        (tmp_path / "sent").write_text("a file where a folder should be")
        drop(it.recorder, "one.wav", 1)
        trouble = run_once(it.bridge, threading.Event())
        assert trouble is not None
        assert "1 recordings cannot be read or removed" in trouble
        assert it.states() == {1: ("delivered", "source-unavailable")}


def test_a_leftover_that_cannot_be_deleted_does_not_keep_the_service_from_starting(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    """A conversion of a run as root, killed; a folder stands for it, because root may delete any file."""
    conversions = tmp_path / "conversions"
    (conversions / f"gong-bridge-999999999-{'a' * 32}.flac").mkdir(parents=True)
    with bench(tmp_path, sandbox.base_url, source=QUICK, media={"conversion_folder": str(conversions)}) as bridge:
        drop(bridge.recorder, "one.wav", 1)
        assert run_once(bridge.bridge, threading.Event()) is None
    assert len(sandbox.calls) == 1


def test_housekeeping_that_waits_for_gong_does_not_keep_systemd_waiting(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gong takes minutes to answer the probe: a watchdog that hears nothing meanwhile would kill every upload."""
    heard: list[float] = []
    monkeypatch.setattr("gong_bridge.notify.watchdog", lambda: heard.append(time.monotonic()))
    monkeypatch.setattr("gong_bridge.account.gate.FIRST_PROBE_SECONDS", 0.1)
    sandbox.play(
        Fault(operation="listUsers", kind="status", status=401), Fault(operation="listUsers", kind="slow", seconds=5)
    )
    drop(bridge.recorder, "one.wav", 1)
    with running(bridge):
        wait_until(lambda: bridge.bridge.accounts.default.gate.cause is not None, "the pause")
        wait_until(lambda: len(sandbox.calls) == 1, "the end of the pause")
        assert max(later - earlier for earlier, later in pairwise(heard)) < 3


def test_R29_one_recording_that_gong_forbids_does_not_stop_the_others(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """403 may be about the key or about this call: the gate closes, and the second time the entry lets others go."""
    monkeypatch.setattr("gong_bridge.account.gate.FIRST_PROBE_SECONDS", 0.2)
    monkeypatch.setattr("gong_bridge.account.gate.RELAPSE_SECONDS", 0.0)
    forbidden = drop(bridge.recorder, "a-forbidden.wav", 1)
    bridge.find()
    entry = bridge.claim()
    assert entry is not None
    for _ in range(3):
        sandbox.play(Fault(operation="addCall", kind="status", status=403))
        bridge.worker.work(entry, threading.Event())
        entry = bridge.claim() or entry
    waiting = bridge.entry(entry.id)
    assert (str(waiting.state), waiting.reason_code, waiting.attempts) == ("drafted", "bad-credentials", 0)
    assert waiting.due_at > clock.now() + timedelta(seconds=30)
    assert "403" in (waiting.reason or "")
    sandbox.play_no_faults()
    bridge.work_again()
    assert [call.media.sha256 for call in sandbox.calls if call.media] == [forbidden]


def test_a_cut_off_file_from_the_future_is_held_soon(tmp_path: Path, sandbox: Sandbox) -> None:
    """A recorder whose clock is years ahead: its files are waited for from the moment they were found."""
    with bench(tmp_path, sandbox.base_url, media={"incomplete_for": "1s"}) as bridge:
        write(bridge.recorder / "cut.wav", wav(1)[:100_000])
        (bridge.recorder / "no-sidecar.wav").write_bytes(wav(2))
        for path in bridge.recorder.iterdir():
            os.utime(path, (4e9, 4e9))
        bridge.find()

        def found(key: str) -> Entry:
            entry = bridge.bridge.ledger.views.find_latest("pbx", key)
            assert entry is not None
            return entry

        def is_held() -> bool:
            bridge.work_again()
            return str(found("cut.wav").state) == "held"

        wait_until(is_held, "it is held", 10)
        assert found("no-sidecar.wav").due_at < clock.now() + timedelta(minutes=5)
