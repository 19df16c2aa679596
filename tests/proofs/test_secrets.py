"""Proof: no secret and nobody's data in 100 MB of logged errors, nor in what the service leaves in a storm."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import threading
from collections.abc import Iterator

import pytest

from gong_bridge import logs
from tests.end_to_end.bridge import Home
from tests.end_to_end.test_secrets import free_port
from tests.proofs.mirror_server import mirror
from tests.proofs.secret_storm import PEOPLE, SECRETS, prepare, weather
from tests.proofs.spoken_errors import spoken_error

SEED = 20260901
LOG_BYTES = 100 * 2**20
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
