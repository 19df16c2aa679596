"""What a receipt is made of: long lists with trouble in between, an empty Gong, two accounts, odd days."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gong_bridge.errors import BridgeError
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.receipts import MARCH_1, NOON, Office
from tests.sandbox_requests import add_call, client_of

COUNTED = ("recorded", "in_gong", "waiting", "held", "missing", "doubled")


def fill(sandbox: Sandbox, count: int) -> None:
    """Calls of the first of March that others put into Gong."""
    with client_of(sandbox) as client:
        for number in range(count):
            add_call(client, clientUniqueId=f"dialler-{number}", actualStart=NOON.isoformat())


def test_over_many_pages_every_call_is_seen_once_whatever_gong_does_in_between(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    office = Office(sandbox=start_sandbox(page_size=2), folder=tmp_path)
    fill(office.sandbox, 20)
    ours = {office.delivered(f"{number}.wav") for number in range(10)}
    gone = office.delivered("gone.wav")
    office.delete_in_gong(gone)
    office.sandbox.play(
        Fault(operation="listCalls", kind="status", status=429, retry_after="0", skip=3, times=2),
        Fault(operation="listCalls", kind="status", status=500, skip=6, times=1),
        Fault(operation="listCalls", kind="drop_after", skip=9, times=1),
        Fault(operation="listCalls", kind="status", status=400, body='{"errors":["cursor has expired"]}', skip=12),
        Fault(operation="listCalls", kind="truncated", skip=17, times=1),
    )
    receipts = office.receipts()
    assert {name: receipts["pbx"][name] for name in COUNTED} == {
        "recorded": 11, "in_gong": 10, "waiting": 0, "held": 0, "missing": 1, "doubled": 0,
    }  # fmt: skip
    assert {call["call_id"] for call in receipts["pbx"]["calls"]["in_gong"]} == ours
    assert (receipts[None]["unknown"], len({one["call_id"] for one in receipts[None]["calls"]["unknown"]})) == (20, 20)


def test_a_cursor_that_always_expires_ends_with_the_day_from_which_to_go_on(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    office = Office(sandbox=start_sandbox(page_size=1, cursor_seconds=-1.0), folder=tmp_path)
    fill(office.sandbox, 2)
    office.delivered("a.wav", NOON - timedelta(days=1))
    result = office.run("--from", "2024-02-29", "--to", "2024-03-01")
    assert isinstance(result.exception, BridgeError)
    assert "1 of 2 days were settled, nothing was put back; run it again from 2024-03-01" in str(result.exception)
    assert [str(one.day) for one in office.ledger.receipts.kept()] == ["2024-02-29"]


def test_an_empty_gong_has_nothing_and_everything_delivered_is_missing(office: Office) -> None:
    assert office.receipts() == {}
    office.delete_in_gong(office.delivered("gone.wav"))
    pbx = office.receipts()["pbx"]
    assert (pbx["in_gong"], pbx["missing"]) == (0, 1)


def test_days_before_the_ledger_began_have_the_calls_of_others_alone(office: Office) -> None:
    fill(office.sandbox, 2)
    assert office.run("--from", "2023-01-01", "--to", "2023-01-03").stdout.split("\n")[0] == (
        "nothing was recorded, and Gong has no call"
    )
    result = office.run(*MARCH_1)
    assert (result.exit_code, "of others, unknown to us: 2" in result.stdout) == (0, True)


def test_each_reason_for_a_skip_is_counted_by_itself(office: Office) -> None:
    for number, code in enumerate(["too-short", "duplicate", "too-short"]):
        office.ledger.work.skip(office.found(f"{number}.wav"), NOON, code, "")
    assert office.receipts()["pbx"]["skipped"] == {"duplicate": 1, "too-short": 2}
    assert "skipped: 2 too-short, 1 duplicate" in office.run(*MARCH_1).stdout


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path) -> Office:
    return Office(sandbox=sandbox, folder=tmp_path)


def test_the_day_on_which_clocks_go_back_has_25_hours_and_each_call_one_day(sandbox: Sandbox, tmp_path: Path) -> None:
    office = Office(sandbox=sandbox, folder=tmp_path, zone="Europe/Berlin")
    for name, at in {
        "before": datetime(2024, 10, 26, 21, 59, 59, tzinfo=UTC),
        "first": datetime(2024, 10, 26, 22, 0, tzinfo=UTC),
        "02:30 for the first time": datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
        "02:30 once more": datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
        "last": datetime(2024, 10, 27, 22, 59, 59, tzinfo=UTC),
        "after": datetime(2024, 10, 27, 23, 0, tzinfo=UTC),
    }.items():
        office.delivered(name, at)
    rows = map(json.loads, office.run("--from", "2024-10-26", "--to", "2024-10-28", "--json").stdout.splitlines())
    assert [(row["day"], row["recorded"], row["in_gong"]) for row in rows] == [
        ("2024-10-26", 1, 1), ("2024-10-27", 4, 4), ("2024-10-28", 1, 1),
    ]  # fmt: skip


def test_two_accounts_are_settled_each_by_itself_also_when_they_have_the_same_ids(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    here, emea = start_sandbox(), start_sandbox()
    keys = f'base_url: "{emea.base_url}", access_key: sandbox, access_key_secret: sandbox-secret'
    office = Office(sandbox=here, folder=tmp_path, more=f"accounts: {{emea: {{{keys}}}}}")
    office.delete_in_gong(office.delivered("a.wav"))
    with client_of(emea) as client:
        theirs = add_call(client, clientUniqueId="a.wav", actualStart=NOON.isoformat())
    rows = [json.loads(line) for line in office.run(*MARCH_1, "--json").stdout.splitlines()]
    assert [(row["account"], row["source"], row["missing"], row["unknown"]) for row in rows] == [
        ("gong", "pbx", 1, 0), ("emea", None, 0, 1),
    ]  # fmt: skip
    assert rows[1]["calls"]["unknown"][0]["call_id"] == theirs
    before = len(here.requests)
    assert office.run(*MARCH_1, "--account", "emea").exit_code == 0
    assert len(here.requests) == before
    assert [(one.account, one.missing) for one in office.ledger.receipts.kept()] == [(None, 1), ("emea", 0)]


def test_a_receipt_on_postgresql_is_the_same(sandbox: Sandbox, tmp_path: Path, empty_postgresql_url: str) -> None:
    office = Office(sandbox=sandbox, folder=tmp_path, url=empty_postgresql_url)
    office.delivered("a.wav")
    office.delete_in_gong(office.delivered("gone.wav"))
    office.ledger.work.skip(office.found("short.wav"), NOON, "too-short", "")
    pbx = office.receipts()["pbx"]
    assert ({name: pbx[name] for name in COUNTED}, pbx["skipped"]) == (
        {"recorded": 3, "in_gong": 1, "waiting": 0, "held": 0, "missing": 1, "doubled": 0}, {"too-short": 1},
    )  # fmt: skip
    [kept] = office.ledger.receipts.kept()
    assert (kept.missing, [call["entry_id"] for call in kept.calls("missing")]) == (1, [2])
    assert office.run("--last").exit_code == 1
    office.ledger.close()
