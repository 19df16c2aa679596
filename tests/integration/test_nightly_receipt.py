"""The nightly receipt: by one bridge, gone on with after trouble, told when something is wrong, else quiet."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from gong_bridge import clock
from gong_bridge.cli.ledger_access import read_for_ledger
from gong_bridge.errors import BadCredentials, RateLimited
from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.filters import Lane
from gong_bridge.receipt.nightly import Nightly
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.receipts import NOON, Office

NIGHT = datetime(2024, 3, 2, 3, 20, tzinfo=UTC)
GO_ON = threading.Event()


@pytest.fixture(autouse=True)
def at_night() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(NIGHT) as now:
        yield now


@pytest.fixture
def office(sandbox: Sandbox, tmp_path: Path) -> Office:
    return Office(sandbox=sandbox, folder=tmp_path, more='reconcile: {at: "03:15", days: 2, keep: 30d}')


def bridge(office: Office, name: str = "first") -> Nightly:
    nightly = Nightly.of(read_for_ledger(office.folder / "bridge.yaml"), office.ledger, name)
    assert nightly is not None
    return nightly


def settled_days(office: Office) -> list[str]:
    return [str(one.day) for one in office.ledger.receipts.kept()]


def test_the_last_days_are_settled_once_by_one_bridge(office: Office) -> None:
    office.delivered("whole.wav")
    office.delivered("earlier.wav", NOON - timedelta(days=1))
    office.delivered("too-early.wav", NOON - timedelta(days=2))
    asked = office.asked("/v2/calls")
    assert bridge(office).look(None, GO_ON)
    assert settled_days(office) == ["2024-03-01", "2024-02-29"]
    once = office.asked("/v2/calls")
    assert bridge(office, "second").look(None, GO_ON)
    assert bridge(office).look(None, GO_ON)
    assert (office.asked("/v2/calls"), once - asked) == (once, 2)


def test_a_bridge_leaves_it_to_another_that_is_at_it_and_takes_over_when_that_one_died(
    office: Office, at_night: time_machine.Coordinates
) -> None:
    office.ledger.turns.take("receipt of gong", "second", clock.now(), 30)
    assert not bridge(office).look(None, GO_ON)
    assert office.sandbox.requests == []
    at_night.shift(31)
    assert bridge(office).look(None, GO_ON)


def test_after_trouble_another_bridge_goes_on_with_the_day_that_is_next(office: Office) -> None:
    office.delivered("whole.wav")
    office.sandbox.play(Fault(operation="listCalls", kind="status", status=403, skip=1))
    with pytest.raises(BadCredentials, match="api:calls:read:basic"):
        bridge(office).look(None, GO_ON)
    night = office.ledger.nights.get(None)
    assert night is not None
    assert (night.next_day, "api:calls:read:basic" in (night.trouble or "")) == (date(2024, 3, 1), True)
    before = office.asked("/v2/calls")
    assert bridge(office, "second").look(None, GO_ON)
    assert office.asked("/v2/calls") == before + 1
    night = office.ledger.nights.get(None)
    assert night is not None
    assert (night.finished_at is not None, night.trouble) == (True, None)


def test_it_is_told_when_it_is_an_hour_late_and_no_more_when_it_is_there(
    office: Office, at_night: time_machine.Coordinates
) -> None:
    office.sandbox.play(Fault(operation="listCalls", kind="status", status=403))
    with pytest.raises(BadCredentials):
        bridge(office).look(None, GO_ON)
    assert "needs a person" in office.status()  # not yet: "nothing needs a person"
    at_night.shift(3600)
    told = " ".join(office.status().split())
    assert "that of 03:15 is not there: " in told
    assert "nothing needs a person" not in told
    bridge(office).look(None, GO_ON)
    told = office.status()
    assert "nightly receipt: 2024-02-29 to 2024-03-01, made " in told
    assert "nothing needs a person" in told


def test_what_is_missing_is_one_warning_and_all_well_is_none(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    call_id = office.delivered("whole.wav")
    office.delivered("other.wav")
    bridge(office).look(None, GO_ON)
    assert [record for record in caplog.records if record.levelname == "WARNING"] == []
    office.delete_in_gong(call_id)
    with time_machine.travel(NIGHT + timedelta(days=1)):
        bridge(office).look(None, GO_ON)
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert vars(warning)["gong_bridge_fields"] == {
        "code": "missing-in-gong", "missing": 1, "doubled": 0, "account": "gong", "first": "2024-03-01",
        "last": "2024-03-02",
    }  # fmt: skip


def test_new_recordings_go_first_and_it_ends_when_the_service_stops(office: Office) -> None:
    lane, now = Lane("pbx"), clock.now()
    seen = BridgeSeen(name="first", host="rec-1", version="1", lanes=(lane,), started_at=now, seen_at=now)
    office.ledger.bridges.seen(seen, 30)
    office.found("live.wav", now - timedelta(minutes=5))
    stop = threading.Event()
    ended: list[BaseException] = []

    def look() -> None:
        try:
            bridge(office).look(None, stop)
        except RateLimited as error:
            ended.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(1.0)
    assert (thread.is_alive(), office.sandbox.requests) == (True, [])
    stop.set()
    thread.join(10)
    assert [str(one) for one in ended] == ["stopped while new recordings went first"]
    night = office.ledger.nights.get(None)
    assert night is None or night.trouble is None


def test_receipts_older_than_wanted_are_forgotten(office: Office) -> None:
    office.ledger.receipts.keep(date(2024, 1, 1), None, {"pbx": {}}, NIGHT - timedelta(days=31))
    office.ledger.receipts.keep(date(2024, 1, 2), None, {"pbx": {}}, NIGHT - timedelta(days=29))
    bridge(office).look(None, GO_ON)
    assert settled_days(office) == ["2024-01-02"]


def test_an_account_that_cannot_be_used_keeps_no_other_from_its_receipt(sandbox: Sandbox, tmp_path: Path) -> None:
    emea = f'emea: {{base_url: "{sandbox.base_url}", access_key: wrong, access_key_secret: wrong}}'
    office = Office(sandbox=sandbox, folder=tmp_path, more=f'reconcile: {{at: "03:15"}}\naccounts: {{{emea}}}')
    office.delivered("whole.wav")
    with pytest.raises(BadCredentials):
        bridge(office).look("emea", GO_ON)
    assert bridge(office).look(None, GO_ON)
    told = " ".join(office.status().split())
    assert "nightly receipt of gong: 2024-02-28 to 2024-03-01, made" in told
    assert "nightly receipt of emea: that of 03:15 is not there" in told
