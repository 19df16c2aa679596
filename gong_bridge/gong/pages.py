"""Lists that come in pages: iterators over pages and rows that hold one page and can go on after a failed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from gong_bridge.errors import RefusedByGong, ServiceDown
from gong_bridge.gong.wire import Answer, Page, Records, read_as

SomePage = TypeVar("SomePage", bound=Page)
Row = TypeVar("Row")


class CursorLost(ServiceDown):
    """Gong no longer takes the cursor that it gave (cursors expire): the list must be begun again."""

    code = "cursor-lost"


class Pages(Generic[SomePage]):
    """All pages of one list. `ask` sends one request for a cursor (None asks for the first page).

    cursor: begin at the page that this cursor of an earlier, equal list asks for.
    When `next()` raises, the cursor is kept: calling `next()` again asks for the same page. A 404 to the first page
    ends the list (G2). A cursor that Gong refuses raises CursorLost, one that comes back ServiceDown, instead of going
    in circles for ever.
    """

    def __init__(
        self, shape: type[SomePage], ask: Callable[[str | None], Answer], *, cursor: str | None = None
    ) -> None:
        self._shape = shape
        self._ask = ask
        self._seen = set() if cursor is None else {hash(cursor)}
        self.cursor = cursor
        """What asks for the next page; to go on with the same list in another process."""
        self.finished = False
        """Whether the last page has come."""
        self.records: Records | None = None
        """What Gong said of the last page: how many rows there are in all."""

    def __iter__(self) -> Iterator[SomePage]:
        return self

    def __next__(self) -> SomePage:
        if self.finished:
            raise StopIteration
        answer = self._answer()
        if not answer.found:
            self.finished = True
            raise StopIteration
        page = read_as(self._shape, answer)
        cursor = page.cursor
        if cursor is None:
            self.finished = True
        elif hash(cursor) in self._seen:
            raise ServiceDown(
                f"Gong's pages go in circles (the same cursor came twice, on {answer.operation.operation_id})",
                http_status=answer.http_status,
                request_id=answer.request_id,
            )
        else:
            self._seen.add(hash(cursor))
        self.cursor = cursor
        self.records = page.records
        return page

    def _answer(self) -> Answer:
        try:
            answer = self._ask(self.cursor)
        except RefusedByGong as refused:
            # The first page was taken, and nothing but the cursor has changed since.
            if self.cursor is None:
                raise
            raise CursorLost(
                f"Gong does not know the cursor of the next page any more: {refused.message}",
                http_status=refused.http_status,
                request_id=refused.request_id,
            ) from None
        if self.cursor is not None and not answer.found:
            raise CursorLost(
                f"Gong gave a cursor for more, and has nothing there (404 on {answer.operation.operation_id})",
                http_status=answer.http_status,
                request_id=answer.request_id,
            )
        return answer


class Listing(Generic[Row]):
    """The rows of a list, asked for page by page: one page in memory, one API call a page.

    Errors come out of `next()` and leave the place as it is: calling `next()` again asks for the same page again.
    """

    def __init__(self, pages: Pages[SomePage], rows_of: Callable[[SomePage], Sequence[Row] | None]) -> None:
        self._pages: Pages[Any] = pages

        def next_rows() -> Sequence[Row]:
            return rows_of(next(pages)) or ()

        self._next_rows = next_rows
        self._waiting: Iterator[Row] = iter(())

    def __iter__(self) -> Iterator[Row]:
        return self

    def __next__(self) -> Row:
        while True:
            for row in self._waiting:
                return row
            self._waiting = iter(self.next_rows())

    def next_rows(self) -> Sequence[Row]:
        """All rows of the next page, which may be none. Raises StopIteration after the last page."""
        return self._next_rows()

    @property
    def cursor(self) -> str | None:
        """What asks for the page after the last one that came; to go on with the same list in another process."""
        return self._pages.cursor

    @property
    def finished(self) -> bool:
        """Whether the last page has come; rows of it may still wait for `next()`."""
        return self._pages.finished

    @property
    def total(self) -> int | None:
        """How many rows there are in all; None where Gong does not say, and before the first page."""
        return None if self._pages.records is None else self._pages.records.total_records
