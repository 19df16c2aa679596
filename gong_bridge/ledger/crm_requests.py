"""Which CRM requests were made, by what they carried: so that none is made twice, by whom it ever is repeated."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.notes import read_note, write_note
from gong_bridge.ledger.rows import clean
from gong_bridge.ledger.schema import notes

_PREFIX = "crm-request:"
KEPT_FOR = timedelta(days=400)
"""So long a request is remembered after it was made."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CrmRequestNote:
    """One request. name: what it is about (account, integration, object type, digest of the content).

    what: the object type, or DELETE. turn: how often this content was meant to be sent, from 1. outcome: None while
    nobody has seen its end. file: as the person called it.
    """

    name: str
    client_request_id: str
    integration_id: str
    what: str
    turn: int
    begun_at: datetime
    outcome: str | None = None
    file: str = ""


class CrmRequests:
    """The requests of all processes on a ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, wanted: CrmRequestNote) -> CrmRequestNote:
        """Write `wanted` down, in place of an earlier turn; what is there already when its turn is as late."""
        with self._database.write() as connection:
            there = _read(wanted.name, read_note(connection, _PREFIX + wanted.name))
            if there is not None and there.turn >= wanted.turn:
                return there
            write_note(self._database, connection, _PREFIX + wanted.name, _as_json(wanted))
        self._forget_old(wanted.begun_at)
        return wanted

    def get(self, name: str) -> CrmRequestNote | None:
        """The latest request about this; None when there was none."""
        with self._database.read() as connection:
            return _read(name, read_note(connection, _PREFIX + name))

    def end(self, request: CrmRequestNote, outcome: str) -> None:
        """How it ended."""
        with self._database.write() as connection:
            there = _read(request.name, read_note(connection, _PREFIX + request.name))
            if there is not None and there.client_request_id == request.client_request_id:
                ended = _as_json(replace(there, outcome=outcome))
                write_note(self._database, connection, _PREFIX + request.name, ended)

    def all(self) -> list[CrmRequestNote]:
        """Every request that is remembered, the latest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(notes.c.name, notes.c.value).where(notes.c.name.startswith(_PREFIX, autoescape=True))
            ).all()
        found = [_read(row.name.removeprefix(_PREFIX), json.loads(row.value)) for row in rows]
        return sorted((one for one in found if one is not None), key=lambda one: one.begun_at, reverse=True)

    def _forget_old(self, now: datetime) -> None:
        old = [_PREFIX + one.name for one in self.all() if one.begun_at < now - KEPT_FOR]
        if old:
            with self._database.write() as connection:
                connection.execute(delete(notes).where(notes.c.name.in_(old)))


def _as_json(request: CrmRequestNote) -> dict[str, object]:
    return {
        "id": request.client_request_id,
        "integration": request.integration_id,
        "what": request.what,
        "turn": request.turn,
        "at": request.begun_at.isoformat(),
        "outcome": request.outcome,
        "file": clean(request.file),
    }


def _read(name: str, value: dict[str, object] | None) -> CrmRequestNote | None:
    if value is None:
        return None
    return CrmRequestNote(
        name=name,
        client_request_id=str(value["id"]),
        integration_id=str(value["integration"]),
        what=str(value["what"]),
        turn=int(str(value["turn"])),
        begun_at=datetime.fromisoformat(str(value["at"])),
        outcome=None if value["outcome"] is None else str(value["outcome"]),
        file=str(value["file"] or ""),
    )
