"""R21, R27: when Gong is asked before anything is sent again, how often, and when not: each request in its place."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
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
            told.append(name if request.status in (200, 201) else f"{name} {request.status or 'lost'}")
    return told


def deliver(root: Path, sandbox: Sandbox, *faults: Fault, attempts: int = 0) -> list[str]:
    """One recording through these troubles, each wait over at once, at the cost of so many attempts.

    What Gong was asked; the media of the call is whole, however often it was sent.
    """
    sandbox.play(*faults)
    with bench(root, sandbox.base_url) as bridge:
        digest = drop(bridge.recorder, "one.wav", 1)
        bridge.find()
        for minute in range(8):
            clock.follow(timedelta(minutes=minute))
            bridge.work_again()
        (entry,) = bridge.bridge.ledger.views.entries()
        assert (str(entry.state), entry.attempts, entry.intent) == ("done", attempts, None)
    (call,) = sandbox.calls
    assert call.media is not None
    assert call.media.sha256 == digest
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


LOST_MEDIA = Fault(operation="addCallRecording", kind="drop_after")


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_R21_gong_that_does_not_say_at_once_whether_it_has_the_media_is_asked_again(
    tmp_path: Path, sandbox: Sandbox, status: int
) -> None:
    """404: its list lags behind the upload."""
    silent = busy("listCallsExtensive", "status", 3, status)
    told = deliver(tmp_path, sandbox, LOST_MEDIA, silent, attempts=4)
    assert told == [POST, f"{PUT} lost", *[f"{ASK} {status}"] * 3, ASK]


@pytest.mark.parametrize("status", [403, 404])
def test_R21_gong_that_never_says_whether_it_has_the_media_gets_the_same_bytes_again(
    tmp_path: Path, sandbox: Sandbox, status: int
) -> None:
    """A key that may not read media URLs: twice does less harm than never, and it waits for nobody."""
    silent = busy("listCallsExtensive", "status", 9, status)
    told = deliver(tmp_path, sandbox, LOST_MEDIA, silent, attempts=4)
    assert told == [POST, f"{PUT} lost", *[f"{ASK} {status}"] * 4, PUT]
