"""One question to Gong that gives rows: what it asks, what its rows look like, where it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.windows import Window, first_window


class Batches(Protocol):
    """A list a page at a time, as gong.pages.Listing is one."""

    @property
    def cursor(self) -> str | None:
        """What asks for the next page."""

    @property
    def finished(self) -> bool:
        """Whether the last page has come."""

    @property
    def total(self) -> int | None:
        """How many rows there are in all, where Gong says so."""

    def next_rows(self) -> Sequence[GongAnswer]:
        """The rows of the next page. Raises StopIteration after the last one; after an error the same page again."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """what: in messages ("calls"). row: the kind of each row. shown: the columns of a table for people.

    question: what was asked, JSON-able; a half-written file is gone on with only by the same one. ask: begins the list
    of a window (None: there are none) at a cursor. period: is asked for in windows; None: in one go.
    """

    what: str
    row: type[GongAnswer]
    shown: Sequence[str]
    question: Mapping[str, Any]
    ask: Callable[[Window | None, str | None], Batches]
    period: Window | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """How far an export is. mark: of its sink, to come back to. window_rows, window_mark: where this window began."""

    period: Window | None
    window: Window | None
    cursor: str | None = None
    rows: int = 0
    mark: int = 0
    window_rows: int = 0
    window_mark: int = 0
    over: bool = False

    @classmethod
    def beginning(cls, period: Window | None, mark: int) -> Place:
        """Nothing has been asked yet; `mark`: of the sink, behind a heading."""
        window = None if period is None else first_window(period)
        return cls(period=period, window=window, mark=mark, window_mark=mark)

    def after_page(self, *, rows: int, mark: int, cursor: str | None) -> Place:
        """One page further in the same window."""
        return replace(self, rows=self.rows + rows, mark=mark, cursor=cursor)

    def after_window(self, window: Window | None) -> Place:
        """At the beginning of the next window; None: it is over."""
        return replace(
            self, window=window, cursor=None, window_rows=self.rows, window_mark=self.mark, over=window is None
        )

    def window_again(self) -> Place:
        """Back at the beginning of this window."""
        return replace(self, cursor=None, rows=self.window_rows, mark=self.window_mark)
