"""What the ledger holds of a person: found in every text, and taken out; rows stay, so that nothing is sent again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, select, update

from gong_bridge.ledger.calls import SUPERSEDED, DuplicateCall
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_row, write_events
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.followers import GROUPED
from gong_bridge.ledger.pruning import kept_of_media
from gong_bridge.ledger.rows import micros, moment
from gong_bridge.ledger.schema import entries, erased_entries, events
from gong_bridge.model import Recording, State

ERASED = "erased"
"""Code of a skip because somebody in the call was erased."""
_PAGE = 1_000
_CHUNK = 200
_SAME_CALL = (DuplicateCall.code, GROUPED, SUPERSEDED)
"""Codes of skipped entries whose `duplicate_of` is the same call."""
_NAMES = (entries.c.key, entries.c.sidecar_key, entries.c.client_unique_id, entries.c.group_key)
_SENTENCES = (entries.c.draft, entries.c.reason, entries.c.person, entries.c.notification, entries.c.share_with)
_TOLD = select(events.c.entry_id, events.c.reason).where(events.c.reason.is_not(None))
_STILL_EMPTY = (
    select(erased_entries.c.entry_id)
    .join(entries, and_(entries.c.id == erased_entries.c.entry_id, entries.c.version == erased_entries.c.version))
    .where(entries.c.reason_code == ERASED)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Texts:
    """What one entry, or one of its events, says. names: file names and ids; sentences: the rest."""

    entry_id: int
    names: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Concerned:
    """An entry that concerns a person. call_id: in Gong, also after it was erased here.

    is_erased: nothing but names of files is left. is_being_sent: its call is being created just now.
    is_same_file: the entry still speaks of the recording that the person was in. is_gone: that was deleted, somewhere.
    """

    entry_id: int
    recording: Recording
    reach: str | None
    sidecar_key: str | None
    state: State
    call_id: str | None
    account: str | None
    is_erased: bool
    is_being_sent: bool
    is_same_file: bool = True
    is_gone: bool = False


class Erasing:
    """The verbs of finding and erasing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def texts(self) -> Iterator[Texts]:
        """Everything that entries and events say, a page in memory at a time."""
        for rows in self._pages(entries.c.id, (entries.c.id, *_NAMES, *_SENTENCES)):
            for entry_id, *said in rows:
                names, sentences = said[: len(_NAMES)], said[len(_NAMES) :]
                yield Texts(
                    entry_id=entry_id,
                    names=tuple(text for text in names if text),
                    sentences=tuple(text for text in sentences if text),
                )
        told = (events.c.id, events.c.entry_id, events.c.reason)
        for rows in self._pages(events.c.id, told, events.c.reason.is_not(None)):
            yield from (Texts(entry_id=entry_id, names=(), sentences=(reason,)) for _, entry_id, reason in rows)

    def _pages(self, by: Any, columns: Sequence[Any], *conditions: Any) -> Iterator[Sequence[Any]]:
        after = 0
        while True:
            statement = select(*columns).where(by > after, *conditions).order_by(by).limit(_PAGE)
            with self._database.read() as connection:
                rows = connection.execute(statement).all()
            if not rows:
                return
            yield rows
            after = rows[-1][0]

    def marked(self, persons: Collection[str]) -> set[int]:
        """Emptied entries of recordings that these persons were in."""
        wanted = _STILL_EMPTY.where(erased_entries.c.person.in_([*persons]))
        with self._database.read() as connection:
            return set(connection.execute(wanted).scalars())

    def same_calls(self, ids: Collection[int]) -> set[int]:
        """These entries, with the other files, versions and copies of their calls."""
        found: set[int] = set()
        new = set(ids)
        while new:
            found |= new
            new = {other for some in _chunked(new) for other in self._beside(some)} - found
        return found

    def _beside(self, ids: list[int]) -> set[int]:
        same = entries.c.reason_code.in_(_SAME_CALL)
        mine = entries.c.id.in_(ids)
        calls = select(entries.c.call_id).where(mine, entries.c.call_id.is_not(None))
        copies = select(entries.c.id).where(entries.c.duplicate_of.in_(ids), same)
        first = select(entries.c.duplicate_of).where(mine, same, entries.c.duplicate_of.is_not(None))
        versions = select(entries.c.id).where(entries.c.call_id.in_(calls))
        emptied = _emptied_beside(ids)
        with self._database.read() as connection:
            looks = (copies, first, versions, *emptied)
            return {one for wanted in looks for one in connection.execute(wanted).scalars()}

    def concerned(self, ids: Collection[int], persons: Collection[str], now: datetime) -> list[Concerned]:
        """These entries as they are now, in the order of their numbers."""
        return [one for some in _chunked(sorted(ids)) for one in self._concerned(some, persons, now)]

    def _concerned(self, ids: list[int], persons: Collection[str], now: datetime) -> list[Concerned]:
        with self._database.read() as connection:
            rows = connection.execute(select(entries).where(entries.c.id.in_(ids)).order_by(entries.c.id)).all()
            mine = (erased_entries.c.entry_id.in_(ids), erased_entries.c.person.in_([*persons]))
            marks = {row.entry_id: row for row in connection.execute(select(erased_entries).where(*mine))}
        return [_concerned(row, marks.get(row.id), micros(now)) for row in rows]

    def erase(
        self,
        ids: Collection[int],
        person: str,
        now: datetime,
        *,
        mentions: Callable[[str], bool],
        reason: str,
        persons_in: Callable[[Iterable[str]], Collection[str]],
    ) -> int:
        """Take everything that says who spoke out of these entries and their events; how many.

        Each becomes a skipped entry with `reason`; what was being worked on is taken away from its worker. What keeps
        the recording from being found as new, and copies of it from being sent, stays: source, key, version, the
        clientUniqueId unless it mentions the person, and the sound's fingerprint. Repeating it is harmless.
        persons_in: everybody in the texts that go, so that the entry is found for each of them later.
        """
        how = _How(person=person, now=now, mentions=mentions, reason=reason, persons_in=persons_in)
        return sum(self._erase(some, how) for some in _chunked(sorted(ids)))

    @again_when_clashed
    def _erase(self, ids: list[int], how: _How) -> int:
        wanted = select(entries).where(entries.c.id.in_(ids)).order_by(entries.c.id).with_for_update()
        with self._database.write() as connection:
            self._database.overwrite_what_goes(connection)
            rows = connection.execute(wanted).all()
            happened = connection.execute(_TOLD.where(events.c.entry_id.in_(ids))).all()
            marks = [
                mark
                for row in rows
                for mark in _marks(row, how, [reason for entry_id, reason in happened if entry_id == row.id])
            ]
            for row in rows:
                values = _emptied(row, how)
                connection.execute(update(entries).where(entries.c.id == row.id).values(values))
            connection.execute(delete(events).where(events.c.entry_id.in_(ids)))
            told = [
                event_row(row.id, how.now, from_state=row.state, to_state=State.SKIPPED, code=ERASED, reason=how.reason)
                for row in rows
            ]
            write_events(connection, told)
            self._mark(connection, marks)
        return len(rows)

    def _mark(self, connection: Connection, marks: Sequence[Mapping[str, Any]]) -> None:
        if marks:
            insert = self._database.insert(erased_entries)
            new = insert.excluded
            changes = {
                "version": new.version,
                "call_id": func.coalesce(new.call_id, erased_entries.c.call_id),
                "account": new.account,
                "erased_at": new.erased_at,
                "recording_gone_at": None,
                "sought_id": func.coalesce(new.sought_id, erased_entries.c.sought_id),
                "sought_around": func.coalesce(new.sought_around, erased_entries.c.sought_around),
            }
            connection.execute(insert.on_conflict_do_update(index_elements=["entry_id", "person"], set_=changes), marks)

    def note_gone(self, ids: Collection[int], *, mentions: Callable[[str], bool], now: datetime) -> int:
        """The recordings of these emptied entries are gone: names that mention the person go, too; how many had one."""
        changed = 0
        for some in _chunked(sorted(ids)):
            wanted = select(entries.c.id, entries.c.key, entries.c.sidecar_key).where(entries.c.id.in_(some))
            marks = update(erased_entries).where(
                erased_entries.c.entry_id.in_(some), erased_entries.c.recording_gone_at.is_(None)
            )
            with self._database.write() as connection:
                self._database.overwrite_what_goes(connection)
                connection.execute(marks.values(recording_gone_at=micros(now)))
                for row in connection.execute(wanted.with_for_update()).all():
                    if any(mentions(text) for text in (row.key, row.sidecar_key) if text):
                        values = {"key": f"erased:{row.id}", "sidecar_key": None, "updated_at": micros(now)}
                        connection.execute(update(entries).where(entries.c.id == row.id).values(values))
                        changed += 1
        return changed

    def describes_others(self, source: str, sidecar_key: str, ids: Collection[int]) -> bool:
        """Whether this sidecar also describes a recording that is none of these entries'."""
        wanted = select(entries.c.id).where(entries.c.source == source, entries.c.sidecar_key == sidecar_key)
        with self._database.read() as connection:
            return bool(set(connection.execute(wanted).scalars()) - set(ids))


@dataclass(frozen=True, kw_only=True, slots=True)
class _How:
    """What `erase` was told."""

    person: str
    now: datetime
    mentions: Callable[[str], bool]
    reason: str
    persons_in: Callable[[Iterable[str]], Collection[str]]


def _emptied_beside(ids: Collection[int]) -> list[Any]:
    """Of emptied entries, those of the same calls that are emptied, too; nothing that is another recording by now."""
    mine, other = (
        _STILL_EMPTY.add_columns(erased_entries.c.call_id, erased_entries.c.account).subquery() for _ in "12"
    )
    linked = select(entries.c.id, entries.c.duplicate_of).where(entries.c.duplicate_of.is_not(None)).subquery()
    both = and_(linked.c.id == mine.c.entry_id, linked.c.duplicate_of == other.c.entry_id)
    versions = and_(mine.c.call_id == other.c.call_id, mine.c.account == other.c.account)
    return [
        select(other.c.entry_id).select_from(mine.join(other, versions)).where(mine.c.entry_id.in_(ids)),
        select(other.c.entry_id).select_from(linked.join(mine, linked.c.id == mine.c.entry_id))
        .join(other, both).where(mine.c.entry_id.in_(ids)),
        select(mine.c.entry_id).select_from(linked.join(mine, linked.c.id == mine.c.entry_id))
        .join(other, both).where(other.c.entry_id.in_(ids)),
    ]  # fmt: skip


def _marks(row: Any, how: _How, happened: Sequence[str]) -> Iterator[dict[str, Any]]:
    """A mark of this row for each person in it: somebody else in the call may be erased one day, too."""
    names, sentences = ([row._mapping[one] for one in some] for some in (_NAMES, _SENTENCES))
    persons = {how.person, *how.persons_in([text for text in (*names, *sentences, *happened) if text])}
    is_sought = row.intent == "create" and row.call_id is None
    for person in sorted(persons):
        yield {
            "entry_id": row.id,
            "person": person,
            "version": row.version,
            "call_id": row.call_id,
            "account": row.account,
            "erased_at": micros(how.now),
            "sought_id": row.client_unique_id if is_sought else None,
            "sought_around": row.started_at if is_sought else None,
        }


def _emptied(row: Any, how: _How) -> dict[str, Any]:
    unique_id, group = row.client_unique_id, row.group_key
    values: dict[str, Any] = {
        **NO_REASON,
        **NO_LEASE,
        "state": State.SKIPPED.value,
        "held_from": State.FOUND.value,
        "reason_code": ERASED,
        "reason": how.reason,
        "duplicate_of": row.duplicate_of if row.reason_code in (*_SAME_CALL, ERASED) else None,
        "draft": None,
        "share_with": None,
        "media": kept_of_media(row.media),
        "intent": None,
        "call_id": None,
        "replaces": None,
        "notification": None,
        "delivery": None,
        "linked_at": None,
        "link_expires_at": None,
        "updated_at": micros(how.now),
    }
    if unique_id is not None and how.mentions(unique_id):
        values["client_unique_id"] = f"erased:{row.id}"
    if group is not None and how.mentions(group):
        values["group_key"] = values["group_part"] = None
    return values


def _concerned(row: Any, mark: Any, now_micros: int) -> Concerned:
    leased = row.lease_token is not None and (row.lease_until or 0) >= now_micros
    return Concerned(
        entry_id=row.id,
        recording=Recording(
            source=row.source,
            key=row.key,
            version=row.version,
            size_bytes=row.size_bytes,
            modified_at=moment(row.modified_at),
        ),
        reach=row.reach or None,
        sidecar_key=row.sidecar_key,
        state=State(row.state),
        call_id=row.call_id or (None if mark is None else mark.call_id),
        account=(row.account if mark is None else mark.account) or None,
        is_erased=mark is not None and row.reason_code == ERASED and row.draft is None,
        is_being_sent=leased and row.intent == "create" and row.call_id is None,
        is_same_file=mark is None or mark.version == row.version,
        is_gone=mark is not None and mark.recording_gone_at is not None and mark.version == row.version,
    )


def _chunked(ids: Collection[int]) -> Iterator[list[int]]:
    listed = list(ids)
    for first in range(0, len(listed), _CHUNK):
        yield listed[first : first + _CHUNK]
