"""Finds rows of one table by the values of their columns, without holding the table: an index that grows with it.

The index is a private SQLite database in a temporary file that nobody else sees and that no crash leaves behind. It
keeps a hash and a place for each row; the rows themselves stay where they are, so a table of gigabytes costs a few
megabytes of memory and about 45 bytes of disk for each row.

A table that only grew is read on from where the last reading ended, also one in a store that rewrites whole objects:
what lies at the beginning and before that place tells whether it is still the same. Anything else that changes
(rotated, truncated, corrected) is indexed anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gong_bridge.errors import BadMetadata, NoRoom, NotYetComplete
from gong_bridge.mapping.sidecar_formats import Malformed
from gong_bridge.mapping.table_rows import Cutter, Heading, Row, Shape, heading_of, key_reader
from gong_bridge.model import Recording

SLICE_BYTES = 4 << 20
MOST_ROWS = 2000
"""Rows of one call; more are no call, but a join by a column that says too little."""
WHOLE_AFTER_SECONDS = 30.0
"""A last line without a newline counts once the table has not changed for so long."""
_MARK_BYTES = 4096
_NEAR_BYTES = 64 << 10
_MOST_FAULTS = 20


class TableFile(Protocol):
    """Where a table lies: a source or a place of sidecars."""

    def stat(self, key: str) -> Recording:
        """See sources.base.Source.stat."""

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        """See sources.base.Source.read_part."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column by which rows are found. `written` is its text in the mapping; `change` is made of the cell's text."""

    written: str
    name: str = field(compare=False)
    change: Callable[[str], str] = field(compare=False, repr=False)


Join = tuple[Column, ...]


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which rows: those where the columns of `joins[which]` have the values `wanted`.

    An index serves all `joins` of a mapping, so that a table is read once.
    """

    shape: Shape
    joins: tuple[Join, ...]
    which: int
    wanted: tuple[str, ...]


class TableIndex:
    """The index of one table. Not thread-safe: tables.py lets one thread in at a time.

    Whatever the file raises (SourceGone, SourceChanged, SourceUnavailable) goes to the caller, who tries again.
    Every method may raise NoRoom: the disk for temporary files is full.
    """

    faults: dict[int, str]
    """The first lines that are no rows: line number -> why."""
    _heading: Heading | None
    _trouble: Malformed | None
    _is_read: bool
    _is_sorted: bool
    _head: bytes
    _before: bytes
    _tail: bytes

    def __init__(self, *, file: TableFile, key: str, shape: Shape, joins: tuple[Join, ...]) -> None:
        self._file = file
        self._key = key
        self._shape = shape
        self._joins = joins
        self._seen: Recording | None = None
        self._database: sqlite3.Connection | None = None
        self._start_anew()

    def forget(self) -> None:
        """Give the disk back; the next look begins anew."""
        self._start_anew()
        self._seen = None

    # --- following the file -----------------------------------------------------------------------------------------

    def look(self) -> None:
        """See how the table lies there now, and whether it is still the one that was indexed."""
        seen = self._file.stat(self._key)
        before = self._seen
        if before is not None and before.version == seen.version:
            return
        if before is not None and (seen.size_bytes <= before.size_bytes or not self._only_grew(seen)):
            self._start_anew()
        self._seen, self._is_read = seen, False

    @property
    def unread_bytes(self) -> int:
        """How much is still to be read, as far as the last look says."""
        return 0 if self._seen is None or self._is_read else max(self._seen.size_bytes - self._offset, 1)

    @property
    def read_share(self) -> float:
        """From 0 to 1: how much of the table is indexed."""
        size_bytes = self._seen.size_bytes if self._seen is not None else 0
        return self._offset / size_bytes if size_bytes else 1.0

    def read_on(self) -> None:
        """Index one more slice. Raises Malformed when this cannot be such a table."""
        if self._trouble is not None:
            raise self._trouble
        try:
            self._read_slice()
        except Malformed as problem:
            self._trouble = problem
            raise
        except sqlite3.Error as error:
            self._start_anew()
            raise NoRoom(f"no room for the index of a table ({error}); free some disk in TMPDIR or /var/tmp") from error

    def _read_slice(self) -> None:
        assert self._seen is not None
        began = self._offset
        data = self._file.read_part(self._seen, began, SLICE_BYTES)
        is_last = began + len(data) >= self._seen.size_bytes
        if began == 0:
            self._head = data[:_MARK_BYTES]
        skipped = 0
        if self._heading is None:
            heading = heading_of(self._shape, data)
            if heading is not None:
                self._begin_rows(heading)
                skipped = heading.first
        if self._heading is not None:
            self._add_rows(data[skipped:])
        consumed = self._offset - began
        self._before = (self._before + data[:consumed])[-_MARK_BYTES:]
        if consumed == 0 and not is_last:
            raise Malformed(f"{self._line}:1: the line is longer than {SLICE_BYTES} bytes; is it a table at all?")
        if is_last:
            self._is_read, self._tail = True, data[consumed:]
            if not self._is_sorted:
                self._db.execute("CREATE INDEX by_hash ON entries (hash)")
                self._is_sorted = True

    def _begin_rows(self, heading: Heading) -> None:
        self._heading, self._cutter = heading, Cutter(self._shape, heading)
        self._keys_of = [
            key_reader(self._cutter, heading, self._shape, [(each.name, each.change) for each in join])
            for join in self._joins
        ]
        self._offset, self._line = heading.first, heading.line

    def _add_rows(self, data: bytes) -> None:
        entries: list[tuple[int, int, int, int]] = []
        rows = faults = 0
        readers = list(enumerate(self._keys_of))
        for piece in self._cutter.pieces(data, self._offset, self._line):
            self._offset, self._line = piece.first + piece.size_bytes, piece.line + piece.lines
            if piece.fault is not None:
                faults += 1
                if len(self.faults) < _MOST_FAULTS:
                    self.faults[piece.line] = piece.fault
                continue
            rows += 1
            for which, key_of in readers:
                values = key_of(piece.cells)
                if values is not None:
                    entries.append((hash((which, values)), piece.first, piece.size_bytes, piece.line))
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", entries)
        self._db.execute("COMMIT")
        if faults > max(rows, _MOST_FAULTS):
            line, fault = next(iter(self.faults.items()))
            raise Malformed(f"{line}:1: {fault}, and so in most lines; correct columns, delimiter or quote")

    def _only_grew(self, seen: Recording) -> bool:
        """Does the table still begin as it did, and lie the same lines before the place where reading goes on?"""
        head = self._file.read_part(seen, 0, len(self._head)) if self._head else b""
        place = self._offset - len(self._before)
        before = self._file.read_part(seen, place, len(self._before)) if self._before else b""
        return self._trouble is None and head == self._head and before == self._before

    def _start_anew(self) -> None:
        if self._database is not None:
            self._database.close()
        self._database = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -2048"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute("CREATE TABLE entries (hash INTEGER, first INTEGER, size_bytes INTEGER, line INTEGER)")
        self._heading = None
        self._offset, self._line = 0, 1
        self._is_sorted = self._is_read = False
        self._head = self._before = self._tail = b""
        self._trouble = None
        self.faults = {}

    @property
    def _db(self) -> sqlite3.Connection:
        assert self._database is not None
        return self._database

    # --- finding ----------------------------------------------------------------------------------------------------

    def find(self, which: int, wanted: tuple[str, ...], now: datetime) -> list[Row]:
        """The rows whose columns of `joins[which]` have these values, in the order of the table.

        Raises Malformed (a row cannot be read, says line and column), BadMetadata (too many), NotYetComplete (the
        table is no longer what was indexed).
        """
        if self._heading is None:
            return []
        rows = [row for row in self._indexed_rows(which, wanted) if row is not None]
        return [*rows, *self._last_rows(which, wanted, now)]

    def _indexed_rows(self, which: int, wanted: tuple[str, ...]) -> Iterator[Row | None]:
        found = self._db.execute(
            "SELECT first, size_bytes, line FROM entries WHERE hash = ? ORDER BY first LIMIT ?",
            (hash((which, wanted)), MOST_ROWS + 1),
        ).fetchall()
        if len(found) > MOST_ROWS:
            raise BadMetadata(
                f"the table {self._key} has more than {MOST_ROWS} rows for this recording; join it by more columns"
            )
        assert self._seen is not None
        block, block_first = b"", 0
        for place, (first, size_bytes, line) in enumerate(found):
            if not block_first <= first <= first + size_bytes <= block_first + len(block):
                block_first, block = first, self._file.read_part(self._seen, first, _reach(found[place:]))
            data = block[first - block_first : first - block_first + size_bytes]
            piece = next(self._cutter.pieces(data, first, line), None)
            if piece is None or piece.fault is not None or self._keys_of[which](piece.cells) != wanted:
                self._start_anew()  # somebody changed lines in its midst while others were added
                raise NotYetComplete(f"the table {self._key} was changed; it is read again", wait_seconds=1.0)
            yield self._cutter.row(data, line)

    def _last_rows(self, which: int, wanted: tuple[str, ...], now: datetime) -> list[Row]:
        """A last line without a newline, when the table has not changed for a while: its writer ends it so."""
        if not self._tail or self._seen is None or (now - self._seen.modified_at).total_seconds() < WHOLE_AFTER_SECONDS:
            return []
        rows = [
            self._cutter.row(self._tail[piece.first - self._offset :][: piece.size_bytes], piece.line)
            for piece in self._cutter.pieces(self._tail.rstrip(b"\n") + b"\n", self._offset, self._line, is_end=True)
            if piece.fault is None and self._keys_of[which](piece.cells) == wanted
        ]
        return [row for row in rows if row is not None]


def _reach(found: Sequence[tuple[int, int, int]]) -> int:
    """How many bytes to read at once: up to the last row that lies near the first."""
    start = found[0][0]
    ends = [first + size_bytes for first, size_bytes, _ in found if first + size_bytes - start <= _NEAR_BYTES]
    return max([*ends, start + found[0][1]]) - start
