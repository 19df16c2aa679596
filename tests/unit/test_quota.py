"""The quota clock: how long what waits will take, and what others leave."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from gong_bridge.ledger.allowance_rows import AllowanceState
from gong_bridge.ledger.quota import Waiting, forecast, in_words, learned_in_words

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
FULL = AllowanceState(
    used_24h=0, backlog_24h=0, calls_per_day=10_000, calls_per_second=3.0, paused_until=None, rate=3.0, refused_1h=0,
    day_refused_since=None,
)  # fmt: skip


def used(calls: int, *, backlog: int = 0) -> AllowanceState:
    return dataclasses.replace(FULL, used_24h=calls, backlog_24h=backlog)


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (Waiting(to_create=14_200), "14,200 waiting = 2.8 days by upload, 1.4 days by link"),
        (Waiting(to_create=100, to_deliver=20), "120 waiting = 1.2 min by upload, 40 s by link"),
        (Waiting(to_create=5000), "5,000 waiting = 55.6 min by upload, 27.8 min by link"),
        (Waiting(to_deliver=1), "1 waiting = 1 s by upload, 1 s by link"),
        (Waiting(), ""),
    ],
)
def test_the_quota_clock_in_words(waiting: Waiting, words: str) -> None:
    assert in_words(waiting, FULL, with_link=True, now=NOON) == words


def test_a_company_without_buckets_hears_nothing_of_links() -> None:
    assert in_words(Waiting(to_create=14_200), FULL, with_link=False, now=NOON) == "14,200 waiting = 2.8 days by upload"


def test_what_is_left_of_the_day_goes_at_once_and_the_rest_as_the_days_bring_it() -> None:
    """20,000 calls: 10,000 in the next hour, and one day later the others."""
    assert forecast(Waiting(to_create=10_000), 2, FULL, NOON).done_at == NOON + timedelta(days=1)
    assert forecast(Waiting(to_create=900), 2, FULL, NOON).done_at == NOON + timedelta(minutes=10)


def test_the_last_call_of_a_day_begins_no_recording_that_needs_two() -> None:
    """Of 3 calls left, one recording takes 2; the other waits for a day's share of 2 calls."""
    two = Waiting(to_create=2)
    assert forecast(two, 2, used(9_997, backlog=9_997), NOON).done_at == NOON + timedelta(days=2 / 10_000)
    one_is_owed = Waiting(to_create=1, to_deliver=1)
    assert forecast(one_is_owed, 2, used(9_997, backlog=9_997), NOON).done_at == NOON + timedelta(seconds=1)


def test_new_calls_leave_less_of_each_day() -> None:
    assert forecast(Waiting(to_create=5000), 2, used(5000), NOON).done_at == NOON + timedelta(days=1)
    assert forecast(Waiting(to_create=5000), 2, used(5000, backlog=5000), NOON).done_at == NOON + timedelta(days=0.5)


def test_old_recordings_leave_a_share_of_the_day_to_new_calls_and_what_those_took() -> None:
    keeps = dataclasses.replace(FULL, kept_for_live=0.2)
    assert keeps.backlog_left == 8000
    assert dataclasses.replace(keeps, used_24h=8000, backlog_24h=8000).backlog_left == 0
    assert dataclasses.replace(keeps, used_24h=5000, backlog_24h=1000).backlog_left == 5000
    assert dataclasses.replace(keeps, used_24h=6000, backlog_24h=6000).backlog_left == 2000


def test_what_others_take_is_said() -> None:
    slowed = dataclasses.replace(FULL, rate=1.8, refused_1h=4)
    assert learned_in_words(slowed) == (
        "Gong said 'too many' 4 times in the last hour: other integrations use about 1.2 of 3 calls a second; "
        "the bridge keeps to 1.8"
    )
    assert learned_in_words(FULL) == ""
    assert learned_in_words(dataclasses.replace(FULL, refused_1h=1)) == ("Gong said 'too many' once in the last hour")


def test_a_day_that_others_used_up_is_said() -> None:
    told = learned_in_words(dataclasses.replace(FULL, day_refused_since=NOON))
    assert told.startswith("Gong refuses every call: other integrations seem to have used up the day")
