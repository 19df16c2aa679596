"""Proof of R26: while a long export runs, new recordings are delivered as if nobody read."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import drop

RECORDINGS = 12
MakeHome = Callable[[Sandbox], Home]


def deliver_twelve(home: Home, sandbox: Sandbox, first: int) -> tuple[float, int]:
    """Seconds from the first to the last delivery's request, and how many reads Gong saw in between."""
    before = len(sandbox.requests)
    expected = {f"{first + n}": drop(home.recorder, f"{first + n}.wav", first + n) for n in range(RECORDINGS)}
    wait_until(
        lambda: (
            sum(call.client_unique_id in expected and call.media is not None for call in sandbox.calls) == RECORDINGS
        ),
        "the new recordings",
        120,
    )
    requests = sandbox.requests[before:]
    delivering = [one.at for one in requests if one.method in ("POST", "PUT")]
    begin, end = min(delivering), max(delivering)
    reads = [one for one in requests if one.path == "/v2/users" and begin <= one.at <= end]
    return (end - begin).total_seconds(), len(reads)


@pytest.mark.proof
@pytest.mark.timeout(600)
def test_R26_an_export_does_not_delay_new_recordings(
    make_home: MakeHome, start_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = start_sandbox(calls_per_second=3, page_size=1)
    home = make_home(sandbox)
    home.limit(3)
    with home.running() as service:
        alone_seconds, _ = deliver_twelve(home, sandbox, 100)
        # Nothing ends it: each page has one user, and the list is asked for again and again.
        shell = f"while {' '.join(home.command('gong', 'users', '--format', 'jsonl'))} > /dev/null; do :; done"
        reader = subprocess.Popen(["sh", "-c", shell], start_new_session=True)
        try:
            seen = sum(one.path == "/v2/users" for one in sandbox.requests)
            wait_until(lambda: sum(one.path == "/v2/users" for one in sandbox.requests) > seen + 5, "the reader")
            beside_seconds, reads = deliver_twelve(home, sandbox, 200)
        finally:
            os.killpg(reader.pid, signal.SIGKILL)
            reader.wait()
        assert service.stop() == 0
    print(
        f"\n{RECORDINGS} new recordings ({2 * RECORDINGS} calls at 3 a second): {alone_seconds:.1f} s alone, "
        f"{beside_seconds:.1f} s beside an export that never ends, which got {reads} calls meanwhile"
    )
    assert reads <= 4
    assert beside_seconds <= 1.25 * alone_seconds + 1
