"""The worker's verbs: claim an entry under a lease, record each step, give it back."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update

from gong_bridge.errors import SourceChanged, SourceGone
from gong_bridge.ledger.calls import DuplicateCall
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, write_events, write_leased
from gong_bridge.ledger.claims import Lanes, Order, claim_statement, look_statement
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.followers import free_followers
from gong_bridge.ledger.known import GONE
from gong_bridge.ledger.operating import REOPEN_COLUMNS, reopen
from gong_bridge.ledger.rows import entry_of, micros
from gong_bridge.ledger.schema import IS_LEASED, entries
from gong_bridge.model import OPEN_STATES, Entry, State

FRESH_SECONDS = 60.0
"""A live recording found this recently goes before everything else (R26)."""

_LOST = (GONE, SourceGone.code, SourceChanged.code)
"""Codes of entries that ended because their file is no longer there: a copy of it may go on instead."""
_DUPLICATES = select(*REOPEN_COLUMNS).where(
    entries.c.state == State.SKIPPED.value,
    entries.c.reason_code == DuplicateCall.code,
    entries.c.duplicate_of == bindparam("of_entry"),
)

_RANK = {state: rank for rank, state in enumerate((*OPEN_STATES, State.DONE))}


_RENEW = (
    update(entries)
    .where(entries.c.lease_token.in_(bindparam("tokens", expanding=True)), IS_LEASED)
    .values(lease_until=bindparam("until"))
    .returning(entries.c.lease_token)
)
_TOKENS = select(entries.c.lease_token).where(IS_LEASED)
_FREE = (
    update(entries)
    .where(entries.c.lease_token.in_(bindparam("tokens", expanding=True)), IS_LEASED)
    .values(**NO_LEASE)
    .returning(entries.c.id, entries.c.state, entries.c.attempts)
)


class Work:
    """What a worker does with entries. Every write of a claimed entry raises LeaseLost when it is no longer ours."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._idle = {False: True, True: True}

    @again_when_clashed
    def claim(
        self,
        owner: str,
        now: datetime,
        lease_seconds: float,
        live_only: bool = False,
        lanes: Lanes = None,
        order: Order = "oldest",
    ) -> Entry | None:
        """The next entry of these lanes to work on, leased to `owner` until `now + lease_seconds`, or None.

        Live calls found within the last 60 s first, the newest of them foremost; then live calls, then backlog: of
        each what was begun, then by how long they have been due, or the newest recording first. `live_only` leaves the
        backlog alone. `owner` names a process (owner.owner_name) and comes back in `release_dead`.
        """
        look = {"at": micros(now), "fresh_since": micros(now - timedelta(seconds=FRESH_SECONDS))}
        if self._idle[live_only]:  # an idle worker only looks, and keeps nobody from writing
            with self._database.read() as connection:
                if connection.execute(look_statement(lanes, live_only=live_only, order=order), look).scalar() is None:
                    return None
        token = f"{owner}#{uuid.uuid4().hex}"
        until = micros(now + timedelta(seconds=lease_seconds))
        with self._database.write() as connection:
            statement = claim_statement(lanes, live_only=live_only, order=order)
            row = connection.execute(statement, {**look, "token": token, "until": until}).one_or_none()
        self._idle[live_only] = row is None
        return None if row is None else entry_of(row)

    def is_any(self, now: datetime, lanes: Lanes = None) -> bool:
        """Whether there is something to claim; one short look that changes nothing and keeps nobody waiting."""
        look = {"at": micros(now), "fresh_since": micros(now - timedelta(seconds=FRESH_SECONDS))}
        (row,) = self._database.glance(look_statement(lanes, live_only=False, order="oldest"), look)
        return row[0] is not None

    @again_when_clashed
    def renew(self, tokens: Collection[str], until: datetime) -> set[str]:
        """Prolong leases; the tokens that still hold. The others' work is lost."""
        if not tokens:
            return set()
        with self._database.write() as connection:
            rows = connection.execute(_RENEW, {"tokens": list(tokens), "until": micros(until)})
            return set(rows.scalars())

    @again_when_clashed
    def advance(
        self,
        entry: Entry,
        to: State,
        now: datetime,
        *,
        code: str | None = None,
        reason: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        **changes: Any,
    ) -> Entry:
        """Record a reached checkpoint; the lease ends with State.DONE.

        `changes`: further fields of model.Entry (call_id, draft, media, intent, ...). Intent and reason are cleared
        unless given. Raises ValueError for a step backwards or a state that is no checkpoint.
        """
        if to not in _RANK or _RANK[to] < _RANK[entry.state]:
            raise ValueError(f"entry {entry.id} cannot go from {entry.state} to {to}")
        lease = NO_LEASE if to is State.DONE else {}
        told = {"reason_code": code, "reason": reason, "http_status": http_status, "request_id": request_id}
        given = {**NO_REASON, **told, "intent": None, **lease, **changes, "state": to}
        with self._database.write() as connection:
            return write_leased(connection, entry, now, given)

    @again_when_clashed
    def note_intent(self, entry: Entry, intent: str | None, now: datetime, **changes: Any) -> Entry:
        """Write down that a request is about to be sent ("create" or "deliver"); None: its outcome is known.

        `changes`: what the request says besides, such as the way of delivery, by the names of model.Entry.
        """
        with self._database.write() as connection:
            return write_leased(connection, entry, now, {"intent": intent, **changes}, with_event=False)

    @again_when_clashed
    def postpone(
        self,
        entry: Entry,
        now: datetime,
        due_at: datetime,
        code: str,
        reason: str,
        count_attempt: bool,
        http_status: int | None = None,
        request_id: str | None = None,
        clear_intent: bool = False,
    ) -> Entry:
        """Give the entry back until `due_at`. The intent stays (the outcome may be unclear) unless `clear_intent`.

        Waiting on for the same reason without a spent attempt writes no further event: a wait of hours is one line.
        """
        changes: dict[str, Any] = {
            **NO_REASON,
            **NO_LEASE,
            **_told(code, reason, http_status, request_id),
            "due_at": due_at,
            "attempts": entry.attempts + count_attempt,
        }
        if clear_intent:
            changes["intent"] = None
        news = count_attempt or entry.reason_code != code
        with self._database.write() as connection:
            return write_leased(connection, entry, now, changes, with_event=news)

    def hold(
        self,
        entry: Entry,
        now: datetime,
        code: str,
        reason: str,
        person: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        clear_intent: bool = False,
    ) -> Entry:
        """Keep the entry for a person. `person`: whom nobody knows, such as "extension 204" (see held_groups)."""
        told = _told(code, reason, http_status, request_id)
        return self._stop(entry, State.HELD, now, {**told, "person": person}, clear_intent)

    def reject(
        self,
        entry: Entry,
        now: datetime,
        code: str,
        reason: str,
        http_status: int | None = None,
        request_id: str | None = None,
        clear_intent: bool = False,
    ) -> Entry:
        """Give up: attempts are spent or the refusal is final. Only an operator takes it up again."""
        return self._stop(entry, State.REJECTED, now, _told(code, reason, http_status, request_id), clear_intent)

    def skip(
        self,
        entry: Entry,
        now: datetime,
        code: str,
        reason: str,
        duplicate_of: int | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        clear_intent: bool = False,
    ) -> Entry:
        """An outcome without a call, such as a duplicate (R12, with the first one's id) or a call too short.

        Without a call, and with no request under way, the clientUniqueId becomes free for another recording.
        """
        changes = {**_told(code, reason, http_status, request_id), "duplicate_of": duplicate_of}
        if entry.call_id is None and (entry.intent is None or clear_intent):
            changes["owns_call"] = False
        return self._stop(entry, State.SKIPPED, now, changes, clear_intent)

    @again_when_clashed
    def release(self, entry: Entry, now: datetime) -> None:
        """Give the entry back as it is, at once (graceful stop)."""
        with self._database.write() as connection:
            write_leased(connection, entry, now, NO_LEASE, with_event=False)

    @again_when_clashed
    def release_dead(self, is_alive: Callable[[str], bool], now: datetime) -> int:
        """Free what dead processes left leased; how many. `is_alive` is asked once for each owner."""
        with self._database.read() as connection:
            tokens = list(connection.execute(_TOKENS).scalars())
        alive = {owner: is_alive(owner) for owner in {owner_of_token(token) for token in tokens}}
        dead = [token for token in tokens if not alive[owner_of_token(token)]]
        if not dead:
            return 0
        with self._database.write() as connection:
            freed = connection.execute(_FREE, {"tokens": dead}).all()
            told = (
                event_row(row[0], now, from_state=row[1], to_state=row[1], attempt=row[2], code="worker-died")
                for row in freed
            )
            write_events(connection, told)
        return len(freed)

    @again_when_clashed
    def _stop(self, entry: Entry, to: State, now: datetime, changes: dict[str, Any], clear_intent: bool) -> Entry:
        if entry.state not in OPEN_STATES:
            raise ValueError(f"entry {entry.id} is {entry.state} already")
        given = {**NO_REASON, **NO_LEASE, **changes, "state": to, "held_from": entry.state}
        if clear_intent:
            given["intent"] = None
        with self._database.write() as connection:
            stopped = write_leased(connection, entry, now, given)
            if entry.client_unique_id is not None and stopped.reason_code in _LOST:
                rows = connection.execute(_DUPLICATES, {"of_entry": entry.id}).all()
                if rows:
                    reopen(connection, rows, now, "original-gone")
            if entry.group_key is not None and stopped.reason_code in _LOST:
                free_followers(connection, entry.id, entry.source, entry.group_key, now)
            return stopped


def owner_of_token(token: str) -> str:
    """The owner who claimed with this lease token."""
    return token.rpartition("#")[0]


def _told(code: str, reason: str, http_status: int | None, request_id: str | None) -> dict[str, Any]:
    return {"reason_code": code, "reason": reason, "http_status": http_status, "request_id": request_id}
