"""Who is who: agents.csv, Gong's users, and what happens to calls of people whom nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gong_bridge import clock
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once
from tests.end_to_end.recordings import drop

MakeHome = Callable[[Sandbox], Home]
StartSandbox = Callable[..., Sandbox]


def id_of(email: str) -> str:
    """The Gong id of one of the sandbox's people."""
    return next(str(user["id"]) for user in DEFAULT_USERS if user["emailAddress"] == email)


def test_an_unknown_person_is_held_until_agents_csv_has_the_line(home: Home, sandbox: Sandbox) -> None:
    """No restart, no retry, no attempt; `status` says whom to add and how many wait for that."""
    expected = {
        f"call-{number}": drop(home.recorder, f"call-{number}.wav", number, primaryUser="299", parties=party(203))
        for number in (1, 2)
    }
    with home.running() as service:
        for name in expected:
            home.wait_for(f"{name}.wav", "held", code="unknown-person")
        (needed,) = home.status()["needs_a_person"]
        assert (needed["code"], needed["person"], needed["count"]) == ("unknown-person", "extension 299", 2)
        assert "agents.csv" in home.entry("call-1.wav")["reason"]
        assert sandbox.calls == []
        with home.agents.open("a") as file:
            file.write("agent-203@example.com,299,,\n")
        for name in expected:
            home.wait_for(f"{name}.wav", "done")
        assert service.stop() == 0
    each_call_once(sandbox, expected)
    assert {call.body["primaryUser"] for call in sandbox.calls} == {id_of("agent-203@example.com")}


def test_people_who_cannot_host_calls_are_held_with_their_reasons(home: Home, sandbox: Sandbox) -> None:
    """206 left the company, 207 is not set to import telephony calls: two cures."""
    for extension in (206, 207):
        email = f"agent-{extension}@example.com"
        drop(home.recorder, f"{extension}.wav", extension, primaryUser=email, parties=party(extension))
    assert home.run_once().returncode == 1
    reasons = {entry["key"]: (entry["reason_code"], entry["reason"]) for entry in home.entries()}
    for key, word in (("206.wav", "active"), ("207.wav", "import")):
        code, reason = reasons[key]
        assert code == "unusable-user"
        assert word in reason
    assert sandbox.calls == []


def test_a_user_who_was_switched_on_since_is_found_out_at_the_retry(home: Home, start_sandbox: StartSandbox) -> None:
    """Gong's users are asked for again, not only once a day."""
    drop(home.recorder, "206.wav", 1, primaryUser="agent-206@example.com", parties=party(206))
    before = start_sandbox()
    home.config["gong"]["base_url"] = before.base_url
    assert home.run_once().returncode == 1
    with Ledger.open(home.config["ledger"]["url"]) as ledger:  # as if the users had been fetched an hour ago
        ledger.people.replace_users(ledger.people.users(), now=clock.now() - timedelta(hours=1))
    after = start_sandbox(users=tuple({**user, "active": True} for user in DEFAULT_USERS))
    home.config["gong"]["base_url"] = after.base_url
    assert home.run("ledger", "retry", "1").returncode == 0
    assert home.run_once().returncode == 0
    assert [call.body["primaryUser"] for call in after.calls] == [id_of("agent-206@example.com")]


def test_aliases_and_any_case_are_the_same_person(home: Home, sandbox: Sandbox) -> None:
    """Found on a later page of Gong's users."""
    drop(home.recorder, "one.wav", 1, primaryUser="SALES-202@Example.com", parties=party(202))
    assert home.run_once().returncode == 0
    assert sandbox.calls[0].body["primaryUser"] == id_of("agent-202@example.com")


def test_a_mistake_in_agents_csv_keeps_the_people_who_are_known(home: Home, sandbox: Sandbox) -> None:
    """The service goes on with the last good content; `check` names the line."""
    with home.running() as service:
        drop(home.recorder, "before.wav", 1)
        home.wait_for("before.wav", "done")
        home.agents.write_text("email,extension,login,name\nagent-201@example.com,201,,\nno address,202,,\n")
        checked = home.run("check")
        assert checked.returncode == 2
        assert "agents.csv:3" in checked.stderr
        drop(home.recorder, "after.wav", 2)
        home.wait_for("after.wav", "done")
        assert service.stop() == 0


def party(extension: int) -> list[dict[str, Any]]:
    """A call between this agent and a customer."""
    return [{"emailAddress": f"agent-{extension}@example.com"}, {"phoneNumber": "+15550100123"}]
