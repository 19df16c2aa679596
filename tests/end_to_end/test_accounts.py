"""Several Gong accounts in one configuration: each call in the right Gong, with its own keys, users and allowance."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop, drop_many

StartSandbox = Callable[..., Sandbox]
MakeHome = Callable[[Sandbox], Home]

EMEA_USERS = tuple({**user, "id": f"77{str(user['id'])[2:]}"} for user in DEFAULT_USERS)
"""The same people as another Gong knows them: under other ids."""


class TwoAccounts:
    """A home whose source `pbx` belongs to one Gong and whose source `emea` to another, with another key."""

    def __init__(self, make_home: MakeHome, start_sandbox: StartSandbox, **options: Any) -> None:
        self.here = start_sandbox(**options)
        self.emea = start_sandbox(access_key="emea-key", access_key_secret="emea-secret", users=EMEA_USERS, **options)
        self.home = make_home(self.here)
        self.emea_recorder = self.home.root / "emea"
        self.emea_recorder.mkdir()
        self.home.config["accounts"] = {
            "emea": {**self.home.config["gong"], "base_url": self.emea.base_url, **self.keys("emea-secret")}
        }
        self.home.config["sources"].append({**self.home.source, "name": "emea", "folder": "emea", "account": "emea"})

    def keys(self, secret: str) -> dict[str, str]:
        """The keys of the second account, in bridge.yaml."""
        return {"access_key": "emea-key", "access_key_secret": secret}


@pytest.fixture
def two(make_home: MakeHome, start_sandbox: StartSandbox) -> TwoAccounts:
    """Two accounts without any trouble."""
    return TwoAccounts(make_home, start_sandbox)


def hosts(sandbox: Sandbox) -> set[str]:
    """Who hosts the calls that arrived."""
    return {str(call.body["primaryUser"]) for call in sandbox.calls}


def refused(sandbox: Sandbox) -> int:
    """Requests with a key that is none of this Gong's."""
    return sum(request.status == 401 for request in sandbox.requests)


def test_each_call_goes_to_the_gong_of_its_source_with_the_ids_that_it_knows(two: TwoAccounts) -> None:
    """The same clientUniqueId in both is two calls; no key ever went to the other Gong; each day is its own."""
    here, emea = drop_many(two.home.recorder, 3), drop_many(two.emea_recorder, 5)
    assert two.home.run_once().returncode == 0
    each_call_once(two.here, here)
    each_call_once(two.emea, emea)
    assert hosts(two.here) == {str(DEFAULT_USERS[0]["id"])}
    assert hosts(two.emea) == {str(EMEA_USERS[0]["id"])}
    assert (refused(two.here), refused(two.emea)) == (0, 0)
    assert {(entry["source"], entry["account"], entry["state"]) for entry in two.home.entries()} == {
        ("pbx", None, "done"),
        ("emea", "emea", "done"),
    }
    told = two.home.status()
    used = {name: account["allowance"]["used_24h"] for name, account in told["accounts"].items()}
    assert used == {"gong": len(two.here.requests), "emea": len(two.emea.requests)}
    assert told["allowance"]["used_24h"] == used["gong"]


def test_an_allowance_that_is_used_up_holds_up_nobody_else(two: TwoAccounts) -> None:
    """Three calls a day in one account, and a backlog that needs many: the other account's calls go at once."""
    two.home.limit(1000, calls_per_day=3)
    drop_many(two.home.recorder, 12)
    emea = drop_many(two.emea_recorder, 6)
    with two.home.running() as service:
        wait_until(lambda: len([call for call in two.emea.calls if call.media]) == 6, "all six in the other account")
        assert service.stop() == 0
    each_call_once(two.emea, emea)
    assert len(two.here.requests) <= 3


def test_R29_a_wrong_key_at_one_account_leaves_the_other_working(two: TwoAccounts) -> None:
    """`status` and `check --online` name the account; with the right key it goes on, and no attempt is used up."""
    two.home.config["accounts"]["emea"].update(two.keys("no-longer-valid"))
    here, emea = drop_many(two.home.recorder, 3), drop_many(two.emea_recorder, 2)
    with two.home.running() as service:
        wait_until(lambda: len([call for call in two.here.calls if call.media]) == 3, "all of the account that works")
        wait_until(lambda: two.home.status()["accounts"]["emea"]["paused"], "the pause of the other")
        told = two.home.status()
        assert told["accounts"]["emea"]["paused"]["code"] == "bad-credentials"
        assert told["paused"] is None
        shown = two.home.run("status").stdout
        assert shown.count("Gong does not know the access key") == 1
        assert "PAUSED, account emea: Gong does not know the access key" in shown
        assert "nothing needs a person" not in shown
        more = drop_many(two.home.recorder, 2, first=3)
        wait_until(lambda: len([call for call in two.here.calls if call.media]) == 5, "new ones during the pause")
        assert service.stop() == 0
        assert '"account": "emea"' in service.log_text or "account=emea" in service.log_text
    asked = two.home.run("check", "--online")
    assert asked.returncode == 1
    assert "Gong, account emea: Gong does not know the access key" in asked.stdout
    two.home.config["accounts"]["emea"].update(two.keys("emea-secret"))
    assert two.home.run_once().returncode == 0
    each_call_once(two.here, {**here, **more})
    each_call_once(two.emea, emea)
    assert {entry["attempts"] for entry in two.home.entries()} == {0}


def test_R22_killed_between_two_accounts_each_has_each_call_once(
    make_home: MakeHome, start_sandbox: StartSandbox
) -> None:
    """kill -9 while both are busy, three times; the ids are the same in both."""
    slow = tuple(
        Fault(operation=name, kind="slow", seconds=0.1, times=None) for name in ("addCall", "addCallRecording")
    )
    two = TwoAccounts(make_home, start_sandbox, faults=slow)
    here, emea = drop_many(two.home.recorder, 12), drop_many(two.emea_recorder, 12)
    for enough in (6, 16, 26):
        with two.home.running("--once") as service:
            wait_until(
                lambda enough=enough, service=service: (  # type: ignore[misc]
                    len(two.here.requests) + len(two.emea.requests) >= enough or service.process.poll() is not None
                ),
                "requests",
            )
            service.send(signal.SIGKILL)
            service.ended()
    assert two.home.run_once().returncode == 0
    each_call_once(two.here, here)
    each_call_once(two.emea, emea)


def test_who_is_unknown_in_one_account_may_be_known_in_the_other(
    make_home: MakeHome, start_sandbox: StartSandbox
) -> None:
    """People are those of the account alone; agents.csv serves both, and frees what waited."""
    two = TwoAccounts(make_home, start_sandbox)
    drop(two.emea_recorder, "a.wav", 1, primaryUser="299", parties=[{"emailAddress": "agent-203@example.com"}])
    with two.home.running() as service:
        two.home.wait_for("a.wav", "held", code="unknown-person")
        with two.home.agents.open("a") as file:
            file.write("agent-203@example.com,299,,\n")
        two.home.wait_for("a.wav", "done")
        assert service.stop() == 0
    assert hosts(two.emea) == {str(EMEA_USERS[2]["id"])}
    assert two.here.calls == []


def test_lists_and_explain_name_the_account_only_where_there_are_several(two: TwoAccounts, home: Home) -> None:
    """One account: nothing more to see."""
    drop(two.home.recorder, "a.wav", 1)
    drop(two.emea_recorder, "b.wav", 2)
    assert two.home.run_once().returncode == 0
    listed = two.home.run("ledger", "list", "--account", "emea", "--json").stdout.splitlines()
    assert [json.loads(line)["key"] for line in listed] == ["b.wav"]
    listed = two.home.run("ledger", "list", "--account", "gong", "--json").stdout.splitlines()
    assert [json.loads(line)["key"] for line in listed] == ["a.wav"]
    assert "emea" in two.home.run("ledger", "list", "--source", "emea").stdout.splitlines()[-1]
    explained = json.loads(two.home.run("explain", str(two.emea_recorder / "b.wav"), "--json").stdout)
    assert explained["account"] == "emea"
    assert explained["request"]["primaryUser"] == EMEA_USERS[0]["id"]
    drop(home.recorder, "a.wav", 1)
    assert home.run_once().returncode == 0
    assert "account" not in home.run("ledger", "list").stdout
    assert "account" not in home.run("explain", str(home.recorder / "a.wav")).stdout
    assert "accounts" not in home.status()


def test_a_workspace_by_source_and_by_rule(home: Home, sandbox: Sandbox) -> None:
    """What the mapping says goes before what the source says; a lost answer is looked up in that workspace."""
    home.source["workspace"] = "623457276584334"
    sandbox.play(Fault(operation="addCall", kind="drop_after"))
    drop(home.recorder, "by-source.wav", 1)
    drop(home.recorder, "by-rule.wav", 2, workspaceId="99")
    explained = json.loads(home.run("explain", str(home.recorder / "by-source.wav"), "--json").stdout)
    assert explained["origins"]["workspaceId"] == "bridge.yaml: the source's workspace"
    assert home.run_once().returncode == 0
    assert {call.client_unique_id: call.body["workspaceId"] for call in sandbox.calls} == {
        "by-source": "623457276584334",
        "by-rule": "99",
    }
    assert "workspace 623457276584334" in home.run("check").stdout


def test_a_rule_of_the_mapping_chooses_the_workspace(home: Home, sandbox: Sandbox) -> None:
    """A table, looked up by what the recorder says."""
    folder = home.root / "mappings"
    folder.mkdir()
    (folder / "by-queue.yaml").write_text(
        "extends: sidecar-json\n"
        "tables:\n  workspace_of: {Inbound: '11', Outbound: '22'}\n"
        "call:\n  workspaceId: \"{{ sidecar.direction | lookup('workspace_of') }}\"\n"
    )
    home.config["mappings"] = "mappings"
    home.source["mapping"] = "by-queue"
    drop(home.recorder, "a.wav", 1, direction="Inbound")
    drop(home.recorder, "b.wav", 2, direction="Outbound")
    ended = home.run_once()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {call.client_unique_id: call.body["workspaceId"] for call in sandbox.calls} == {"a": "11", "b": "22"}


def test_R22_a_source_that_gets_another_account_leaves_its_calls_where_they_are(two: TwoAccounts) -> None:
    """Created: its media follows it into the old one. Drafted only: drawn up anew, with the new account's people."""
    home, here, emea = two.home, two.here, two.emea
    here.play(Fault(operation="addCallRecording", kind="status", status=500, times=None))
    created = drop(home.recorder, "created.wav", 1)
    with home.running() as service:
        home.wait_for("created.wav", "created", code="unclear")
        here.play(Fault(operation="addCall", kind="status", status=401, times=None))
        drafted = drop(home.recorder, "drafted.wav", 2)
        wait_until(lambda: home.status()["paused"], "the pause, which keeps what is drafted from being sent")
        assert home.states()["drafted.wav"] == "drafted"
        assert service.stop() == 0
    here.play_no_faults()
    home.source["account"] = "emea"
    assert home.run("ledger", "retry", "--account", "gong").returncode == 0
    ended = home.run_once()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    each_call_once(emea, {"drafted": drafted})
    assert hosts(emea) == {str(EMEA_USERS[0]["id"])}
    assert {call.client_unique_id: call.media and call.media.sha256 for call in here.calls} == {"created": created}
    assert refused(emea) == 0


def test_an_account_that_left_the_configuration_keeps_its_calls_waiting_until_it_is_back(two: TwoAccounts) -> None:
    """The entry says which account is missing and what to do; when it is written back, it goes on by itself."""
    home, emea = two.home, two.emea
    accounts, of_emea = home.config["accounts"], home.config["sources"][1]
    emea.play(Fault(operation="addCallRecording", kind="status", status=500, times=None))
    media = drop(two.emea_recorder, "a.wav", 1)
    with home.running() as service:
        home.wait_for("a.wav", "created", code="unclear")
        assert service.stop() == 0
    emea.play_no_faults()
    home.config["accounts"], of_emea["account"] = {}, "gong"
    assert home.run("ledger", "retry", "--source", "emea").returncode == 0
    with home.running() as service:
        home.wait_for("a.wav", "created", code="not-yet-complete")
        (entry,) = home.entries()
        assert entry["reason"] == (
            "its call is in the Gong account 'emea', which bridge.yaml no longer has; write it back under `accounts:`, "
            f"or skip this entry (gong-bridge ledger skip {entry['id']})"
        )
        assert service.stop() == 0
    assert "a.wav" in home.run("ledger", "list", "--account", "emea").stdout
    asked = home.run("ledger", "retry", "--account", "emae")
    assert (asked.returncode, two.here.calls) == (2, [])
    assert "--account: there is no account 'emae'" in asked.stderr
    home.config["accounts"], of_emea["account"] = accounts, "emea"
    assert home.run("ledger", "retry", "--account", "emea").returncode == 0
    assert home.run_once().returncode == 0
    assert {call.client_unique_id: call.media and call.media.sha256 for call in emea.calls} == {"a": media}
