"""The laws of backfill orders in the ledger, the same on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gong_bridge.errors import ConfigError
from gong_bridge.ledger.backfills import BackfillOrder, OrderState
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Recording

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
PBX = Lane("pbx")


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


def order(lane: Lane = PBX, first_day: date = date(2024, 1, 1), most_per_day: int | None = None) -> BackfillOrder:
    return BackfillOrder(
        lane=lane, first_day=first_day, last_day=None, time_zone="America/New_York", most_per_day=most_per_day,
        state=OrderState.RUNNING, ordered_at=NOON,
    )  # fmt: skip


def recordings(count: int, first: int = 0) -> list[Recording]:
    return [
        Recording(source="pbx", key=f"{number}.wav", version="1", size_bytes=1000, modified_at=NOON - timedelta(300))
        for number in range(first, first + count)
    ]


def present(ledger: Ledger) -> BackfillOrder:
    found = ledger.backfills.get(PBX)
    assert found is not None
    return found


def test_R22_what_is_taken_is_written_down_as_backlog_and_counted_in_one(ledger: Ledger) -> None:
    placed = ledger.backfills.order(order())
    ledger.backfills.listed(placed, 14)
    assert ledger.backfills.take(placed, recordings(10), NOON) == 10
    assert (present(ledger).taken, present(ledger).to_come, present(ledger).taken_today(NOON)) == (10, 4, 10)
    assert [entry.backlog for entry in ledger.views.entries()] == [True] * 10
    assert ledger.backfills.take(placed, recordings(10), NOON) == 10
    assert present(ledger).taken == 10
    assert ledger.views.open_count() == 10


def test_a_paused_order_takes_nothing_more_even_from_a_bridge_that_has_not_heard_of_it(ledger: Ledger) -> None:
    placed = ledger.backfills.order(order())
    ledger.backfills.set_state(PBX, OrderState.PAUSED)
    assert ledger.backfills.take(placed, recordings(10), NOON) is None
    ledger.backfills.tell(placed, "listing")
    ledger.backfills.finish(placed)
    assert ledger.backfills.running([PBX]) == []
    assert (present(ledger).state, present(ledger).message) == (OrderState.PAUSED, "")
    assert ledger.views.open_count() == 0
    ledger.backfills.set_state(PBX, OrderState.RUNNING)
    assert ledger.backfills.take(placed, recordings(10), NOON) == 10


def test_no_more_than_was_allowed_is_taken_on_a_day_of_the_source_s_zone(ledger: Ledger) -> None:
    placed = ledger.backfills.order(order(most_per_day=3))
    assert ledger.backfills.take(placed, recordings(2), NOON) == 2
    assert ledger.backfills.take(placed, recordings(5, first=2), NOON) == 1
    eleven_at_night_in_new_york = datetime(2025, 3, 5, 4, 0, tzinfo=UTC)
    assert ledger.backfills.take(placed, recordings(5, first=3), eleven_at_night_in_new_york) == 0
    assert present(ledger).room_today(eleven_at_night_in_new_york) == 0
    past_midnight = datetime(2025, 3, 5, 5, 0, tzinfo=UTC)
    assert ledger.backfills.take(placed, recordings(5, first=3), past_midnight) == 3
    assert ledger.views.open_count() == 6


def test_an_order_that_stands_is_not_replaced_by_one_for_other_days_but_its_limit_is_changed(ledger: Ledger) -> None:
    placed = ledger.backfills.order(order(most_per_day=3))
    ledger.backfills.take(placed, recordings(2), NOON)
    with pytest.raises(ConfigError, match=r"a backfill of pbx since 2024-01-01 is running; let it come to its end, or"):
        ledger.backfills.order(order(first_day=date(2023, 1, 1)))
    changed = ledger.backfills.order(replace(order(most_per_day=50), ordered_at=NOON + timedelta(hours=1)))
    assert (changed.most_per_day, changed.taken, changed.ordered_at) == (50, 2, NOON)
    ledger.backfills.set_state(PBX, OrderState.CANCELLED)
    fresh = ledger.backfills.order(replace(order(first_day=date(2023, 1, 1)), ordered_at=NOON + timedelta(hours=1)))
    assert (fresh.state, fresh.taken, fresh.first_day) == (OrderState.RUNNING, 0, date(2023, 1, 1))
    assert ledger.backfills.take(placed, recordings(10), NOON) is None


def test_an_order_that_is_over_is_not_taken_up_again(ledger: Ledger) -> None:
    ledger.backfills.finish(ledger.backfills.order(order()))
    changed = ledger.backfills.set_state(PBX, OrderState.RUNNING)
    assert changed is not None
    assert changed.state is OrderState.DONE


def test_each_host_s_folder_has_an_order_of_its_own(ledger: Ledger) -> None:
    hosts = [Lane("pbx", "host-a"), Lane("pbx", "host-b")]
    for lane in hosts:
        ledger.backfills.order(order(lane))
    [here] = ledger.backfills.running([hosts[0]])
    ledger.backfills.take(here, recordings(10), NOON)
    assert [(one.lane.reach, one.taken) for one in ledger.backfills.all()] == [("host-a", 10), ("host-b", 0)]
    assert [ledger.backfills.waiting(lane, 8) for lane in hosts] == [8, 0]


def test_what_waits_is_counted_no_further_than_asked_and_live_calls_are_left_out(ledger: Ledger) -> None:
    ledger.intake.add(recordings(20), False, NOON)
    ledger.backfills.take(ledger.backfills.order(order()), recordings(20, first=20), NOON)
    assert ledger.backfills.waiting(PBX, 1000) == 20
    assert ledger.backfills.waiting(PBX, 7) == 7


def test_what_changed_before_since_is_left_out_unless_the_ledger_knows_it(ledger: Ledger) -> None:
    old, new = recordings(2), replace(recordings(1)[0], key="new.wav", modified_at=NOON)
    ledger.intake.add(old[:1], True, NOON)
    changed = replace(old[0], version="2")
    assert ledger.intake.unseen([changed, old[1], new], new_since=NOON) == [changed, new]
