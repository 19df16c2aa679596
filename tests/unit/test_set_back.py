"""When the clock is said to have been set back, and what is done about it then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Recording
from gong_bridge.set_back import SetBack

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def set_back_of(ledger: Ledger, *allowances: LedgerAllowance) -> SetBack:
    return SetBack(ledger, allowances, longest_wait=timedelta(days=2), lease=timedelta(seconds=30))


def found(ledger: Ledger, now: datetime) -> None:
    recording = Recording(source="pbx", key=f"{now}.wav", version="1", size_bytes=1, modified_at=NOON)
    assert ledger.intake.add([recording], False, now) == 1


def test_R28_the_first_look_corrects_what_an_earlier_process_wrote(ledger: Ledger) -> None:
    found(ledger, NOON)
    assert set_back_of(ledger).look(NOON - HOUR, 1000.0) == 1


def test_R28_a_step_back_is_noticed_within_half_a_minute_and_looked_after_for_a_while(ledger: Ledger) -> None:
    set_back = set_back_of(ledger)
    assert set_back.look(NOON, 1000.0) == 0
    found(ledger, NOON + timedelta(seconds=29))
    assert set_back.look(NOON - HOUR + timedelta(seconds=30), 1030.0) == 1
    found(ledger, NOON + timedelta(seconds=29.5))  # by a thread that had read the clock before
    assert set_back.look(NOON - HOUR + timedelta(seconds=60), 1060.0) == 1


def test_a_clock_that_goes_on_or_jumps_ahead_gives_no_reason_to_look(ledger: Ledger) -> None:
    """Nobody reads a million entries every half minute; after ten minutes it is done anyway."""
    set_back = set_back_of(ledger)
    assert set_back.look(NOON, 1000.0) == 0
    found(ledger, NOON + 2 * HOUR)
    assert set_back.look(NOON + timedelta(seconds=27), 1030.0) == 0  # 3 s back
    assert set_back.look(NOON + HOUR, 1060.0) == 0
    assert set_back.look(NOON + HOUR + timedelta(seconds=541), 1601.0) == 1


def test_R27_what_gong_asked_for_before_the_step_is_not_waited_for_again(ledger: Ledger) -> None:
    """30 s of a 429 would last for an hour, and the rate that it left would stay low for as long."""
    allowance = LedgerAllowance(ledger, 3.0, 10_000)
    set_back = set_back_of(ledger, allowance)
    set_back.look(NOON, 1000.0)
    allowance._rows.pause(NOON, 30.0, too_many=True)
    assert allowance.state(NOON).paused_until == NOON + timedelta(seconds=30)
    assert allowance.state(NOON).rate < 3.0
    earlier = NOON - timedelta(minutes=50)
    set_back.look(earlier, 1001.0)
    assert allowance.state(earlier).paused_until is None
    assert allowance.state(earlier).rate == 3.0


def test_R26_the_day_still_holds_24_hours_of_calls_after_the_step(ledger: Ledger) -> None:
    """What was used counts, for 24 hours from the new time at most and five minutes."""
    allowance = LedgerAllowance(ledger, 3.0, 3)
    rows = allowance._rows
    for hours in (0, 2, 4):
        assert rows.reserve(NOON + timedelta(hours=hours), 1, 1.0, 0, 0).count == 1
    later = NOON + timedelta(hours=1)  # set back by three hours
    assert rows.reserve(later, 1, 1.0, 0, 0).count == 0
    assert allowance.state(later).used_24h == 3
    assert rows.reserve(later + timedelta(hours=22), 1, 1.0, 0, 0).count == 0
    assert rows.reserve(NOON + timedelta(hours=24, minutes=6), 1, 1.0, 0, 0).count == 1  # the first of the three
    assert rows.reserve(NOON + timedelta(hours=24, minutes=7), 1, 1.0, 0, 0).count == 0
    assert rows.reserve(later + timedelta(hours=24, minutes=6), 2, 1.0, 0, 0).count == 2
