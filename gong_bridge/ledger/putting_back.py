"""Takes delivered entries up again whose call Gong has no more: guarded, so that none is ever sent twice for it."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import Connection, select, update

from gong_bridge.ledger.calls import SUPERSEDED
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_values, write_events
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.followers import free_followers
from gong_bridge.ledger.receipts import MISSING
from gong_bridge.ledger.rows import ENTRY_COLUMNS, encoded, entry_of
from gong_bridge.ledger.schema import entries
from gong_bridge.model import Entry, State


class PuttingBack:
    """The one verb that undoes a delivery."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @again_when_clashed
    def put_back(self, entry_id: int, call_id: str, now: datetime) -> bool:
        """Let this entry be drafted and delivered anew, as if it was found now; behind new recordings.

        Acts only while the entry is done with exactly this call: a second repair, a person, or another bridge that was
        faster is left alone. Earlier versions of the same call end as superseded, files that were part of it are
        looked at again. Returns whether it was done.
        """
        with self._database.write() as connection:
            entry = _get(connection, entry_id)
            if entry is None or entry.state is not State.DONE or entry.call_id != call_id:
                return False
            for earlier in _earlier_versions(connection, entry):
                _give_up(connection, earlier, entry, now)
            changes = {
                **_NO_CALL,
                "state": State.FOUND,
                "held_from": None,
                "reason_code": MISSING,
                "reason": f"Gong has no call {call_id} any more; a person had it delivered anew",
                "draft": None,
                "media": None,
                "client_unique_id": None,
                "replaces": None,
                "attempts": 0,
                "due_at": now,
                "backlog": True,
                "updated_at": now,
            }
            _write(connection, entry, changes, now)
            if entry.group_key is not None:
                free_followers(connection, entry.id, entry.source, entry.group_key, now)
        return True


_NO_CALL = {
    **NO_REASON,
    **NO_LEASE,
    "call_id": None,
    "intent": None,
    "owns_call": False,
    "delivery": None,
    "linked_at": None,
    "link_expires_at": None,
    "share_with": (),
}


def _get(connection: Connection, entry_id: int) -> Entry | None:
    statement = select(*ENTRY_COLUMNS).where(entries.c.id == entry_id).with_for_update()
    row = connection.execute(statement).one_or_none()
    return None if row is None else entry_of(row)


def _earlier_versions(connection: Connection, entry: Entry) -> list[Entry]:
    """Entries whose media the same call had before."""
    found: list[Entry] = []
    before = entry.replaces
    while before is not None:
        earlier = _get(connection, before)
        if earlier is None or earlier.call_id != entry.call_id or earlier.state is not State.DONE:
            break
        found.append(earlier)
        before = earlier.replaces
    return found


def _give_up(connection: Connection, earlier: Entry, entry: Entry, now: datetime) -> None:
    changes = {
        **_NO_CALL,
        "state": State.SKIPPED,
        "held_from": State.DELIVERED,
        "reason_code": SUPERSEDED,
        "reason": f"entry {entry.id} is a newer version of the same recording and goes on with the call",
        "duplicate_of": entry.id,
        "updated_at": now,
    }
    _write(connection, earlier, changes, now)


def _write(connection: Connection, entry: Entry, changes: dict[str, object], now: datetime) -> None:
    connection.execute(update(entries).where(entries.c.id == entry.id).values(encoded(changes)))
    write_events(connection, [event_values(dataclasses.replace(entry, **changes), entry.state, now)])  # type: ignore[arg-type]
