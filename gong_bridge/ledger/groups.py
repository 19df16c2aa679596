"""Entries that are files of one call: who leads them is decided in one transaction, with what becomes of the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from gong_bridge.errors import LeaseLost
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, event_values, write_events, write_leased
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.followers import GROUPED
from gong_bridge.ledger.rows import ENTRY_COLUMNS, encoded, entry_of, micros
from gong_bridge.ledger.schema import IN_GROUP, IS_OPEN, entries
from gong_bridge.model import OPEN_STATES, Entry, State

_MEMBERS = (
    select(*ENTRY_COLUMNS)
    .where(
        IN_GROUP,
        entries.c.source == bindparam("of_source"),
        entries.c.reach == bindparam("of_reach"),
        entries.c.group_key == bindparam("of_group"),
    )
    .where(or_(entries.c.state != State.SKIPPED.value, entries.c.reason_code == GROUPED))
    .order_by(entries.c.id)
)
_UNEXAMINED = select(
    exists().where(
        IS_OPEN,
        entries.c.state == State.FOUND.value,
        entries.c.backlog == bindparam("of_backlog"),
        entries.c.due_at <= bindparam("at"),
        entries.c.source == bindparam("of_source"),
        entries.c.reach == bindparam("of_reach"),
        entries.c.group_key.is_(None),
        entries.c.id != bindparam("but"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Roles:
    """What was decided for a call in several files.

    leader: the entry that goes on for all of them. followers: id -> why this one goes no further by itself.
    code: of the followers' skip; only GROUPED ones are members of the call from then on.
    anew: the leader was drafted, or held, for other files than these, and is looked at again.
    """

    leader: int
    followers: Mapping[int, str] = field(default_factory=dict)
    anew: bool = False
    code: str = GROUPED


class Groups:
    """The verbs about calls in several files. A group is (source, reach, group_key): who leads must open all files."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(
        self, entry: Entry, now: datetime, *, group_key: str, group_part: str, media: dict[str, Any] | None
    ) -> Entry:
        """Write down which call this file belongs to, and what was measured. Raises LeaseLost."""
        changes = {"group_key": group_key, "group_part": group_part, "media": media}
        with self._database.write() as connection:
            return write_leased(connection, entry, now, changes, with_event=False)

    def leave(self, entry: Entry, now: datetime) -> Entry:
        """Write down that this file belongs to no group any more. Raises LeaseLost."""
        with self._database.write() as connection:
            return write_leased(connection, entry, now, {"group_key": None, "group_part": None}, with_event=False)

    def members(self, entry: Entry) -> list[Entry]:
        """Every file of the call of `entry`, the newest version of each; those that were skipped by themselves not."""
        with self._database.read() as connection:
            return _members(connection, entry, locked=False)

    def followers_of(self, leader: Entry) -> list[Entry]:
        """Those whose call `leader` leads."""
        if leader.group_key is None:
            return []
        return [one for one in self.members(leader) if one.reason_code == GROUPED and one.duplicate_of == leader.id]

    @again_when_clashed
    def decide(
        self, entry: Entry, now: datetime, choose: Callable[[Sequence[Entry], bool], Roles | None]
    ) -> tuple[Roles | None, Entry]:
        """Choose who leads, and make it so, in one transaction; the roles, and `entry` as it now stands.

        `choose` is told the members and whether files of the source are yet to be looked at, of which any could belong
        to this call. None: each goes on by itself. What it raises leaves everything as it was. A leader whose call was
        sent stays as it is. A worker that holds one of the others gets LeaseLost at its next write, as does this one
        when somebody decided first. `choose` is asked again when the transaction clashed with another.
        """
        assert entry.group_key is not None
        look = {
            "of_source": entry.source,
            "of_reach": entry.reach or "",
            "of_backlog": entry.backlog,
            "at": micros(now),
            "but": entry.id,
        }
        with self._database.write() as connection:
            # First this, then the members: a file that reports itself in between is then seen among them.
            unexamined = bool(connection.execute(_UNEXAMINED, look).scalar())
            members = _members(connection, entry, locked=True)
            mine = next((one for one in members if one.id == entry.id), None)
            if mine is None or mine.lease_token != entry.lease_token:
                raise LeaseLost(f"entry {entry.id} was made part of a call by somebody else")
            roles = choose(members, unexamined)
            if roles is None:
                return None, entry
            for member in members:
                if member.id in roles.followers:
                    after = _follow(connection, member, roles, now)
                    entry = after if member.id == entry.id else entry
                elif member.id == roles.leader and member.id != entry.id and not _was_sent(member):
                    _let_go_on(connection, member, now, anew=roles.anew)
            return roles, entry

    def note_settled(self, follower: Entry, now: datetime, code: str) -> None:
        """Tell in the history of a follower what became of its file."""
        told = event_row(follower.id, now, from_state=follower.state, to_state=follower.state, code=code)
        with self._database.write() as connection:
            write_events(connection, [told])


def _was_sent(entry: Entry) -> bool:
    return entry.call_id is not None or entry.intent is not None


def _members(connection: Connection, entry: Entry, *, locked: bool) -> list[Entry]:
    statement = _MEMBERS.with_for_update() if locked else _MEMBERS
    look = {"of_source": entry.source, "of_reach": entry.reach or "", "of_group": entry.group_key}
    rows = connection.execute(statement, look).all()
    newest = {entry.key: entry for entry in map(entry_of, rows)}
    return sorted(newest.values(), key=lambda entry: entry.id)


def _follow(connection: Connection, member: Entry, roles: Roles, now: datetime) -> Entry:
    if (member.state, member.reason_code, member.duplicate_of) == (State.SKIPPED, roles.code, roles.leader):
        return member
    changes = {
        **NO_REASON,
        **NO_LEASE,
        "state": State.SKIPPED,
        "held_from": State.FOUND,
        "reason_code": roles.code,
        "reason": roles.followers[member.id],
        "duplicate_of": roles.leader,
        "client_unique_id": None,
        "draft": None,
        "owns_call": False,
        "updated_at": now,
    }
    return _write(connection, member, changes, now)


def _let_go_on(connection: Connection, leader: Entry, now: datetime, *, anew: bool) -> None:
    """Wake the leader; whoever holds it has seen other files, and loses it."""
    if leader.state in OPEN_STATES and not anew:
        values = {**NO_LEASE, "due_at": now}
        connection.execute(update(entries).where(entries.c.id == leader.id).values(encoded(values)))
        return
    changes = {
        **NO_REASON,
        **NO_LEASE,
        "state": State.FOUND,
        "held_from": None,
        "reason_code": "group-changed",
        "client_unique_id": None,
        "draft": None,
        "owns_call": False,
        "attempts": 0,
        "due_at": now,
        "updated_at": now,
    }
    _write(connection, leader, changes, now)


def _write(connection: Connection, member: Entry, changes: dict[str, Any], now: datetime) -> Entry:
    connection.execute(update(entries).where(entries.c.id == member.id).values(encoded(changes)))
    changed = dataclasses.replace(member, **changes)
    write_events(connection, [event_values(changed, member.state, now)])
    return changed
