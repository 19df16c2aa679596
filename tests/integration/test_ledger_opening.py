"""Opening a ledger: made safely, migrated under a lock, refused with a cure where it cannot work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

import gong_bridge.ledger
from gong_bridge.errors import ConfigError, LedgerReadOnly
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import file_system_type, is_network_file_system
from gong_bridge.ledger.schema import HEAD, ledger_version, metadata
from gong_bridge.model import GongUser, State
from tests.contract.test_ledger import NOON, add, created, drafted, recording
from tests.small_disk import remount, small_disk

__all__ = ["small_disk"]

MOUNTS = """\
/dev/vda / ext4 rw 0 0
filer:/export /mnt/calls nfs4 rw 0 0
//filer/share /mnt/with\\040blank cifs rw 0 0
tmpfs /mnt/calls/local tmpfs rw 0 0
host:/home /home/sshfs fuse.sshfs rw 0 0
"""


def revision_of(path: Path, set_to: str | None = None) -> str:
    with closing(sqlite3.connect(path)) as connection:
        if set_to:
            connection.execute(f"UPDATE {ledger_version.name} SET version_num = ?", [set_to])
            connection.commit()
        return str(connection.execute(f"SELECT version_num FROM {ledger_version.name}").fetchone()[0])


def test_a_new_ledger_can_be_read_by_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "deep" / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        add(ledger)
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_R28_sqlite_runs_with_a_write_ahead_log_and_full_synchronisation(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger, ledger.database.write() as connection:
        told = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert told == ["wal", 2]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_migrations_make_the_tables_that_the_program_speaks_of(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/a.db" if kind == "sqlite" else request.getfixturevalue("new_postgresql_ledger")()
    with Ledger.open(url) as ledger, ledger.database.read() as connection:
        options = {"version_table": ledger_version.name, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        indexes = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%% WHERE %%'"
            if kind == "sqlite"
            else "SELECT indexdef FROM pg_indexes WHERE tablename = 'entries' AND indexdef LIKE '%% WHERE %%'"
        ).all()
    assert len(indexes) == 14


def test_the_newest_migration_is_the_one_the_program_asks_for() -> None:
    scripts = ScriptDirectory(str(Path(gong_bridge.ledger.__file__).parent / "migrations"))
    assert scripts.get_heads() == [HEAD]


FIRST_LEDGER = """
import sys
from alembic import command
from alembic.config import Config
from gong_bridge.ledger import open as opening
from gong_bridge.ledger.database import Database

def to_the_first(connection):
    config = Config()
    config.set_main_option("script_location", sys.argv[2])
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")

opening._make = to_the_first
database = opening.open_database(sys.argv[1])
INSERT = (
    "INSERT INTO entries (source, key, version, size_bytes, modified_at, state, attempts, due_at, backlog, owns_call,"
    " found_at, updated_at, call_id, client_unique_id, lease_token) VALUES ('pbx', '{key}', '1', 7, 8, '{state}', 3, 9,"
    " false, {owns}, 10, 11, {call}, {call}, {token})"
)
with database.write() as connection:
    connection.exec_driver_sql(INSERT.format(key="done.wav", state="done", owns="true", call="'77'", token="NULL"))
    connection.exec_driver_sql(INSERT.format(key="open.wav", state="found", owns="false", call="NULL", token="'h#1'"))
    connection.exec_driver_sql(
        "UPDATE entries SET draft = '{\\"actualStart\\": \\"1970-01-01T02:00:05+02:00\\"}' WHERE key = 'done.wav'"
    )
    connection.exec_driver_sql("INSERT INTO events (entry_id, at, to_state, attempt) VALUES (1, 5, 'done', 0)")
    connection.exec_driver_sql("INSERT INTO notes (name, value) VALUES ('pause', 'null')")
    connection.exec_driver_sql(
        "INSERT INTO notes (name, value) VALUES ('gong-users-fetched-at', '\\"2026-01-05T13:00:00+00:00\\"')"
    )
    for number in (1, 2):
        connection.exec_driver_sql(
            "INSERT INTO gong_users (id, email, aliases, name, extension, phone_number, active,"
            f" telephony_calls_imported) VALUES ('77{number}', 'agent-{number}@example.com', '[\\"a@example.com\\"]',"
            f" 'Agent', '20{number}', '', true, false)"
        )
database.close()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def first_ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A ledger as the first release made it, with two recordings."""
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/first.db" if sqlite else str(request.getfixturevalue("empty_postgresql_url"))
    migrations = Path(gong_bridge.ledger.__file__).parent / "migrations"
    subprocess.run([sys.executable, "-c", FIRST_LEDGER, url, str(migrations)], check=True, timeout=60)
    return url


def shape(ledger: Ledger) -> dict[str, Any]:
    """The tables of a ledger: their columns and indexes, without the order in which they came."""
    found: dict[str, Any] = {}
    with ledger.database.read() as connection:
        looking = inspect(connection)
        for table in looking.get_table_names():
            columns = {
                one["name"]: (str(one["type"]), one["nullable"], one["default"]) for one in looking.get_columns(table)
            }
            indexes = {
                one["name"]: (one["column_names"], one["unique"], sorted(map(str, one["dialect_options"].values())))
                for one in looking.get_indexes(table)
            }
            found[table] = (columns, looking.get_pk_constraint(table)["constrained_columns"], indexes)
    return found


def test_an_upgraded_ledger_has_the_tables_of_a_new_one(
    first_ledger_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    of_kind = "new_sqlite_ledger" if first_ledger_url.startswith("sqlite") else "new_postgresql_ledger"
    arguments = [tmp_path / "new.db"] if of_kind == "new_sqlite_ledger" else []
    new_url = request.getfixturevalue(of_kind)(*arguments)
    with Ledger.open(first_ledger_url) as upgraded, Ledger.open(new_url) as new:
        assert shape(upgraded) == shape(new)


def test_R28_the_rows_of_the_first_ledger_survive_the_upgrade(first_ledger_url: str) -> None:
    with Ledger.open(first_ledger_url) as ledger:
        done, still_open = ledger.views.entries()
        assert (done.key, done.state, done.call_id, done.client_unique_id, done.owns_call) == (
            "done.wav", State.DONE, "77", "77", True)  # fmt: skip
        assert (still_open.key, still_open.attempts, still_open.lease_token, still_open.reach) == (
            "open.wav", 3, "h#1", None)  # fmt: skip
        assert done.started_at == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
        assert still_open.started_at is None
        assert [event.to_state for event in ledger.views.events(done.id)] == [State.DONE]
        assert ledger.intake.unseen([recording("done.wav"), recording("new.wav")]) == [recording("new.wav")]
        assert add(ledger, recording("done.wav")) == 0


def test_R28_the_users_of_the_first_ledger_are_those_of_the_only_account(first_ledger_url: str) -> None:
    """Nobody has to ask Gong again, and an account that is added later begins without any."""
    with Ledger.open(first_ledger_url) as ledger:
        assert ledger.people.users() == [
            GongUser(
                id=f"77{number}", email=f"agent-{number}@example.com", aliases=("a@example.com",), name="Agent",
                extension=f"20{number}", active=True, telephony_calls_imported=False,
            )
            for number in (1, 2)
        ]  # fmt: skip
        assert ledger.people.users_fetched_at() == datetime(2026, 1, 5, 13, tzinfo=UTC)
        assert (ledger.people.users("emea"), ledger.people.users_fetched_at("emea")) == ([], None)


def test_R28_opening_again_keeps_every_row(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with Ledger.open(url) as ledger:
        entry = created(ledger)
    with Ledger.open(url) as ledger:
        found = ledger.views.get(entry.id)
    assert found is not None
    assert (found.call_id, found.draft) == (entry.call_id, entry.draft)


def test_R28_a_ledger_newer_than_the_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(f"sqlite:///{path}").close()
    revision_of(path, set_to="9999")
    with pytest.raises(ConfigError, match=r"written by a newer gong-bridge .revision 9999.*install that version"):
        Ledger.open(f"sqlite:///{path}")
    assert revision_of(path) == "9999"


@pytest.mark.parametrize("first_ledger_url", ["sqlite"], indirect=True)
def test_a_migration_that_dies_half_way_leaves_nothing_behind(first_ledger_url: str) -> None:
    die = (
        "import os, sys; from alembic import op; real = op.create_table;"
        "op.create_table = lambda name, *a, **k: os._exit(9) if name == 'bridges' else real(name, *a, **k);"
        "from gong_bridge.ledger.ledger import Ledger; Ledger.open(sys.argv[1])"
    )
    died = subprocess.run([sys.executable, "-c", die, first_ledger_url], timeout=60)
    assert died.returncode == 9
    assert revision_of(Path(first_ledger_url.removeprefix("sqlite:///"))) == "0001"
    with Ledger.open(first_ledger_url) as ledger:
        assert add(ledger) == 1


OPEN = "import sys; from gong_bridge.ledger.ledger import Ledger; Ledger.open(sys.argv[1]).close()"


def test_R28_processes_that_open_a_new_ledger_at_once_migrate_it_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state/ledger.db"
    openers = [subprocess.Popen([sys.executable, "-c", OPEN, url], stderr=subprocess.PIPE) for _ in range(4)]
    assert [(opener.communicate(timeout=60)[1], opener.returncode) for opener in openers] == [(b"", 0)] * 4
    assert revision_of(tmp_path / "state" / "ledger.db") == HEAD


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE customers (id)")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"belongs to another program .it has a table 'customers'"):
        Ledger.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database at all " * 100)
    with pytest.raises(
        ConfigError,
        match=r"is no SQLite database, or its beginning is damaged; .* restore the latest backup.*; else name another",
    ):
        Ledger.open(f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("url", "cure"),
    [
        ("nonsense", "write it like sqlite:////var/lib"),
        ("mysql://root:secret@host/x", "begins with 'mysql'"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:////tmp/x.db?mode=ro", "must name a file"),
        ("sqlite://tmp/x.db", "four slashes"),
        ("postgresql://host", "names no database"),
        ("sqlite:////proc/ledger/ledger.db", "create its folder"),
    ],
)
def test_a_wrong_url_is_refused_with_the_cure_and_without_the_password(url: str, cure: str) -> None:
    with pytest.raises(ConfigError, match=cure) as refused:
        Ledger.open(url)
    assert "secret" not in refused.value.message


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder; name a file in it, such as .*/ledger\.db"):
        Ledger.open(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/ledger.db", "ext4"),
        ("/mnt/calls/ledger.db", "nfs4"),
        ("/mnt/calls-local/ledger.db", "ext4"),
        ("/mnt/calls/local/ledger.db", "tmpfs"),
        ("/mnt/with blank/ledger.db", "cifs"),
        ("/home/sshfs/ledger.db", "fuse.sshfs"),
    ],
)
def test_R28_the_file_system_of_a_path_is_that_of_the_deepest_mount(path: str, kind: str) -> None:
    assert file_system_type(Path(path), MOUNTS) == kind


def test_R28_network_file_systems_are_known() -> None:
    assert [is_network_file_system(kind) for kind in ("nfs4", "cifs", "fuse.sshfs")] == [True, True, True]
    assert [is_network_file_system(kind) for kind in ("ext4", "xfs", "tmpfs", "overlay")] == [False] * 4


def test_a_postgresql_that_another_program_uses_is_refused(new_postgresql_ledger: Callable[[], str]) -> None:
    url = new_postgresql_ledger()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA foreign_tables")
        connection.execute("CREATE TABLE foreign_tables.entries (id int)")
    with pytest.raises(ConfigError, match="belongs to another program"):
        Ledger.open(f"{url}&options=-csearch_path%3Dforeign_tables")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA foreign_tables CASCADE")


def test_a_postgresql_database_that_does_not_exist_is_named(postgresql_url: str) -> None:
    with pytest.raises(ConfigError, match='database "absent" does not exist; correct ledger'):
        Ledger.open(postgresql_url.replace("/postgres?", "/absent?"))


def test_R28_a_postgresql_that_is_away_pauses(tmp_path: Path) -> None:
    with pytest.raises(LedgerReadOnly, match="is PostgreSQL running, reachable and writable"):
        Ledger.open(f"postgresql://postgres@/postgres?host={tmp_path}")


def test_R28_a_lost_postgresql_connection_pauses_and_the_next_verb_works(
    new_postgresql_ledger: Callable[[], str],
) -> None:
    url = new_postgresql_ledger()
    with Ledger.open(url) as ledger:
        with ledger.database.read() as connection:
            own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [own])
            with pytest.raises(LedgerReadOnly):
                connection.exec_driver_sql("SELECT 1")
        assert add(ledger) == 1


def test_R28_an_online_backup_is_a_whole_ledger(tmp_path: Path) -> None:
    copy = tmp_path / "backup.db"
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        entry = drafted(ledger)
        ledger.upkeep.backup(copy)
        with pytest.raises(ConfigError, match="exists already"):
            ledger.upkeep.backup(copy)
        with pytest.raises(ConfigError, match="cannot be written"):
            ledger.upkeep.backup(tmp_path / "absent" / "backup.db")
    assert copy.stat().st_mode & 0o777 == 0o600
    with Ledger.open(f"sqlite:///{copy}") as restored:
        assert [found.id for found in restored.views.entries()] == [entry.id]
        assert restored.upkeep.integrity_check() == []


def test_R28_a_backup_of_postgresql_names_the_tool(new_postgresql_ledger: Callable[[], str], tmp_path: Path) -> None:
    with Ledger.open(new_postgresql_ledger()) as ledger, pytest.raises(ConfigError, match="pg_dump"):
        ledger.upkeep.backup(tmp_path / "x")


def test_R28_the_integrity_check_names_what_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        add(ledger, recording("a.wav"), recording("b.wav"))
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE entries SET state = 'done' WHERE id = 1")
            connection.execute("DELETE FROM events WHERE entry_id = 2")
            connection.commit()
        assert ledger.upkeep.integrity_check() == [
            "1 times an entry created without a call",
            "1 times an entry without any event",
        ]


def test_R28_a_full_disk_pauses_and_loses_nothing(small_disk: Path) -> None:
    with Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger:
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"x" * 300_000)
        written = 0
        batches = ([recording(f"{number}-{place}.wav") for place in range(50)] for number in range(1000))
        try:
            for batch in batches:
                written += ledger.intake.add(batch, False, NOON)
        except LedgerReadOnly as trouble:
            told = trouble.message
        assert "free some space" in told
        assert written > 0
        assert ledger.views.open_count() == written
        ballast.unlink()
        assert add(ledger, recording("after.wav")) == 1
        assert ledger.views.open_count() == written + 1
        assert ledger.upkeep.integrity_check() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may remount")
def test_R28_a_disk_that_became_read_only_pauses(small_disk: Path) -> None:
    with Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger:
        add(ledger)
    with Ledger.open(f"sqlite:///{small_disk}/ledger.db") as ledger:
        ledger.close()
        remount(small_disk, "ro")
        with pytest.raises(LedgerReadOnly, match=r"read-write|may the service's user write"):
            add(ledger, recording("b.wav"))
        remount(small_disk, "rw")
        assert add(ledger, recording("b.wav")) == 1
