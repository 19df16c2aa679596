"""When to try again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gong_bridge.retry import RetryPolicy, next_wait_seconds


def test_waits_double_from_two_seconds_to_an_hour() -> None:
    waits = [next_wait_seconds(RetryPolicy(), attempts=attempts) for attempts in (1, 2, 3, 11, 12, 39)]
    assert waits == [2.0, 4.0, 8.0, 2048.0, 3600.0, 3600.0]


def test_attempts_end() -> None:
    assert next_wait_seconds(RetryPolicy(max_attempts=3), attempts=2) == 4.0
    assert next_wait_seconds(RetryPolicy(max_attempts=3), attempts=3) is None


def test_what_the_other_side_asks_for_wins_over_a_shorter_wait_up_to_the_cap() -> None:
    assert next_wait_seconds(RetryPolicy(), attempts=1, asked_seconds=30) == 30
    assert next_wait_seconds(RetryPolicy(), attempts=6, asked_seconds=30) == 64
    assert next_wait_seconds(RetryPolicy(), attempts=1, asked_seconds=1e9) == 3600


def test_the_default_policy_outlasts_a_day() -> None:
    policy = RetryPolicy()
    waits = [next_wait_seconds(policy, attempts=attempts, jitter=0.999) for attempts in range(1, policy.max_attempts)]
    assert sum(wait for wait in waits if wait) > 20 * 3600


@given(attempts=st.integers(0, 10_000), jitter=st.floats(0, 0.999), asked=st.none() | st.floats(0, 1e12))
def test_a_wait_is_bounded_and_monotone_in_attempts(attempts: int, jitter: float, asked: float | None) -> None:
    policy = RetryPolicy(max_attempts=20_000)
    wait = next_wait_seconds(policy, attempts=attempts, jitter=jitter, asked_seconds=asked)
    later = next_wait_seconds(policy, attempts=attempts + 1, jitter=jitter, asked_seconds=asked)
    assert wait is not None
    assert later is not None
    assert 1.5 <= wait <= 3600
    assert later >= wait
