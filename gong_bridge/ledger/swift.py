"""One connection kept for the single statements that come with every API call: the driver's own, nothing around it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from gong_bridge.ledger.faults import is_of_a_replica, translated


class Statement:
    """A statement in the words of one driver, made once; parameters go by their names."""

    def __init__(self, statement: Executable, dialect: Dialect) -> None:
        assert isinstance(statement, ClauseElement)
        compiled = statement.compile(dialect=dialect)
        self.text = str(compiled)
        self.constants = {name: value for name, value in compiled.params.items() if value is not None}


class Swift:
    """Runs single statements, each a transaction of its own that a power cut may undo; one at a time, from any thread.

    SQLAlchemy's bookkeeping, a pool's look at the connection and a transaction's own round trips cost several times
    what such a statement does. A connection that has died is replaced once: a statement that was done all the same
    wasted a slot of the allowance at most.
    """

    def __init__(self, connect: Callable[[], Any], lock: threading.Lock, place: str) -> None:
        """connect: gives a driver's connection in autocommit mode. lock: held for each statement."""
        self._connect = connect
        self._lock = lock
        self._place = place
        self._connection: Any = None
        self._cursor: Any = None
        self.replaced = 0
        """How often the connection died: what was written last may be forgotten, if it was the server that died."""

    def rows(self, statement: Statement, values: Mapping[str, Any]) -> list[Any]:
        """The rows that it gives. Raises LedgerReadOnly."""
        with self._lock:
            self._execute(statement, values)
            return list(self._cursor.fetchall())  # to the end: only then SQLite has done it

    def row(self, statement: Statement, values: Mapping[str, Any]) -> Any | None:
        """The first row that it gives, or None. Raises LedgerReadOnly."""
        rows = self.rows(statement, values)
        return rows[0] if rows else None

    def count(self, statement: Statement, values: Mapping[str, Any]) -> int:
        """How many rows it changed. Raises LedgerReadOnly."""
        with self._lock:
            self._execute(statement, values)
            return int(self._cursor.rowcount)

    def close(self) -> None:
        """Give the connection up; the next statement makes a new one."""
        with self._lock:
            self._drop()

    def _execute(self, statement: Statement, values: Mapping[str, Any]) -> None:
        parameters = {**statement.constants, **values}
        try:
            if self._cursor is None:
                self._open()
            try:
                self._cursor.execute(statement.text, parameters)
            except Exception as error:
                if not self._has_died(error):
                    raise
                self._drop()
                self._open()
                self.replaced += 1
                self._cursor.execute(statement.text, parameters)
        except Exception as error:
            died = self._has_died(error)
            if died:
                self._drop()
            problem = translated(error, place=self._place, is_disconnect=died)
            if problem is None:
                raise
            raise problem from error

    def _open(self) -> None:
        self._connection = self._connect()
        self._cursor = self._connection.cursor()

    def _drop(self) -> None:
        connection, self._connection, self._cursor = self._connection, None, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _has_died(self, error: Exception) -> bool:
        # After a failover the old primary still answers, but takes no writes: connect anew.
        return bool(getattr(self._connection, "closed", False)) or is_of_a_replica(error)
