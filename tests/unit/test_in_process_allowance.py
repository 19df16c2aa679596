"""The allowance of a program without a ledger: even spacing, Gong's pauses, a stop that is heard."""

from __future__ import annotations

import threading
import time

import pytest

from gong_bridge.errors import RateLimited
from gong_bridge.gong.in_process_allowance import InProcessAllowance


def test_calls_of_all_threads_are_spaced_evenly() -> None:
    allowance = InProcessAllowance(20.0)
    left: list[float] = []

    def work() -> None:
        for _ in range(5):
            allowance.take(threading.Event())
            left.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(left) - min(left) >= 9 * 0.05 - 0.02


def test_a_short_pause_is_waited_for_and_a_long_one_is_told() -> None:
    allowance = InProcessAllowance(1000.0)
    allowance.pause(0.3, too_many=True)
    began_at = time.monotonic()
    allowance.take(threading.Event())
    assert time.monotonic() - began_at >= 0.29
    allowance.pause(3600.0, too_many=False)
    with pytest.raises(RateLimited, match="Gong asked to wait") as caught:
        allowance.take(threading.Event())
    assert caught.value.wait_seconds == pytest.approx(3600, abs=1)


def test_a_stop_ends_the_wait() -> None:
    allowance = InProcessAllowance(1000.0)
    allowance.pause(30.0, too_many=False)
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(RateLimited, match="stopped"):
        allowance.take(stop)
