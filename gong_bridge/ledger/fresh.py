"""Writes down a batch of new recordings in one statement, each with the event that it was found.

The batch goes to the database as one parameter, for the same reason as in known.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.rows import micros
from gong_bridge.model import Recording

_ENTRIES = """
INSERT INTO entries (source, reach, backlog, state, attempts, due_at, found_at, updated_at, owns_call,
  key, version, size_bytes, modified_at, replaces)
SELECT :source, :reach, :backlog, 'found', 0, :at, :at, :at, {false}, {columns} ON CONFLICT DO NOTHING
"""
_EVENTS = "INSERT INTO events (entry_id, at, to_state, attempt) SELECT id, :at, 'found', 0 FROM "
_IN_JSON = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(5)) + " FROM json_each(:batch) WHERE true"
_SQLITE_LAST = text("SELECT coalesce(max(id), 0) FROM entries")
_SQLITE_ENTRIES = text(_ENTRIES.format(false="0", columns=_IN_JSON))
_SQLITE_EVENTS = text(_EVENTS + "entries WHERE id > :last")
_IN_ARRAYS = """key, version, size_bytes, modified_at, replaces
FROM unnest(CAST(:keys AS text[]), CAST(:versions AS text[]), CAST(:sizes AS bigint[]), CAST(:times AS bigint[]),
  CAST(:replaced AS bigint[])) AS batch (key, version, size_bytes, modified_at, replaces)"""
_POSTGRESQL = text(
    f"WITH fresh AS ({_ENTRIES.format(false='false', columns=_IN_ARRAYS)} RETURNING id) {_EVENTS} fresh ORDER BY id"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fresh:
    """A recording without a row. replaces: id of the row of its earlier version."""

    recording: Recording
    replaces: int | None


def write_fresh(
    database: Database, connection: Connection, lane: Lane, batch: Sequence[Fresh], *, backlog: bool, now: datetime
) -> int:
    """Rows and events within the caller's transaction; how many rows are new. What is there already stays."""
    if not batch:
        return 0
    shared: dict[str, Any] = {
        "source": lane.source, "reach": lane.reach or "", "backlog": backlog, "at": micros(now),
    }  # fmt: skip
    rows = [
        (one.recording.key, one.recording.version, one.recording.size_bytes, micros(one.recording.modified_at),
         one.replaces)
        for one in batch
    ]  # fmt: skip
    if database.is_sqlite:  # the only writer: what is behind the last row is of this batch
        last = connection.execute(_SQLITE_LAST).scalar_one()
        connection.execute(_SQLITE_ENTRIES, {**shared, "batch": json.dumps(rows)})
        return connection.execute(_SQLITE_EVENTS, {"at": shared["at"], "last": last}).rowcount
    names = ("keys", "versions", "sizes", "times", "replaced")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return connection.execute(_POSTGRESQL, {**shared, **columns}).rowcount
