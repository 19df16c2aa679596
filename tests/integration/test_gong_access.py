"""`gong-bridge gong access ...` against a strict Gong: shown, given, taken back, and wrong words change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_bridge.errors import BadCredentials, RefusedByGong, UnknownPerson
from gong_bridge.gong.connection import connect
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox
from tests.integration.test_receive import Desk, desk_at

USER_201, USER_202 = (
    next(user for user in DEFAULT_USERS if user["extension"] == extension) for extension in ("201", "202")
)


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Desk:
    return desk_at(sandbox, tmp_path)


def shared_with(desk: Desk, call_id: str) -> tuple[str, ...]:
    return next(call.shared_with for call in desk.sandbox.calls if call.id == call_id)


def test_access_is_given_by_address_and_extension_and_shown_with_names(desk: Desk) -> None:
    one, two = desk.call_ids[:2]
    done = desk.run("access", "add", one, two, "--user", USER_201["emailAddress"], "--user", "202", "--user", "201")
    named = f"{USER_201['emailAddress']}, {USER_202['emailAddress']}"
    assert (done.exit_code, done.stdout) == (0, f"gave access to 2 calls: {named}\n")
    assert shared_with(desk, one) == shared_with(desk, two) == (USER_201["id"], USER_202["id"])
    assert desk.asked("/v2/calls/users-access") == 1
    rows = desk.rows("access", "show", one)
    assert [(row["callId"], row["emailAddress"], row["userId"]) for row in rows] == [
        (one, USER_201["emailAddress"], USER_201["id"]),
        (one, USER_202["emailAddress"], USER_202["id"]),
    ]


def test_many_calls_are_one_request_for_each_hundred(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gong_bridge.cli.gong_access.MOST_CALLS", 8)
    assert desk.run("access", "add", *desk.call_ids, "--user", "201").exit_code == 0
    assert desk.asked("/v2/calls/users-access") == 3
    assert len(desk.rows("access", "show", *desk.call_ids)) == 20
    assert desk.asked("/v2/calls/users-access") == 6


def test_trouble_half_way_says_how_far_it_came(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gong_bridge.cli.gong_access.MOST_CALLS", 8)
    desk.sandbox.play(Fault(operation="addUsersAccessToCalls", kind="status", status=500, skip=1))
    done = desk.run("access", "add", *desk.call_ids, "--user", "201")
    assert done.exit_code == 1
    assert "8 of 20 calls are done; repeating the whole command is harmless" in done.stderr
    assert desk.run("access", "add", *desk.call_ids, "--user", "201").exit_code == 0
    assert {call.shared_with for call in desk.sandbox.calls} == {(USER_201["id"],)}


def test_a_dry_run_and_a_no_change_nothing_and_a_yes_takes_back(desk: Desk) -> None:
    call_id = desk.call_ids[0]
    tried = desk.run("access", "add", call_id, "--user", "201", "--dry-run")
    assert tried.stdout == f"would give access to call {call_id}: {USER_201['emailAddress']}\n"
    assert shared_with(desk, call_id) == ()
    desk.run("access", "add", call_id, "--user", "201", "--user", "202")
    unasked = desk.run("access", "remove", call_id, "--user", "201")
    assert "write --yes where nobody can answer" in str(unasked.exception)
    assert shared_with(desk, call_id) == (USER_201["id"], USER_202["id"])
    done = desk.run("access", "remove", call_id, "--user", "201", "--yes")
    assert done.stdout == f"took back access to call {call_id}: {USER_201['emailAddress']}\n"
    assert shared_with(desk, call_id) == (USER_202["id"],)


def test_somebody_unknown_is_said_before_anything_is_changed(desk: Desk) -> None:
    done = desk.run("access", "add", desk.call_ids[0], "--user", "201", "--user", "nobody@example.com")
    assert isinstance(done.exception, UnknownPerson)
    assert "email 'nobody@example.com' is nobody in agents.csv or Gong" in str(done.exception)
    assert desk.asked("/v2/calls/users-access") == 0


def test_an_unknown_call_is_named(desk: Desk) -> None:
    refused = pytest.raises(RefusedByGong, match=r"give users access to calls for call 99999.*was not found")
    with connect(desk.sandbox.base_url, "sandbox", "sandbox-secret") as gong, refused:
        gong.users_access.add({"99999": [USER_201["id"]]})
    assert "call 99999 was not found" in desk.run("access", "show", "99999").stderr


def test_a_missing_scope_is_named(desk: Desk) -> None:
    desk.sandbox.play(Fault(operation="addUsersAccessToCalls", kind="status", status=403))
    refused = pytest.raises(BadCredentials, match=r"scope api:call-user-access:write")
    with connect(desk.sandbox.base_url, "sandbox", "sandbox-secret") as gong, refused:
        gong.users_access.add({desk.call_ids[0]: [USER_201["id"]]})
