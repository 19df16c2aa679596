"""One change of one entry: the row and its event, together, and a worker's only while its lease holds."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, update

from gong_bridge.errors import LeaseLost
from gong_bridge.ledger.rows import clean, encoded, micros
from gong_bridge.ledger.schema import entries, events
from gong_bridge.model import Entry, State

_INSERT_EVENT = events.insert()
NO_LEASE: dict[str, Any] = {"lease_token": None, "lease_until": None}
NO_REASON: dict[str, Any] = {
    "reason_code": None,
    "reason": None,
    "person": None,
    "http_status": None,
    "request_id": None,
    "duplicate_of": None,
}


def write_leased(
    connection: Connection, entry: Entry, now: datetime, changes: dict[str, Any], *, with_event: bool = True
) -> Entry:
    """Change `entry`, which the caller must hold; the changed entry back.

    `changes`: new values by the names of model.Entry. Raises LeaseLost when the lease ran out and was taken, or the
    entry was changed by a person or a newer version of the recording.
    """
    if entry.lease_token is None:
        raise LeaseLost(f"entry {entry.id} is not claimed")
    if "draft" in changes:
        changes = {**changes, "started_at": start_of(changes["draft"])}
    changed = dataclasses.replace(entry, updated_at=now, **changes)
    values = encoded(changes)
    values["updated_at"] = micros(now)
    statement = _leased_update(tuple(values))
    values["entry_id"] = entry.id
    values["held_token"] = entry.lease_token
    if connection.execute(statement, values).rowcount != 1:
        raise LeaseLost(f"entry {entry.id} is worked on by somebody else, or was changed by a person")
    if with_event:
        write_events(connection, [event_values(changed, entry.state, now)])
    return changed


def start_of(draft: Mapping[str, Any] | None) -> datetime | None:
    """When the call of a draft began; None where that is not told."""
    start = (draft or {}).get("actualStart")
    return None if start is None else datetime.fromisoformat(start)


@lru_cache(maxsize=64)
def _leased_update(columns: tuple[str, ...]) -> Update:
    return (
        update(entries)
        .where(entries.c.id == bindparam("entry_id"), entries.c.lease_token == bindparam("held_token"))
        .values({name: bindparam(name, type_=entries.c[name].type) for name in columns})
    )


def event_values(changed: Entry, from_state: State | None, now: datetime) -> dict[str, Any]:
    """The event row that tells how `changed` became what it is."""
    return event_row(
        changed.id,
        now,
        from_state=from_state,
        to_state=changed.state,
        attempt=changed.attempts,
        code=changed.reason_code,
        reason=changed.reason,
        http_status=changed.http_status,
        request_id=changed.request_id,
    )


def event_row(
    entry_id: int,
    now: datetime,
    *,
    from_state: str | None,
    to_state: str,
    attempt: int = 0,
    code: str | None = None,
    reason: str | None = None,
    http_status: int | None = None,
    request_id: str | None = None,
) -> dict[str, Any]:
    """Column values of one event."""
    return {
        "entry_id": entry_id,
        "at": micros(now),
        "from_state": None if from_state is None else str(from_state),
        "to_state": str(to_state),
        "attempt": attempt,
        "code": code,
        "reason": clean(reason),
        "http_status": http_status,
        "request_id": clean(request_id),
    }


def write_events(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Append events; the caller's transaction changes the entries they tell of."""
    rows = list(rows)
    if rows:
        connection.execute(_INSERT_EVENT, rows)
