"""What sources write: recordings become rows, a new version of a known recording finds its right place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from gong_bridge.errors import BadNotification
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, write_events
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.followers import free_followers
from gong_bridge.ledger.fresh import Fresh, write_fresh
from gong_bridge.ledger.known import PAGE, Known
from gong_bridge.ledger.rows import clean, clean_whole, encoded, micros
from gong_bridge.ledger.schema import IS_GONE, IS_HELD, entries
from gong_bridge.model import Notification, Recording, State
from gong_bridge.recording_page import RecordingPage

_CHUNK = 500
BY_OPERATOR = "operator"
"""Code of a skip by a person; nothing but a person undoes it."""

NOTIFICATION = "notification"
"""The version of an entry that stands for a message of the queue; no recording's version looks so."""
MOST_NOTIFICATIONS = 1000
"""So many messages of one queue are held; whatever else cannot be understood stays in the queue."""

_NOTHING_SENT = (State.FOUND, State.DRAFTED)
_OF_KEYS = (
    entries.c.source == bindparam("of_source"),
    entries.c.reach == bindparam("of_reach"),
    entries.c.key.in_(bindparam("keys", expanding=True)),
)
_KNOWN = (
    select(
        entries.c.id,
        entries.c.key,
        entries.c.version,
        entries.c.state,
        entries.c.held_from,
        entries.c.call_id,
        entries.c.intent,
        entries.c.reason_code,
        entries.c.group_key,
        IS_GONE.label("is_gone"),
    )
    .where(*_OF_KEYS)
    .order_by(entries.c.id)
)
_KEPT_NOTIFICATIONS = (
    select(func.count())
    .select_from(entries)
    .where(IS_HELD, entries.c.reason_code == BadNotification.code, entries.c.source == bindparam("of_source"))
)
_RESTART: dict[str, Any] = {**NO_REASON, **NO_LEASE, "held_from": None, "attempts": 0}


class Intake:
    """The verbs of a source."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = Known(database)

    def unseen(
        self, recordings: Sequence[Recording], reach: str | None = None, *, new_since: datetime | None = None
    ) -> list[Recording]:
        """Those whose exact version is not known within `reach`, or is known as gone: it came back.

        `new_since`: what was last changed before then is left out, unless an earlier version of it is known.
        """
        unseen: list[Recording] = []
        for page in _pages(recordings):
            unseen += self._known.unknown(Lane(page.source, reach), page, new_since)
        return unseen

    def add(self, recordings: Sequence[Recording], backlog: bool, now: datetime, reach: str | None = None) -> int:
        """Write recordings down; how many rows are new or changed. Repeating it changes nothing.

        `reach`: who can open them; two hosts may each have a file of one name, and both are recordings of their own.
        `backlog`: they were there when the source started, so live calls go first (R26). A new version of a known
        recording takes over its row while nothing was sent to Gong; otherwise it gets a row of its own that `replaces`
        the known one. A batch of 500 is one transaction.
        """
        changed = 0
        for source, batch in _chunks(recordings, _CHUNK):
            changed += self._add_batch(Lane(source, reach), batch, backlog, now)
        return changed

    def keep_notification(self, notification: Notification, now: datetime, reach: str | None = None) -> bool:
        """Keep a message that cannot be understood as a held entry (R17); repeating it changes nothing.

        False: so many are held for this source already that one more helps nobody.
        """
        key = f"sqs:{notification.message_id}"
        reason = clean(notification.reason)
        row = {
            **_new_row(
                Recording(
                    source=notification.source,
                    key=key,
                    version=NOTIFICATION,
                    size_bytes=len(notification.body.encode("utf-8", "replace")),
                    modified_at=now,
                ),
                backlog=False,
                now=now,
                replaces=None,
                reach=reach,
            ),
            "state": State.HELD.value,
            "held_from": State.FOUND.value,
            "reason_code": BadNotification.code,
            "reason": reason,
            "notification": clean_whole(notification.body),
        }
        with self._database.write() as connection:
            kept = connection.execute(_KEPT_NOTIFICATIONS, {"of_source": notification.source}).scalar_one()
            if kept >= MOST_NOTIFICATIONS:
                return False
            statement = self._database.insert(entries).on_conflict_do_nothing().returning(entries.c.id)
            ids = connection.execute(statement, [row]).scalars().all()
            told = [
                event_row(row_id, now, from_state=None, to_state=State.HELD, code=BadNotification.code, reason=reason)
                for row_id in ids
            ]
            write_events(connection, told)
        return True

    @again_when_clashed
    def _add_batch(self, lane: Lane, batch: Sequence[Recording], backlog: bool, now: datetime) -> int:
        with self._database.write() as connection:
            return self.add_within(connection, lane, batch, backlog=backlog, now=now)

    def add_within(
        self, connection: Connection, lane: Lane, batch: Sequence[Recording], *, backlog: bool, now: datetime
    ) -> int:
        """Like `add`, as a part of the caller's transaction: of one lane, each key once, a few hundred at most."""
        known = connection.execute(_KNOWN.with_for_update(), _of_keys(lane.source, batch, lane.reach)).all()
        versions = {(row.key, row.version): row for row in known}
        newest = {row.key: row for row in known}  # rows come in the order of their ids
        fresh: list[Fresh] = []
        changed = 0
        for recording in batch:
            same, latest = versions.get((recording.key, recording.version)), newest.get(recording.key)
            if same is not None:
                changed += _reopen_gone(connection, same, now)
            elif latest is not None and _nothing_sent(latest):
                changed += _take_over_row(connection, latest, recording, now)
            else:
                fresh.append(Fresh(recording=recording, replaces=None if latest is None else latest.id))
        return changed + write_fresh(self._database, connection, lane, fresh, backlog=backlog, now=now)


def _of_keys(source: str, batch: Sequence[Recording], reach: str | None) -> dict[str, Any]:
    return {"of_source": source, "of_reach": reach or "", "keys": [recording.key for recording in batch]}


def _pages(recordings: Sequence[Recording]) -> Iterator[RecordingPage]:
    """Pages in which each key stands once, as a listing gives them; those have nothing to sort out."""
    if isinstance(recordings, RecordingPage) and 0 < len(set(recordings.keys)) == len(recordings) <= PAGE:
        yield recordings
        return
    for source, batch in _chunks(recordings, PAGE):
        yield RecordingPage.of(source, batch)


def _chunks(recordings: Sequence[Recording], most: int) -> Iterator[tuple[str, Sequence[Recording]]]:
    """Batches of one source in which each key stands once, so that a batch can be decided from one look."""
    source, batch = "", dict[str, Recording]()
    for recording in recordings:
        present = batch.get(recording.key)
        if present == recording:
            continue
        if batch and (present is not None or recording.source != source or len(batch) >= most):
            yield source, list(batch.values())
            batch = {}
        source = recording.source
        batch[recording.key] = recording
    if batch:
        yield source, list(batch.values())


def _nothing_sent(row: Any) -> bool:
    if row.call_id is not None or row.intent is not None:
        return False
    if row.state == "skipped" and row.reason_code == BY_OPERATOR:
        return False
    return (row.held_from or row.state) in _NOTHING_SENT


def _new_row(
    recording: Recording, backlog: bool, now: datetime, replaces: int | None, reach: str | None
) -> dict[str, Any]:
    at = micros(now)
    return {
        "source": recording.source,
        "key": recording.key,
        "version": recording.version,
        "size_bytes": recording.size_bytes,
        "modified_at": micros(recording.modified_at),
        "state": State.FOUND.value,
        "attempts": 0,
        "due_at": at,
        "backlog": backlog,
        "replaces": replaces,
        "owns_call": False,
        "found_at": at,
        "updated_at": at,
        "reach": reach or "",
    }


def _take_over_row(connection: Connection, row: Any, recording: Recording, now: datetime) -> int:
    """The recording changed before anything was sent: the same row speaks of the new version from now on."""
    changes = {
        **_RESTART,
        "version": recording.version,
        "size_bytes": recording.size_bytes,
        "modified_at": recording.modified_at,
        "state": State.FOUND,
        "client_unique_id": None,
        "draft": None,
        "media": None,
        "owns_call": False,
        "sidecar_key": None,
        "sidecar_digest": None,
        "remark": None,
        "due_at": now,
        "updated_at": now,
        "group_key": None,
        "group_part": None,
    }
    connection.execute(update(entries).where(entries.c.id == row.id).values(encoded(changes)))
    told = event_row(row.id, now, from_state=row.state, to_state=State.FOUND, code="new-version")
    write_events(connection, [told])
    if row.group_key is not None:
        free_followers(connection, row.id, recording.source, row.group_key, now)
    return 1


def _reopen_gone(connection: Connection, row: Any, now: datetime) -> int:
    if not row.is_gone:
        return 0
    state = back_to(row.held_from, owns_or_has_call=row.call_id is not None or row.intent is not None)
    changes = {**_RESTART, "state": state, "due_at": now, "updated_at": now}
    connection.execute(update(entries).where(entries.c.id == row.id).values(encoded(changes)))
    write_events(connection, [event_row(row.id, now, from_state=row.state, to_state=state, code="came-back")])
    return 1


def back_to(held_from: str | None, *, owns_or_has_call: bool) -> State:
    """The open state that a stopped entry returns to.

    A skip gives the clientUniqueId free, so what was only drafted is drafted anew: another recording may own it now.
    So does one that had a call until another recording took it over.
    """
    return State(held_from or State.FOUND) if owns_or_has_call else State.FOUND
