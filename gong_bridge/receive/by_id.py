"""Things by their ids, in the shape of a list, and the ids that Gong does not know."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.reading import Batches


class _Asked:
    """How many of the ids were asked for: that is the cursor."""

    def __init__(self, ids: Sequence[str], cursor: str | None) -> None:
        self._ids = ids
        self._asked = int(cursor or 0)

    @property
    def cursor(self) -> str | None:
        """How many were asked for."""
        return str(self._asked)

    @property
    def finished(self) -> bool:
        """Whether all were."""
        return self._asked >= len(self._ids)

    def _next(self, most: int) -> Sequence[str]:
        if self.finished:
            raise StopIteration
        return self._ids[self._asked : self._asked + most]


class ById(_Asked):
    """`get` gives one (or the rows of one), or None when Gong has none of that id."""

    def __init__(
        self, get: Callable[[str], Sequence[GongAnswer] | GongAnswer | None], ids: Sequence[str], cursor: str | None
    ) -> None:
        super().__init__(ids, cursor)
        self._get = get
        self.unknown: list[str] = []
        """Ids that Gong does not know."""

    @property
    def total(self) -> int | None:
        """How many there are."""
        return len(self._ids)

    def next_rows(self) -> Sequence[GongAnswer]:
        """The next one, or nothing. Raises StopIteration after the last one."""
        (one,) = self._next(1)
        found = self._get(one)
        if found is None:
            self.unknown.append(one)
        self._asked += 1
        return () if found is None else (found,) if isinstance(found, GongAnswer) else found


class InRequestsOf(_Asked):
    """Rows that belong to ids, asked for so many ids at once."""

    def __init__(
        self, most: int, get: Callable[[Sequence[str]], Sequence[GongAnswer]], ids: Sequence[str], cursor: str | None
    ) -> None:
        super().__init__(ids, cursor)
        self._most = most
        self._get = get

    @property
    def total(self) -> int | None:
        """How many rows that will be is not known."""
        return None

    def next_rows(self) -> Sequence[GongAnswer]:
        """Those of the next ids. Raises StopIteration after the last ones."""
        wanted = self._next(self._most)
        rows = self._get(wanted)
        self._asked += len(wanted)
        return rows


class Sought:
    """A list that was asked for by ids: notes which of them came."""

    def __init__(self, batches: Batches, ids: Sequence[str], id_of: Callable[[GongAnswer], str | None]) -> None:
        self._batches = batches
        self._id_of = id_of
        # One that goes on in the middle does not know what came before.
        self._missing = dict.fromkeys(ids if batches.cursor is None else ())

    @property
    def cursor(self) -> str | None:
        """That of the list."""
        return self._batches.cursor

    @property
    def finished(self) -> bool:
        """Whether the last page has come."""
        return self._batches.finished

    @property
    def total(self) -> int | None:
        """As the list says."""
        return self._batches.total

    @property
    def unknown(self) -> list[str]:
        """Ids that have not come."""
        return [*self._missing]

    def next_rows(self) -> Sequence[GongAnswer]:
        """As the list gives them."""
        rows = self._batches.next_rows()
        for row in rows:
            self._missing.pop(self._id_of(row) or "", None)
        return rows
