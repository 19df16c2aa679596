"""`gong-bridge reconcile`: each recording counts once, nothing is called missing unasked, and a repair is safe."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from gong_bridge.cli import build_app as build_cli_app
from gong_bridge.config.schema import Limits, WebOptions
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.model import State
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.web.overview import Watched
from gong_bridge.web.server import WebServer, build_app
from tests.end_to_end.bridge import Home
from tests.end_to_end.recordings import drop
from tests.receipts import MARCH_1, NOON, Office
from tests.sandbox_requests import add_call, client_of


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path) -> Office:
    return Office(sandbox=sandbox, folder=tmp_path)


def test_each_recording_counts_once_with_what_became_of_it(office: Office) -> None:
    url_of = office.delivered("whole.wav")
    gone = office.delivered("gone.wav")
    twice = office.delivered("twice.wav")
    with client_of(office.sandbox) as client:
        again = add_call(client, clientUniqueId="twice.wav-later", actualStart=NOON.isoformat())
        theirs = add_call(client, clientUniqueId="dialler-7", actualStart=NOON.isoformat())
    office.ledger.work.skip(office.found("short.wav"), NOON, "too-short", "3 s")
    office.ledger.work.hold(office.found("held.wav"), NOON, "bad-media", "broken")
    office.found("open.wav")
    office.delete_in_gong(gone)
    rename_in_gong(office.sandbox, again, "twice.wav")

    receipts = office.receipts()

    pbx = receipts["pbx"]
    counts = {name: pbx[name] for name in ("recorded", "in_gong", "waiting", "skipped", "held", "missing", "doubled")}
    assert counts == {
        "recorded": 6, "in_gong": 2, "waiting": 1, "skipped": {"too-short": 1}, "held": 1, "missing": 1, "doubled": 1,
    }  # fmt: skip
    assert {call["call_id"] for call in pbx["calls"]["in_gong"]} == {url_of, twice}
    assert [call["call_id"] for call in pbx["calls"]["missing"]] == [gone]
    assert [call["call_id"] for call in pbx["calls"]["doubled"]] == [again]
    assert receipts[None]["calls"]["unknown"] == [
        {"entry_id": None, "call_id": theirs, "url": f"{office.sandbox.base_url}/#call-{theirs}"}
    ]


def rename_in_gong(sandbox: Sandbox, call_id: str, client_unique_id: str) -> None:
    """Let a call have an id that another one has: what the strict sandbox itself would refuse."""
    call = next(one for one in sandbox.calls if one.id == call_id)
    assert isinstance(call.body, dict)
    call.body["clientUniqueId"] = client_unique_id


def test_all_accounted_for_is_exit_0_and_each_trouble_exit_1(office: Office) -> None:
    call_id = office.delivered("whole.wav")
    with client_of(office.sandbox) as client:
        add_call(client, clientUniqueId="dialler-7", actualStart=NOON.isoformat())
    assert office.run(*MARCH_1).exit_code == 0  # what others put into Gong is no trouble of ours
    office.delete_in_gong(call_id)
    result = office.run(*MARCH_1)
    assert result.exit_code == 1
    assert f"entry 1 (pbx) whole.wav, call {call_id}" in result.stdout


def test_a_day_is_one_of_the_company_s_zone_and_rounded_starts_are_found_all_the_same(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    office = Office(sandbox=sandbox, folder=tmp_path, zone="America/New_York")
    before_midnight = datetime(2024, 3, 2, 4, 59, 50, tzinfo=UTC)
    office.delivered("late.wav", before_midnight, in_gong=before_midnight + timedelta(seconds=10))
    assert office.receipts(*MARCH_1)["pbx"]["in_gong"] == 1
    assert office.receipts("--from", "2024-03-02", "--to", "2024-03-02") == {}  # neither counted again nor unknown


def test_the_day_on_which_clocks_go_forward_has_23_hours(sandbox: Sandbox, tmp_path: Path) -> None:
    office = Office(sandbox=sandbox, folder=tmp_path, zone="America/New_York")
    office.delivered("last.wav", datetime(2024, 3, 11, 3, 59, tzinfo=UTC))
    office.delivered("next.wav", datetime(2024, 3, 11, 4, 0, tzinfo=UTC))
    rows = office.run("--from", "2024-03-10", "--to", "2024-03-11", "--json").stdout.splitlines()
    assert [(row["day"], row["recorded"]) for row in map(json.loads, rows)] == [("2024-03-10", 1), ("2024-03-11", 1)]


def test_what_was_delivered_moments_ago_waits_and_is_not_missing(office: Office) -> None:
    office.delete_in_gong(office.delivered("fresh.wav", changed=datetime.now(UTC) - timedelta(minutes=5)))
    office.delete_in_gong(office.delivered("older.wav", changed=datetime.now(UTC) - timedelta(minutes=25)))
    pbx = office.receipts()["pbx"]
    assert (pbx["waiting"], pbx["missing"]) == (1, 1)


def test_a_call_that_gong_does_not_list_is_asked_for_by_its_id_first(office: Office) -> None:
    call_id = office.delivered("moved.wav", in_gong=NOON - timedelta(days=3))
    pbx = office.receipts()["pbx"]
    assert (pbx["in_gong"], pbx["missing"]) == (1, 0)
    assert office.asked(f"/v2/calls/{call_id}") == 1


def test_many_missing_calls_cost_a_request_for_each_hundred(office: Office) -> None:
    for number in range(51):
        office.delete_in_gong(office.delivered(f"{number}.wav"))
    before = len(office.sandbox.requests)
    assert office.receipts()["pbx"]["missing"] == 51
    assert len(office.sandbox.requests) - before == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2024-03-45"), "--from: '2024-03-45' is no day"),
        (("--from", "2024-03-02", "--to", "2024-03-01"), "--to 2024-03-01 is before --from 2024-03-02"),
        ((), "say from when"),
        ((*MARCH_1, "--account", "emea"), "--account"),
        ((*MARCH_1, "--repair"), "write --yes where nobody can answer"),
        ((*MARCH_1, "--yes"), "--yes goes with --repair"),
        ((*MARCH_1, "--last"), "--last shows what is kept"),
    ],
)
def test_wrong_usage_says_what_to_write(office: Office, words: tuple[str, ...], said: str) -> None:
    error = office.run(*words).exception
    assert isinstance(error, ConfigError)
    assert said in error.message
    assert office.sandbox.requests == []


def test_403_names_the_scope_and_says_that_nothing_was_settled(office: Office) -> None:
    office.delivered("whole.wav")
    office.sandbox.play(Fault(operation="listCalls", kind="status", status=403))
    error = office.run(*MARCH_1).exception
    assert isinstance(error, BridgeError)
    assert "api:calls:read:basic" in error.message
    assert "no day was settled, nothing was put back; run it again from 2024-03-01" in error.message
    assert office.ledger.receipts.kept() == []


def test_a_whole_day_is_kept_in_the_ledger_and_a_part_of_one_is_not(office: Office) -> None:
    office.delivered("whole.wav")
    office.receipts("--from", "2024-03-01T10:00", "--to", "2024-03-01T14:00")
    assert office.ledger.receipts.kept() == []
    office.receipts()
    kept = office.ledger.receipts.kept()
    assert [(str(one.day), one.source, one.counts["in_gong"]) for one in kept] == [("2024-03-01", "pbx", 1)]


def test_what_is_no_longer_in_its_source_cannot_be_put_back(office: Office) -> None:
    office.delete_in_gong(office.delivered("whole.wav"))
    (office.folder / "pbx" / "another.wav").write_bytes(b"12345")  # an empty folder would be an unmounted one
    result = office.run(*MARCH_1, "--repair", "--yes")
    assert result.exit_code == 1
    assert "entry 1 (pbx) whole.wav: its recording is no longer in the source" in result.stderr
    entry = office.ledger.views.get(1)
    assert entry is not None
    assert entry.state is State.DONE


def test_R22_what_was_deleted_in_gong_is_delivered_anew_as_one_call(
    tmp_path: Path, sandbox: Sandbox, wait_a_quarter: Callable[[Path], None]
) -> None:
    home = Home(tmp_path / "home", sandbox.base_url)
    drop(home.recorder, "first.wav", 1)
    drop(home.recorder, "second.wav", 2)
    shutil.copy(home.recorder / "first.wav", home.recorder / "copy.wav")
    shutil.copy(home.recorder / "first.json", home.recorder / "copy.json")
    home.run_once()
    first = next(call for call in sandbox.calls if call.client_unique_id.startswith("first"))
    with client_of(sandbox) as client:
        client.post(f"/_sandbox/calls/{first.id}/delete")
    wait_a_quarter(home.ledger_path)

    repaired = home.run("reconcile", "--from", "2026-08-31", "--to", "2026-09-02", "--repair", "--yes")

    assert (repaired.returncode, "1 put back" in repaired.stderr) == (0, True), repaired.stderr
    home.run_once()
    assert sorted(call.client_unique_id for call in sandbox.calls) == ["first", "second"]
    config = str(home.root / "bridge.yaml")
    words = ["reconcile", "--from", "2026-09-01", "--to", "2026-09-01", "--config", config]
    assert CliRunner().invoke(build_cli_app("reconcile"), words).exit_code == 0


@pytest.fixture
def wait_a_quarter() -> Callable[[Path], None]:
    """Every entry of a ledger was changed a quarter of an hour earlier."""

    def earlier(path: Path) -> None:
        with sqlite3.connect(path) as ledger:
            ledger.execute("UPDATE entries SET updated_at = updated_at - 1000000000")

    return earlier


def test_the_page_status_and_metrics_tell_what_is_missing_until_it_is_put_back(office: Office) -> None:
    yesterday = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=12)
    day = f"{yesterday:%Y-%m-%d}"
    call_id = office.delivered("whole.wav", yesterday)
    office.delete_in_gong(call_id)
    office.receipts("--from", day, "--to", day)
    account = Watched(allowance=allowance_of(office.ledger, Limits()))
    config = ["--config", str(office.folder / "bridge.yaml")]
    cure = f"gong-bridge reconcile --from {day} --to {day} --repair"

    status = CliRunner().invoke(build_cli_app("status"), ["status", *config]).stdout
    assert f"{day}, pbx: 1 missing in Gong ({cure})" in status
    app = build_app(office.ledger, [account], WebOptions())
    with WebServer(app, "127.0.0.1:0") as server, httpx.Client(base_url=server.url) as site:
        assert cure in site.get("/").text
        receipts = site.get("/receipts").text
        assert 'data-name="missing">1<' in receipts
        assert f'<a href="/entries/1">entry 1</a>, call {call_id}' in receipts
        assert 'gong_bridge_missing_in_gong{source="pbx"} 1.0' in site.get("/metrics").text

        office.ledger.receipts.note_put_back(yesterday.date(), None, "pbx", call_id)
        assert cure not in site.get("/").text
        assert 'gong_bridge_missing_in_gong{source="pbx"} 0.0' in site.get("/metrics").text


def test_the_last_receipts_are_shown_without_asking_gong_and_exit_1_tells_a_monitor(office: Office) -> None:
    nothing = office.run("--last")
    assert (nothing.exit_code, "no receipt is kept" in nothing.stdout) == (1, True)
    now = datetime.now(UTC)
    for days, missing in ((1, 0), (2, 0), (3, 0), (4, 0), (20, 1)):
        counts = dict.fromkeys(("in_gong", "waiting", "held", "doubled", "unknown", "own"), 0)
        row = {**counts, "recorded": 7, "skipped": {"too-short": 2}, "missing": missing}
        office.ledger.receipts.keep((now - timedelta(days=days)).date(), None, {"pbx": row}, now)
    lacking = f"{now - timedelta(days=20):%Y-%m-%d}"

    last = office.run("--last")

    assert (last.exit_code, len(last.stdout.splitlines())) == (1, 1 + 4 + 1 + 1)  # heading, days, made, what is missing
    assert f"{lacking}, pbx: 1 missing in Gong (gong-bridge reconcile --from {lacking} --to" in last.stdout
    rows = [json.loads(line) for line in office.run("--last", "--json").stdout.splitlines()]
    assert (rows[0]["day"], rows[0]["missing"]) == (lacking, 1)
    office.ledger.receipts.note_put_back((now - timedelta(days=20)).date(), None, "pbx", "1")
    well = office.run("--last")
    assert (well.exit_code, "nothing is missing or there twice" in well.stdout) == (0, True)
    assert office.sandbox.requests == []
