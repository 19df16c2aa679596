"""One bridge, or two, with orders to bring in old recordings of a real folder, on both kinds of ledger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.backfill import MOST_WAITING, Backfill
from gong_bridge.config.schema import Config, FolderSource
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.ledger.backfills import BackfillOrder, OrderState
from gong_bridge.ledger.filters import EntryFilter, Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.routes.routing import build_routes
from tests.end_to_end.recordings import age

LANE = Lane("pbx", "here")
DAY = 86_400


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger.open(ledger_url) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "recorder"
    path.mkdir()
    return path


def fill(folder: Path, count: int) -> None:
    """0000.wav is the oldest; each has a sidecar, which is no recording."""
    for number in range(count):
        path = folder / f"{number:04}.wav"
        path.write_bytes(b"sound")
        age(path, 900 * DAY - number * 60)
        path.with_suffix(".json").write_text("{}")


def bridge(ledger: Ledger, folder: Path, *, owner: str = "a", first: str = "oldest") -> Backfill:
    def trouble(error: LedgerReadOnly) -> None:
        raise error

    config = Config.model_validate(
        {
            "gong": {"base_url": "https://us-12345.api.gong.io", "access_key": "k", "access_key_secret": "s"},
            "sources": [{"name": "pbx", "folder": folder, "mapping": "sidecar-json", "reach": "here"}],
        }
    )
    assert isinstance(config.sources[0], FolderSource)
    return Backfill(
        ledger=ledger, routes=build_routes(config), owner=owner, first="newest" if first == "newest" else "oldest",
        turn_seconds=30, on_found=lambda _: None, on_trouble=trouble,
    )  # fmt: skip


def place(ledger: Ledger) -> BackfillOrder:
    return ledger.backfills.order(
        BackfillOrder(
            lane=LANE, first_day=date(2020, 1, 1), last_day=None, time_zone="UTC", most_per_day=None,
            state=OrderState.RUNNING, ordered_at=datetime.now(UTC),
        )
    )  # fmt: skip


def present(ledger: Ledger) -> BackfillOrder:
    found = ledger.backfills.get(LANE)
    assert found is not None
    return found


def finish_all(ledger: Ledger) -> None:
    """As if Gong had them."""
    ledger.operator.skip_by_operator(EntryFilter(), clock.now(), "done")


def keys(ledger: Ledger) -> list[str]:
    return sorted(entry.key for entry in ledger.views.entries())


@pytest.mark.parametrize(("first", "taken"), [("oldest", range(1000)), ("newest", range(300, 1300))])
def test_a_thousand_wait_in_the_ledger_the_others_stay_where_they_lie(
    ledger: Ledger, folder: Path, first: str, taken: range
) -> None:
    fill(folder, 1300)
    place(ledger)
    one = bridge(ledger, folder, first=first)
    one.look(threading.Event())
    assert keys(ledger) == [f"{number:04}.wav" for number in taken]
    assert (present(ledger).taken, present(ledger).to_come) == (MOST_WAITING, 300)
    one.look(threading.Event())
    assert len(keys(ledger)) == MOST_WAITING
    finish_all(ledger)
    one.look(threading.Event())
    assert len(keys(ledger)) == 1300
    assert (present(ledger).taken, present(ledger).state) == (1300, OrderState.DONE)


def test_R22_one_bridge_has_the_turn_and_another_goes_on_when_it_is_over(ledger: Ledger, folder: Path) -> None:
    fill(folder, 1100)
    place(ledger)
    stopped, other = bridge(ledger, folder, owner="a"), bridge(ledger, folder, owner="b")
    stopped.look(threading.Event())
    finish_all(ledger)
    other.look(threading.Event())
    assert len(keys(ledger)) == 1000
    over = threading.Event()
    over.set()
    stopped.run(over)
    other.look(threading.Event())
    assert keys(ledger) == [f"{number:04}.wav" for number in range(1100)]
    assert (present(ledger).taken, present(ledger).state) == (1100, OrderState.DONE)


def test_a_folder_that_is_away_is_told_of_and_the_order_stands(ledger: Ledger, folder: Path) -> None:
    place(ledger)
    folder.rmdir()
    one = bridge(ledger, folder)
    one.look(threading.Event())
    assert str(folder) in present(ledger).message
    assert present(ledger).state is OrderState.RUNNING
    assert one.is_busy()


def test_what_the_ledger_knows_and_what_is_newer_than_the_order_is_not_taken(ledger: Ledger, folder: Path) -> None:
    fill(folder, 3)
    one = bridge(ledger, folder)
    place(ledger)
    one.look(threading.Event())
    finish_all(ledger)
    newer = folder / "newer.wav"
    newer.write_bytes(b"sound")
    age(newer, -5)
    ledger.backfills.order(present(ledger))
    one.look(threading.Event())
    assert keys(ledger) == ["0000.wav", "0001.wav", "0002.wav"]
    assert present(ledger).state is OrderState.DONE
