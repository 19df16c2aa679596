"""Connections to the ledger's database: how they are set up, one writer at a time, errors translated."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, Executable, create_engine, event, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import Table

from gong_bridge import clock
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.ledger.faults import WritesClashed, is_of_a_replica, translated
from gong_bridge.ledger.swift import Statement, Swift

_BUSY_SECONDS = 30.0
_LEAST_BUSY_SECONDS = 0.2
_CONNECTIONS = 16
_POOL_SECONDS = 60.0
_MOST_CLASHES = 5
_MOST_GLANCES = 64
_POSTGRESQL_SETTINGS = {
    "lock_timeout": "30s",
    "statement_timeout": "120s",  # a server that hangs
    "idle_in_transaction_session_timeout": "60s",  # a host that was suspended keeps no row from the others
}
_POSTGRESQL_CONNECTION = {
    "connect_timeout": 10,
    "keepalives": 1,  # a server that vanished is noticed within half a minute, not after two hours
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "gong-bridge",
}

P = ParamSpec("P")
R = TypeVar("R")


def again_when_clashed(verb: Callable[P, R]) -> Callable[P, R]:
    """A verb that is one transaction, done again when it clashed with another (deadlock, serialization failure)."""

    @wraps(verb)
    def doing(*arguments: P.args, **named: P.kwargs) -> R:
        for _ in range(_MOST_CLASHES - 1):
            try:
                return verb(*arguments, **named)
            except WritesClashed:
                continue
        return verb(*arguments, **named)

    return doing


class Database:
    """One database, used by many threads.

    SQLite: a lock serialises the writers of this process, because SQLite's own way of waiting is to poll with growing
    pauses; other processes are met with BEGIN IMMEDIATE and a busy time-out of 30 s.
    Every operation may raise LedgerReadOnly.
    """

    def __init__(self, url: URL) -> None:
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.place = url.database or "" if self.is_sqlite else _without_password(url)
        self.address = f"sqlite:///{url.database}" if self.is_sqlite else self.place
        """What a person would write under ledger.url."""
        self.url = url
        self._write_lock = threading.Lock()
        self._durable = self._engine(durable=True)
        self._relaxed: Engine | None = None
        self._file: tuple[int, int] | None = None
        self.swift = Swift(
            self.relaxed_connection, self._write_lock if self.is_sqlite else threading.Lock(), self.place
        )
        """For single statements that a power cut may undo."""
        self._glances: dict[Executable, Statement] = {}

    def overwrite_what_goes(self, connection: Connection) -> None:
        """For the rest of a transaction: SQLite else leaves old text in its file until the place is needed again."""
        if self.is_sqlite:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")

    @contextmanager
    def write(
        self, *, durable: bool = True, unhurried: bool = False, busy_seconds: float | None = None
    ) -> Iterator[Connection]:
        """A transaction that may write: committed at the end, rolled back by any exception.

        `durable=False`: may be forgotten by a power cut (never by a crash of the process); for counts only.
        `unhurried`: without PostgreSQL's time limits, for what takes minutes.
        `busy_seconds`: how long to wait for another program that keeps an SQLite file locked; the time in which others
        of this process waited for it, too, counts.
        """
        began_seconds = clock.monotonic_seconds()
        engine = self._durable if durable else self._relaxed_engine()
        with self._write_lock if self.is_sqlite else nullcontext(), self._connected(engine) as connection:
            if self.is_sqlite:
                self._refuse_another_file()
                waited_seconds = clock.monotonic_seconds() - began_seconds
                _be_patient(connection, (_BUSY_SECONDS if busy_seconds is None else busy_seconds) - waited_seconds)
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            elif unhurried:
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
            yield connection
            connection.commit()

    def keep_to_this_file(self) -> None:
        """From now on nothing is written once another file, or none, lies where the SQLite ledger is."""
        if self.is_sqlite:
            self._file = _identity(self.place)

    def _refuse_another_file(self) -> None:
        # What is written to a file that was deleted, or whose place a backup took, is forgotten at the next start
        if self._file is not None and _identity(self.place) != self._file:
            raise LedgerReadOnly(
                f"ledger {self.place} was removed or replaced while it is in use; put it back; or stop the service,"
                " restore the latest backup, and start it again"
            )

    def statement(self, statement: Executable) -> Statement:
        """A statement for `swift`."""
        # Positions would depend on the order of the words.
        named = sqlite_dialect(paramstyle="named") if self.is_sqlite else self._durable.dialect
        return Statement(statement, named)

    def relaxed_connection(self) -> Any:
        """The driver's own connection, in autocommit mode; what it writes may be forgotten by a power cut."""
        # Made and set up as the engine's own are, but never given back to its pool.
        pooled = self._relaxed_engine().raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        if not self.is_sqlite:
            connection.autocommit = True
        return connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading; each statement sees its own moment."""
        with self._connected(self._durable) as connection:
            yield connection if self.is_sqlite else connection.execution_options(isolation_level="AUTOCOMMIT")

    def glance(self, statement: Executable, values: Mapping[str, Any]) -> list[Any]:
        """The rows of a short question that is asked again and again: on PostgreSQL one round trip, without a pool."""
        if self.is_sqlite:
            with self.read() as connection:
                return list(connection.execute(statement, values))
        if statement not in self._glances:
            if len(self._glances) >= _MOST_GLANCES:
                self._glances.clear()
            self._glances[statement] = self.statement(statement)
        return self.swift.rows(self._glances[statement], values)

    def alone(self, connection: Connection, key: int) -> None:
        """Until the end of its transaction no other is here with this key (SQLite has one writer anyway)."""
        if not self.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def clock_ahead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's, to half the time of a question; SQLite has none."""
        if self.is_sqlite:
            return timedelta(0)
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")  # a new connection would count as delay
            before = clock.machine_now()
            there = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            after = clock.machine_now()
        ahead: timedelta = there - (before + (after - before) / 2)
        return ahead

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT: the same words in both dialects, but two classes."""
        return sqlite_insert(table) if self.is_sqlite else postgresql_insert(table)

    def close(self) -> None:
        """Close every connection."""
        self.swift.close()
        self._durable.dispose()
        if self._relaxed is not None:
            self._relaxed.dispose()

    def _relaxed_engine(self) -> Engine:
        if self._relaxed is None:
            self._relaxed = self._engine(durable=False)
        return self._relaxed

    def _engine(self, *, durable: bool) -> Engine:
        size = _CONNECTIONS if durable else 1
        if self.is_sqlite:
            options: dict[str, Any] = {
                "connect_args": {"timeout": _BUSY_SECONDS, "isolation_level": None, "check_same_thread": False}
            }
        else:
            options = _postgresql_options(self.url, durable=durable)
        engine = create_engine(self.url, pool_size=size, max_overflow=64, pool_timeout=_POOL_SECONDS, **options)
        if self.is_sqlite:
            event.listen(engine, "connect", _set_up_durable if durable else _set_up_relaxed)
        event.listen(engine, "handle_error", self._translate)
        return engine

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        try:
            connection = engine.connect()
        except PoolTimeout:
            raise LedgerReadOnly(
                f"ledger {self.place} cannot be used (every connection has been busy for {_POOL_SECONDS:.0f} s):"
                " is the server overloaded, or its network broken?"
            ) from None
        with connection:
            yield connection

    def _translate(self, context: ExceptionContext) -> None:
        if context.is_pre_ping:
            return  # a connection that has died is replaced, and nobody needs to know
        if is_of_a_replica(context.original_exception):
            context.is_disconnect = True  # after a failover the old primary still answers: connect anew
        problem = translated(context.original_exception, place=self.place, is_disconnect=context.is_disconnect)
        if problem is not None:
            raise problem from context.original_exception


def _postgresql_options(url: URL, *, durable: bool) -> dict[str, Any]:
    """What the URL itself says goes before our own settings."""
    settings = {**_POSTGRESQL_SETTINGS, **({} if durable else {"synchronous_commit": "off"})}
    own = " ".join(f"-c {name}={value}" for name, value in settings.items())
    asked = url.query.get("options", "")
    return {
        "pool_pre_ping": True,  # a restarted server costs one look, not one failed step a connection
        "isolation_level": "READ COMMITTED",
        "connect_args": {
            **{name: value for name, value in _POSTGRESQL_CONNECTION.items() if name not in url.query},
            "options": f"{own} {asked}",
        },
    }


def _be_patient(connection: Connection, busy_seconds: float) -> None:
    """Connections are used again: each transaction says how long it waits."""
    milliseconds = int(1000 * max(busy_seconds, _LEAST_BUSY_SECONDS))
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _without_password(url: URL) -> str:
    """The URL for messages and logs: no password, not even `***`, and none in its query."""
    shown = url.set(drivername="postgresql").difference_update_query(("password", "sslpassword", "options"))
    return shown._replace(password=None).render_as_string(hide_password=True)


def _set_up_durable(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -4096")
    connection.execute("PRAGMA journal_size_limit = 67108864")  # a burst's log does not stay on the disk for ever


def _set_up_relaxed(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA cache_size = -256")
