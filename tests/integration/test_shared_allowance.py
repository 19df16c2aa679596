"""One allowance for many processes: a server that counts strictly never has to refuse, and nothing is left unused."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path

import pytest

from gong_bridge.connected import connected
from gong_bridge.errors import RateLimited
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.integration.bench import bench

CALLER = """
import http.client, sys, threading
from datetime import timedelta
from gong_bridge import clock
from gong_bridge.errors import RateLimited
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.budget import LedgerAllowance

url, port, ahead_seconds, calls_per_second = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
true_now = clock.now
clock.now = lambda: true_now() + timedelta(seconds=ahead_seconds)
ledger = Ledger.open(url)
allowance = LedgerAllowance(ledger, calls_per_second, 100_000)

def work():
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while True:
        try:
            allowance.take(threading.Event())
            allowance.depart(threading.Event())
        except RateLimited as limited:
            clock.wait(threading.Event(), min(limited.wait_seconds, 1.0))
            continue
        connection.request("GET", "/")
        allowance.sent()
        answer = connection.getresponse()
        allowance.answered()
        answer.read()
        if answer.status == 429:
            allowance.pause(float(answer.headers["Retry-After"]), too_many=True)

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


USED = 0.9
"""What real processes use of the allowance at least, on a machine that is busy with others; test_allowance_rows.py has
the law itself (95 %) in time of its own, benchmarks what was measured."""


class StrictGong:
    """Refuses what comes too often: in any one second, in a second of the clock, or out of a bucket of one second."""

    def __init__(self, calls_per_second: int) -> None:
        self.calls_per_second = calls_per_second
        self.arrivals: list[float] = []
        self.refused: list[float] = []
        self.out_of_order = False
        self._tokens = float(calls_per_second)
        self._filled_at = time.monotonic()
        self._lock = threading.Lock()
        gong = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                status = 200 if gong.lets_in() else 429
                self.send_response(status)
                self.send_header("Content-Length", "0")
                if status == 429:
                    self.send_header("Retry-After", "2")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def lets_in(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self.calls_per_second, self._tokens + (now - self._filled_at) * self.calls_per_second)
            self._filled_at = now
            in_this_second = sum(int(now) == int(one) for one in self.arrivals[-100:])
            in_any_second = sum(now - one < 1.0 for one in self.arrivals[-100:])
            too_many = max(in_this_second, in_any_second) >= self.calls_per_second or self._tokens < 1.0
            if too_many or self.out_of_order:
                self.refused.append(now)
                return False
            self._tokens -= 1.0
            self.arrivals.append(now)
            return True

    def used(self, since: float) -> float:
        """What of the allowance was used since then, but for the three longest waits.

        A busy machine stalls now and then, and that is not the limiter's doing.
        """
        counted = [one for one in self.arrivals if one >= since]
        waits = sorted(after - before for before, after in pairwise(counted))[:-3]
        return len(waits) / sum(waits) / self.calls_per_second


@contextmanager
def strict_gong(calls_per_second: int) -> Iterator[StrictGong]:
    gong = StrictGong(calls_per_second)
    serving = threading.Thread(target=gong.server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield gong
    finally:
        gong.server.shutdown()
        serving.join()
        gong.server.server_close()


@contextmanager
def callers(ledger_url: str, gong: StrictGong, *ahead_seconds: float) -> Iterator[list[subprocess.Popen[str]]]:
    """A process for each clock, all calling as often as they may."""
    Ledger.open(ledger_url).close()
    processes: list[subprocess.Popen[str]] = []
    try:
        for ahead in ahead_seconds:
            processes.append(caller(ledger_url, gong, ahead))
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def caller(ledger_url: str, gong: StrictGong, ahead_seconds: float = 0.0) -> subprocess.Popen[str]:
    arguments = [ledger_url, str(gong.server.server_port), str(ahead_seconds), str(gong.calls_per_second)]
    return subprocess.Popen(
        [sys.executable, "-c", CALLER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def wait_for_calls(gong: StrictGong, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(gong.arrivals) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_R26_four_processes_use_95_percent_of_3_calls_a_second_and_never_meet_429(ledger_url: str) -> None:
    with strict_gong(3) as gong, callers(ledger_url, gong, 0, 0, 0, 0):
        wait_for_calls(gong, 3)
        since = gong.arrivals[-1] + 0.01
        time.sleep(11)
        assert gong.refused == []
        assert gong.used(since) >= USED


def test_R26_hosts_whose_clocks_differ_by_seconds_share_the_allowance_of_one_postgresql(
    new_postgresql_ledger: object,
) -> None:
    assert callable(new_postgresql_ledger)
    with strict_gong(3) as gong, callers(new_postgresql_ledger(), gong, 0, 7, -5, 3600):
        wait_for_calls(gong, 3)
        since = gong.arrivals[-1] + 0.01
        time.sleep(7)
        assert gong.refused == []
        assert gong.used(since) >= USED


def test_R26_a_killed_process_wastes_a_slot_at_most(ledger_url: str) -> None:
    with strict_gong(3) as gong, callers(ledger_url, gong, 0, 0, 0, 0) as processes:
        wait_for_calls(gong, 3)
        since = gong.arrivals[-1] + 0.01
        for process in processes[:3]:
            time.sleep(2.5)
            process.send_signal(signal.SIGKILL)
        time.sleep(2.5)
        assert gong.refused == []
        assert gong.used(since) >= USED  # but for the three longest waits: one for each that died


def test_R27_a_429_seen_by_one_process_stops_the_others_at_once(ledger_url: str) -> None:
    with strict_gong(3) as gong, callers(ledger_url, gong, 0, 0, 0, 0):
        wait_for_calls(gong, 6)
        gong.out_of_order = True
        deadline = time.monotonic() + 5
        while not gong.refused:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        gong.out_of_order = False
        refused_at = gong.refused[0]
        time.sleep(2.5)
        # What had left when the answer came is one call at most: the next slot is a third of a second later.
        early = [one for one in (*gong.refused[1:], *gong.arrivals) if refused_at + 0.2 < one < refused_at + 1.98]
        assert early == []
        assert gong.arrivals[-1] > refused_at
        with Ledger.open(ledger_url) as ledger:
            state = LedgerAllowance(ledger, 3.0, 100_000).state(datetime.now(UTC))
        assert state.refused_1h == 1
        assert state.rate == pytest.approx(3 * 0.95, abs=0.01)


def test_a_python_program_leaves_the_rest_of_the_day_to_new_recordings(tmp_path: Path, sandbox: Sandbox) -> None:
    """As the commands do: what it asks counts as backlog."""
    limits = {"calls_per_second": 1000, "calls_per_day": 2, "kept_for_live": 0.5}
    keys = {"access_key": "sandbox", "access_key_secret": "sandbox-secret"}
    with bench(tmp_path, sandbox.base_url, gong={"base_url": sandbox.base_url, **keys, "limits": limits}):
        pass  # writes bridge.yaml
    with connected(tmp_path / "bridge.yaml") as gong, pytest.raises(RateLimited, match="kept for new recordings"):
        next(iter(gong.users.list()))
    assert sandbox.requests == []
