"""Carries a whole ledger to another database and compares both, row by row; may be killed and begun again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest

from sqlalchemy import Connection, Table, func, select, text

from gong_bridge.errors import BridgeError
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.bridges import MOVED_FROM, MOVED_TO
from gong_bridge.ledger.bulk import Row, append, batches, drop_indexes, make_indexes
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import read_note
from gong_bridge.ledger.schema import backfills, bridges, entries, metadata, notes, source_health, turns

_MOMENTARY = (bridges, turns, source_health)
"""What running bridges say of themselves; they say it again."""
_TABLES = tuple(table for table in metadata.sorted_tables if table not in _MOMENTARY)
_NUMBERED = tuple(table for table in _TABLES if "id" in table.c and table.c.id.type.python_type is int)
_SMALL = tuple(table for table in _TABLES if table not in _NUMBERED)
_OF_LANES = (entries, backfills)

Progress = Callable[[str, int, int], None]
"""Told the step ("entries", "checking events"), how many rows are done, and of how many."""
Reaches = Mapping[Lane, Lane]
"""Which lane becomes which: a folder that was everybody's on SQLite belongs to its host on PostgreSQL."""


class LedgersDiffer(BridgeError):
    """The copy is not what was copied."""

    code = "ledgers-differ"


def move_ledger(
    source: Ledger, target: Ledger, *, reaches: Reaches, now: datetime, lease_seconds: float, progress: Progress
) -> int:
    """Copy everything from `source` to `target`; afterwards bridges refuse the one and take the other. Entries moved.

    Numbers of entries stay what they were. Raises ConfigError when a bridge runs on either, or `target` is not empty;
    LedgersDiffer; LedgerReadOnly. After a raise or a kill the same call goes on where it stopped.
    """
    move_id = source.bridges.begin_moving_away(target.database.address, uuid.uuid4().hex, now, lease_seconds)
    if target.bridges.begin_moving_in(move_id, source.database.address, now, lease_seconds):
        reached(Point.MOVE_BEGUN)
        _copy(source, target, reaches, progress)
        reached(Point.MOVE_COMPARED)
        target.bridges.end_moving_in()
        reached(Point.MOVE_OPENED)
    source.bridges.end_moving_away(now)
    return _count(target, entries)


def _copy(source: Ledger, target: Ledger, reaches: Reaches, progress: Progress) -> None:
    for table in _NUMBERED:
        _copy_numbered(source, target, table, reaches, progress)
    with target.database.write() as connection:
        for table in _SMALL:
            _copy_whole(source, connection, table, reaches)
        if not target.database.is_sqlite:
            _set_sequences(connection)
    for table in _NUMBERED:
        _compare_numbered(source, target, table, reaches, progress)
    for table in _SMALL:
        if list(_moved(table, _small_rows(source, table), reaches)) != list(_small_rows(target, table)):
            raise _differ(source, target, table)


def _copy_numbered(source: Ledger, target: Ledger, table: Table, reaches: Reaches, progress: Progress) -> None:
    total, done = _count(source, table), _count(target, table)
    progress(table.name, done, total)
    if done < total:
        drop_indexes(target.database, table)
        with target.database.read() as connection:
            last = connection.execute(select(func.max(table.c.id))).scalar_one() or 0
        for batch in batches(source.database, table, after=last):
            append(target.database, table, list(_moved(table, batch, reaches)))
            reached(Point.MOVE_BATCH)
            done += len(batch)
            progress(table.name, done, total)
    progress(f"indexing {table.name}", 0, 0)
    make_indexes(target.database, table)
    progress(f"indexing {table.name}", 1, 1)


def _copy_whole(source: Ledger, connection: Connection, table: Table, reaches: Reaches) -> None:
    own = {name: read_note(connection, name) for name in (MOVED_FROM, MOVED_TO)} if table is notes else {}
    connection.execute(table.delete())
    names = [column.name for column in table.c]
    rows = [dict(zip(names, row, strict=True)) for row in _moved(table, _small_rows(source, table), reaches)]
    rows += [{"name": name, "value": json.dumps(value)} for name, value in own.items() if value is not None]
    if rows:
        connection.execute(table.insert(), rows)


def _small_rows(ledger: Ledger, table: Table) -> Iterator[Row]:
    with ledger.database.read() as connection:
        for row in connection.execute(select(table).order_by(*table.primary_key.columns)):
            if table is not notes or row.name not in (MOVED_FROM, MOVED_TO):
                yield tuple(row)


def _moved(table: Table, rows: Sequence[Row] | Iterator[Row], reaches: Reaches) -> Iterator[Row]:
    """The rows as they are in the new ledger."""
    renamed = {(one.source, one.reach or ""): other.reach or "" for one, other in reaches.items() if one != other}
    if table not in _OF_LANES or not renamed:
        yield from rows
        return
    names = list(table.c.keys())
    source, reach = names.index("source"), names.index("reach")
    for row in rows:
        new = renamed.get((row[source], row[reach]))
        yield row if new is None else (*row[:reach], new, *row[reach + 1 :])


def _set_sequences(connection: Connection) -> None:
    """PostgreSQL numbers new rows from a counter that knows nothing of rows that came with a number."""
    for table in _NUMBERED:
        last = connection.execute(select(func.max(table.c.id))).scalar()
        if last is not None:
            statement = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
            connection.execute(statement, {"table": table.name, "last": last})


def _compare_numbered(source: Ledger, target: Ledger, table: Table, reaches: Reaches, progress: Progress) -> None:
    total, done = _count(source, table), 0
    nothing: list[Row] = []
    both = zip_longest(batches(source.database, table), batches(target.database, table), fillvalue=nothing)
    for there, here in both:
        if list(_moved(table, there, reaches)) != here:
            raise _differ(source, target, table)
        done += len(here)
        progress(f"checking {table.name}", done, total)


def _differ(source: Ledger, target: Ledger, table: Table) -> LedgersDiffer:
    return LedgersDiffer(
        f"table {table.name} is not the same in both ledgers ({_count(source, table):,} rows there,"
        f" {_count(target, table):,} here): was one written meanwhile? Stop every bridge, empty the new ledger, move"
        " again; the old one is as it was"
    )


def _count(ledger: Ledger, table: Table) -> int:
    with ledger.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
