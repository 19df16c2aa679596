"""The operator's verbs: take stopped entries up again, or set entries aside; in bulk by filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, TextClause, bindparam, case, or_, select, update

from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, write_events
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.filters import EntryFilter, Lane, in_lanes, in_states
from gong_bridge.ledger.intake import BY_OPERATOR, back_to
from gong_bridge.ledger.rows import clean, micros
from gong_bridge.ledger.schema import IS_OPEN, entries
from gong_bridge.model import OPEN_STATES, State

_CHUNK = 500
CLOCKS_DIFFER = timedelta(seconds=5)
"""So far a moment may lie ahead that was written a moment ago: hosts follow the ledger's clock now and then."""
LONGEST_LEASE = timedelta(minutes=10)
"""Nobody configures a longer one; bridges on one ledger may have leases that differ."""
_PAST = (entries.c.found_at, entries.c.updated_at, entries.c.linked_at)
_STOPPED = (State.HELD, State.REJECTED)
REOPEN_COLUMNS = (
    entries.c.id,
    entries.c.state,
    entries.c.held_from,
    entries.c.attempts,
    entries.c.call_id,
    entries.c.intent,
    entries.c.owns_call,
)
"""What `reopen` needs to know of an entry."""
_ChangeRows = Callable[[Connection, Sequence[Any]], None]
_Conditions = Sequence[ColumnElement[bool] | TextClause]


class Operator:
    """What a person, or a cured cause, does to entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def retry(self, filter: EntryFilter, now: datetime) -> int:
        """Take held and rejected entries up again, with all attempts, at once; how many.

        Skipped entries only when named by id: a filter must not send what was meant to stay away.
        """
        states = (*_STOPPED, State.SKIPPED) if filter.ids is not None else _STOPPED
        return self._change(
            [in_states(states), *filter.conditions()],
            lambda connection, rows: reopen(connection, rows, now, "retried"),
        )

    def hurry(self, filter: EntryFilter, now: datetime) -> int:
        """Make open entries that wait for a later moment due at once (their attempts stay spent); how many."""
        waiting = [in_states(OPEN_STATES), entries.c.lease_token.is_(None), entries.c.due_at > micros(now)]
        return self._change(
            [*waiting, *filter.conditions()], lambda connection, rows: _make_due(connection, rows, micros(now))
        )

    def bring_back_from_the_future(self, now: datetime, *, longest_wait: timedelta, lease: timedelta) -> int:
        """Correct open entries that were written by a clock which has been set back since; how many.

        None can have been found, changed or linked later than now, nor be due later than after `longest_wait`. What was
        is due at once. A lease that no heart can have prolonged so far ends after `lease`, unless its heart beats.
        """
        at, soon, last_due = micros(now), micros(now + CLOCKS_DIFFER), micros(now + longest_wait)
        impossible = or_(entries.c.due_at > last_due, *(column > soon for column in _PAST))
        late_lease = entries.c.lease_until > micros(now + max(LONGEST_LEASE, 2 * lease))
        look = select(entries.c.id).where(IS_OPEN, or_(impossible, late_lease)).limit(1)
        with self._database.read() as connection:  # every open entry is read: that must keep nobody from writing
            if connection.execute(look).one_or_none() is None:
                return 0
        waiting = self._change([IS_OPEN, impossible], lambda connection, rows: _bring_back(connection, rows, at))
        until = micros(now + lease)
        leased = self._change([IS_OPEN, late_lease], lambda connection, rows: _shorten(connection, rows, until))
        return waiting + leased

    def reopen_held(
        self,
        now: datetime,
        *,
        codes: tuple[str, ...] = (),
        persons: tuple[str, ...] = (),
        lanes: tuple[Lane, ...] | None = None,
        source: str | None = None,
    ) -> int:
        """Take up again what was held (here) for these codes or persons, because the cause is cured; how many."""
        if not codes and not persons:
            return 0
        cured = or_(entries.c.reason_code.in_(codes), entries.c.person.in_(persons))
        within = () if lanes is None else (in_lanes(lanes),)
        return self._change(
            [in_states((State.HELD,)), cured, *within, *EntryFilter(source=source).conditions()],
            lambda connection, rows: reopen(connection, rows, now, "cause-cured"),
        )

    def skip_by_operator(self, filter: EntryFilter, now: datetime, reason: str) -> int:
        """Set open, held and rejected entries aside until a person takes them up again; how many.

        A worker that holds one gets LeaseLost at its next write.
        """
        wanted = [in_states((*OPEN_STATES, *_STOPPED)), *filter.conditions()]
        return self._change(wanted, lambda connection, rows: _set_aside(connection, rows, now, reason))

    def _change(self, conditions: _Conditions, change: _ChangeRows) -> int:
        """Chunk by chunk, each a transaction of its own: workers never wait long behind a bulk verb."""
        changed, after = 0, 0
        while True:
            ids = self._change_chunk([*conditions, entries.c.id > after], change)
            changed += len(ids)
            if len(ids) < _CHUNK:
                return changed
            after = ids[-1]

    @again_when_clashed
    def _change_chunk(self, conditions: _Conditions, change: _ChangeRows) -> list[int]:
        statement = select(*REOPEN_COLUMNS).where(*conditions).order_by(entries.c.id).limit(_CHUNK).with_for_update()
        with self._database.write() as connection:
            rows = connection.execute(statement).all()
            if rows:
                change(connection, rows)
        return [row.id for row in rows]


def reopen(connection: Connection, rows: Sequence[Any], now: datetime, code: str) -> None:
    """Take stopped entries (rows of REOPEN_COLUMNS) up again at once, with all attempts; `code` says why."""
    at = micros(now)
    states = {row.id: _state_to_return_to(row) for row in rows}
    statement = (
        update(entries)
        .where(entries.c.id == bindparam("entry_id"))
        .values(
            {
                **NO_REASON,
                **NO_LEASE,
                "state": bindparam("new_state"),
                "held_from": None,
                "attempts": 0,
                "due_at": at,
                "updated_at": at,
            }
        )
    )
    connection.execute(statement, [{"entry_id": row_id, "new_state": state.value} for row_id, state in states.items()])
    write_events(
        connection, (event_row(row.id, now, from_state=row.state, to_state=states[row.id], code=code) for row in rows)
    )


def _make_due(connection: Connection, rows: Sequence[Any], at: int) -> None:
    connection.execute(update(entries).where(entries.c.id.in_([row.id for row in rows])).values(due_at=at))


def _bring_back(connection: Connection, rows: Sequence[Any], at: int) -> None:
    earlier = {column.name: case((column > at, at), else_=column) for column in (entries.c.due_at, *_PAST)}
    connection.execute(update(entries).where(entries.c.id.in_([row.id for row in rows])).values(earlier))


def _shorten(connection: Connection, rows: Sequence[Any], until: int) -> None:
    connection.execute(update(entries).where(entries.c.id.in_([row.id for row in rows])).values(lease_until=until))


def _state_to_return_to(row: Any) -> State:
    # A draft that Gong refused is made anew: its cause may be a mapping or a person that has been corrected since.
    return back_to(row.held_from, owns_or_has_call=row.call_id is not None or row.intent is not None)


def _set_aside(connection: Connection, rows: Sequence[Any], now: datetime, reason: str) -> None:
    statement = (
        update(entries)
        .where(entries.c.id == bindparam("entry_id"))
        .values(
            {
                **NO_REASON,
                **NO_LEASE,
                "state": State.SKIPPED.value,
                "held_from": bindparam("left"),
                "reason_code": BY_OPERATOR,
                "reason": clean(reason),
                "owns_call": bindparam("still_owns"),
                "updated_at": micros(now),
            }
        )
    )
    connection.execute(statement, list(_set_aside_values(rows)))
    write_events(
        connection,
        (
            event_row(
                row.id,
                now,
                from_state=row.state,
                to_state=State.SKIPPED,
                attempt=row.attempts,
                code=BY_OPERATOR,
                reason=reason,
            )
            for row in rows
        ),
    )


def _set_aside_values(rows: Sequence[Any]) -> Iterator[dict[str, Any]]:
    for row in rows:
        maybe_called = row.call_id is not None or row.intent is not None
        yield {
            "entry_id": row.id,
            "left": row.held_from or row.state,
            "still_owns": bool(row.owns_call and maybe_called),
        }
