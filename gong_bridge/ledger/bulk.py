"""Rows of a ledger's tables in bulk, as the driver's own tuples: read by their ids, written with COPY where there is.

Rows of one kind of database may be written into the other as they are: both hold whole numbers and text, and truth
values are 0 and 1 for either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select
from sqlalchemy.schema import Index

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.faults import translated

BATCH = 2_000
"""So many rows are in memory at once, and in one transaction."""
Row = tuple[Any, ...]


def batches(database: Database, table: Table, after: int = 0) -> Iterator[list[Row]]:
    """Rows of a table whose first column is its id, by their ids, behind `after`."""
    while True:
        statement = select(table).where(table.c.id > after).order_by(table.c.id).limit(BATCH)
        with database.read() as connection:
            rows: list[Row] = list(map(tuple, connection.execute(statement).cursor.fetchall()))
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def append(database: Database, table: Table, rows: Sequence[Row]) -> None:
    """One transaction, which a power cut may undo: whoever copies looks first what is there."""
    names = ", ".join(f'"{column.name}"' for column in table.c)
    with database.write(durable=False) as connection:
        if database.is_sqlite:
            places = ", ".join("?" * len(table.c))
            statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"  # noqa: S608 - the schema's own names
            connection.exec_driver_sql(statement, list(rows))
        else:
            _copy_in(database, connection, f"COPY {table.name} ({names}) FROM STDIN", rows)


def _copy_in(database: Database, connection: Connection, statement: str, rows: Sequence[Row]) -> None:
    connection.begin()  # what the driver does beside SQLAlchemy is a part of this transaction
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except Exception as error:
        problem = translated(error, place=database.place, is_disconnect=bool(connection.connection.closed))
        if problem is None:
            raise
        raise problem from error
    finally:
        cursor.close()


def drop_indexes(database: Database, table: Table) -> None:
    """Rows go in several times as fast without them; `make_indexes` brings them back."""
    with database.write(unhurried=True) as connection:
        for index in _indexes(table):
            index.drop(connection, checkfirst=True)


def make_indexes(database: Database, table: Table) -> None:
    """Those that are missing: minutes, for millions of rows. And what PostgreSQL's planner knows of the table."""
    with database.write(unhurried=True) as connection:
        for index in _indexes(table):
            index.create(connection, checkfirst=True)
        if not database.is_sqlite:  # it would learn that most entries have one state, and read all to find the few
            connection.exec_driver_sql(f"ANALYZE {table.name}")


def _indexes(table: Table) -> list[Index]:
    return sorted(table.indexes, key=lambda index: str(index.name))
