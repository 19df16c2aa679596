"""A ledger is carried to another database, in both directions: whole, once, and never while it is in use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect

from gong_bridge.errors import ConfigError
from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.moving import LedgersDiffer, move_ledger
from gong_bridge.ledger.schema import metadata
from gong_bridge.model import GongUser, State
from tests.contract.test_ledger import NOON, add, after, created, recording

SQLITE, HOST = Lane("pbx"), Lane("pbx", "host-a")
UrlsFor = Callable[[str], tuple[str, str]]


@pytest.fixture
def urls(request: pytest.FixtureRequest, tmp_path: Path, new_sqlite_ledger: Callable[[Path], str]) -> UrlsFor:
    """`urls(direction)`: a ledger, and another kind of database that is empty."""

    def give(direction: str) -> tuple[str, str]:
        pair = (new_sqlite_ledger(tmp_path / "old.db"), request.getfixturevalue("empty_postgresql_url"))
        return pair if direction == "to postgresql" else (pair[1], pair[0])

    return give


def fill(ledger: Ledger) -> None:
    """A delivered call, 5,000 that wait, people, a note."""
    ledger.work.advance(created(ledger), State.DONE, NOON)
    add(ledger, *(recording(f"{number}-Ünï 🎧.wav") for number in range(5000)), backlog=True)
    ledger.people.replace_users([GongUser(id="1", email="agent@example.com", aliases=("a@example.com",))], NOON)
    ledger.notes.set_note("kept", {"it": 1})


def move(old: Ledger, new: Ledger, reaches: dict[Lane, Lane] | None = None) -> int:
    return move_ledger(old, new, reaches=reaches or {}, now=after(100), lease_seconds=30, progress=lambda *_: None)


def seen(ledger: Ledger, seconds: float) -> None:
    at = after(seconds)
    ledger.bridges.seen(
        BridgeSeen(name="a:1", host="host-a", version="0", lanes=(SQLITE,), started_at=NOON, seen_at=at), 30
    )


def index_names(ledger: Ledger) -> dict[str, set[str | None]]:
    with ledger.database.read() as connection:
        looked = inspect(connection)
        return {table: {index["name"] for index in looked.get_indexes(table)} for table in metadata.tables}


@pytest.mark.parametrize("direction", ["to postgresql", "to sqlite"])
def test_R28_a_moved_ledger_is_the_same_and_goes_on_with_its_own_numbers(urls: UrlsFor, direction: str) -> None:
    from_url, to_url = urls(direction)
    with Ledger.open(from_url) as old, Ledger.open(to_url) as new:
        fill(old)
        assert move(old, new) == 5001
        assert list(new.views.export(with_events=True)) == list(old.views.export(with_events=True))
        assert [user.aliases for user in new.people.users()] == [("a@example.com",)]
        assert new.notes.get_note("kept") == {"it": 1}
        assert new.upkeep.integrity_check() == []
        assert index_names(new) == index_names(old)
        assert add(new, recording("7-Ünï 🎧.wav"), recording("another.wav")) == 1
        latest = new.views.find_latest("pbx", "another.wav")
        assert latest is not None
        assert latest.id == 5002
        assert [event.entry_id for event in new.views.latest_events(1)] == [5002]


def test_R22_a_folder_that_was_everybodys_on_sqlite_is_its_hosts_own_on_postgresql(urls: UrlsFor) -> None:
    from_url, to_url = urls("to postgresql")
    with Ledger.open(from_url) as old, Ledger.open(to_url) as new:
        fill(old)
        move(old, new, {SQLITE: HOST})
        assert new.views.open_count((HOST,)) == 5000
        assert new.intake.unseen([recording("a.wav")], reach="host-a") == []


def test_R28_bridges_refuse_a_ledger_that_was_moved_and_one_that_is_half_filled(urls: UrlsFor) -> None:
    from_url, to_url = urls("to postgresql")
    with Ledger.open(from_url) as old, Ledger.open(to_url) as new:
        new.bridges.begin_moving_in("another-move", "sqlite:////old.db", NOON, 30)
        with pytest.raises(
            ConfigError, match=r"has only a part of sqlite:////old.db yet; run `gong-bridge ledger move`"
        ):
            seen(new, 0)
        move(old, new)
        seen(new, 0)
        with pytest.raises(ConfigError, match=r"was moved to postgresql://.* on 2025-03-04; write that address under"):
            seen(old, 0)
        with pytest.raises(ConfigError, match="was moved to postgresql://"):
            move(old, new)


def test_R28_a_ledger_in_use_is_not_moved_and_nothing_is_moved_onto_another(urls: UrlsFor) -> None:
    from_url, to_url = urls("to postgresql")
    with Ledger.open(from_url) as old, Ledger.open(to_url) as new:
        add(new)
        with pytest.raises(ConfigError, match="is not empty, it has 1 recordings; name an empty database"):
            move(old, new)
    with Ledger.open(urls("to postgresql")[0]) as old, Ledger.open(to_url) as new:
        seen(old, 41)
        with pytest.raises(ConfigError, match=r"a bridge on host-a uses ledger .*old.db .*if it was killed, wait 60 s"):
            move(old, new)
        seen(old, 30)


MOVER = """
import os, sys
from tests.contract.test_ledger import after
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.moving import move_ledger
def tell(step, done, total):
    if step == "events" and done >= 2000: os._exit(9)
old, new = Ledger.open(sys.argv[1]), Ledger.open(sys.argv[2])
move_ledger(old, new, reaches={}, now=after(100), lease_seconds=30, progress=tell)
"""


@pytest.mark.parametrize("direction", ["to postgresql", "to sqlite"])
def test_R28_a_move_that_is_killed_half_way_goes_on_where_it_stopped(urls: UrlsFor, direction: str) -> None:
    from_url, to_url = urls(direction)
    with Ledger.open(from_url) as old:
        fill(old)
    assert subprocess.run([sys.executable, "-c", MOVER, from_url, to_url], timeout=60).returncode == 9
    with Ledger.open(from_url) as old, Ledger.open(to_url) as new:
        assert 2000 <= len(list(new.views.latest_events(10_000))) < 5000
        with pytest.raises(ConfigError, match="is being moved to"):
            seen(old, 0)
        assert move(old, new) == 5001
        assert list(new.views.export(with_events=True)) == list(old.views.export(with_events=True))


def test_R28_a_copy_that_differs_is_told_and_the_old_ledger_stays_in_force(urls: UrlsFor) -> None:
    from_url, to_url = urls("to postgresql")
    with Ledger.open(from_url) as old, Ledger.open(to_url) as new:
        fill(old)

        def spoil(step: str, done: int, total: int) -> None:
            if step == "events" and done == total:
                with new.database.write() as connection:
                    connection.exec_driver_sql("UPDATE entries SET attempts = 3 WHERE id = 17")

        with pytest.raises(
            LedgersDiffer, match=r"table entries is not the same in both ledgers .5,001 rows there, 5,001"
        ):
            move_ledger(old, new, reaches={}, now=NOON, lease_seconds=30, progress=spoil)
        with pytest.raises(ConfigError, match="only a part"):
            seen(new, 0)
