"""What other integrations leave, learned from 429s: never ours to exceed, ours again when they stop."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gong_bridge.ledger.ceiling import Ceiling

NOON = 1_700_000_000.0
SHARE = 3.0


def test_without_a_refusal_the_whole_share_is_used() -> None:
    assert Ceiling().rate_at(NOON, SHARE) == SHARE


def test_R27_a_lone_refusal_takes_5_percent_and_they_come_back_in_three_minutes() -> None:
    after = Ceiling().refused(NOON, 100, SHARE)
    assert after.rate_at(NOON, SHARE) == pytest.approx(2.85)
    assert after.rate_at(NOON + 90, SHARE) == pytest.approx(2.925)
    assert after.rate_at(NOON + 180, SHARE) == pytest.approx(3.0)
    assert after.rate_at(NOON + 86_400, SHARE) == 3.0


def test_R27_a_refusal_soon_after_another_takes_15_percent() -> None:
    after = Ceiling().refused(NOON, 100, SHARE).refused(NOON + 90, 360, SHARE)
    assert after.rate_at(NOON + 90, SHARE) == pytest.approx(2.925 * 0.85)
    assert after.rate_at(NOON + 90 + 540, SHARE) == pytest.approx(2.925 * 0.85 + 0.45)


def test_R27_calls_refused_together_are_one_refusal() -> None:
    once = Ceiling().refused(NOON, 100, SHARE)
    assert once.refused(NOON + 0.1, 101, SHARE).refused(NOON + 1.9, 103, SHARE) == once


def refusing_everything(seconds: int) -> Ceiling:
    """After a while in which each call, one every 5 s, was refused."""
    ceiling = Ceiling()
    for number in range(seconds // 5 + 1):
        ceiling = ceiling.refused(NOON + 5 * number, 100 + number, SHARE)
    return ceiling


def test_R27_a_minute_of_nothing_but_refusals_means_that_the_day_is_used_up() -> None:
    assert not refusing_everything(50).is_lasting
    lasting = refusing_everything(60)
    assert lasting.is_lasting
    assert lasting.back_off_seconds(1.0) == 30.0
    assert lasting.back_off_seconds(120.0) == 120.0
    assert refusing_everything(7200).back_off_seconds(1.0) == 900.0


def test_R27_when_a_used_up_day_is_over_the_rate_is_as_before() -> None:
    assert refusing_everything(600).rate_at(NOON + 600, SHARE) == pytest.approx(3.0, rel=0.01)


def test_R27_a_call_let_in_now_and_then_is_no_used_up_day() -> None:
    ceiling = Ceiling()
    for number in range(100):
        ceiling = ceiling.refused(NOON + 20 * number, 100 + 9 * number, SHARE)
    assert not ceiling.is_lasting
    assert ceiling.back_off_seconds(1.0) == 1.0


def test_what_the_ledger_keeps_says_the_same() -> None:
    ceiling = refusing_everything(30)
    assert Ceiling.from_text(ceiling.to_text()) == ceiling
    assert Ceiling.from_text("") == Ceiling()


@given(
    share=st.floats(0.1, 1000.0),
    refusals=st.lists(st.tuples(st.floats(0.0, 5000.0), st.integers(0, 10_000)), max_size=60),
    later=st.floats(0.0, 100_000.0),
)
def test_the_rate_stays_within_the_share_and_above_its_twentieth(
    share: float, refusals: list[tuple[float, int]], later: float
) -> None:
    ceiling, at, tickets = Ceiling(), NOON, 0
    for seconds, calls in refusals:
        at, tickets = at + seconds, tickets + calls
        before = ceiling
        ceiling = ceiling.refused(at, tickets, share)
        assert ceiling.rate_at(at, share) <= before.rate_at(at, share) * 1.000001 or ceiling.is_lasting
    assert share * 0.05 * 0.999 <= ceiling.rate_at(at + later, share) <= share
    assert ceiling.rate_at(at + 3600, share) == pytest.approx(share)


@given(
    left_by_others=st.floats(0.5, 2.8),
    seed=st.integers(0, 1_000_000),
)
def test_R27_the_rate_settles_below_what_others_leave_and_returns_when_they_stop(
    left_by_others: float, seed: int
) -> None:
    """An hour beside others: few refusals, most of what is left used. They stop: the whole share within an hour."""
    chance = random.Random(seed)
    ceiling, at, tickets = Ceiling(), NOON, 0
    made, refused = 0, 0
    while at < NOON + 7200:
        rate = ceiling.rate_at(at, SHARE)
        at += 1.0 / rate
        tickets += 1
        settled = at > NOON + 3600
        if rate > left_by_others and chance.random() < 0.5:
            ceiling = ceiling.refused(at, tickets, SHARE)
            at += 1.0
            refused += settled
        else:
            made += settled
    assert made >= 0.8 * left_by_others * 3600
    assert refused <= 60
    assert ceiling.rate_at(at + 3600, SHARE) == SHARE
