"""R26: of the day's last calls, whole recordings are delivered, and what is owed goes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gong_bridge.errors import RateLimited, ServiceDown
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.ledger import Ledger

GO_ON = threading.Event()


@pytest.fixture(params=[40.0, 1000.0], ids=["slot by slot", "block by block"])
def rate(request: pytest.FixtureRequest) -> float:
    return float(request.param)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def call(allowance: LedgerAllowance) -> None:
    allowance.take(GO_ON)
    allowance.depart(GO_ON)
    allowance.sent()
    allowance.answered()


def create(allowance: LedgerAllowance, *, owed: int = 0) -> None:
    with allowance.day.with_media(lambda: owed):
        call(allowance)


def used(allowance: LedgerAllowance) -> int:
    return allowance.state(datetime.now(UTC)).used_24h


def test_R26_five_calls_are_two_whole_recordings_and_one_call_for_something_else(ledger: Ledger, rate: float) -> None:
    allowance = LedgerAllowance(ledger, rate, 5)
    for _ in range(2):
        create(allowance)
        assert used(allowance) % 2 == 0  # the media is on the account before it is sent
        call(allowance)
    assert used(allowance) == 4
    with pytest.raises(RateLimited, match=r"calls_per_day \(5\) is reached but for 1, which would leave a call") as no:
        create(allowance)
    assert no.value.wait_seconds == pytest.approx(24 * 3600 + 150, abs=160)
    call(allowance)
    assert used(allowance) == 5


def test_R26_uploads_that_are_owed_go_before_new_calls(ledger: Ledger, rate: float) -> None:
    allowance = LedgerAllowance(ledger, rate, 5)
    call(allowance)
    with pytest.raises(RateLimited):
        create(allowance, owed=3)
    create(allowance, owed=2)


def test_R26_another_thread_takes_no_call_that_is_promised_to_a_media(ledger: Ledger, rate: float) -> None:
    allowance = LedgerAllowance(ledger, rate, 2)
    create(allowance)
    refused: list[RateLimited] = []

    def other() -> None:
        try:
            call(allowance)
        except RateLimited as error:
            refused.append(error)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert len(refused) == 1
    call(allowance)
    assert used(allowance) == 2


def test_R26_a_call_that_was_not_created_gives_its_media_back(ledger: Ledger, rate: float) -> None:
    allowance = LedgerAllowance(ledger, rate, 3)

    def fail() -> None:
        with allowance.day.with_media(lambda: 0):
            call(allowance)
            raise ServiceDown("no answer")

    with pytest.raises(ServiceDown):
        fail()
    assert used(allowance) == 1


def test_R26_media_that_this_thread_does_not_send_after_all_is_given_back(ledger: Ledger, rate: float) -> None:
    allowance = LedgerAllowance(ledger, rate, 10)
    create(allowance)
    allowance.day.work_for(backlog=False)
    assert used(allowance) == 1


def test_a_day_of_one_call_still_creates_calls(ledger: Ledger, rate: float) -> None:
    allowance = LedgerAllowance(ledger, rate, 1)
    create(allowance)
    assert used(allowance) == 1
