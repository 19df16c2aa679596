"""Small facts that all processes share and restarts keep: pauses, by trouble and by hand, and the sources' health."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import clean, maybe_moment, micros, to_json
from gong_bridge.ledger.schema import notes, source_health
from gong_bridge.model import SourceHealth

_PAUSE = "pause"
_WRONG_FILES = "wrong_files"
_FAILING = "failing"
_BY_HAND = "paused-by-hand:"
"""With the source's name behind it; with nothing: all of them."""
_PAUSES_BY_HAND = select(notes.c.name, notes.c.value).where(notes.c.name.startswith(_BY_HAND)).order_by(notes.c.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """Nobody may use a Gong account (R29). `until`: when to probe again; `since`: when this trouble began.

    account: which one; None is the account that needs no name.
    """

    code: str
    reason: str
    until: datetime
    since: datetime
    account: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PausedByHand:
    """A person wants nothing to be delivered, until a person resumes. source: None means all of them."""

    source: str | None
    since: datetime
    reason: str = ""


class Notes:
    """Notes, pause and health."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_note(self, name: str) -> Any:
        """A JSON value by its name, None when absent."""
        with self._database.read() as connection:
            return read_note(connection, name)

    def set_note(self, name: str, value: Any) -> None:
        """Keep a small JSON value; None removes it."""
        with self._database.write() as connection:
            if value is None:
                connection.execute(delete(notes).where(notes.c.name == name))
            else:
                write_note(self._database, connection, name, value)

    def pause(self, code: str, reason: str, until: datetime, now: datetime, account: str | None = None) -> Pause:
        """Pause a Gong account for all processes; a pause that goes on keeps the moment it began."""
        present = self.pause_state(account)
        since = present.since if present is not None and present.code == code else now
        value = {"code": code, "reason": reason, "until": until.isoformat(), "since": since.isoformat()}
        self.set_note(of_account(_PAUSE, account), value)
        return Pause(code=code, reason=reason, until=until, since=since, account=account)

    def pause_state(self, account: str | None = None) -> Pause | None:
        """The pause in force, also when `until` has passed and nobody probed yet; None: none."""
        value = self.get_note(of_account(_PAUSE, account))
        if value is None:
            return None
        return Pause(
            code=value["code"],
            reason=value["reason"],
            until=datetime.fromisoformat(value["until"]),
            since=datetime.fromisoformat(value["since"]),
            account=account,
        )

    def resume(self, account: str | None = None) -> None:
        """End the pause of a Gong account."""
        self.set_note(of_account(_PAUSE, account), None)

    # --- by hand ----------------------------------------------------------------------------------------------------

    def pause_by_hand(self, source: str | None, reason: str, now: datetime) -> PausedByHand:
        """Deliver nothing of this source (None: of any) until a person resumes; a later pause keeps the first moment.

        It survives restarts, and every bridge on the ledger obeys it.
        """
        present = next((one for one in self.paused_by_hand() if one.source == source), None)
        since = now if present is None else present.since
        self.set_note(_BY_HAND + (source or ""), {"since": since.isoformat(), "reason": clean(reason)})
        return PausedByHand(source=source, since=since, reason=reason)

    def resume_by_hand(self, source: str | None) -> int:
        """End the pause of this source; None: every pause by hand. How many there were."""
        mine = notes.c.name.startswith(_BY_HAND) if source is None else notes.c.name == _BY_HAND + source
        with self._database.write() as connection:
            return connection.execute(delete(notes).where(mine)).rowcount

    def paused_by_hand(self) -> list[PausedByHand]:
        """Every pause by hand; that of everything first."""
        told = self._database.glance(_PAUSES_BY_HAND, {})
        rows = [(name.removeprefix(_BY_HAND), json.loads(value)) for name, value in told]
        return [
            PausedByHand(
                source=source or None, since=datetime.fromisoformat(value["since"]), reason=value["reason"] or ""
            )
            for source, value in rows
        ]

    # --- files and sources --------------------------------------------------------------------------------------------

    def tell_wrong_files(self, troubles: Sequence[str]) -> None:
        """Which files are not used as they are now, and why; written down only when that changes."""
        if list(troubles) != self.wrong_files():
            self.set_note(_WRONG_FILES, list(troubles) or None)

    def wrong_files(self) -> list[str]:
        """What the running service last told about files that it does not use as they are now."""
        return list(self.get_note(_WRONG_FILES) or ())

    def tell_failing(self, parts: Sequence[str]) -> None:
        """Which parts of the running service fail again and again; written down only when that changes."""
        if list(parts) != self.failing():
            self.set_note(_FAILING, list(parts) or None)

    def failing(self) -> list[str]:
        """What the running service last told about parts of it that fail."""
        return list(self.get_note(_FAILING) or ())

    def save_health(self, health: SourceHealth) -> None:
        """How a source is doing, in place of what it said before."""
        values = {
            "source": health.source,
            "reach": health.reach or "",
            "healthy": health.healthy,
            "message": health.message,
            "watch": health.watch,
            "scanned": health.scanned,
            "last_scan_at": None if health.last_scan_at is None else micros(health.last_scan_at),
            "updated_at": None if health.updated_at is None else micros(health.updated_at),
            "under_way": health.under_way,
        }
        statement = self._database.insert(source_health)
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["source", "reach"], set_=values), values)

    def health(self) -> list[SourceHealth]:
        """What every source last said, by name."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(source_health).order_by(source_health.c.source, source_health.c.reach)
            ).all()
        return [
            SourceHealth(
                source=row.source,
                reach=row.reach or None,
                healthy=bool(row.healthy),
                message=row.message,
                watch=row.watch,
                scanned=row.scanned,
                last_scan_at=maybe_moment(row.last_scan_at),
                updated_at=maybe_moment(row.updated_at),
                under_way=row.under_way,
            )
            for row in rows
        ]


def of_account(name: str, account: str | None) -> str:
    """The name of a note that each Gong account has for itself."""
    return name if account is None else f"{name}:{account}"


def read_note(connection: Connection, name: str) -> Any:
    """A JSON value by its name, None when absent."""
    value = connection.execute(select(notes.c.value).where(notes.c.name == name)).scalar()
    return None if value is None else json.loads(value)


def write_note(database: Database, connection: Connection, name: str, value: Any) -> None:
    """Keep a JSON value within the caller's transaction."""
    values = {"name": name, "value": to_json(value)}
    statement = database.insert(notes).on_conflict_do_update(index_elements=["name"], set_=values)
    connection.execute(statement, values)
