"""A ledger of every released version is brought up to date with every value that it held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, Boolean, Column, Connection, Integer, MetaData, Table, insert, inspect, select

import gong_bridge.ledger
from gong_bridge.ledger import open as opening
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.schema import ledger_version
from gong_bridge.model import State

MIGRATIONS = Path(gong_bridge.ledger.__file__).parent / "migrations"
RELEASED = ("0001", "0002", "0003")
NOT_CARRIED_OVER = {("0001", "source_health"), ("0001", "allowance")}
"""What is said anew within a minute, and the next slot of a second: the revision after them says so."""
WORDS = {
    "state": ("done", "found"),
    "media": ('{"container":"wav"}', "{}"),
    "draft": ('{"title":"one"}', "{}"),
    "value": ('{"n":1}', '{"n":2}'),
    "to_state": ("done", "found"),
    "lanes": ('[["pbx",""]]', '[["lab",""]]'),
    "held_from": (None, None),
    "from_state": (None, "found"),
    "ceiling": ("", ""),
}
"""Columns whose text means something to the program; any other gets a text of its own."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that is not there yet, on each kind of database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    return str(request.getfixturevalue("empty_postgresql_url"))


def made_by(revision: str, url: str, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger with the tables of this revision."""

    def make(connection: Connection, *_: Any) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    with monkeypatch.context() as patched:
        patched.setattr(opening, "_make", make)
        return Ledger.open(url)


def value_of(column: Column[Any], row: int) -> Any:
    """A value like no other's, of the column's type."""
    if column.name in WORDS:
        return WORDS[column.name][row]
    if isinstance(column.type, Boolean):
        return row == 0
    if isinstance(column.type, BigInteger) and column.name not in ("id", "entry_id"):
        return 1_700_000_000_000_000 + 1000 * row + len(column.name)
    if isinstance(column.type, Integer):
        return row + 1
    return f"{column.name} {row} Ünïcode"


def rows_of(connection: Connection, table: str) -> list[dict[str, Any]]:
    reflected = Table(table, MetaData(), autoload_with=connection)
    found = [dict(row) for row in connection.execute(select(reflected)).mappings()]
    return sorted(found, key=lambda row: [str(row[name.name]) for name in reflected.primary_key])


@pytest.mark.parametrize("revision", RELEASED)
def test_R28_every_value_of_every_table_of_a_released_ledger_survives(
    revision: str, empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {}
    with made_by(revision, empty_url, monkeypatch) as ledger, ledger.database.write() as connection:
        for name in set(inspect(connection).get_table_names()) - {ledger_version.name}:
            table = Table(name, MetaData(), autoload_with=connection)
            for row in (0, 1):
                connection.execute(insert(table).values({one.name: value_of(one, row) for one in table.columns}))
            before[name] = rows_of(connection, name)
    assert len(before) > 5
    with Ledger.open(empty_url) as ledger:
        with ledger.database.read() as connection:
            for name, rows in before.items():
                if (revision, name) in NOT_CARRIED_OVER:
                    continue
                after = rows_of(connection, name)
                assert [{key: row[key] for key in old} for old, row in zip(rows, after, strict=True)] == rows, name
        done, still_open = ledger.views.entries()
        assert (done.state, done.draft, done.owns_call) == (State.DONE, {"title": "one"}, True)
        assert (still_open.state, still_open.lease_token) == (State.FOUND, "lease_token 1 Ünïcode")
        assert ledger.upkeep.trouble(done.found_at) is None
