"""R22: kill -9 at any moment ends with exactly one call and one media for each recording."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop_many

MakeHome = Callable[[Sandbox], Home]

SLOW = tuple(Fault(operation=name, kind="slow", seconds=0.08, times=None) for name in ("addCall", "addCallRecording"))
"""The effect comes at once, the answer later: most kills hit between the two."""


def run_killed_after(home: Home, sandbox: Sandbox, requests: int, delay_seconds: float) -> bool:
    """`run --once`, killed `delay_seconds` after so many more requests were answered; True when it ended before."""
    enough = len(sandbox.requests) + requests
    with home.running("--once") as service:
        wait_until(
            lambda: service.process.poll() is not None or len(sandbox.requests) >= enough, "neither requests nor an end"
        )
        time.sleep(delay_seconds)  # the moment itself is what varies here
        service.send(signal.SIGKILL)
        code = service.ended()
    assert code in (-signal.SIGKILL, 0), service.log_text
    return code == 0


@pytest.mark.parametrize(
    ("repeated_id", "recordings", "kills"), [("conflict", 40, 8), ("bad_request", 20, 4), ("same_id", 20, 4)]
)
def test_R22_killed_at_many_moments_one_call_and_one_media_each(
    start_sandbox: Callable[..., Sandbox], make_home: MakeHome, repeated_id: str, recordings: int, kills: int
) -> None:
    """Whatever Gong says to a repeated clientUniqueId."""
    chance = random.Random(f"R22 {repeated_id}")
    sandbox = start_sandbox(repeated_id=repeated_id, faults=SLOW)
    home = make_home(sandbox)
    expected = drop_many(home.recorder, recordings)
    killed = 0
    for _ in range(kills):
        killed += not run_killed_after(home, sandbox, chance.randint(2, 9), chance.uniform(0, 0.2))
    assert killed >= kills - 1
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
    assert {(entry["state"], entry["attempts"]) for entry in home.entries()} == {("done", 0)}


def test_R22_killed_while_starting_and_while_looking(home: Home, sandbox: Sandbox) -> None:
    """Before the first request: in the middle of making the ledger; and with the first look under way."""
    expected = drop_many(home.recorder, 4)
    for moment, reached in {
        "the ledger is being made": home.ledger_path.exists,
        "asked": lambda: sandbox.requests,
    }.items():
        with home.running("--once") as service:
            wait_until(reached, moment)
            service.send(signal.SIGKILL)
            service.ended()
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)


def test_R22_a_killed_bridge_leaves_no_processes_behind(home: Home, sandbox: Sandbox) -> None:
    """The probe's children see that their parent is gone."""
    drop_many(home.recorder, 4)
    with home.running() as service:
        wait_until(lambda: len(sandbox.calls) == 4, "four calls")
        children = children_of(service.process.pid)
        assert children, "the probe works in a process of its own"
        service.send(signal.SIGKILL)
        service.ended()
    wait_until(lambda: not any(is_running(child) for child in children), "the children end", 10)


def children_of(pid: int) -> list[int]:
    """The processes that this process started."""
    of_threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in of_threads for child in one.read_text(encoding="ascii").split()]


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended (a zombie has)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
