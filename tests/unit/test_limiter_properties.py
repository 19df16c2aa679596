"""The limiter by its public verbs, in made-up time: never above the allowance in any window, never idle for nothing."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gong_bridge import clock
from gong_bridge.errors import RateLimited
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.ledger import Ledger

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
DAY_SECONDS = 86_400.0
A_HAIR = 1e-6


class MadeUpTime:
    """Time that passes only where somebody waits, or where the story says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wait(self, _stop: threading.Event, wait_seconds: float) -> bool:
        self.seconds += max(0.0, wait_seconds)
        return False

    @contextmanager
    def rules(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clock, "monotonic_seconds", lambda: self.seconds)
            patched.setattr(clock, "machine_now", lambda: NOON + timedelta(seconds=self.seconds))
            patched.setattr(clock, "wait", self.wait)
            yield


STEPS = st.one_of(
    st.tuples(st.just("call"), st.floats(0.0, 0.15)),  # how long its answer takes
    st.tuples(st.just("call that opens slowly"), st.floats(0.0, 3.0)),  # between its slot and its departure
    st.tuples(st.just("call that leaves late"), st.floats(0.0, 1.5)),  # the machine stood still when it was let go
    st.tuples(st.just("call that never left"), st.just(0.0)),
    st.tuples(st.just("idle"), st.floats(0.0, 3.0)),
    st.tuples(st.just("Gong asks to wait"), st.floats(0.0, 4.0)),
    st.tuples(st.just("restart"), st.just(0.0)),
    st.tuples(st.just("the other process"), st.just(0.0)),
)


def allowances(ledger: Ledger, rate: float, per_day: int) -> list[LedgerAllowance]:
    return [LedgerAllowance(ledger, rate, per_day) for _ in range(2)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([1.0, 3.0, 7.0]),
    per_day=st.sampled_from([3, 10_000]),
    steps=st.lists(STEPS, min_size=5, max_size=40),
)
def test_R26_R27_never_above_the_allowance_in_any_window_and_never_idle_while_work_waits(
    rate: float,
    per_day: int,
    steps: list[tuple[str, float]],
    new_sqlite_ledger: Callable[[Path], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Two processes on one ledger, restarts, pauses, calls that never leave: the calls that leave keep to the law."""
    time, stop = MadeUpTime(), threading.Event()
    left: list[float] = []
    paused_until, lost = 0.0, 0  # a slot whose call did not leave in its time is on the day's account all the same
    url = new_sqlite_ledger(tmp_path_factory.mktemp("limiter") / "ledger.db")
    with time.rules(), Ledger.open(url) as ledger:
        both = allowances(ledger, rate, per_day)
        for what, seconds in steps:
            asked_at = time.seconds
            if what == "idle":
                time.seconds += seconds
            elif what == "Gong asks to wait":
                both[0].pause(seconds)
                paused_until = max(paused_until, time.seconds + seconds)
            elif what == "restart":
                both = allowances(ledger, rate, per_day)
            elif what == "the other process":
                both.reverse()
            else:
                opening = seconds if what == "call that opens slowly" else 0.0
                lost += what != "call"
                try:
                    both[0].take(stop)
                    time.seconds += opening
                    both[0].depart(stop)
                except RateLimited:
                    used = sum(at > time.seconds - DAY_SECONDS for at in left)
                    assert used + lost >= per_day or paused_until > time.seconds, "refused for nothing"
                    continue
                assert time.seconds >= paused_until - A_HAIR, "left while Gong had asked to wait"
                # A slot lies behind the last one; a place in the window is free a window and its margin later
                longest = max(0.0, paused_until - asked_at) + 1.0 + 1.0 / rate + 0.6
                assert time.seconds - asked_at - opening <= longest, "idle while work waited"
                if what != "call that never left":
                    time.seconds += seconds if what == "call that leaves late" else 0.0
                    left.append(time.seconds)
                    both[0].sent()
                    time.seconds += seconds if what == "call" else 0.1
                    both[0].answered()
    window, most = 1.0, int(rate)
    crowded = [(a, b) for a, b in zip(left, left[most:], strict=False) if b - a < window - A_HAIR]
    assert not crowded, "more in a second than allowed"
    assert len(left) <= per_day


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rate=st.sampled_from([1.0, 3.0, 7.0, 20.0]),
    answers=st.lists(st.floats(0.0, 0.03), min_size=30, max_size=40),
    turns=st.randoms(use_true_random=False),
)
def test_R26_work_that_always_waits_uses_nearly_all_of_the_allowance(
    rate: float,
    answers: list[float],
    turns: random.Random,
    new_sqlite_ledger: Callable[[Path], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Two processes that take turns as they like leave 5 of 100 places empty at most."""
    time, stop = MadeUpTime(), threading.Event()
    with time.rules(), Ledger.open(new_sqlite_ledger(tmp_path_factory.mktemp("limiter") / "ledger.db")) as ledger:
        both = allowances(ledger, rate, 10_000)
        for answer_seconds in answers:
            mine = turns.choice(both)
            mine.take(stop)
            mine.depart(stop)
            mine.sent()
            time.seconds += answer_seconds
            mine.answered()
    assert time.seconds <= (len(answers) - 1) / (0.95 * rate) + 0.5 / rate
