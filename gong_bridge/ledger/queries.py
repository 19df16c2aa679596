"""What became of recordings: lists, counts and exports; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from gong_bridge.errors import RateLimited
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.filters import EntryFilter, Lane, in_lanes, in_states
from gong_bridge.ledger.quota import Waiting
from gong_bridge.ledger.rows import ENTRY_COLUMNS, entry_of, event_of, micros, moment
from gong_bridge.ledger.schema import HAS_REMARK, IS_BEGUN, IS_HELD, IS_OPEN, REPLACES, entries, events
from gong_bridge.model import Entry, EntryEvent, State

_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldGroup:
    """Held (or rejected) entries that wait for the same cure. `entry_id` is one of them, as an example."""

    code: str
    person: str | None
    count: int
    entry_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownPerson:
    """Somebody whom nobody knows, such as "extension 204", and what waits for that. `entry_id` is the first of them."""

    person: str
    count: int
    first_found_at: datetime
    last_found_at: datetime
    entry_id: int


class Views:
    """Reading the ledger. Lists stream: a page of rows is in memory, never the whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, entry_id: int) -> Entry | None:
        """The entry with this id."""
        return self._one(select(*ENTRY_COLUMNS).where(entries.c.id == entry_id))

    def is_live_waiting(self, lanes: Sequence[Lane], now: datetime) -> bool:
        """Whether a new recording of these lanes is due, or is being looked at and has no call yet.

        One whose media is on its way has what it needs of the allowance.
        """
        is_leased = entries.c.lease_until >= micros(now)
        wanted = (
            select(entries.c.id)
            .where(IS_OPEN, in_lanes(lanes), ~entries.c.backlog, entries.c.due_at <= micros(now))
            .where(or_(entries.c.lease_until.is_(None), ~is_leased, in_states((State.FOUND, State.DRAFTED))))
            .limit(1)
        )
        with self._database.read() as connection:
            return connection.execute(wanted).scalar() is not None

    def find_latest(self, source: str, key: str, reach: str | None = None) -> Entry | None:
        """The newest entry of this recording, as whoever has this reach sees it."""
        statement = select(*ENTRY_COLUMNS).where(Lane(source, reach).condition(), entries.c.key == key)
        return self._one(statement.order_by(entries.c.id.desc()).limit(1))

    def successor_of(self, entry: Entry) -> Entry | None:
        """The newest entry that replaces this one."""
        statement = select(*ENTRY_COLUMNS).where(entries.c.replaces == entry.id, REPLACES)
        return self._one(statement.order_by(entries.c.id.desc()).limit(1))

    def entries(
        self, filter: EntryFilter | None = None, limit: int | None = None, newest_first: bool = False
    ) -> Iterator[Entry]:
        """Entries that match, in the order of their ids; at most `limit`."""
        conditions = (filter or EntryFilter()).conditions()
        order = entries.c.id.desc() if newest_first else entries.c.id
        last: int | None = None
        left = limit
        while left is None or left > 0:
            page = _PAGE if left is None else min(_PAGE, left)
            statement = select(*ENTRY_COLUMNS).where(*conditions).order_by(order).limit(page)
            if last is not None:
                statement = statement.where(entries.c.id < last if newest_first else entries.c.id > last)
            with self._database.read() as connection:
                rows = connection.execute(statement).all()
            yield from map(entry_of, rows)
            if len(rows) < page:
                return
            last = rows[-1].id
            left = None if left is None else left - page

    def events(self, entry_id: int) -> list[EntryEvent]:
        """Every transition of one entry, oldest first."""
        columns = [column for column in events.c if column.name != "id"]
        statement = select(*columns).where(events.c.entry_id == entry_id).order_by(events.c.id)
        with self._database.read() as connection:
            return [event_of(row) for row in connection.execute(statement)]

    def latest_events(self, limit: int) -> list[EntryEvent]:
        """The last transitions of all entries together, newest first."""
        columns = [column for column in events.c if column.name != "id"]
        statement = select(*columns).order_by(events.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [event_of(row) for row in connection.execute(statement)]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many entries each source has in each state; states without any are left out."""
        statement = select(entries.c.state, entries.c.source, func.count()).group_by(entries.c.state, entries.c.source)
        found: dict[str, dict[str, int]] = {}
        with self._database.read() as connection:
            for state, source, count in connection.execute(statement):
                found.setdefault(source, {})[state] = count
        return found

    def waiting(self, sources: Sequence[str] | None = None) -> Waiting:
        """What Gong must still be called for (in these sources)."""
        created = entries.c.state == State.CREATED.value
        statement = (
            select(created, func.count(), func.sum(entries.c.size_bytes))
            .where(IS_OPEN, entries.c.state != State.DELIVERED.value)
            .group_by(created)
        )
        if sources is not None:
            statement = statement.where(entries.c.source.in_(sources))
        with self._database.read() as connection:
            rows = {bool(row[0]): (int(row[1]), int(row[2])) for row in connection.execute(statement)}
        to_create, to_deliver = rows.get(False, (0, 0)), rows.get(True, (0, 0))
        return Waiting(to_create=to_create[0], to_deliver=to_deliver[0], size_bytes=to_create[1] + to_deliver[1])

    def held_groups(self) -> list[HeldGroup]:
        """What needs a person, the most frequent first."""
        statement = (
            select(entries.c.reason_code, entries.c.person, func.count(), func.min(entries.c.id))
            .where(IS_HELD)
            .group_by(entries.c.reason_code, entries.c.person)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        groups = [HeldGroup(code=row[0] or "held", person=row[1], count=row[2], entry_id=row[3]) for row in rows]
        return sorted(groups, key=lambda group: (-group.count, group.code, group.person or ""))

    def rejected_groups(self) -> list[HeldGroup]:
        """What was given up, by the last reason, the most frequent first."""
        statement = (
            select(entries.c.reason_code, func.count(), func.min(entries.c.id))
            .where(entries.c.state == State.REJECTED.value)
            .group_by(entries.c.reason_code)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        groups = [HeldGroup(code=row[0] or "", person=None, count=row[1], entry_id=row[2]) for row in rows]
        return sorted(groups, key=lambda group: (-group.count, group.code))

    def unknown_people(self, filter: EntryFilter) -> list[UnknownPerson]:
        """For whom held entries wait, those with most first."""
        found_at = entries.c.found_at
        statement = (
            select(entries.c.person, func.count(), func.min(found_at), func.max(found_at), func.min(entries.c.id))
            .where(IS_HELD, entries.c.person.is_not(None), *filter.conditions())
            .group_by(entries.c.person)
        )
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        people = [
            UnknownPerson(
                person=row[0],
                count=row[1],
                first_found_at=moment(row[2]),
                last_found_at=moment(row[3]),
                entry_id=row[4],
            )
            for row in rows
        ]
        return sorted(people, key=lambda one: (-one.count, one.person))

    def waiting_counts(self) -> dict[str, int]:
        """Reason code -> how many open entries wait for that."""
        return self._counted(entries.c.reason_code, IS_OPEN)

    def remark_counts(self) -> dict[str, int]:
        """Remark -> how many entries bear it, whatever became of them."""
        return self._counted(entries.c.remark, HAS_REMARK)

    def _counted(self, column: Any, condition: Any) -> dict[str, int]:
        statement = select(column, func.count()).where(condition, column.is_not(None)).group_by(column)
        with self._database.read() as connection:
            return {str(row[0]): int(row[1]) for row in connection.execute(statement.order_by(column))}

    def oldest_waiting(self, now: datetime) -> Entry | None:
        """The open entry that was found first, at or before `now`."""
        oldest = select(entries.c.id).where(IS_OPEN, entries.c.found_at <= micros(now)).order_by(entries.c.found_at)
        return self._one(select(*ENTRY_COLUMNS).where(entries.c.id == oldest.limit(1).scalar_subquery()))

    def open_count(self, lanes: Sequence[Lane] | None = None, *, code: str | None = None) -> int:
        """How many entries (of these lanes, waiting for this reason) bridges still have to work on by themselves."""
        statement = select(func.count()).select_from(entries).where(IS_OPEN)
        if lanes is not None:
            statement = statement.where(in_lanes(lanes))
        if code is not None:
            statement = statement.where(entries.c.reason_code == code)
        with self._database.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def uploads_owed(self, account: str | None, now: datetime) -> int:
        """How many calls of this Gong account wait for nothing but the allowance to get their media."""
        statement = (
            select(func.count())
            .select_from(entries)
            .where(IS_BEGUN, entries.c.state == State.CREATED.value, entries.c.account == (account or ""))
            .where(or_(entries.c.delivery.is_(None), entries.c.delivery != "link"))
            .where(or_(entries.c.reason_code.is_(None), entries.c.reason_code == RateLimited.code))
            .where(or_(entries.c.lease_until.is_(None), entries.c.lease_until < micros(now)))
        )
        with self._database.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def links_due(
        self, now: datetime, limit: int, account: str | None = None, lanes: Sequence[Lane] | None = None
    ) -> list[str]:
        """Call ids of recordings (of these lanes) that this Gong account was to fetch by a link, and that are due."""
        statement = (
            select(entries.c.call_id)
            .where(
                entries.c.state == State.CREATED.value, entries.c.delivery == "link", entries.c.due_at <= micros(now)
            )
            .where(entries.c.call_id.is_not(None), entries.c.account == (account or ""))
            .order_by(entries.c.due_at, entries.c.id)
            .limit(limit)
        )
        if lanes is not None:
            statement = statement.where(in_lanes(lanes))
        with self._database.read() as connection:
            return list(connection.execute(statement).scalars())

    def export(self, filter: EntryFilter | None = None, *, with_events: bool = False) -> Iterator[dict[str, Any]]:
        """Entries as JSON-able objects with everything in them: `as_json`, the draft, the media facts, the events."""
        for entry in self.entries(filter):
            told = {**as_json(entry), "draft": entry.draft, "media": entry.media, "notification": entry.notification}
            if with_events:
                told["events"] = [event_as_json(event) for event in self.events(entry.id)]
            yield told

    def _one(self, statement: Any) -> Entry | None:
        with self._database.read() as connection:
            row = connection.execute(statement).one_or_none()
        return None if row is None else entry_of(row)


def as_json(entry: Entry) -> dict[str, Any]:
    """One line of `ledger list --json`; names are fixed, times are ISO-8601 in UTC."""
    return {
        "id": entry.id,
        "source": entry.source,
        "key": entry.key,
        "version": entry.version,
        "size_bytes": entry.size_bytes,
        "state": entry.state.value,
        "held_from": None if entry.held_from is None else entry.held_from.value,
        "client_unique_id": entry.client_unique_id,
        "call_id": entry.call_id,
        "attempts": entry.attempts,
        "due_at": entry.due_at.isoformat(),
        "reason_code": entry.reason_code,
        "reason": entry.reason,
        "person": entry.person,
        "remark": entry.remark,
        "sidecar_key": entry.sidecar_key,
        "http_status": entry.http_status,
        "request_id": entry.request_id,
        "intent": entry.intent,
        "duplicate_of": entry.duplicate_of,
        "replaces": entry.replaces,
        "account": entry.account,
        "delivery": entry.delivery,
        "link_expires_at": None if entry.link_expires_at is None else entry.link_expires_at.isoformat(),
        "backlog": entry.backlog,
        "reach": entry.reach,
        "working": entry.lease_token is not None,
        "modified_at": entry.modified_at.isoformat(),
        "found_at": entry.found_at.isoformat(),
        "updated_at": entry.updated_at.isoformat(),
    }


def event_as_json(event: EntryEvent) -> dict[str, Any]:
    """One line of an entry's history."""
    return {
        "at": event.at.isoformat(),
        "from": None if event.from_state is None else event.from_state.value,
        "to": event.to_state.value,
        "attempt": event.attempt,
        "code": event.code,
        "reason": event.reason,
        "http_status": event.http_status,
        "request_id": event.request_id,
    }
