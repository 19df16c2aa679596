"""Looking after the ledger itself: is it whole, and a copy of it while it is in use."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from gong_bridge.errors import ConfigError, LedgerReadOnly
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.faults import translated
from gong_bridge.ledger.notes import write_note

_MOST_PROBLEMS = 20
_TRIED_TO_WRITE = "tried-to-write"
_BUSY_SECONDS = 5.0
_LAWS = {
    "an entry leased but finished": (
        "SELECT count(*) FROM entries WHERE lease_token IS NOT NULL"
        " AND state NOT IN ('found', 'drafted', 'created', 'delivered')"
    ),
    "an entry created without a call": (
        "SELECT count(*) FROM entries WHERE state IN ('created', 'delivered', 'done') AND call_id IS NULL"
    ),
    "an entry that owns a call without a clientUniqueId": (
        "SELECT count(*) FROM entries WHERE owns_call AND client_unique_id IS NULL"
    ),
    "an entry without any event": (
        "SELECT count(*) FROM entries WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.entry_id = entries.id)"
    ),
}


class Upkeep:
    """Maintenance while the bridge runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def trouble(self, now: datetime) -> LedgerReadOnly | None:
        """Why nothing can be written down now, found by writing a note; None when it can. Takes seconds at most."""
        try:
            with self._database.write(busy_seconds=_BUSY_SECONDS) as connection:
                write_note(self._database, connection, _TRIED_TO_WRITE, now.isoformat())
        except LedgerReadOnly as error:
            return error
        return None

    def integrity_check(self) -> list[str]:
        """What is wrong with the ledger, in words; empty when it is whole. Reads everything: minutes for millions."""
        problems: list[str] = []
        looking = self._database.read() if self._database.is_sqlite else self._database.write(unhurried=True)
        with looking as connection:
            if self._database.is_sqlite:
                lines = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_PROBLEMS})").scalars().all()
                problems.extend(line for line in lines if line != "ok")
            for law, statement in _LAWS.items():
                count = connection.execute(text(statement)).scalar_one()
                if count:
                    problems.append(f"{count} times {law}")
        return problems

    def backup(self, path: Path) -> None:
        """A whole copy in a new file (mode 0600), taken while others write. Appears under its name when complete.

        Raises ConfigError for PostgreSQL, an existing file or a folder that cannot be written; LedgerReadOnly.
        """
        if not self._database.is_sqlite:
            raise ConfigError("the ledger is on PostgreSQL; back it up with pg_dump")
        if path.exists():
            raise ConfigError(f"{path} exists already; name a new file for the backup")
        partial = path.with_name(f"{path.name}.part")
        try:
            os.close(os.open(partial, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o600))
            self._copy(partial)
            _sync(partial)
            partial.replace(path)
            _sync(path.parent)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise ConfigError(f"{path} cannot be written ({error.strerror}); choose another place") from None
        except sqlite3.Error as error:
            partial.unlink(missing_ok=True)
            raise (translated(error, place=str(path)) or error) from error

    def _copy(self, target: Path) -> None:
        with (
            closing(sqlite3.connect(self._database.place)) as origin,
            closing(sqlite3.connect(target)) as copy,
        ):
            # One step: a copy in steps starts again whenever another process writes, and may never end.
            origin.backup(copy)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
