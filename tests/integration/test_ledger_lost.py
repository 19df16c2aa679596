"""The ledger is lost altogether: a new one finds every recording again, and no call is made or sent a second time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import each_call_once
from tests.end_to_end.recordings import drop_many
from tests.integration.bench import bench


@pytest.mark.parametrize(
    ("kind", "repeated_id"),
    [("sqlite", "conflict"), ("sqlite", "bad_request"), ("sqlite", "same_id"), ("postgresql", "conflict")],
)
def test_R22_R28_a_lost_ledger_costs_look_ups_and_nothing_else(
    kind: str,
    repeated_id: str,
    tmp_path: Path,
    start_sandbox: Callable[..., Sandbox],
    request: pytest.FixtureRequest,
) -> None:
    """Lost when some were done, one had its call but no media, and one was not begun."""
    sandbox = start_sandbox(repeated_id=repeated_id)
    expected = drop_many(tmp_path / "recorder", 2)
    for life in range(2):
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path}/ledger-{life}.db"
        else:
            url = request.getfixturevalue("new_postgresql_ledger")()  # emptied each time
        with bench(tmp_path, sandbox.base_url, ledger={"url": url}) as of:
            if life == 0:
                assert of.find() == 2
                of.work()
                expected |= drop_many(tmp_path / "recorder", 1, first=2)
                sandbox.play(Fault(operation="addCallRecording", kind="status", status=500, times=None))
                of.find()
                of.work()
                assert sorted(state for state, _ in of.states().values()) == ["created", "done", "done"]
                expected |= drop_many(tmp_path / "recorder", 1, first=3)
                sandbox.play_no_faults()
            else:
                assert of.find() == 4
                of.work()
                of.work_again()
                assert {state for state, _ in of.states().values()} == {"done"}
    if repeated_id == "same_id":  # nothing tells such an answer from one about a new call: media is sent there again
        assert {call.client_unique_id: call.media.sha256 for call in sandbox.calls if call.media} == expected
        assert len(sandbox.calls) == 4
    else:
        each_call_once(sandbox, expected)
