"""Proof: no secret and nobody's data in 100 MB of logged errors, nor in what the service leaves in a storm."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gong_bridge import logs
from tests.end_to_end.bridge import Home
from tests.end_to_end.test_secrets import free_port
from tests.postgresql_with_password import change_password, with_password
from tests.proofs.mirror_server import mirror
from tests.proofs.secret_storm import (
    DATABASE_PASSWORD,
    PEOPLE,
    SECRETS,
    SOUGHT,
    Findings,
    list_without_pause,
    log_in,
    prepare,
    running_loudly,
    weather,
)
from tests.proofs.spoken_errors import spoken_error

SEED = 20260901
LOG_BYTES = 100 * 2**20
LOUD_SECONDS = float(os.environ.get("LOUD_SECONDS", "1500"))
STORM_SECONDS = float(os.environ.get("STORM_SECONDS", "120"))


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("memory_limit", ["768MiB", "64MiB"])
def test_no_secret_shows_anywhere_in_a_storm_of_faults(home: Home, memory_limit: str) -> None:
    """With 64 MiB no recording can be opened: every attempt is an unexpected error with its traceback."""
    port = free_port()
    with mirror() as url:
        prepare(home, url, recordings=150, port=port)
        home.config["media"] = {"memory_limit": memory_limit}
        findings = weather(home, port, seconds=STORM_SECONDS)
    log_bytes = (home.root / "service.log").stat().st_size
    tracebacks = (home.root / "service.log").read_text(errors="replace").count('"exception"')
    told = {"searched bytes": findings.searched_bytes, "of them logs": log_bytes, "tracebacks": tracebacks}
    print(json.dumps({**told, "secrets and people looked for": len(SECRETS) + len(PEOPLE), "found": findings.found}))
    assert findings.found == []
    assert log_bytes > 10_000


@contextmanager
def changing_password(server: Any, role: str) -> Iterator[None]:
    """Every few seconds the server refuses the password for a while, and drops who is connected; it is right again."""
    stop = threading.Event()

    def change() -> None:
        stop.wait(60)
        while not stop.wait(20):
            for password, seconds in (("another-one", 4), (DATABASE_PASSWORD, 0)):
                change_password(server, role, password)
                stop.wait(seconds)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        yield
    finally:
        stop.set()
        changing.join()


@pytest.mark.proof
@pytest.mark.timeout(2400)
def test_no_secret_shows_in_100_mb_that_the_running_service_logs(tmp_path: Path, own_postgresql: Any) -> None:
    """Two services in the storm, whose libraries say all they can; one with a ledger whose password fails now and then.

    Keys with 401s, a store that repeats headers and signed addresses, OAuth tokens whose renewal fails, a web token.
    """
    sqlite, postgresql = (Home(tmp_path / name, "http://127.0.0.1:1") for name in ("sqlite", "postgresql"))
    postgresql.config["ledger"] = {
        "url": with_password(own_postgresql, "storm", DATABASE_PASSWORD),
        "password": "env:STORM_PG",
    }
    homes = (sqlite, postgresql)
    findings: list[Findings] = []

    def logged() -> int:
        return sum((home.root / "service.log").stat().st_size for home in homes if (home.root / "service.log").exists())

    def endure(home: Home, port: int) -> None:
        findings.append(
            weather(
                home, port, seconds=LOUD_SECONDS, running=running_loudly(home), is_enough=lambda: logged() > LOG_BYTES
            )
        )

    with mirror() as url, changing_password(own_postgresql, "storm"):
        enduring = []
        for home in homes:
            port = free_port()
            prepare(home, url, recordings=50, port=port)
            log_in(home, url, recordings=50)
            list_without_pause(home, buckets=12)
            enduring.append(threading.Thread(target=endure, args=(home, port)))
        for thread in enduring:
            thread.start()
        for thread in enduring:
            thread.join()
    found = [one for of_home in findings for one in of_home.found]
    told = {"bytes of logs": logged(), "searched bytes": sum(one.searched_bytes for one in findings)}
    print(json.dumps({**told, "secrets": len(SECRETS), "in shapes": len(SOUGHT), "found": sorted(set(found))}))
    assert len(findings) == 2
    assert found == []
    assert logged() > LOG_BYTES / 10  # a busy machine gets no further within LOUD_SECONDS; the figure is printed


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Logging as the service does it, into memory; the former state comes back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("gong_bridge")
    former = (root.handlers[:], root.level, ours.level, threading.excepthook)
    stream = io.StringIO()
    logs.configure("debug", "json", stream)
    yield stream
    root.handlers[:], threading.excepthook = former[0], former[3]
    root.setLevel(former[1])
    ours.setLevel(former[2])


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_no_secret_shows_in_100_mb_of_logged_errors(written: io.StringIO) -> None:
    log, library = logs.get_logger("gong_bridge.worker"), logging.getLogger("botocore.endpoint")
    searched, number, found = 0, 0, []
    while searched < LOG_BYTES:
        error, secrets = spoken_error(number, SEED)
        log.exception("unexpected error", entry=number, exc_info=error)
        log.debug("seen", reason=str(error), url=str(error), more=[repr(error)], error=error)
        library.warning("failed: %s", error, exc_info=error)
        told = written.getvalue()
        written.seek(0)
        written.truncate()
        searched += len(told)
        found += [(number, type(error).__name__, secret) for secret in secrets if secret in told]
        number += 1
    print(json.dumps({"bytes of logs": searched, "errors": number, "found": len(found)}), file=sys.stderr)
    assert found == []
