"""Many processes at their slots, each as late as it likes: Gong's window holds, and nothing is left unused."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gong_bridge.ledger.allowance_rows import AllowanceRows, Limits
from gong_bridge.ledger.ledger import Ledger

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.db") as opened:
        yield opened


def departures(
    rows: AllowanceRows, processes: int, seconds: float, chance: random.Random, lateness: float, deaths: float
) -> list[float]:
    """When calls left, of so many processes that always have work. A few die at their slot, or far too late."""
    left: list[float] = []
    agenda: list[tuple[float, int, int]] = [(0.0, number, 0) for number in range(processes)]
    while agenda:
        at, process, ticket = heapq.heappop(agenda)
        if at > seconds:
            break
        now = NOON + timedelta(seconds=at)
        if not ticket:
            got = rows.reserve(now, 1, 0.97, 0, 0)
            wake = at + got.wait_seconds + chance.uniform(0.0, lateness)
            heapq.heappush(agenda, (wake, process, got.last_ticket if chance.random() >= deaths else 0))
            continue
        wait = rows.enter(now, ticket, 0.02)
        if wait is None:
            heapq.heappush(agenda, (at, process, 0))
        elif wait > 0.0:
            heapq.heappush(agenda, (at + wait, process, ticket))
        else:
            leaves = at + chance.uniform(0.0, lateness)
            left.append(leaves)
            rows.leave(NOON + timedelta(seconds=leaves), ticket, 0.0, 0.02)
            heapq.heappush(agenda, (leaves, process, 0))
    return sorted(left)


_life = 0


def rows_of(ledger: Ledger, calls_per_second: int) -> AllowanceRows:
    """An allowance of its own in the one ledger."""
    global _life
    _life += 1
    flight_seconds = 1.0
    limits = Limits(
        calls_per_second=calls_per_second,
        calls_per_day=100_000,
        flights=calls_per_second,
        flight_seconds=flight_seconds,
    )
    return AllowanceRows(ledger.database, limits, name=f"account {_life}")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls_per_second=st.integers(1, 6),
    processes=st.integers(1, 6),
    lateness=st.floats(0.0, 0.6),
    deaths=st.floats(0.0, 0.2),
    seed=st.integers(0, 1_000_000),
)
def test_R26_in_no_second_do_more_calls_leave_than_allowed(
    ledger: Ledger, calls_per_second: int, processes: int, lateness: float, deaths: float, seed: int
) -> None:
    rows = rows_of(ledger, calls_per_second)
    left = departures(rows, processes, 20.0, random.Random(seed), lateness, deaths)
    for first, one_too_many in zip(left, left[calls_per_second:], strict=False):
        assert one_too_many - first > 1.0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls_per_second=st.integers(1, 6), processes=st.integers(2, 6), seed=st.integers(0, 1_000_000))
def test_R26_while_work_waits_95_percent_are_used(
    ledger: Ledger, calls_per_second: int, processes: int, seed: int
) -> None:
    rows = rows_of(ledger, calls_per_second)
    left = departures(rows, processes, 30.0, random.Random(seed), 0.01, 0.0)
    assert (len(left) - 1) / (left[-1] - left[0]) >= 0.95 * calls_per_second


def test_R26_a_ticket_whose_successor_has_gone_is_worth_nothing(ledger: Ledger) -> None:
    rows = rows_of(ledger, 1)
    late, next_one = (rows.reserve(NOON, 1, 1.0, 0, 0).last_ticket for _ in range(2))
    assert rows.enter(NOON + timedelta(seconds=1), next_one, 0.0) == 0.0
    assert rows.enter(NOON + timedelta(seconds=9), late, 0.0) is None


def test_R27_at_its_slot_a_call_hears_of_a_pause(ledger: Ledger) -> None:
    rows = rows_of(ledger, 1)
    ticket = rows.reserve(NOON, 1, 1.0, 0, 0).last_ticket
    rows.pause(NOON, 10, too_many=True)
    assert rows.enter(NOON, ticket, 0.0) is None
    assert rows.reserve(NOON, 1, 1.0, 0, 0).why == "Gong asked to wait"


def test_R27_a_refusal_slows_every_process_down(ledger: Ledger) -> None:
    rows = rows_of(ledger, 1)
    rows.pause(NOON, 1, too_many=True)
    later = NOON + timedelta(seconds=2)
    state = rows.state(later)
    assert (state.refused_1h, round(state.rate, 2)) == (1, 0.95)
    rows.reserve(later, 1, 1.0, 0, 0)  # hears of it
    waits = [rows.reserve(later, 1, 1.0, 0, 0).wait_seconds for _ in range(2)]
    assert waits[1] - waits[0] == pytest.approx(1 / 0.95, rel=0.01)


def test_R26_calls_for_old_recordings_are_counted_apart(ledger: Ledger) -> None:
    rows = rows_of(ledger, 1)
    for backlog in (1, 0, 1):
        rows.reserve(NOON, 1, 1.0, 0, backlog)
    state = rows.state(NOON + timedelta(hours=23))
    assert (state.used_24h, state.backlog_24h) == (3, 2)
    rows.reserve(NOON + timedelta(hours=23), 1, 1.0, 0, 1)
    state = rows.state(NOON + timedelta(hours=24, minutes=6))
    assert (state.used_24h, state.backlog_24h) == (1, 1)
