"""How a backfill says how far it is; and what a day means to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gong_bridge.config.units import parse_day
from gong_bridge.ledger.backfill_words import order_in_words
from gong_bridge.ledger.backfills import BackfillOrder, OrderState
from gong_bridge.ledger.filters import Lane
from gong_bridge.model import Recording
from tests.unit.test_quota import FULL

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
ORDER = BackfillOrder(
    lane=Lane("pbx"), first_day=date(2024, 1, 1), last_day=date(2025, 12, 31), time_zone="America/New_York",
    most_per_day=1000, state=OrderState.RUNNING, ordered_at=NOON, taken=3200, to_come=11_000, day="2026-03-04",
    taken_on_day=1000,
)  # fmt: skip
BEGIN = "backfill of pbx since 2024-01-01 until 2025-12-31: "


def said(order: BackfillOrder) -> str:
    return order_in_words(order, FULL, with_link=True, now=NOON)


def test_how_far_it_is_and_how_long_its_own_limit_makes_it() -> None:
    assert said(ORDER) == (
        BEGIN + "3,200 of 14,200 taken, 1,000 today (1,000 a day at most); "
        "11,000 to come = 11 days at 1,000 a day; enough for today, it goes on tomorrow"
    )


def test_without_a_limit_the_allowance_says_how_long() -> None:
    assert said(replace(ORDER, most_per_day=None)) == (
        BEGIN + "3,200 of 14,200 taken, 1,000 today; 11,000 to come = 2.2 days by upload, 1.1 days by link; running"
    )


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (replace(ORDER, taken=0, to_come=None, day="", taken_on_day=0, most_per_day=None),
         "0 taken, 0 today; not begun"),
        (replace(ORDER, to_come=0, most_per_day=None, message="folder /a is away"),
         "3,200 of 3,200 taken, 1,000 today; folder /a is away"),
        (replace(ORDER, to_come=0, most_per_day=None, state=OrderState.PAUSED),
         "3,200 of 3,200 taken, 1,000 today; paused, go on with `gong-bridge backfill --source pbx --resume`"),
        (replace(ORDER, state=OrderState.DONE), "done, 3,200 were taken and are in the ledger"),
        (replace(ORDER, state=OrderState.CANCELLED), "cancelled after 3,200"),
    ],
)  # fmt: skip
def test_what_it_is_doing(order: BackfillOrder, words: str) -> None:
    assert said(order) == BEGIN + words


@pytest.mark.parametrize(
    ("modified_at", "taken"),
    [
        (datetime(2024, 1, 1, 4, 59, tzinfo=UTC), False),
        (datetime(2024, 1, 1, 5, 0, tzinfo=UTC), True),
        (datetime(2026, 1, 1, 4, 59, tzinfo=UTC), True),
        (datetime(2026, 1, 1, 5, 0, tzinfo=UTC), False),
    ],
)
def test_days_are_those_of_the_source_s_zone_and_both_are_whole(modified_at: datetime, taken: bool) -> None:
    recording = Recording(source="pbx", key="a.wav", version="1", size_bytes=1, modified_at=modified_at)
    assert ORDER.takes(recording) is taken


def test_what_came_after_the_order_is_no_old_recording() -> None:
    for last_day in (None, date(2030, 1, 1)):
        order = replace(ORDER, last_day=last_day)
        assert order.takes(
            Recording(source="pbx", key="a", version="1", size_bytes=1, modified_at=NOON - timedelta(seconds=1))
        )
        assert not order.takes(Recording(source="pbx", key="a", version="1", size_bytes=1, modified_at=NOON))


@pytest.mark.parametrize("value", ["2026-1-1", "01.02.2026", "2026-02-30", "yesterday", "20260101", 2026, None])
def test_a_day_that_is_none_is_refused_with_the_cure(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no day; write it as year-month-day, such as 2026-01-31"):
        parse_day(value)


def test_a_day_is_read_as_it_is_written() -> None:
    assert parse_day(" 2026-01-31 ") == date(2026, 1, 31)
