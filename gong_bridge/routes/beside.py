"""What lies beside one recording: read on behalf of its mapping, and remembered by whoever waits for a change."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from gong_bridge import clock
from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.table_index import Question
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.tables import Tables
from gong_bridge.model import Recording, SidecarFile

LARGEST_BYTES = 4 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A digest of what was seen under a key; `look` looks once more and gives the one of what is there now."""

    key: str
    look: Callable[[], str]
    digest: str


_Remembered = tuple[str, Callable[[], str], Callable[[], str]]
"""The key, how to look again, and how to make the digest: only a recording that is held needs it."""


class Place(Protocol):
    """A source, or a place that holds sidecars only."""

    def read_beside(self, key: str, max_bytes: int) -> SidecarFile | None:
        """See sources.base.Source.read_beside."""

    def stat(self, key: str) -> Recording:
        """See sources.base.Source.stat."""

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        """See sources.base.Source.read_part."""


class Beside:
    """What lay beside a recording while its call was composed; reads on behalf of the mapping and remembers.

    `places`: by the names that bridge.yaml gives them; "" is the source itself.
    """

    def __init__(self, places: Mapping[str, Place], tables: Tables) -> None:
        self._places = places
        self._tables = tables
        self._seen: dict[tuple[str, str, Question | None], _Remembered] = {}
        self.has_read_files = False

    @property
    def seen(self) -> tuple[Seen, ...]:
        """All that was looked at, also in vain."""
        return tuple(Seen(key=key, look=look, digest=digest()) for key, look, digest in self._seen.values())

    def _place(self, where: str) -> Place:
        try:
            return self._places[where]
        except KeyError:  # a mapping that was corrected while the bridge runs
            raise BadMetadata(
                f"the mapping reads sidecars in {where!r}, which the source does not name; add it to the source "
                "under sidecars and restart"
            ) from None

    def read(self, where: str, key: str, max_bytes: int) -> SidecarFile | None:
        """See mapping.sidecars.Beside."""
        self.has_read_files = True
        place = self._place(where)
        file = place.read_beside(key, max_bytes)
        self._seen[where, key, None] = (
            key, lambda: _digest(place.read_beside(key, LARGEST_BYTES)), lambda: _digest(file),
        )  # fmt: skip
        return file

    def rows(self, where: str, key: str, question: Question) -> list[Row] | None:
        """See mapping.sidecars.Beside."""
        place = self._place(where)
        rows = self._tables.rows(place, key, question, now=clock.now())
        self._seen[where, key, question] = (
            key,
            lambda: _digest_of_rows(self._tables.rows(place, key, question, now=clock.now())),
            lambda: _digest_of_rows(rows),
        )
        return rows

    def faults(self, where: str, key: str, question: Question) -> str:
        """See mapping.sidecars.Beside."""
        return self._tables.faults(self._place(where), key, question)


def _digest(file: SidecarFile | None) -> str:
    return "" if file is None else hashlib.sha256(file.data).hexdigest()


def _digest_of_rows(rows: list[Row] | None) -> str:
    return "" if not rows else hashlib.sha256(repr(rows).encode("utf-8", "surrogatepass")).hexdigest()
