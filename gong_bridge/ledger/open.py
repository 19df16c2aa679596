"""Opening a ledger: the URL is understood, the file made safely, the tables brought up to date under a lock."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, insert, inspect, make_url, select
from sqlalchemy.exc import ArgumentError

from gong_bridge.config.secrets import Secret
from gong_bridge.errors import ConfigError
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.faults import RESTORE, WrongAccess, translated
from gong_bridge.ledger.schema import HEAD, ledger_version, metadata

_SQLITE_HEADER_BYTES = 100
_SHAPES = "sqlite:////var/lib/gong-bridge/ledger.db or postgresql://user@host/database"
_MIGRATION_LOCK = _APPLICATION_ID = 0x676F6E67  # any number that every gong-bridge agrees on
_MIGRATING = threading.Lock()  # Alembic keeps the migration under way in globals: one at a time, whatever the ledger
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre"}
    | {"gpfs", "beegfs", "orangefs", "davfs", "davfs2", "sshfs", "s3fs", "rclone", "gcsfuse", "goofys"}
)


def open_database(url: str, password: Secret | None = None) -> Database:
    """A database with the tables of this program, made or migrated where needed.

    Raises ConfigError (nonsense, not a ledger, newer than this program, on a network file system) and LedgerReadOnly.
    """
    parsed = parse_url(url)
    if password is not None and parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(password=password.reveal())
    if parsed.get_backend_name() == "sqlite":
        path = _place_of(Path(parsed.database or ""))
        parsed = parsed.set(database=str(path))
    database = Database(parsed)
    try:
        with _alone(database):
            if database.is_sqlite:
                _made_if_absent(Path(database.place))
            _migrate(database)
        database.keep_to_this_file()
    except WrongAccess as error:
        database.close()
        raise ConfigError(error.message) from error
    except BaseException:
        database.close()
        raise
    return database


def ledger_exists(url: str) -> bool:
    """Whether there is a ledger already (a database server always counts as one)."""
    scheme, _, path = url.partition(":///")
    return not scheme.startswith("sqlite") or Path(path).exists()


def parse_url(url: str) -> URL:
    """The URL with its driver; ConfigError (which never repeats a password) for anything but the two known shapes."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError(f"ledger.url is not understood; write it like {_SHAPES}") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        if not parsed.database:
            raise ConfigError("ledger.url names no database; write it like postgresql://user@host/database")
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ConfigError(f"ledger.url begins with {parsed.drivername!r}, which is not known; write it like {_SHAPES}")
    if not parsed.database or parsed.database.startswith((":memory:", "file:")) or parsed.query or parsed.host:
        raise ConfigError("ledger.url must name a file: sqlite:////var/lib/gong-bridge/ledger.db (four slashes)")
    return parsed


def has_password(url: str) -> bool:
    """Whether a password stands in the URL, where other users of the machine, and logs, can see it."""
    parsed = parse_url(url)
    return bool(parsed.password) or "password" in parsed.query


def file_system_type(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path` (absolute), by the text of /proc/mounts; "" when not found."""
    best, found = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].encode("latin-1", "replace").decode("unicode_escape")  # \040 is a blank
        inside = point == "/" or path == Path(point) or Path(point) in path.parents
        if inside and len(point) >= best:  # of two mounts on one point the later one is seen
            best, found = len(point), fields[2]
    return found


def is_network_file_system(kind: str) -> bool:
    """Whether locks and shared memory of SQLite cannot be trusted there."""
    return kind.removeprefix("fuse.") in _NETWORK_FILE_SYSTEMS


def _place_of(path: Path) -> Path:
    path = path.absolute()
    if path.is_dir():
        raise ConfigError(f"ledger.url: {path} is a folder; name a file in it, such as {path / 'ledger.db'}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_be_made(path, error) from None
    path = path.resolve()
    _refuse_network(path)
    return path


def _made_if_absent(path: Path) -> None:
    """The file appears under its name when it has a header: one without any byte was cut off, and is not ours to fill.

    Called by one process at a time.
    """
    left = path.with_name(f"{path.name}-wal")
    if path.exists():
        if path.stat().st_size < _SQLITE_HEADER_BYTES:
            raise ConfigError(f"ledger {path} is empty: it was cut off; {RESTORE}, or remove it to begin anew")
        return
    if left.exists() and left.stat().st_size:
        raise ConfigError(
            f"ledger {path} is gone, but what was written last is there ({left.name}); put the file back; or {RESTORE};"
            f" or remove {left.name} to begin anew"
        )
    new = path.with_name(f"{path.name}.new")
    try:
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))  # -wal and -shm take over this mode
        with closing(sqlite3.connect(new)) as connection:
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        new.rename(path)
    except OSError as error:
        raise _cannot_be_made(path, error) from None
    except sqlite3.Error as error:
        raise (translated(error, place=str(path)) or error) from error
    reached(Point.LEDGER_MADE)


def _cannot_be_made(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"ledger.url: {path} cannot be made ({error.strerror}); create its folder and give it to the service's user"
    )


def _refuse_network(path: Path) -> None:
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    kind = file_system_type(path, mounts)
    if is_network_file_system(kind):
        raise ConfigError(
            f"ledger.url: {path} lies on a network file system ({kind}), where SQLite loses data;"
            " put it on a local disk, or use postgresql://user@host/database"
        )


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """No other process opens this SQLite file meanwhile; PostgreSQL is locked inside its migration.

    The lock is on the folder: closing a descriptor of the database file itself would drop SQLite's own locks.
    """
    if not database.is_sqlite:
        yield
        return
    folder = os.open(Path(database.place).parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _migrate(database: Database) -> None:
    with database.read() as connection:
        present = _present_revision(connection, database.place)  # another program's file is not touched
    if database.is_sqlite and not _has_write_ahead_log(database):
        _use_write_ahead_log(database)
    if present == HEAD:
        return  # nothing is written: commands that look must answer while the disk is full, or somebody has it locked
    with database.write(unhurried=True) as connection:  # another host may migrate a large ledger just now
        database.alone(connection, _MIGRATION_LOCK)
        present = _present_revision(connection, database.place)
        if present is None:
            _make(connection)
        elif present != HEAD:
            _upgrade(connection, database.place, present)
    if present != HEAD:
        reached(Point.MIGRATED)


def _has_write_ahead_log(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal")


def _use_write_ahead_log(database: Database) -> None:
    with database.read() as connection:
        mode = connection.exec_driver_sql("PRAGMA journal_mode = WAL").scalar()
    if mode != "wal":
        raise ConfigError(
            f"ledger.url: {database.place} lies on a file system without shared memory; put it on a local disk"
        )


def _present_revision(connection: Connection, place: str) -> str | None:
    names = set(inspect(connection).get_table_names())
    if ledger_version.name in names:
        revision: str | None = connection.execute(select(ledger_version.c.version_num)).scalar()
        return revision
    foreign = names if connection.dialect.name == "sqlite" else names & set(metadata.tables)
    if foreign:
        raise ConfigError(
            f"ledger {place} belongs to another program (it has a table {min(foreign)!r});"
            " give the ledger a file or database of its own in ledger.url"
        )
    return None


def _make(connection: Connection) -> None:
    """A new ledger has no history: its tables are made as they are now (a test compares them with the migrations')."""
    metadata.create_all(connection)
    ledger_version.create(connection)
    connection.execute(insert(ledger_version).values(version_num=HEAD))
    reached(Point.REVISION_APPLIED)


def _upgrade(connection: Connection, place: str, present: str) -> None:
    from alembic import command  # only here: it is needed once in a ledger's life, and is not small
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if present not in known:
        raise ConfigError(
            f"ledger {place} was written by a newer gong-bridge (revision {present}, this one knows {HEAD});"
            " install that version again, or restore the backup taken before the upgrade"
        )
    config.attributes["connection"] = connection
    with _MIGRATING:
        command.upgrade(config, "head")
