"""R21, R23, R27, R29: Gong fails, is unclear, limits, refuses; each recording still becomes one call with one media."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop, drop_many

MakeHome = Callable[[Sandbox], Home]

FAULTS = {
    "the call is made, the answer lost": Fault(operation="addCall", kind="drop_after"),
    "the call is made, the answer is 500": Fault(operation="addCall", kind="status_after"),
    "the call is made, the answer is 503": Fault(operation="addCall", kind="status_after", status=503, retry_after="1"),
    "the call is made, the answer is half": Fault(operation="addCall", kind="truncated"),
    "the call is made, the answer breaks off": Fault(operation="addCall", kind="truncated", after_bytes=5),
    "the call is made, the answer is no JSON": Fault(operation="addCall", kind="garbage"),
    "the call is not made, the line is cut": Fault(operation="addCall", kind="drop_before"),
    "the call is not made, the answer is 500": Fault(operation="addCall", kind="status", status=500),
    "the media arrived, the answer lost": Fault(operation="addCallRecording", kind="drop_after"),
    "the media arrived, the answer is 503": Fault(
        operation="addCallRecording", kind="status_after", status=503, retry_after="1"
    ),
    "the media did not arrive": Fault(operation="addCallRecording", kind="drop_before", after_bytes=100_000),
    "the media is not taken, the answer is 500": Fault(operation="addCallRecording", kind="status"),
    "Gong is busy with calls": Fault(operation="addCall", kind="status", status=503, retry_after="1"),
    "over the limit with a call": Fault(operation="addCall", kind="status", status=429, retry_after="1"),
    "over the limit with media": Fault(operation="addCallRecording", kind="status", status=429, retry_after="1"),
    "looking up fails": Fault(operation="listCalls", kind="status", status=502),
}
GIVEN_BACK = (
    "the call is made, the answer is 503",
    "the media arrived, the answer is 503",
    "Gong is busy with calls",
    "over the limit with a call",
    "over the limit with media",
    "the call is made, the answer is no JSON",
)
"""These are no recording's fault: the attempt is given back (R27). No JSON is not Gong: everything pauses (R29)."""


def test_R21_R22_R27_every_trouble_ends_with_one_call_and_one_media(home: Home, sandbox: Sandbox) -> None:
    """All of them at once, each met by whichever recording comes next; each uses up one attempt or none."""
    sandbox.play(*FAULTS.values())
    expected = drop_many(home.recorder, len(FAULTS))
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
    assert sum(entry["attempts"] for entry in home.entries()) == len(FAULTS) - len(GIVEN_BACK)


def test_R27_every_worker_waits_as_long_as_gong_asks(home: Home, sandbox: Sandbox) -> None:
    """Retry-After of a single answer holds for all requests, and costs no attempt."""
    sandbox.play(Fault(operation="addCall", kind="status", status=429, retry_after="2"))
    expected = drop_many(home.recorder, 8)
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
    assert {entry["attempts"] for entry in home.entries()} == {0}
    (refused,) = [request for request in sandbox.requests if request.status == 429]
    after = [(request.at - refused.at).total_seconds() for request in sandbox.requests if request.at > refused.at]
    assert not [seconds for seconds in after if 0.3 < seconds < 1.9], "only what was under way already"


def test_R29_wrong_credentials_pause_without_using_attempts(
    make_home: MakeHome, start_sandbox: Callable[..., Sandbox]
) -> None:
    """`status` says so; with the right keys everything goes on."""
    sandbox = start_sandbox(access_key_secret="another-secret")
    home = make_home(sandbox)
    expected = drop_many(home.recorder, 2)
    with home.running() as service:
        wait_until(lambda: home.ledger_path.exists() and '"paused"' in service.log_text, "the pause in the log")
        told = home.status()
        assert told["paused"]["code"] == "bad-credentials"
        assert "access_key" in told["paused"]["reason"]
        assert told["needs_a_person"] == []
        assert {(entry["state"], entry["attempts"]) for entry in home.entries()} == {("found", 0)}
        assert service.stop() == 0
        assert "another-secret" not in service.log_text
        assert "sandbox-secret" not in service.log_text
    home.config["gong"]["access_key_secret"] = "another-secret"
    assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)


def test_R29_a_running_service_resumes_by_itself(home: Home, sandbox: Sandbox) -> None:
    """Gong says 401 for a while: nothing is attempted but a probe, then everything goes on."""
    sandbox.play(Fault(operation="*", kind="status", status=401, times=2))
    expected = drop_many(home.recorder, 3)
    with home.running() as service:
        wait_until(lambda: len(sandbox.calls) == 3 and set(home.states().values()) == {"done"}, "the end of the pause")
        assert '"resumed"' in service.log_text
        assert service.stop() == 0
    each_call_once(sandbox, expected)
    assert {entry["attempts"] for entry in home.entries()} == {0}
    assert home.status()["paused"] is None


@pytest.mark.parametrize("http_status", [409, 400])
def test_R23_not_enabled_is_held_with_the_person_and_the_cure(home: Home, sandbox: Sandbox, http_status: int) -> None:
    """Gong says so although its list of users says otherwise."""
    body = json.dumps({"requestId": "r1", "errors": ["Recording is not enabled for the primary user"]})
    sandbox.play(Fault(operation="addCall", kind="status", status=http_status, body=body))
    drop(home.recorder, "one.wav", 1)
    assert home.run_once().returncode == 1
    entry = home.entry("one.wav")
    assert (entry["state"], entry["reason_code"], entry["http_status"], entry["request_id"]) == (
        "held", "not-enabled", http_status, "r1",
    )  # fmt: skip
    assert "4815162342201201603" in entry["reason"]
    assert "Data capture" in entry["reason"]
    assert home.run("ledger", "retry", "--code", "not-enabled").stdout == "1 will be tried again\n"
    assert home.run_once().returncode == 0
    assert len(sandbox.calls) == 1


def test_R23_a_known_call_that_gong_does_not_list_yet_is_looked_up_again(home: Home, sandbox: Sandbox) -> None:
    """The call was made, its answer lost, and Gong's list lags behind: no second call, and nobody is woken."""
    sandbox.play(
        Fault(operation="addCall", kind="drop_after"),
        Fault(operation="listCalls", kind="status", status=404, times=3),
    )
    digest = drop(home.recorder, "a.wav", 1)
    assert home.run_once().returncode == 0
    each_call_once(sandbox, {"a": digest})


def test_R23_words_that_nobody_knows_are_held(home: Home, sandbox: Sandbox) -> None:
    """With Gong's own words, after one request."""
    body = json.dumps({"requestId": "r2", "errors": ["The moon is in the wrong phase"]})
    sandbox.play(Fault(operation="addCall", kind="status", status=409, body=body, times=None))
    drop(home.recorder, "one.wav", 1)
    assert home.run_once().returncode == 1
    assert "The moon is in the wrong phase" in home.entry("one.wav")["reason"]
    assert [request.status for request in sandbox.requests if request.method == "POST"] == [409]
