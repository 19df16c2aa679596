"""The ledger under what an operator's machine does to it for minutes: two daemons, a long lock, a full disk, kills."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop_many
from tests.small_disk import fill_up, roomy_disk

__all__ = ["roomy_disk"]

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


def is_drained(home: Home, count: int) -> bool:
    states = home.states()
    return len(states) == count and set(states.values()) == {"done"}


def test_R28_R22_two_daemons_on_one_sqlite_ledger_and_one_folder_deliver_each_recording_once(
    home: Home, sandbox: Sandbox
) -> None:
    """One is killed in the midst, and another one takes its place."""
    home.config["ledger"]["lease"] = "5s"
    home.limit(40)
    expected = drop_many(home.recorder, 60)
    with ExitStack() as stack:
        first, _ = stack.enter_context(home.running()), stack.enter_context(home.running())
        wait_until(lambda: len(sandbox.calls) > 15, "the first calls", 60)
        first.send(signal.SIGKILL)
        expected |= drop_many(home.recorder, 30, first=60)
        stack.enter_context(home.running())
        wait_until(lambda: is_drained(home, 90), "the end", 120)
    each_call_once(sandbox, expected)
    with Ledger.open(home.config["ledger"]["url"]) as ledger:
        assert ledger.upkeep.integrity_check() == []
    print("\ntwo daemons, one killed, one SQLite ledger: 90 recordings, 90 calls, 90 media")


def test_R28_a_lock_that_outlasts_every_patience_pauses_is_told_and_ends_by_itself(
    home: Home, sandbox: Sandbox
) -> None:
    """A database browser left open over lunch."""
    expected = drop_many(home.recorder, 1)
    with home.running() as service:
        wait_until(lambda: is_drained(home, 1), "the first")
        with closing(sqlite3.connect(home.ledger_path, isolation_level=None)) as browser:
            browser.execute("BEGIN EXCLUSIVE")
            locked_at = time.monotonic()
            expected |= drop_many(home.recorder, 10, first=1)
            wait_until(lambda: "end that program" in str(home.status()["paused"]), "status says so", 60)
            told_after = time.monotonic() - locked_at
            time.sleep(max(0.0, 75 - told_after))
            assert service.process.poll() is None
            browser.execute("COMMIT")
        wait_until(lambda: is_drained(home, 11), "the end", 150)
        assert service.log_text.count('"paused"') == 1
    each_call_once(sandbox, expected)
    print(f"\nlocked for 75 s: status says so after {told_after:.0f} s; 11 recordings, each once")


def test_R28_a_full_disk_under_the_service_is_told_and_loses_nothing_also_when_it_is_killed_then(
    home: Home, sandbox: Sandbox, roomy_disk: Path
) -> None:
    """Full, killed while full, started while full, and room again."""
    home.ledger_path = roomy_disk / "ledger.db"
    home.config["ledger"] = {"url": f"sqlite:///{home.ledger_path}"}
    expected = drop_many(home.recorder, 3)
    with home.running() as service:
        wait_until(lambda: is_drained(home, 3), "the first")
        ballast = fill_up(roomy_disk)
        full_at = time.monotonic()
        wait_until(lambda: '"paused"' in service.log_text, "the pause", 60)
        assert "free some space" in home.status()["paused"]["reason"]
        told_after = time.monotonic() - full_at
        expected |= drop_many(home.recorder, 5, first=3)
        service.send(signal.SIGKILL)
        service.ended()
    with home.running() as service:
        wait_until(lambda: "the ledger cannot be used yet" in service.log_text, "it waits for the ledger", 60)
        assert service.process.poll() is None
        os.unlink(ballast)
        wait_until(lambda: is_drained(home, 8), "the end", 120)
    each_call_once(sandbox, expected)
    assert told_after < 60
    print(f"\nfull disk: told after {told_after:.0f} s, killed and started while full; 8 recordings, each once")
