"""Keeps one index for each table, shared by all workers, and lets nobody wait while a large one is read.

Who asks for rows of a table that has grown by little reads on at once. A large piece is read elsewhere, slice by
slice (`keep_reading`, a thread of the service): until then the answer is "not yet", within a moment.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from gong_bridge import clock
from gong_bridge.errors import BadMetadata, BridgeError, NotYetComplete, SourceChanged, SourceGone
from gong_bridge.mapping.sidecar_formats import Malformed
from gong_bridge.mapping.table_index import Question, TableFile, TableIndex
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.words import listed

LOOK_SECONDS = 1.0
"""How often a table is asked whether it has changed."""
READ_AT_ONCE_BYTES = 256 << 10
"""So much that was added is read by whoever asks, in a moment even if no line of it is a row; the reader reads more."""
MOST_TABLES = 32
READER_SECONDS = 0.2
_TURN_SECONDS = 0.3
_TRIES = 5


class _Shared:
    """One index, used by one thread at a time."""

    def __init__(self, index: TableIndex) -> None:
        self.index = index
        self.lock = threading.Lock()
        self.looked_at = float("-inf")
        self.is_behind = False

    def forget(self) -> None:
        self.index.forget()
        self.looked_at = float("-inf")

    def look(self) -> None:
        if clock.monotonic_seconds() - self.looked_at >= LOOK_SECONDS:
            self.index.look()
            self.looked_at = clock.monotonic_seconds()


class Tables:
    """Rows of tables by the values of their columns. Thread-safe."""

    def __init__(self) -> None:
        """As long as nobody is in `keep_reading`, whoever asks reads all there is."""
        self._has_reader = False
        self._tables: OrderedDict[object, _Shared] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the disk back. Waits for a slice that is being read."""
        with self._lock:
            while self._tables:
                _forget(self._tables.popitem()[1])

    def rows(self, file: TableFile, key: str, question: Question, *, now: datetime) -> list[Row] | None:
        """The rows that `question` asks for, None when there is no such table.

        Raises NotYetComplete (large, and not read yet), BadMetadata (no table, or an unreadable row; says file, line
        and column), NoRoom, SourceUnavailable.
        """
        shared = self._shared(file, key, question)
        if not shared.lock.acquire(timeout=_TURN_SECONDS):
            raise NotYetComplete(f"the table {key} is being read", wait_seconds=1.0)
        try:
            return self._unless_it_changes(shared, key, lambda: self._find(shared, key, question, now))
        except SourceGone:
            shared.forget()
            return None
        except Malformed as problem:
            text = str(problem)
            where = f"{key}:{text}" if text[:1].isdigit() else f"{key}: {text}"
            raise BadMetadata(f"the table {where}; correct the file or the mapping, then retry") from None
        finally:
            shared.lock.release()

    def faults(self, file: TableFile, key: str, question: Question) -> str:
        """What to say of lines that are no rows, when a row is missing; empty when there are none."""
        shared = self._shared(file, key, question)
        with shared.lock:
            faults = dict(shared.index.faults)
        if not faults:
            return ""
        line, why = next(iter(faults.items()))
        return f"lines that cannot be read: {listed(map(str, faults), 5)} (line {line}: {why})"

    def keep_reading(self, stop: threading.Event) -> None:
        """Read what is unread of large tables, slice by slice, until stopped: from now on nobody else does."""
        self._has_reader = True
        while not clock.wait(stop, READER_SECONDS):
            self._read_on(stop)

    def _read_on(self, stop: threading.Event) -> None:
        with self._lock:
            every = list(self._tables.values())
        for shared in every:
            while shared.is_behind and not stop.is_set():
                with shared.lock:
                    try:
                        shared.index.read_on()
                        shared.is_behind = shared.index.unread_bytes > 0
                    except SourceChanged:
                        shared.looked_at = float("-inf")
                        shared.look()
                    except (BridgeError, Malformed):
                        shared.is_behind = False  # whoever asks next is told

    def _find(self, shared: _Shared, key: str, question: Question, now: datetime) -> list[Row]:
        shared.look()
        index = shared.index
        if self._has_reader and index.unread_bytes > READ_AT_ONCE_BYTES:
            shared.is_behind = True
            raise NotYetComplete(f"the table {key} is being read ({index.read_share:.0%})", wait_seconds=1.0)
        while index.unread_bytes:
            index.read_on()
        return index.find(question.which, question.wanted, now)

    @staticmethod
    def _unless_it_changes(shared: _Shared, key: str, find: Callable[[], list[Row]]) -> list[Row]:
        """A table that is being written may change between two reads: look again, but not for ever."""
        for _ in range(_TRIES):
            try:
                return find()
            except SourceChanged:
                shared.looked_at = float("-inf")
        raise NotYetComplete(f"the table {key} is being written", wait_seconds=1.0)

    def _shared(self, file: TableFile, key: str, question: Question) -> _Shared:
        about = (file, key, question.shape, question.joins)
        with self._lock:
            shared = self._tables.get(about)
            if shared is None:
                index = TableIndex(file=file, key=key, shape=question.shape, joins=question.joins)
                shared = self._tables[about] = _Shared(index)
                while len(self._tables) > MOST_TABLES:
                    _forget(self._tables.popitem(last=False)[1])
            self._tables.move_to_end(about)
            return shared


def _forget(shared: _Shared) -> None:
    with shared.lock:
        shared.forget()
