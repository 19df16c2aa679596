"""The list of people whose recordings are never sent again: keyed hashes, nothing that names anybody."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros, moment
from gong_bridge.ledger.schema import suppressions

PERSON_LENGTH = 12
"""So much of a digest is shown for a person."""
_ASKED_AT_ONCE = 400
_KEYS = select(suppressions.c.key_id, func.count()).group_by(suppressions.c.key_id)
_LISTED = select(suppressions.c.digest).where(suppressions.c.digest.in_(bindparam("digests", expanding=True)))


def person_of(digest: str) -> str:
    """How a person is called where people read: the beginning of the digest."""
    return digest[:PERSON_LENGTH]


@dataclass(frozen=True, kw_only=True, slots=True)
class Suppressed:
    """Somebody on the list. digest: keyed; key_id: of which key. kind: "email" or "phone"."""

    digest: str
    key_id: str
    kind: str
    added_at: datetime

    @property
    def person(self) -> str:
        """See person_of."""
        return person_of(self.digest)


class Suppressions:
    """The verbs of the list."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keys(self) -> dict[str, int]:
        """Under which keys how many people are listed; one short look."""
        return {row[0]: row[1] for row in self._database.glance(_KEYS, {})}

    def listed(self, digests: Collection[str]) -> set[str]:
        """Those of the digests that are on the list."""
        asked, found = list(digests), set[str]()
        for first in range(0, len(asked), _ASKED_AT_ONCE):
            with self._database.read() as connection:
                rows = connection.execute(_LISTED, {"digests": asked[first : first + _ASKED_AT_ONCE]})
                found.update(rows.scalars())
        return found

    def everybody(self) -> list[Suppressed]:
        """The list, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(suppressions).order_by(suppressions.c.added_at, suppressions.c.digest))
            return [
                Suppressed(digest=row.digest, key_id=row.key_id, kind=row.kind, added_at=moment(row.added_at))
                for row in rows
            ]

    def add(self, digest: str, *, key_id: str, kind: str, now: datetime) -> None:
        """Put somebody on the list; on the disk when it returns. Repeating it changes nothing."""
        self.copy([Suppressed(digest=digest, key_id=key_id, kind=kind, added_at=now)])

    def copy(self, people: Sequence[Suppressed]) -> None:
        """Put everybody of another list on this one; who is on it already stays as they are."""
        rows = [{**dataclasses.asdict(one), "added_at": micros(one.added_at)} for one in people]
        if rows:
            with self._database.write() as connection:
                connection.execute(self._database.insert(suppressions).on_conflict_do_nothing(), rows)

    def remove(self, digests: Collection[str]) -> int:
        """Take these off the list; how many were on it."""
        with self._database.write() as connection:
            gone = connection.execute(delete(suppressions).where(suppressions.c.digest.in_([*digests])))
        return gone.rowcount
