"""When a nightly receipt is due, and of which days: once a night, whatever clocks do; nothing missed is forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gong_bridge.ledger.nights import Night
from gong_bridge.receipt.night_times import due_at, latest_night, night_to_settle

NEW_YORK = ZoneInfo("America/New_York")
HALF_PAST_TWO = time(2, 30)


def test_a_night_without_half_past_two_has_its_receipt_an_hour_later() -> None:
    assert due_at(date(2024, 3, 10), HALF_PAST_TWO, NEW_YORK) == datetime(2024, 3, 10, 7, 30, tzinfo=UTC)  # 03:30 EDT


def test_of_two_times_half_past_two_the_first_counts() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert due_at(date(2024, 10, 27), HALF_PAST_TWO, berlin) == datetime(2024, 10, 27, 0, 30, tzinfo=UTC)


def test_each_night_of_a_year_is_due_once_whatever_clocks_do() -> None:
    seen: list[date] = []
    at = datetime(2024, 1, 1, 12, tzinfo=UTC)
    while at < datetime(2025, 1, 1, 12, tzinfo=UTC):
        night = latest_night(at, HALF_PAST_TWO, NEW_YORK)
        if not seen or night != seen[-1]:
            seen.append(night)
        at += timedelta(minutes=15)
    assert seen == [date(2024, 1, 1) + timedelta(days=count) for count in range(367)]


def test_before_its_time_the_last_night_is_yesterday_s() -> None:
    assert latest_night(datetime(2024, 3, 5, 7, 29, tzinfo=UTC), HALF_PAST_TWO, NEW_YORK) == date(2024, 3, 4)
    assert latest_night(datetime(2024, 3, 5, 7, 30, tzinfo=UTC), HALF_PAST_TWO, NEW_YORK) == date(2024, 3, 5)


def test_the_first_night_settles_the_last_days() -> None:
    night = night_to_settle(date(2024, 3, 5), 3, None)
    assert (night.first, night.last, night.next_day) == (date(2024, 3, 2), date(2024, 3, 4), date(2024, 3, 2))


def night_of(day: date, next_day: date, finished_at: datetime | None) -> Night:
    return Night(night=day, first=next_day, last=day - timedelta(days=1), next_day=next_day, finished_at=finished_at)


def test_nights_that_were_missed_are_made_up_for_and_at_most_a_month_of_them() -> None:
    finished = night_of(date(2024, 2, 20), date(2024, 2, 20), datetime(2024, 2, 20, 8, tzinfo=UTC))
    assert night_to_settle(date(2024, 3, 5), 3, finished).first == date(2024, 2, 20)
    assert night_to_settle(date(2024, 3, 5), 3, finished).earlier_at == finished.finished_at
    assert night_to_settle(date(2025, 3, 5), 3, finished).first == date(2025, 2, 2)


def test_a_night_that_did_not_come_to_its_end_leaves_its_days_to_the_next() -> None:
    stuck = night_of(date(2024, 3, 1), date(2024, 2, 25), None)
    assert night_to_settle(date(2024, 3, 2), 3, stuck).first == date(2024, 2, 25)


def test_a_night_that_was_begun_is_gone_on_with() -> None:
    begun = night_of(date(2024, 3, 5), date(2024, 3, 4), None)
    assert night_to_settle(date(2024, 3, 5), 3, begun) is begun


def test_a_night_that_a_clock_wrote_down_which_was_a_year_ahead_keeps_nobody_waiting() -> None:
    ahead = night_of(date(2025, 3, 5), date(2025, 3, 5), datetime(2025, 3, 5, 8, tzinfo=UTC))
    night = night_to_settle(date(2024, 3, 5), 3, ahead)
    assert (night.night, night.first, night.finished_at) == (date(2024, 3, 5), date(2024, 3, 2), None)
