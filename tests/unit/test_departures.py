"""How long a call may have been on its way, by its answer: what Gong counts is the arrival (R26)."""

from __future__ import annotations

import pytest

from gong_bridge.ledger.departures import MARGIN_SECONDS, Delays


def margins(*answers: float) -> list[float]:
    delays = Delays()
    return [round(delays.margin_seconds(one), 3) for one in answers]


def test_R26_an_answer_that_stalled_counts_as_delay_on_the_way() -> None:
    assert margins(*[0.1] * 9, 0.35)[-1] == 0.26
    assert margins(*[0.1] * 9, 0.1)[-1] == MARGIN_SECONDS


def test_R26_the_first_answers_of_a_busy_start_are_no_measure_of_quickness() -> None:
    assert margins(0.06, 0.05, 0.4, 0.2, 0.005) == [0.18, 0.15, 0.41, 0.3, MARGIN_SECONDS]
    assert margins(*[0.06] * 5, 0.06)[-1] == MARGIN_SECONDS


def test_R26_a_gong_that_is_always_slow_by_turns_costs_no_more_than_5_percent() -> None:
    given = margins(*[0.2, 0.6, 0.9] * 30)
    assert sum(given[-30:]) / 30 <= 0.0421
    assert 3 / (3 * (1 + sum(given[-30:]) / 30)) >= 0.95


@pytest.mark.parametrize("answers", [[0.001] * 40, [0.3] * 40])
def test_answers_that_take_the_same_as_ever_say_nothing(answers: list[float]) -> None:
    assert margins(*answers)[-1] == MARGIN_SECONDS
