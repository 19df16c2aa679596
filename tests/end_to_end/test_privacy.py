"""A person is erased and stays so: dropped anew, waiting, retried, repaired, killed half way, on several hosts."""

from __future__ import annotations

import json
import os
import sqlite3
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
    assert "entries emptied: 1, files deleted: 2" in result.stdout.replace("\n", " ")
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
