"""Which entries are meant: one filter for lists and for bulk verbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, false, not_, or_

from gong_bridge.ledger.rows import micros
from gong_bridge.ledger.schema import entries
from gong_bridge.model import State


class Lane(NamedTuple):
    """The entries of one source that the same bridges can open. reach: see model.Entry; None: everybody."""

    source: str
    reach: str | None = None

    def condition(self) -> ColumnElement[bool]:
        """The lane as a condition on the entries table."""
        return and_(entries.c.source == self.source, entries.c.reach == (self.reach or ""))


@dataclass(frozen=True, kw_only=True, slots=True)
class OfAccount:
    """Entries whose call is, or may be, in a Gong account (None: the one under `gong`), or else will go there.

    sources: whose new calls go to it.
    """

    name: str | None
    sources: tuple[str, ...] = ()

    def condition(self) -> ColumnElement[bool]:
        """The entries as a condition."""
        is_bound = or_(entries.c.call_id.is_not(None), entries.c.intent.is_not(None))
        is_there = and_(is_bound, entries.c.account == (self.name or ""))
        return or_(is_there, and_(not_(is_bound), entries.c.source.in_(self.sources)))


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFilter:
    """Everything given must hold; nothing given means every entry.

    ids, states: any of them (an empty tuple: none). source, key, person: equal. code: the reason code, or the
    remark that stays.
    older_than: unchanged since then. found_before: found earlier than then. lanes: in any of them.
    account: in that Gong account, or on the way to it.
    """

    ids: tuple[int, ...] | None = None
    states: tuple[State, ...] | None = None
    source: str | None = None
    key: str | None = None
    code: str | None = None
    person: str | None = None
    older_than: datetime | None = None
    found_before: datetime | None = None
    lanes: tuple[Lane, ...] | None = None
    account: OfAccount | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as conditions on the entries table."""
        found: list[ColumnElement[bool]] = []
        if self.ids is not None:
            found.append(entries.c.id.in_(self.ids))
        if self.states is not None:
            found.append(in_states(self.states))
        equal = {"source": self.source, "key": self.key, "person": self.person}
        found.extend(entries.c[name] == value for name, value in equal.items() if value is not None)
        if self.code is not None:
            found.append(or_(entries.c.reason_code == self.code, entries.c.remark == self.code))
        if self.older_than is not None:
            found.append(entries.c.updated_at < micros(self.older_than))
        if self.found_before is not None:
            found.append(entries.c.found_at < micros(self.found_before))
        if self.lanes is not None:
            found.append(in_lanes(self.lanes))
        if self.account is not None:
            found.append(self.account.condition())
        return found


def in_lanes(lanes: Sequence[Lane]) -> ColumnElement[bool]:
    """In any of these lanes; in none when there are none."""
    return or_(false(), *(lane.condition() for lane in lanes))


def in_states(states: Sequence[State]) -> ColumnElement[bool]:
    """State is one of these, written into the SQL literally so that partial indexes can serve it."""
    values: Any = bindparam("states", [state.value for state in states], expanding=True, literal_execute=True)
    return entries.c.state.in_(values)
