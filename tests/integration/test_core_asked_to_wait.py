"""R21, R27: what a 503 after the effect and a storm of limits cost: one call, one media, no needless request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import each_call_once
from tests.end_to_end.recordings import drop
from tests.integration.bench import bench

POST, PUT, FIND, ASK = "POST /v2/calls", "PUT media", "GET /v2/calls", "POST /v2/calls/extensive"


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    yield
    clock.follow(timedelta(0))


def asked(sandbox: Sandbox) -> list[str]:
    """Every request about calls, in order; a refused one with its status (404 to a look-up says "none", G2)."""
    told = []
    for request in sandbox.requests:
        if request.path.startswith("/v2/calls"):
            name = PUT if request.path.endswith("/media") else f"{request.method} {request.path}"
            told.append(name if request.status in (200, 201) else f"{name} {request.status}")
    return told


def deliver(root: Path, sandbox: Sandbox, *faults: Fault) -> list[str]:
    """One recording through these troubles, each wait of Gong's over at once; what Gong was asked."""
    sandbox.play(*faults)
    with bench(root, sandbox.base_url) as bridge:
        digest = drop(bridge.recorder, "one.wav", 1)
        bridge.find()
        for minute in range(8):
            clock.follow(timedelta(minutes=minute))
            bridge.work_again()
        (entry,) = bridge.bridge.ledger.views.entries()
        assert (str(entry.state), entry.attempts, entry.intent) == ("done", 0, None)
    each_call_once(sandbox, {"one": digest})
    return asked(sandbox)


def busy(operation: str, kind: str, times: int, status: int = 503) -> Fault:
    return Fault.from_json(
        {"operation": operation, "kind": kind, "times": times, "status": status, "retry_after": "60"}
    )


def test_R21_a_503_after_the_call_was_made_is_looked_up(tmp_path: Path, sandbox: Sandbox) -> None:
    """A proxy's, whose connection to Gong ended before the answer came. The call that is found may have its media."""
    assert deliver(tmp_path, sandbox, busy("addCall", "status_after", 1)) == [f"{POST} 503", FIND, ASK, PUT]


def test_R21_a_503_after_the_media_was_taken_sends_nothing_again(tmp_path: Path, sandbox: Sandbox) -> None:
    assert deliver(tmp_path, sandbox, busy("addCallRecording", "status_after", 1)) == [POST, f"{PUT} 503", ASK]


def test_R21_where_the_look_up_meets_the_503_as_well_nothing_is_sent_before_it_succeeds(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    troubles = (busy("addCall", "status_after", 1), busy("listCalls", "status", 2))
    assert deliver(tmp_path, sandbox, *troubles) == [f"{POST} 503", f"{FIND} 503", f"{FIND} 503", FIND, ASK, PUT]


def test_R27_a_storm_of_429_costs_no_look_ups(tmp_path: Path, sandbox: Sandbox) -> None:
    """A limit refuses before anything is done; each further request would make the storm longer."""
    troubles = (busy("addCall", "status", 2, 429), busy("addCallRecording", "status", 2, 429))
    assert deliver(tmp_path, sandbox, *troubles) == [f"{POST} 429", f"{POST} 429", POST, *[f"{PUT} 429"] * 2, PUT]


def test_R27_each_503_costs_one_look_up(tmp_path: Path, sandbox: Sandbox) -> None:
    troubles = (busy("addCall", "status", 2), busy("addCallRecording", "status", 2))
    assert deliver(tmp_path, sandbox, *troubles) == [
        *[f"{POST} 503", f"{FIND} 404"] * 2, POST, *[f"{PUT} 503", ASK] * 2, PUT,
    ]  # fmt: skip
