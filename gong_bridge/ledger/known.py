"""Which recordings of a page the ledger knows: mostly all of them, told by one statement in one row.

A driver gives the rows of an answer one by one and holds up every other thread of the process at each; a listing has
a hundred thousand. So the database joins what it knows between the first and the last key of a page into one text,
from an index alone, and that is compared with the same text of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import lt
from typing import Any

from sqlalchemy import Connection, bindparam, select, text

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.schema import IS_GONE, entries
from gong_bridge.model import Recording
from gong_bridge.recording_page import RecordingPage

GONE = "gone"
"""Code of a skip because the file was deleted before it could be sent; it is taken up again when it comes back."""
PAGE = 1000
"""So many recordings are asked for at once."""
_OF, _BETWEEN = "\x01", "\x02"
"""Stand between a key and its version, and between two of these."""
_NEIGHBOURS = """
SELECT {join}(pair, :between), count(*) FROM (
  SELECT key || :of || version AS pair FROM entries
  WHERE source = :source AND reach = :reach AND key BETWEEN :first AND :last {condition} LIMIT :most) AS neighbours
"""
_BY_KEYS = select(entries.c.key, entries.c.version, IS_GONE.label("is_gone")).where(
    entries.c.source == bindparam("source"),
    entries.c.reach == bindparam("reach"),
    entries.c.key.in_(bindparam("keys", expanding=True)),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """What the ledger has of some keys. pairs: of key and version. gone: those of them whose file was not there.

    is_whole: it has nothing else of the page's keys.
    """

    pairs: set[str]
    gone: set[str]
    is_whole: bool

    def lacks(self, pair: str) -> bool:
        return pair not in self.pairs or pair in self.gone


_NOTHING_TO_SAY = _Seen(pairs=set(), gone=set(), is_whole=False)


class Known:
    """Asks one ledger about pages of recordings."""

    def __init__(self, database: Database) -> None:
        self._database = database
        join = "group_concat" if database.is_sqlite else "string_agg"
        self._all = text(_NEIGHBOURS.format(join=join, condition=""))
        self._gone = text(_NEIGHBOURS.format(join=join, condition=f"AND {IS_GONE}"))

    def unknown(self, lane: Lane, page: RecordingPage, new_since: datetime | None) -> list[Recording]:
        """Those of a page of at most PAGE recordings, each key once, whose exact version is not known or is gone.

        `new_since`: what was last changed before then is left out, unless another version of it is known.
        """
        pairs = [f"{key}{_OF}{version}" for key, version in zip(page.keys, page.versions, strict=True)]
        with self._database.read() as connection:
            seen = self._among_neighbours(connection, lane, page, pairs)
            rest = [place for place, pair in enumerate(pairs) if seen.lacks(pair)] if seen else []
            if seen and rest and not seen.is_whole:
                seen = _by_keys(connection, lane, [page.keys[place] for place in rest])
        if not seen or not rest:
            return []
        unknown = [page[place] for place in rest if seen.lacks(pairs[place])]
        if new_since is None:
            return unknown
        keys = {pair.partition(_OF)[0] for pair in seen.pairs}
        return [one for one in unknown if one.modified_at >= new_since or one.key in keys]

    def _among_neighbours(
        self, connection: Connection, lane: Lane, page: RecordingPage, pairs: list[str]
    ) -> _Seen | None:
        """What is known of a page that comes in the order of its keys, as a listing's does; None: all of it.

        Other rows in between may be too many, and a PostgreSQL may sort by the rules of a language: then the answer
        is not whole.
        """
        keys = page.keys
        wanted = _BETWEEN.join(pairs)
        if not all(map(lt, keys, keys[1:])) or not _can_be_parted(wanted, len(pairs)):
            return _NOTHING_TO_SAY
        most = 2 * len(page)
        asked: dict[str, Any] = {"source": lane.source, "reach": lane.reach or "", "first": keys[0], "last": keys[-1]}
        asked |= {"of": _OF, "between": _BETWEEN, "most": most}
        known, count = _one(connection, self._all, asked)
        gone, gone_count = _one(connection, self._gone, asked)
        if known == wanted and count == len(pairs) and not gone_count:
            return None
        if gone_count == most or not _can_be_parted(known, count) or not _can_be_parted(gone, gone_count):
            return _NOTHING_TO_SAY
        return _Seen(
            pairs=set(known.split(_BETWEEN)),
            gone=set(gone.split(_BETWEEN)),
            is_whole=self._database.is_sqlite and count < most,
        )


def _one(connection: Connection, statement: Any, asked: dict[str, Any]) -> tuple[str, int]:
    joined, count = connection.execute(statement, asked).one()
    return joined or "", count


def _can_be_parted(joined: str, count: int) -> bool:
    """Whether no key and no version holds a character that stands between them: names are hostile."""
    return joined.count(_OF) == count and joined.count(_BETWEEN) == max(0, count - 1)


def _by_keys(connection: Connection, lane: Lane, keys: Sequence[str]) -> _Seen:
    asked = {"source": lane.source, "reach": lane.reach or "", "keys": keys}
    pairs: set[str] = set()
    gone: set[str] = set()
    for key, version, is_gone in connection.execute(_BY_KEYS, asked):
        pairs.add(f"{key}{_OF}{version}")
        if is_gone:
            gone.add(f"{key}{_OF}{version}")
    return _Seen(pairs=pairs, gone=gone, is_whole=True)
