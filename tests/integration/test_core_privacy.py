"""A person is erased and stays so: dropped anew, waiting, retried, in calls of several files, by link, by backfill."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gong_bridge import clock
from gong_bridge.cli import build_app
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.queries import as_json
from gong_bridge.ledger.suppressions import person_of
from gong_bridge.privacy.addresses import Address
from gong_bridge.privacy.keyring import Keyring
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.recordings import drop
from tests.integration.bench import Bench, bench
from tests.recorded_groups import drop as drop_part
from tests.recorded_groups import write_mapping
from tests.sandbox_requests import client_of
from tests.store import store_client

NUMBER, SPELLED = "+12025550143", "+1 (202) 555-0143"
EMAIL = "a.customer@example.com"
AGENT = {"emailAddress": "agent-201@example.com"}
CUSTOMER = [AGENT, {"phoneNumber": NUMBER, "name": "A. Customer"}]
ANOTHER = [AGENT, {"phoneNumber": "+12025550199"}]
BOTH = [AGENT, CUSTOMER[1], ANOTHER[1]]


class Office:
    """A bench whose bridge.yaml has the key, and a person's shell in this process."""

    def __init__(self, root: Path, sandbox: Sandbox) -> None:
        self.root = root
        self.sandbox = sandbox
        self.recorder = root / "recorder"
        self.config: dict[str, Any] = {"privacy": {"key": "file:privacy.key"}}
        self.source: dict[str, Any] = {}
        root.mkdir(exist_ok=True)
        (root / "privacy.key").write_text("nobody-guesses-this-key-of-the-tests")
        self.recorder.mkdir()

    @contextmanager
    def bridge(self) -> Iterator[Bench]:
        """The bridge put together, once."""
        with bench(self.root, self.sandbox.base_url, source=self.source, **self.config) as opened:
            yield opened

    def work(self, *, again: bool = False, backlog: bool = False) -> None:
        """Find what lies there and take it as far as it goes. again: what waits, too. backlog: as backfill takes it."""
        with self.bridge() as opened:
            route = opened.bridge.routes["pbx"]
            opened.bridge.intake_of(route).add(list(route.source.candidates()), backlog)
            (opened.work_again if again else opened.work)()

    def shell(self, verb: str, *words: str, typed: str | None = None) -> Result:
        """`gong-bridge VERB ...`; `typed` is its standard input."""
        with self.bridge():
            pass  # writes bridge.yaml
        command = [verb, *words, "-c", str(self.root / "bridge.yaml")]
        return CliRunner().invoke(build_app(verb), command, input=typed)

    def privacy(self, *words: str, typed: str | None = None) -> Result:
        return self.shell("privacy", *words, typed=typed)

    def erased(self, *words: str, who: tuple[str, str] = ("--phone", SPELLED), code: int = 0) -> Result:
        """The customer erased."""
        result = self.privacy("erase", who[0], "-", "--yes", *words, typed=f"{who[1]}\n")
        assert result.exit_code == code, (result.output, result.stderr, result.exception)
        return result

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """A list as JSON."""
        return [json.loads(line) for line in self.privacy(*words, "--json").stdout.splitlines()]

    def entries(self) -> list[dict[str, Any]]:
        with self.bridge() as opened:
            return [as_json(entry) for entry in opened.bridge.ledger.views.entries()]

    def states(self) -> dict[str, tuple[str, str | None]]:
        """Where each recording stands, and why."""
        return {row["key"]: (row["state"], row["reason_code"]) for row in self.entries()}

    def posts(self) -> int:
        """How many calls were posted, whatever came of it."""
        return sum(request.method == "POST" and request.path == "/v2/calls" for request in self.sandbox.requests)

    def ledger_text(self) -> str:
        """All tables of the ledger, as text."""
        with closing(sqlite3.connect(self.root / "ledger.db")) as database:
            return "\n".join(database.iterdump())

    def change(self, statement: str, *values: object) -> None:
        """Another hand in the ledger."""
        with closing(sqlite3.connect(self.root / "ledger.db")) as database:
            database.execute(statement, values)
            database.commit()


@pytest.fixture
def office(tmp_path: Path, sandbox: Sandbox) -> Office:
    return Office(tmp_path / "home", sandbox)


def told(result: Result) -> str:
    """Both outputs, on one line."""
    return " ".join((result.stdout + result.stderr).split())


def test_what_waited_or_is_taken_up_again_is_not_sent_either(office: Office) -> None:
    drop(office.recorder, "drafted.wav", 1, parties=CUSTOMER)
    office.sandbox.play(Fault(operation="addCall", kind="status", status=500, times=1))
    held = [{"emailAddress": "agent-202@example.com"}, CUSTOMER[1]]
    drop(office.recorder, "held.wav", 2, parties=held, primaryUser="299")
    office.work()
    assert {state for state, _ in office.states().values()} == {"drafted", "held"}
    office.erased(code=1)  # nobody knows yet whether the first is in Gong
    (office.root / "agents.csv").write_text(
        "email,extension,login,name\nagent-201@example.com,201,,\nagent-202@example.com,299,,\n"
    )
    posts = office.posts()
    with office.bridge() as opened:
        opened.retry(1, 2)
    office.work(again=True)
    assert office.posts() == posts
    assert set(office.states().values()) == {("skipped", "erased")}


def test_a_draft_that_another_bridge_made_meanwhile_is_stopped_before_its_post_and_emptied(office: Office) -> None:
    """The erasing looked through the ledger before the draft was there; the last look sees the list."""
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.sandbox.play(Fault(operation="addCall", kind="status", status=429, times=1))
    office.work()
    with closing(sqlite3.connect(office.root / "ledger.db")) as database:
        kept = database.execute("SELECT draft FROM entries").fetchone()[0]
    assert kept is not None
    office.erased()
    office.change("UPDATE entries SET draft = ?, state = 'drafted', due_at = 0", kept)
    posts = office.posts()
    office.work(again=True)
    assert office.posts() == posts
    assert office.states() == {"one.wav": ("skipped", "erased")}
    assert "2025550143" not in office.ledger_text()


def test_a_repair_leaves_the_erased_alone(office: Office) -> None:
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.work()
    office.erased()
    words = ("--from", "2026-09-01", "--to", "2026-09-01", "--repair", "--yes", "--json")
    result = office.shell("reconcile", *words)
    assert result.exit_code == 0, result.stderr
    (receipt,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert (receipt["missing"], receipt["skipped"]) == (0, {"erased": 1})


def test_what_gong_refuses_is_said_the_rest_is_done_and_a_repeat_finishes_it(office: Office) -> None:
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.work()
    office.sandbox.play(Fault(operation="purgePhoneNumber", kind="status", status=403, times=1))
    result = office.erased(code=1)
    assert "not done: Gong (account gong) has not erased" in told(result)
    assert "scope api:data-privacy:delete" in told(result)
    assert "2025550143" not in result.output + result.stderr + office.ledger_text()
    assert len(office.sandbox.calls) == 1
    (audit,) = office.rows("audit")
    assert audit["outcome"].startswith("left: gong 1")
    office.erased()
    assert office.sandbox.calls == []


def test_a_call_that_gong_does_not_list_under_the_person_is_named_for_a_hand(office: Office) -> None:
    drop(office.recorder, "one.wav", 1, parties=[AGENT, {"name": "?"}], customData=f"from {NUMBER}")
    office.work()
    (call,) = office.sandbox.calls
    result = office.erased(code=1)
    assert f"call {call.id} is in Gong (account gong), which does not list it" in told(result)
    with client_of(office.sandbox) as client:
        assert client.post(f"/_sandbox/calls/{call.id}/delete").status_code == 200
    office.erased()


@pytest.mark.parametrize("is_named", [False, True], ids=["id that names nobody", "id with the number"])
def test_a_call_whose_request_was_never_answered_is_found_when_gong_lists_it(office: Office, *, is_named: bool) -> None:
    """Gong knows neither the call nor the person's part in it when they are erased; both appear later."""
    unique_id = f"in-{NUMBER}" if is_named else "one"
    drop(office.recorder, "one.wav", 1, unique_id=unique_id, parties=CUSTOMER)
    office.sandbox.play(
        Fault(operation="addCall", kind="drop_after"),
        Fault(operation="listCalls", kind="status", status=404, times=1),
        Fault(operation="purgePhoneNumber", kind="swallow", times=2),
    )
    office.work()
    assert office.states() == {"one.wav": ("drafted", "unclear")}
    for _ in range(2):
        result = office.erased("--recordings", "delete", code=1)
        assert "never answered the request for the call of entry 1" in told(result)
        assert "repeat this after" in told(result)
    assert office.rows("audit")[0]["outcome"].startswith("left: calls-never-answered 1")
    (call,) = office.sandbox.calls
    office.erased("--recordings", "delete")
    assert office.sandbox.calls == []
    assert "2025550143" not in office.ledger_text()
    assert f"'{call.id}'" in office.ledger_text()


def test_a_call_that_never_came_is_not_looked_for_for_ever(office: Office) -> None:
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.sandbox.play(Fault(operation="addCall", kind="drop_before", after_bytes=10_000))
    office.work()
    office.erased(code=1)
    office.change("UPDATE erased_entries SET erased_at = erased_at - 901000000")
    office.erased()
    looked = sum(request.path == "/v2/calls" for request in office.sandbox.requests)
    office.erased()
    assert sum(request.path == "/v2/calls" for request in office.sandbox.requests) == looked


def test_a_worker_that_skips_what_was_never_answered_leaves_it_to_be_looked_for(office: Office) -> None:
    """The person came on the list between two attempts; the worker is quicker than who erases."""
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.sandbox.play(
        Fault(operation="addCall", kind="drop_after"), Fault(operation="listCalls", kind="status", status=404)
    )
    office.work()
    with office.bridge() as opened:
        digest, key_id = Keyring(opened.bridge.config.privacy).digest(Address(kind="phone", value=NUMBER))
        opened.bridge.ledger.suppressions.add(digest, key_id=key_id, kind="phone", now=clock.now())
        opened.work_again()
        assert opened.states() == {1: ("skipped", "erased")}
        (sought,) = opened.bridge.ledger.sought_calls.of([person_of(digest)])
    assert (sought.entry_id, sought.client_unique_id) == (1, "one")
    office.erased()
    assert office.sandbox.calls == []


def test_the_other_customer_of_an_emptied_call_is_found_and_erased_too(office: Office) -> None:
    drop(office.recorder, "one.wav", 1, parties=BOTH)
    office.work()
    office.erased()
    (call,) = [row for row in office.rows("find", "--phone", "+12025550199") if row["where"] == "ledger"]
    assert (call["entry_id"], call["erased"], call["recording"]) == (1, True, "here")
    office.erased("--recordings", "delete", who=("--phone", "+12025550199"))
    assert os.listdir(office.recorder) == []


def test_recordings_are_listed_and_kept_unless_told_otherwise(office: Office) -> None:
    (office.root / "sent").mkdir()
    office.source["after_upload"] = {"move_to": str(office.root / "sent")}
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.work()
    result = office.erased()
    moved = office.root / "sent" / "one.wav"
    assert f"still there: {moved}" in result.stdout
    assert moved.exists()
    office.erased("--recordings", "delete")
    assert not moved.exists()
    assert not (office.recorder / "one.json").exists()


def test_a_table_that_describes_other_calls_is_left_to_a_person(office: Office) -> None:
    for number, parties in enumerate((CUSTOMER, ANOTHER)):
        drop(office.recorder, f"{number}.wav", number, parties=parties)
    office.work()
    office.change("UPDATE entries SET sidecar_key = 'cdr.csv'")
    result = office.erased("--recordings", "delete", code=1)
    assert "cdr.csv describes other recordings, too" in told(result)


def test_find_shows_both_sides_and_changes_nothing(office: Office) -> None:
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.work()
    before = office.ledger_text()
    rows = [row for row in office.rows("find", "--phone", "12025550143") if row.get("kind") != "matchingPhoneNumbers"]
    in_gong, here = rows
    (call,) = office.sandbox.calls
    assert (in_gong["kind"], in_gong["id"]) == ("calls", call.id)
    assert in_gong["url"] == f"{office.sandbox.base_url}/#call-{call.id}"
    assert (here["entry_id"], here["recording"], here["sidecar"]) == (1, "here", "one.json")
    dry = office.privacy("erase", "--phone", NUMBER, "--dry-run")
    assert dry.exit_code == 0
    assert "Nothing was done (--dry-run)" in told(dry)
    assert rows_of(office.ledger_text()) == rows_of(before)


def rows_of(text: str) -> list[str]:
    """What a ledger holds, but for the allowance and its users."""
    return [line for line in text.splitlines() if line.startswith("INSERT") and "allowance" not in line]


def test_by_e_mail_address_a_person_is_gone_everywhere_and_never_sent_again(office: Office) -> None:
    customer = [AGENT, {"emailAddress": "A.Customer@Example.com"}]
    drop(office.recorder, "one.wav", 1, parties=customer, title=f"with {EMAIL}")
    drop(office.recorder, "two.wav", 2, parties=ANOTHER)
    office.work()
    office.erased("--recordings", "delete", who=("--email", EMAIL.upper()))
    assert [call.client_unique_id for call in office.sandbox.calls] == ["two"]
    assert sorted(os.listdir(office.recorder)) == ["two.json", "two.wav"]
    assert "customer@example.com" not in office.ledger_text().casefold()
    posts = office.posts()
    drop(office.recorder, "again.wav", 3, parties=customer)
    office.work()
    assert office.posts() == posts
    assert office.states()["again.wav"] == ("skipped", "erased")
    assert [row["kind"] for row in office.rows("list")] == ["email"]


def test_looking_says_that_somebody_in_the_call_was_erased(office: Office) -> None:
    office.erased()
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    drop(office.recorder, "two.wav", 2, parties=ANOTHER)
    shown = office.shell("explain", str(office.recorder / "one.wav"), "--json")
    facts = json.loads(shown.stdout)
    (person,) = [row["person"] for row in office.rows("list")]
    assert (facts["verdict"], facts["code"], facts["request"]) == ("skipped", "erased", None)
    assert facts["reason"] == f"somebody in this call was erased (person {person}); recordings with them are never sent"
    trial = office.shell("backfill", "--source", "pbx", "--since", "2020-01-01", "--dry-run", "--json")
    assert json.loads(trial.stdout)["verdicts"] == {"skipped": 1, "sent": 1}


def test_what_a_backfill_brings_in_is_not_sent_either(office: Office) -> None:
    office.work()
    office.erased()
    drop(office.recorder, "old.wav", 1, parties=CUSTOMER)
    drop(office.recorder, "older.wav", 2, parties=ANOTHER)
    office.work(backlog=True)
    assert office.states() == {"old.wav": ("skipped", "erased"), "older.wav": ("done", None)}


def test_every_file_of_a_call_in_several_is_erased_and_later_ones_are_not_sent(office: Office) -> None:
    write_mapping(office.root, window="1ms")
    office.config["mappings"], office.source = "mappings", {"mapping": "grouped"}
    for part in ("in", "out"):
        drop_part(office.recorder, "c1", part)
    office.work()
    office.work(again=True)
    assert len(office.sandbox.calls) == 1
    who = ("--phone", "+1 800 555 0101")
    office.erased("--recordings", "delete", who=who)
    assert (os.listdir(office.recorder), office.sandbox.calls) == ([], [])
    assert "8005550101" not in office.ledger_text()
    posts = office.posts()
    for part in ("in", "out"):
        drop_part(office.recorder, "c2", part)
    office.work()
    office.work(again=True)
    assert office.posts() == posts
    assert len([row for row in office.rows("find", "--phone", who[1]) if row.get("recording") == "here"]) == 2
    office.erased("--recordings", "delete", who=who)
    assert os.listdir(office.recorder) == []


@pytest.mark.usefixtures("store_credentials")
def test_what_gong_fetched_by_link_is_erased_with_its_object(office: Office, store_url: str) -> None:
    bucket = "erased-people"
    store = store_client(store_url)
    store.create_bucket(Bucket=bucket)
    made = office.root / "made"

    def put(name: str, number: int) -> None:
        drop(made, f"{name}.wav", number, parties=CUSTOMER)
        for part in (f"{name}.wav", f"{name}.json"):
            store.put_object(Bucket=bucket, Key=part, Body=(made / part).read_bytes())

    office.config["sources"] = [
        {"name": "pbx", "bucket": bucket, "endpoint_url": store_url, "delivery": "link", "include": ["**/*.wav"],
         "mapping": "sidecar-json"}
    ]  # fmt: skip
    put("one", 1)
    office.work()
    office.work(again=True)
    assert [call.body["downloadMediaUrl"].startswith(store_url) for call in office.sandbox.calls] == [True]
    office.erased("--recordings", "delete")
    assert office.sandbox.calls == []
    assert "Contents" not in store.list_objects_v2(Bucket=bucket)
    posts = office.posts()
    put("two", 2)
    office.work()
    assert office.posts() == posts
    assert office.states()["two.wav"] == ("skipped", "erased")


def test_nobody_of_the_company_is_erased(office: Office) -> None:
    office.config["company"] = {"numbers": ["+1 202 555 0100"]}
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.work()
    for words in (
        ("--email", "Agent-201@example.com"),
        ("--email", "agent-205@example.com"),
        ("--phone", "2025550100"),
    ):
        result = office.privacy("erase", *words, "--yes")
        assert isinstance(result.exception, ConfigError)
        assert "one of the company's own" in str(result.exception)
    assert office.rows("list") == []


def test_without_a_key_nothing_is_begun(office: Office) -> None:
    office.work()
    office.config["privacy"] = {}
    result = office.privacy("erase", "--phone", NUMBER, "--yes")
    assert "gong-bridge privacy key > privacy.key" in str(result.exception)
    assert office.rows("audit") == []


def test_a_person_who_is_allowed_again_is_sent_after_a_retry(office: Office) -> None:
    office.work()
    office.erased()
    drop(office.recorder, "one.wav", 1, parties=CUSTOMER)
    office.work()
    (person,) = [row["person"] for row in office.rows("list")]
    assert office.privacy("allow", person, "--yes").exit_code == 0
    with office.bridge() as opened:
        opened.retry(1)
    office.work()
    assert office.states() == {"one.wav": ("done", None)}
    assert [(row["act"], row["person"]) for row in office.rows("audit")] == [("allow", person), ("erase", person)]
