"""Rows of Gong as a table for people, printed page by page: no more than one page is in memory."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gong_bridge.errors import BridgeError
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.readable import printable
from gong_bridge.receive.columns import Column, columns_of

_WIDEST = 60
_WIDEST_HEADING = 14
_LONGEST_WORD = 25
"""A time with its offset."""
_NARROWEST = 8


class TableSink:
    """Prints the columns `shown`; the widths are those that the first page needs."""

    def __init__(self, console: Console, row: type[GongAnswer], shown: Sequence[str]) -> None:
        by_name = {column.name: column for column in columns_of(row)}
        self._columns = [by_name[name] for name in shown]
        self._console = console
        self._widths: list[int] = []

    def write(self, rows: Sequence[GongAnswer]) -> int:
        """Print them."""
        if rows:
            records = [row.model_dump(mode="json", by_alias=True) for row in rows]
            cells = [[_cell(column, column.value_in(record)) for column in self._columns] for record in records]
            is_first = not self._widths
            if is_first:
                self._widths = self._fitting(cells)
            table = Table(box=None, header_style="bold", pad_edge=False, show_header=is_first)
            for column, width in zip(self._columns, self._widths, strict=True):
                table.add_column(_heading(column), width=width, overflow="fold")
            for line in cells:
                table.add_row(*(Text(cell) for cell in line))
            self._console.print(table)
        return 0

    def back_to(self, _mark: int, /) -> None:
        """What was printed cannot be taken back."""
        raise cannot_take_back()

    def _fitting(self, cells: Sequence[Sequence[str]]) -> list[int]:
        """Each column as wide as it needs; long texts are cut down until all fit on the screen.

        Ids, times and addresses have no spaces: they are read whole or not at all, and cut last.
        """
        widths: list[int] = []
        for place, column in enumerate(self._columns):
            longest = max(len(line[place]) for line in cells)
            widths.append(min(max(longest, min(len(_heading(column)), _WIDEST_HEADING)), _WIDEST))
        room = self._console.width - 2 * len(widths)
        everything = range(len(widths))
        sentences = [place for place in everything if any(" " in line[place] for line in cells)]
        for places, narrowest in ((everything, _LONGEST_WORD), (sentences, _NARROWEST), (everything, _NARROWEST)):
            while sum(widths) > room and max((widths[place] for place in places), default=0) > narrowest:
                widths[max(places, key=widths.__getitem__)] -= 1
        return widths


def cannot_take_back() -> BridgeError:
    """The error of a sink that has shown rows already."""
    return BridgeError(
        "Gong no longer takes its cursor, and the rows shown since cannot be taken back; ask again with --output FILE, "
        "which goes on by itself"
    )


def _heading(column: Column) -> str:
    return column.path[-1]


def _cell(column: Column, value: object) -> str:
    if value is None:
        return ""
    if column.kind == "flag":
        return "yes" if value else "no"
    if isinstance(value, list):
        is_plain = all(isinstance(one, str) for one in value)
        return printable(", ".join(value)) if is_plain else str(len(value))
    return printable(str(value))
