"""The one border where errors of a database become ours; every statement of both databases passes here."""

from __future__ import annotations

import sqlite3

from gong_bridge.errors import BridgeError, LedgerReadOnly

RESTORE = (
    "stop the service, keep the file, and restore the latest backup that `gong-bridge ledger verify` finds in order"
    " (docs/operations.md: Backup of the ledger)"
)
"""What to do about a ledger that cannot be read any more."""
_SQLITE = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_READONLY: "it may not be written; give file and folder to the service's user, or remount read-write",
    sqlite3.SQLITE_PERM: "it may not be written; give file and folder to the service's user",
    sqlite3.SQLITE_BUSY: "another program keeps it locked; end that program (a backup? a database browser?)",
    sqlite3.SQLITE_LOCKED: "another program keeps it locked; end that program (a backup? a database browser?)",
    sqlite3.SQLITE_IOERR: "the disk reports errors or is full; look at the system's log, then run `gong-bridge check`",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; does its folder exist, and may the service's user write there?",
    sqlite3.SQLITE_CORRUPT: f"it is damaged; {RESTORE}",
}
_NOT_A_LEDGER = (
    f"it is no SQLite database, or its beginning is damaged; if it was the ledger, {RESTORE};"
    " else name another file in ledger.url"
)
_WRONG_ACCESS = (
    "password authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "does not exist",
    "invalid connection option",
    "invalid port",
)
_CLASHES = ("40001", "40P01")  # serialization failure, deadlock
_READ_ONLY = "25006"


class WrongAccess(LedgerReadOnly):
    """The server says no to this user or database, or the file is none: at the start a mistake, later it may pass."""


class WritesClashed(LedgerReadOnly):
    """Two transactions stood in each other's way and this one gave in; the same again succeeds."""


def is_of_a_replica(error: BaseException) -> bool:
    """Whether this server takes no writes (any more): another connection may lead to the one that does."""
    return getattr(error, "sqlstate", None) == _READ_ONLY


def translated(error: BaseException, *, place: str, is_disconnect: bool = False) -> BridgeError | None:
    """Our error for one of sqlite3 or psycopg, or None when it is no trouble of the place but a mistake of ours.

    `place` names the ledger without its password. Whatever can end by itself or by a person's hand is LedgerReadOnly:
    everything waits, nothing is lost.
    """
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, place)
    if type(error).__module__.partition(".")[0] == "psycopg":
        return _of_postgresql(error, place, is_disconnect)
    return None


def _of_sqlite(error: sqlite3.Error, place: str) -> BridgeError | None:
    primary_code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits say only where it happened
    if primary_code == sqlite3.SQLITE_NOTADB:
        return WrongAccess(f"ledger {place} cannot be used: {_NOT_A_LEDGER}")
    if primary_code in _SQLITE:
        return LedgerReadOnly(f"ledger {place} cannot be used ({error}): {_SQLITE[primary_code]}")
    return None


def _of_postgresql(error: BaseException, place: str, is_disconnect: bool) -> BridgeError | None:
    import psycopg

    state = getattr(error, "sqlstate", None) or ""
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if isinstance(error, psycopg.OperationalError) and not state and any(words in said for words in _WRONG_ACCESS):
        return WrongAccess(f"ledger {place}: {said}; correct ledger.url or ledger.password")
    if state in _CLASHES:
        return WritesClashed(f"ledger {place}: {said}")
    if state.startswith("54"):  # a value too long for an index: this entry's trouble, not the ledger's
        return None
    waits = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError) or state in (_READ_ONLY, "42501")
    if waits or is_disconnect:
        return LedgerReadOnly(f"ledger {place} cannot be used ({said}): is PostgreSQL running, reachable and writable?")
    return None
