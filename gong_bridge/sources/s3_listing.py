"""Lists a bucket: small ones in order, large ones in ranges of keys that several threads list at once.

A listing begins as one range. Whoever has read two pages of a range and sees a thread without work looks for folders
further on and gives the rest of the range away in parts. So a small bucket costs no request more than its pages, a
large one as few as can be, and a folder that holds nearly everything is parted again while it is read. Nothing is
kept from one listing to the next, and no more than a few pages are in memory.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from gong_bridge.errors import SourceUnavailable
from gong_bridge.sources.s3_pages import Found, Page

THREADS = 8
PAGES_BEFORE_PARTING = 2
"""A range is parted only after so many pages: most buckets and folders end before."""
MOST_PARTS = 2 * THREADS
DEEPEST = 8
"""So many folders deep it is looked for places to part a range."""
_PUT_SECONDS = 0.2

Fetch = Callable[..., Page]
"""`list_page` with client and bucket given: (prefix, after=, token=, delimiter=)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Keys that begin with `prefix`, sort behind `after` and not behind `last`; None: to the end."""

    prefix: str
    after: str = ""
    last: str | None = None


class Listing:
    """One pass over ranges of keys. `parts`: in how many ranges it was listed, so far."""

    def __init__(self, fetch: Fetch, ranges: Sequence[Range], *, threads: int = THREADS) -> None:
        self._fetch = fetch
        self._threads = threads
        self._ranges: queue.SimpleQueue[Range | None] = queue.SimpleQueue()
        self._pages: queue.Queue[Sequence[Found] | Exception | None] = queue.Queue(maxsize=2 * threads)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._started = 0
        self._idle = 0
        self._left = len(ranges)
        self.parts = len(ranges)
        for one in ranges:
            self._ranges.put(one)

    def pages(self) -> Generator[Sequence[Found], None, None]:
        """The objects, page by page, in no order once threads share the work; each once. Raises what `fetch` raises."""
        if self._left == 0:
            return
        self._start_threads(self._left)
        try:
            while (page := self._pages.get()) is not None:
                if isinstance(page, Exception):
                    raise page
                yield page
        finally:
            self._over.set()
            for _ in range(self._started):
                self._ranges.put(None)

    def _start_threads(self, wanted: int) -> None:
        with self._lock:
            for _ in range(min(wanted, self._threads - self._started)):
                self._started += 1
                threading.Thread(target=self._work, name="listing", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            one = self._ranges.get()
            with self._lock:
                self._idle -= 1
            if one is None or self._over.is_set():
                return
            try:
                self._list(one)
            except Exception as error:
                self._put(error)
                return
            with self._lock:
                self._left -= 1
                is_last = self._left == 0
            if is_last:
                self._put(None)

    def _list(self, part: Range) -> None:
        token: str | None = None
        pages = 0
        can_part = True
        while not self._over.is_set():
            page = self._fetch(part.prefix, after=part.after, token=token)
            found, is_end = _within(page.objects, part)
            self._put(found)
            if page.next_token is None or is_end:
                return
            if page.next_token == token:
                raise SourceUnavailable("the store answers a listing with the same page again and again")
            token = page.next_token
            pages += 1
            if can_part and pages >= PAGES_BEFORE_PARTING and page.objects and self._has_hands_free():
                whole, part = part, self._give_away(part, page.objects[-1].key)
                can_part = part is not whole  # else it is one folder to its end

    def _has_hands_free(self) -> bool:
        if self._pages.qsize() > 1:
            return False  # pages wait to be taken: a store that answers so fast needs no more threads
        with self._lock:
            return self._ranges.empty() and (self._idle > 0 or self._started < self._threads)

    def _give_away(self, part: Range, reached: str) -> Range:
        """Part what lies behind `reached`, and keep the first part."""
        bounds = self._folders_behind(part, reached)
        if not bounds:
            return part
        parts = [
            Range(prefix=part.prefix, after=bound, last=last)
            for bound, last in zip(bounds, [*bounds[1:], part.last], strict=True)
        ]
        with self._lock:
            self._left += len(parts)
            self.parts += len(parts)
        for one in parts:
            self._ranges.put(one)
        self._start_threads(len(parts))
        return Range(prefix=part.prefix, after=part.after, last=bounds[0])

    def _folders_behind(self, part: Range, reached: str) -> list[str]:
        """Up to MOST_PARTS folders behind the folder that `reached` lies in, evenly chosen; the highest that part."""
        folder = part.prefix
        for _ in range(DEEPEST):
            page = self._fetch(folder, after=reached, token=None, delimiter="/")
            behind = [one for one in page.prefixes if one > reached and (part.last is None or one < part.last)]
            if behind:
                step = max(1, len(behind) // MOST_PARTS)
                return behind[::step]
            name, slash, _ = reached[len(folder) :].partition("/")
            if not slash:
                return []
            folder += name + slash
        return []

    def _put(self, page: Sequence[Found] | Exception | None) -> None:
        while not self._over.is_set():
            try:
                self._pages.put(page, timeout=_PUT_SECONDS)
                return
            except queue.Full:
                continue


def _within(objects: Sequence[Found], part: Range) -> tuple[Sequence[Found], bool]:
    """Those that lie in the range, and whether the range ends with them."""
    if not objects:
        return objects, False
    ends = part.last is not None and objects[-1].key > part.last
    if ends or objects[0].key <= part.after:
        last = part.last
        objects = [one for one in objects if one.key > part.after and (last is None or one.key <= last)]
    return objects, ends
