"""A person is erased and stays so: dropped anew, waiting, retried, repaired, killed half way, on several hosts."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.errors import ConfigError
from gong_bridge.kill_points import VARIABLE, Point
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import drop
from tests.sandbox_requests import client_of

NUMBER, SPELLED = "+12025550143", "+1 (202) 555-0143"
CUSTOMER = [{"emailAddress": "agent-201@example.com"}, {"phoneNumber": NUMBER, "name": "A. Customer"}]
ANOTHER = [{"emailAddress": "agent-201@example.com"}, {"phoneNumber": "+12025550199"}]


class Office:
    """A home whose bridge.yaml has the key, and a person's shell in this process."""

    def __init__(self, home: Home, sandbox: Sandbox) -> None:
        self.home = home
        self.sandbox = sandbox
        home.config["privacy"] = {"key": "file:privacy.key"}
        (home.root / "privacy.key").write_text("nobody-guesses-this-key-of-the-tests")

    def privacy(self, *words: str, typed: str | None = None) -> Result:
        """`gong-bridge privacy ...`; `typed` is its standard input."""
        self.home.write()
        command = ["privacy", *words, "-c", str(self.home.root / "bridge.yaml")]
        return CliRunner().invoke(build_app("privacy"), command, input=typed)

    def erased(self, *words: str, code: int = 0) -> Result:
        """The customer erased by number."""
        result = self.privacy("erase", "--phone", "-", "--yes", *words, typed=f"{SPELLED}\n")
        assert result.exit_code == code, (result.output, result.stderr, result.exception)
        return result

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """A list as JSON."""
        return [json.loads(line) for line in self.privacy(*words, "--json").stdout.splitlines()]

    def states(self) -> dict[str, tuple[str, str | None]]:
        """Where each recording stands, and why."""
        return {row["key"]: (row["state"], row["reason_code"]) for row in self.home.entries()}

    def posts(self) -> int:
        """How many calls were posted, whatever came of it."""
        return sum(request.method == "POST" and request.path == "/v2/calls" for request in self.sandbox.requests)

    def ledger_text(self) -> str:
        """All tables of the ledger, as text."""
        with closing(sqlite3.connect(self.home.ledger_path)) as database:
            return "\n".join(database.iterdump())


@pytest.fixture
def office(home: Home, sandbox: Sandbox) -> Office:
    return Office(home, sandbox)


def test_an_erased_person_is_gone_everywhere_and_a_new_recording_is_never_sent(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER, title="Call with 202-555-0143")
    drop(office.home.recorder, "two.wav", 2, parties=ANOTHER)
    assert office.home.run_once().returncode == 0
    result = office.erased("--recordings", "delete")
    assert "1 entries emptied, 2 files deleted" in result.stdout.replace("\n", " ")
    assert [call.client_unique_id for call in office.sandbox.calls] == ["two"]
    assert sorted(os.listdir(office.home.recorder)) == ["two.json", "two.wav"]
    text = office.ledger_text()
    assert [said for said in ("2025550143", "555-0143", "A. Customer") if said in text] == []

    posts = office.posts()
    drop(office.home.recorder, "again.wav", 3, parties=[CUSTOMER[0], {"phoneNumber": "202.555.0143"}])
    drop(office.home.recorder, "in-12025550143-201.wav", 4, unique_id="named", parties=[CUSTOMER[0], {"name": "?"}])
    drop(office.home.recorder, "third.wav", 5, parties=ANOTHER)
    assert office.home.run_once().returncode == 0
    assert office.posts() == posts + 1
    assert office.states() == {
        "one.wav": ("skipped", "erased"), "two.wav": ("done", None), "third.wav": ("done", None),
        "again.wav": ("skipped", "erased"), "in-12025550143-201.wav": ("skipped", "erased"),
    }  # fmt: skip


def test_what_waited_or_is_taken_up_again_is_not_sent_either(office: Office) -> None:
    drop(office.home.recorder, "drafted.wav", 1, parties=CUSTOMER)
    office.sandbox.play(Fault(operation="addCall", kind="status", status=500, times=1))
    held = [{"emailAddress": "agent-202@example.com"}, CUSTOMER[1]]
    drop(office.home.recorder, "held.wav", 2, parties=held, primaryUser="299")
    with office.home.running() as service:
        office.home.wait_for("drafted.wav", "drafted", code="unclear")
        office.home.wait_for("held.wav", "held")
        service.stop()
    office.erased()
    office.home.agents.write_text(
        "email,extension,login,name\nagent-201@example.com,201,,\nagent-202@example.com,299,,\n"
    )
    posts = office.posts()
    office.home.run("ledger", "retry", "1", "2")
    assert office.home.run_once().returncode == 0
    assert office.posts() == posts
    assert set(office.states().values()) == {("skipped", "erased")}


def test_a_draft_that_another_bridge_made_meanwhile_is_stopped_before_its_post_and_emptied(office: Office) -> None:
    """The erasing looked through the ledger before the draft was there; the last look sees the list."""
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.sandbox.play(Fault(operation="addCall", kind="status", status=500, times=1))
    with office.home.running() as service:
        office.home.wait_for("one.wav", "drafted", code="unclear")
        service.stop()
    with closing(sqlite3.connect(office.home.ledger_path)) as database:
        kept = database.execute("SELECT draft FROM entries").fetchone()[0]
    office.erased()
    with closing(sqlite3.connect(office.home.ledger_path)) as database:
        database.execute("UPDATE entries SET draft = ?, state = 'drafted', due_at = 0", (kept,))
        database.commit()
    posts = office.posts()
    assert office.home.run_once().returncode == 0
    assert office.posts() == posts
    assert office.states() == {"one.wav": ("skipped", "erased")}
    assert "2025550143" not in office.ledger_text()


def test_a_repair_leaves_the_erased_alone(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    office.erased()
    result = office.home.run("reconcile", "--from", "2026-09-01", "--to", "2026-09-01", "--repair", "--yes", "--json")
    assert result.returncode == 0, result.stderr
    (receipt,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (receipt["missing"], receipt["skipped"]) == (0, {"erased": 1})


def test_killed_half_way_nothing_is_sent_and_the_same_command_finishes_it(office: Office) -> None:
    """tests/proofs/test_privacy_kills.py has every point."""
    killed_and_finished(office, Point.PERSON_TAKEN_OUT)


def killed_and_finished(office: Office, point: Point) -> None:
    for number, name in enumerate(["one.wav", "in-2025550143.wav"]):
        drop(office.home.recorder, name, number, unique_id=f"c{number}", parties=CUSTOMER)
    office.home.run_once()
    office.home.environment[VARIABLE] = point.word
    command = ("privacy", "erase", "--phone", NUMBER, "--yes", "--recordings", "delete")
    assert office.home.run(*command).returncode == -9
    del office.home.environment[VARIABLE]
    posts = office.posts()
    drop(office.home.recorder, "new.wav", 9, parties=CUSTOMER)
    office.home.run_once()
    assert office.posts() == posts
    assert office.home.run(*command).returncode == 0
    assert os.listdir(office.home.recorder) == []
    assert office.sandbox.calls == []
    assert "2025550143" not in office.ledger_text()
    assert [row["outcome"] for row in office.rows("audit")] == ["done", "begun"]


def test_what_gong_refuses_is_said_the_rest_is_done_and_a_repeat_finishes_it(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    office.sandbox.play(Fault(operation="purgePhoneNumber", kind="status", status=403, times=1))
    result = office.erased(code=1)
    told = " ".join(result.stderr.split())
    assert "not done: Gong (account gong) has not erased" in told
    assert "scope api:data-privacy:delete" in told
    assert "2025550143" not in result.output + result.stderr + office.ledger_text()
    assert len(office.sandbox.calls) == 1
    (audit,) = office.rows("audit")
    assert audit["outcome"].startswith("left: gong 1")
    office.erased()
    assert office.sandbox.calls == []


def test_a_call_that_gong_does_not_list_under_the_person_is_named_for_a_hand(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=[CUSTOMER[0], {"name": "?"}], customData=f"from {NUMBER}")
    office.home.run_once()
    (call,) = office.sandbox.calls
    result = office.erased(code=1)
    assert f"call {call.id} is in Gong (account gong), which does not list it" in " ".join(result.stderr.split())
    with client_of(office.sandbox) as client:
        assert client.post(f"/_sandbox/calls/{call.id}/delete").status_code == 200
    office.erased()


def test_recordings_are_listed_and_kept_unless_told_otherwise(office: Office) -> None:
    (office.home.root / "sent").mkdir()
    office.home.source["after_upload"] = {"move_to": str(office.home.root / "sent")}
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    assert office.home.run_once().returncode == 0
    result = office.erased()
    moved = office.home.root / "sent" / "one.wav"
    assert f"still there: {moved}" in result.stdout
    assert moved.exists()
    office.erased("--recordings", "delete")
    assert not moved.exists()
    assert not (office.home.recorder / "one.json").exists()


def test_a_table_that_describes_other_calls_is_left_to_a_person(office: Office) -> None:
    for number, parties in enumerate((CUSTOMER, ANOTHER)):
        drop(office.home.recorder, f"{number}.wav", number, parties=parties)
    office.home.run_once()
    with closing(sqlite3.connect(office.home.ledger_path)) as database:
        database.execute("UPDATE entries SET sidecar_key = 'cdr.csv'")
        database.commit()
    result = office.erased("--recordings", "delete", code=1)
    assert "cdr.csv describes other recordings, too" in " ".join(result.stderr.split())


def test_another_host_s_folder_is_named_and_that_host_finishes(office: Office, empty_postgresql_url: str) -> None:
    office.home.config["ledger"] = {"url": empty_postgresql_url}
    office.home.source["reach"] = "host-b"
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    office.home.source["reach"] = "host-a"
    result = office.erased("--recordings", "delete", code=1)
    assert "only host-b can open it; erase there with the same command" in " ".join(result.stderr.split())
    assert (office.home.recorder / "one.wav").exists()
    office.home.source["reach"] = "host-b"
    office.erased("--recordings", "delete")
    assert not (office.home.recorder / "one.wav").exists()
    office.home.source["reach"] = "host-a"
    office.erased("--recordings", "delete")


def test_find_shows_both_sides_and_changes_nothing(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    before = office.ledger_text()
    rows = [row for row in office.rows("find", "--phone", "12025550143") if row.get("kind") != "matchingPhoneNumbers"]
    in_gong, here = rows
    (call,) = office.sandbox.calls
    assert (in_gong["kind"], in_gong["id"]) == ("calls", call.id)
    assert in_gong["url"] == f"{office.sandbox.base_url}/#call-{call.id}"
    assert (here["entry_id"], here["recording"], here["sidecar"]) == (1, "here", "one.json")
    dry = office.privacy("erase", "--phone", NUMBER, "--dry-run")
    assert dry.exit_code == 0
    assert "Nothing was done (--dry-run)" in " ".join(dry.stdout.split())
    assert rows_of(office.ledger_text()) == rows_of(before)


def rows_of(text: str) -> list[str]:
    """What a ledger holds, but for the allowance and its users."""
    return [line for line in text.splitlines() if line.startswith("INSERT") and "allowance" not in line]


def test_several_accounts_are_all_told(office: Office, start_sandbox: Callable[..., Sandbox]) -> None:
    second = start_sandbox()
    office.home.config["accounts"] = {"emea": {**office.home.config["gong"], "base_url": second.base_url}}
    other = office.home.root / "emea"
    other.mkdir()
    office.home.config["sources"].append({**office.home.source, "name": "emea", "folder": "emea", "account": "emea"})
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    drop(other, "two.wav", 2, parties=CUSTOMER)
    office.home.run_once()
    assert [len(gong.calls) for gong in (office.sandbox, second)] == [1, 1]
    office.erased()
    assert [len(gong.calls) for gong in (office.sandbox, second)] == [0, 0]


def test_nobody_of_the_company_is_erased(office: Office) -> None:
    office.home.config["company"] = {"numbers": ["+1 202 555 0100"]}
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    for words in (
        ("--email", "Agent-201@example.com"),
        ("--email", "agent-205@example.com"),
        ("--phone", "2025550100"),
    ):
        result = office.privacy("erase", *words, "--yes")
        assert isinstance(result.exception, ConfigError)
        assert "one of the company's own" in str(result.exception)
    assert office.rows("list") == []


@pytest.mark.parametrize(
    ("words", "typed", "told"),
    [
        (("find",), None, "either --email or --phone"),
        (("find", "--phone", NUMBER, "--email", "a@example.com"), None, "either --email or --phone"),
        (("find", "--phone", "-"), "201\n", "this is no phone number"),
        (("find", "--email", "-"), "", "this is no e-mail address"),
        (("erase", "--phone", NUMBER), "y\n", "write --yes where nobody can answer"),
        (("allow",), None, "say who"),
        (("allow", "aaaaaaaaaaaa", "--yes"), None, "nobody on the list is meant by that"),
    ],
)
def test_wrong_words_touch_nothing(office: Office, words: tuple[str, ...], typed: str | None, told: str) -> None:
    result = office.privacy(*words, typed=typed)
    assert isinstance(result.exception, ConfigError)
    assert told in str(result.exception)
    assert not office.home.ledger_path.exists()


def test_somebody_is_erased_before_the_first_run_and_what_lies_there_is_never_sent(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    drop(office.home.recorder, "two.wav", 2, parties=ANOTHER)
    office.erased()
    assert office.home.run_once().returncode == 0
    assert office.states() == {"one.wav": ("skipped", "erased"), "two.wav": ("done", None)}
    assert [call.client_unique_id for call in office.sandbox.calls] == ["two"]


def test_without_a_key_nothing_is_begun(office: Office) -> None:
    office.home.run_once()
    office.home.config["privacy"] = {}
    result = office.privacy("erase", "--phone", NUMBER, "--yes")
    assert "gong-bridge privacy key > privacy.key" in str(result.exception)
    assert office.rows("audit") == []


def test_a_host_without_the_key_sends_nothing_and_a_lost_key_has_a_way_out(office: Office) -> None:
    office.home.run_once()
    office.erased()
    drop(office.home.recorder, "two.wav", 2, parties=ANOTHER)
    office.home.config["privacy"] = {"key": "another-key-that-nobody-guesses-either"}
    refused = office.home.run_once()
    assert refused.returncode == 2
    (key,) = {row["key_id"] for row in office.rows("list")}
    assert f"gong-bridge privacy allow --lost-key {key}" in refused.stderr
    assert office.sandbox.calls == []
    office.home.config["privacy"]["earlier_keys"] = ["file:privacy.key"]
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    assert office.home.run_once().returncode == 0
    assert office.states() == {"two.wav": ("done", None), "one.wav": ("skipped", "erased")}
    del office.home.config["privacy"]["earlier_keys"]
    assert office.privacy("allow", "--lost-key", key, "--yes").exit_code == 0
    assert office.home.run_once().returncode == 0


def test_a_person_who_is_allowed_again_is_sent_after_a_retry(office: Office) -> None:
    office.home.run_once()
    office.erased()
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.home.run_once()
    (person,) = [row["person"] for row in office.rows("list")]
    assert office.privacy("allow", person, "--yes").exit_code == 0
    office.home.run("ledger", "retry", "1")
    office.home.run_once()
    assert office.states() == {"one.wav": ("done", None)}
    assert [(row["act"], row["person"]) for row in office.rows("audit")] == [("allow", person), ("erase", person)]


def test_an_erased_recording_whose_call_was_being_created_is_waited_for(office: Office) -> None:
    drop(office.home.recorder, "one.wav", 1, parties=CUSTOMER)
    office.sandbox.play(Fault(operation="addCall", kind="slow", seconds=2.0, times=1))
    with office.home.running() as service:
        wait_until(lambda: _intent(office) == "create", "the call is being created")
        office.erased("--recordings", "delete")
        service.stop()
    assert office.sandbox.calls == []
    assert office.states() == {"one.wav": ("skipped", "erased")}


def _intent(office: Office) -> str | None:
    if not office.home.ledger_path.exists():
        return None
    with Ledger.open(f"sqlite:///{office.home.ledger_path}") as ledger:
        entry = ledger.views.get(1)
        return None if entry is None else entry.intent
