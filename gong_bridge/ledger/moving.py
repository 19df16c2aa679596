"""Carries a whole ledger to another database, row by row and proved by a checksum; may be killed and begun again."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, select, text

from gong_bridge.errors import BridgeError
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.bridges import MOVED_FROM, MOVED_TO
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import read_note
from gong_bridge.ledger.schema import backfills, bridges, entries, metadata, notes, source_health, turns

_BATCH = 2_000
_MOMENTARY = (bridges, turns, source_health)
"""What running bridges say of themselves; they say it again."""
_TABLES = tuple(table for table in metadata.sorted_tables if table not in _MOMENTARY)
_NUMBERED = tuple(table for table in _TABLES if "id" in table.c and table.c.id.type.python_type is int)
_SMALL = tuple(table for table in _TABLES if table not in _NUMBERED)

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
    with target.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(entries)).scalar_one())


def _copy(source: Ledger, target: Ledger, reaches: Reaches, progress: Progress) -> None:
    for table in _NUMBERED:
        _copy_numbered(source, target, table, reaches, progress)
    with target.database.write() as connection:
        for table in _SMALL:
            _copy_whole(source, connection, table, reaches)
        if not target.database.is_sqlite:
            _set_sequences(connection)
    for table in _TABLES:
        _compare(source, target, table, reaches, progress)


def _copy_numbered(source: Ledger, target: Ledger, table: Table, reaches: Reaches, progress: Progress) -> None:
    with source.database.read() as connection:
        total = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
    with target.database.read() as connection:
        done, last = connection.execute(select(func.count(), func.max(table.c.id))).one()
    progress(table.name, done, total)
    for batch in _batches(source, table, after=last or 0):
        with target.database.write() as connection:
            connection.execute(table.insert(), [_moved(table, row, reaches) for row in batch])
        reached(Point.MOVE_BATCH)
        done += len(batch)
        progress(table.name, done, total)


def _batches(ledger: Ledger, table: Table, after: int = 0) -> Iterator[list[dict[str, Any]]]:
    """Rows by their ids, a batch in memory at a time."""
    while True:
        statement = select(table).where(table.c.id > after).order_by(table.c.id).limit(_BATCH)
        with ledger.database.read() as connection:
            rows = [dict(row) for row in connection.execute(statement).mappings()]
        if not rows:
            return
        yield rows
        after = rows[-1]["id"]


def _copy_whole(source: Ledger, connection: Connection, table: Table, reaches: Reaches) -> None:
    own = {name: read_note(connection, name) for name in (MOVED_FROM, MOVED_TO)} if table is notes else {}
    connection.execute(table.delete())
    rows = [_moved(table, row, reaches) for row in _small_rows(source, table)]
    if rows:
        connection.execute(table.insert(), rows)
    for name, value in own.items():
        if value is not None:
            connection.execute(table.insert(), {"name": name, "value": json.dumps(value)})


def _small_rows(ledger: Ledger, table: Table) -> Iterator[dict[str, Any]]:
    with ledger.database.read() as connection:
        for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings():
            if table is not notes or row["name"] not in (MOVED_FROM, MOVED_TO):
                yield dict(row)


def _moved(table: Table, row: dict[str, Any], reaches: Reaches) -> dict[str, Any]:
    if table in (entries, backfills):
        lane = Lane(row["source"], row["reach"] or None)
        row["reach"] = reaches.get(lane, lane).reach or ""
    return row


def _set_sequences(connection: Connection) -> None:
    """PostgreSQL numbers new rows from a counter that knows nothing of rows that came with a number."""
    for table in _NUMBERED:
        last = connection.execute(select(func.max(table.c.id))).scalar()
        if last is not None:
            statement = text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)")
            connection.execute(statement, {"table": table.name, "last": last})


def _compare(source: Ledger, target: Ledger, table: Table, reaches: Reaches, progress: Progress) -> None:
    there, here = _digest(source, table, reaches, progress), _digest(target, table, {}, progress)
    if there != here:
        raise LedgersDiffer(
            f"table {table.name} is not the same in both ledgers ({there[0]:,} rows there, {here[0]:,} here): was"
            " one written meanwhile? Stop every bridge, empty the new ledger, move again; the old one is as it was"
        )


def _digest(ledger: Ledger, table: Table, reaches: Reaches, progress: Progress) -> tuple[int, str]:
    batches: Iterable[list[dict[str, Any]]]
    batches = _batches(ledger, table) if table in _NUMBERED else [list(_small_rows(ledger, table))]
    count, digest = 0, hashlib.sha256()
    for batch in batches:
        for row in batch:
            digest.update(json.dumps(list(_moved(table, row, reaches).values()), default=str).encode())
        count += len(batch)
        progress(f"checking {table.name}", count, 0)
    return count, digest.hexdigest()
