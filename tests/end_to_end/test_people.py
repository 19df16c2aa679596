"""Who is who: agents.csv, Gong's users, and what happens to calls of people whom nobody knows."""

from __future__ import annotations

import json
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


def test_unknown_people_are_listed_with_the_lines_that_cure_them(home: Home, sandbox: Sandbox) -> None:
    """Grouped by extension, login or e-mail; once the lines are in agents.csv, nobody is listed any more."""
    for number, host in enumerate(("299", "299", "first.login", "nobody@example.com"), start=1):
        drop(home.recorder, f"call-{number}.wav", number, primaryUser=host, parties=party(203))
    with home.running() as service:
        for number in (1, 2, 3, 4):
            home.wait_for(f"call-{number}.wav", "held", code="unknown-person")
        listed = [
            json.loads(line) for line in home.run("ledger", "list", "--by", "person", "--json").stdout.splitlines()
        ]
        assert [(one["person"], one["recordings"], one["agents_line"]) for one in listed] == [
            ("extension 299", 2, "THE.AGENT@YOUR-COMPANY,299,,"),
            ("email nobody@example.com", 1, None),
            ("login first.login", 1, "THE.AGENT@YOUR-COMPANY,,first.login,"),
        ]
        table = home.run("ledger", "list", "--by", "person").stdout
        assert "e-mail nobody@example.com" in table
        assert "add to agents.csv, with the e-mail address that Gong knows; it is noticed:\n" in table
        assert "\nTHE.AGENT@YOUR-COMPANY,299,,\n" in table
        assert "gong-bridge ledger list --by person has the lines for agents.csv" in home.run("status").stdout
        with home.agents.open("a") as file:
            for one in listed:
                if one["agents_line"]:
                    file.write(one["agents_line"].replace("THE.AGENT@YOUR-COMPANY", "agent-203@example.com") + "\n")
        for number in (1, 2, 3):
            home.wait_for(f"call-{number}.wav", "done")
        left = home.run("ledger", "list", "--by", "person", "--json").stdout.splitlines()
        assert [json.loads(line)["person"] for line in left] == ["email nobody@example.com"]
        assert service.stop() == 0
    assert len(sandbox.calls) == 3


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
