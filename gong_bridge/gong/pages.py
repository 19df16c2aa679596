"""Lists that come in pages: an iterator over pages that holds one of them and can go on after a failed one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from gong_bridge.errors import ServiceDown
from gong_bridge.gong.wire import Answer, Page, read_as

SomePage = TypeVar("SomePage", bound=Page)


class Pages(Generic[SomePage]):
    """All pages of one list. `ask` sends one request for a cursor (None asks for the first page).

    When `next()` raises, the cursor is kept: calling `next()` again asks for the same page. A 404 ends the list (G2).
    A cursor that comes back raises ServiceDown, instead of going in circles for ever.
    """

    def __init__(self, shape: type[SomePage], ask: Callable[[str | None], Answer]) -> None:
        self._shape = shape
        self._ask = ask
        self._cursor: str | None = None
        self._seen: set[int] = set()
        self._finished = False

    def __iter__(self) -> Iterator[SomePage]:
        return self

    def __next__(self) -> SomePage:
        if self._finished:
            raise StopIteration
        answer = self._ask(self._cursor)
        if not answer.found:
            self._finished = True
            raise StopIteration
        page = read_as(self._shape, answer)
        cursor = page.cursor
        if cursor is None:
            self._finished = True
        elif hash(cursor) in self._seen:
            raise ServiceDown(
                f"Gong's pages go in circles (the same cursor came twice, on {answer.operation.operation_id})",
                http_status=answer.http_status,
                request_id=answer.request_id,
            )
        else:
            self._seen.add(hash(cursor))
        self._cursor = cursor
        return page
