"""Cuts the bytes of a table that still grows into whole rows, each with its place; pure.

A table is a CSV file or a file of JSON lines that describes many recordings. A line that is no row is told apart with
its line number and spoils no other row. A record is complete when its line ends with a newline: the last line of a
table that is being written never is.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from gong_bridge.mapping.sidecar_formats import Malformed, read_sidecar
from gong_bridge.mapping.words import listed

SEPARATORS = ",;\t|"
MOST_LINES = 64
"""Lines that one row may have; a quote that is never closed would otherwise swallow the rest of the table."""
LONGEST_ROW_BYTES = 1 << 20
_NEVER_CLOSED = "a quote is not closed"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Row = dict[str, Any]


class _NeverClosed(Exception):
    """A quote took more lines with it than a row can have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """How a table is written.

    columns: names in the order of the cells; empty: the first line has them.
    optional: those of the last columns that may be absent.
    delimiter: None: the one of , ; tab | that the first line has most of.
    encoding: a codec in which ASCII characters are single bytes.
    """

    format: Literal["csv", "jsonl"] = "csv"
    columns: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    delimiter: str | None = None
    quote: str = '"'
    encoding: str = "utf-8"


class Piece(NamedTuple):  # a dataclass takes a second longer for a million rows
    """One record of a table: where it lies, and its cells (CSV) or the whole line (JSON lines).

    line: the number of its first line, counted from 1; lines: how many it has.
    fault: why it is no row; such a record has no cells.
    """

    first: int
    size_bytes: int
    line: int
    lines: int = 1
    cells: Sequence[str] = ()
    fault: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heading:
    """What the beginning of a table says: names and separator, and where the first row lies."""

    columns: tuple[str, ...]
    fewest: int
    delimiter: str
    first: int
    line: int


def heading_of(shape: Shape, beginning: bytes) -> Heading | None:
    """The heading, None while its line is not whole yet. Raises Malformed when it can be none."""
    start = len(_BYTE_ORDER_MARK) if beginning.startswith(_BYTE_ORDER_MARK) else 0
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Malformed('1:1: the table is UTF-16 ("Unicode" in Windows editors); write it as UTF-8')
    first_line, newline, _ = beginning[start:].partition(b"\n")
    if not newline:
        if len(beginning) >= LONGEST_ROW_BYTES:
            raise Malformed(f"1:1: the first line is longer than {LONGEST_ROW_BYTES} bytes; is it a table at all?")
        return None
    text = first_line.decode(shape.encoding, "replace")
    delimiter = shape.delimiter or max(SEPARATORS, key=text.count)
    if shape.format == "jsonl" or shape.columns:
        fewest = len(shape.columns) - len(shape.optional)
        return Heading(columns=shape.columns, fewest=fewest, delimiter=delimiter, first=start, line=1)
    cells = next(_reader([text], shape, delimiter), [])
    columns = tuple(cell.strip() for cell in cells)
    if not any(columns):
        raise Malformed("1:1: the first line has no headings; name the columns in the mapping (table.columns)")
    fewest = len([name for name in columns if name not in shape.optional])
    size_bytes = len(first_line) + 1
    return Heading(columns=columns, fewest=fewest, delimiter=delimiter, first=start + size_bytes, line=2)


def check_encoding(name: str) -> str:
    """The encoding's name back, or ValueError when it is not known or not one that a table can be cut in."""
    plain = bytes(range(128))
    try:
        if plain.decode(name) == plain.decode("ascii"):
            return name
    except (LookupError, UnicodeError):
        pass
    raise ValueError(f"{name!r} is no encoding in which tables can be read; write utf-8, cp1252, latin-1 or the like")


class Cutter:
    """Cuts slice after slice of one table.

    Slices are read as Latin-1, one character for each byte, so that places are exact whatever the encoding; `text_of`
    gives a cell its real characters.
    """

    def __init__(self, shape: Shape, heading: Heading) -> None:
        self._shape = shape
        self._heading = heading

    def text_of(self, cell: str) -> str:
        """A cell of a Piece as the table's encoding means it; what cannot be read stays, replaced, and fits nothing."""
        return cell if cell.isascii() else cell.encode("latin-1").decode(self._shape.encoding, "replace")

    def pieces(self, data: bytes, first: int, line: int, *, is_end: bool = False) -> Iterator[Piece]:
        """Every complete record in `data`, which lies at `first` and begins with line number `line`.

        is_end: nothing will follow, so a quote that is still open is a fault and no reason to wait.
        """
        lines = list(io.StringIO(data.decode("latin-1"), newline="\n"))
        if lines and not lines[-1].endswith("\n"):
            lines.pop()
        if self._shape.format == "jsonl":
            for text in lines:
                yield Piece(first=first, size_bytes=len(text), line=line, cells=(text,))
                first, line = first + len(text), line + 1
            return
        yield from self._csv_pieces(lines, first, line, is_end)

    def _csv_pieces(self, lines: list[str], first: int, line: int, is_end: bool) -> Iterator[Piece]:
        fed = begun = 0

        def feed() -> Iterator[str]:
            nonlocal fed
            while fed < len(lines):
                if fed - begun >= MOST_LINES:
                    raise _NeverClosed(_NEVER_CLOSED)
                fed += 1
                yield lines[fed - 1]

        reader = _reader(feed(), self._shape, self._heading.delimiter)
        fewest, most, last = self._heading.fewest, len(self._heading.columns), len(lines)
        while begun < len(lines):
            fault: str | None = None
            cells: list[str] = []
            try:
                cells = next(reader)
                if fed - begun == 1 and fed < last and fewest <= len(cells) <= most:  # as nearly all are
                    size_bytes = len(lines[begun])
                    yield Piece(first, size_bytes, line, 1, cells)
                    first, line, begun = first + size_bytes, line + 1, fed
                    continue
                fault = self._fault(cells)
            except (csv.Error, _NeverClosed) as error:
                fault = str(error)
            except StopIteration:
                return
            if fed == len(lines) and fed - begun < MOST_LINES and self._is_open(lines[begun:]):
                if not is_end:
                    return  # the rest of the record is still to come
                fault = _NEVER_CLOSED
            if fault and (fed - begun > 1 or not cells):
                # A stray quote took further lines with it: only the line that it stands in is lost.
                fed = begun + 1
                reader = _reader(feed(), self._shape, self._heading.delimiter)
            size_bytes = len(lines[begun]) if fed - begun == 1 else sum(map(len, lines[begun:fed]))
            count = fed - begun
            shown = () if fault else cells
            yield Piece(first=first, size_bytes=size_bytes, line=line, lines=count, cells=shown, fault=fault)
            first, line, begun = first + size_bytes, line + count, fed

    def row(self, data: bytes, line: int) -> Row | None:
        """The row that these bytes are; None for an empty line. Raises Malformed with line and column."""
        try:
            text = data.decode(self._shape.encoding).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            before = data[: error.start]
            place = f"{line + before.count(10)}:{error.start - before.rfind(10)}"
            cure = "say how the table is written in the mapping, such as `encoding: cp1252`"
            raise Malformed(f"{place}: this byte is not {self._shape.encoding.upper()}; {cure}") from None
        if self._shape.format == "jsonl":
            return _json_row(text, line)
        try:
            cells = next(_reader(io.StringIO(text, newline=""), self._shape, self._heading.delimiter), [])
        except csv.Error as error:
            raise Malformed(f"{line}:1: this is no CSV: {error}") from None
        if not any(cells):
            return None
        fault = self._fault(cells)
        if fault:
            raise Malformed(f"{line}:1: {fault}")
        missing = [""] * (len(self._heading.columns) - len(cells))
        return dict(zip(self._heading.columns, [cell.strip() for cell in cells] + missing, strict=False))

    def _fault(self, cells: Sequence[str]) -> str | None:
        count, most = len(cells), len(self._heading.columns)
        if self._heading.fewest <= count <= most or not any(cells[most if count > most else 0 :]):
            return None  # empty lines, and empty cells behind the last column, harm nobody
        wanted = str(most) if self._heading.fewest == most else f"{self._heading.fewest} to {most}"
        return f"{count} cells instead of {wanted}"

    def _is_open(self, lines: list[str]) -> bool:
        """Does the record end inside quotes? Then one more line belongs to it."""
        try:
            return len(list(_reader([*lines, "x"], self._shape, self._heading.delimiter))) == 1
        except csv.Error:
            return False


def key_reader(
    cutter: Cutter, heading: Heading, shape: Shape, columns: Sequence[tuple[str, Callable[[str], str]]]
) -> Callable[[Sequence[str]], tuple[str, ...] | None]:
    """A function that gives the values of `columns` in a Piece's cells; None when one is missing or empty.

    Each column is a name and what is made of its text. Raises Malformed when the table has no such column.
    """
    if shape.format == "jsonl":
        return lambda cells: _key_of(_json_cells(cutter.text_of(cells[0]), columns))
    absent = [name for name, _ in columns if name not in heading.columns]
    if absent:
        raise Malformed(f"1:1: there is no column {absent[0]!r}; there is: {listed(heading.columns, 40)}")
    places = [(heading.columns.index(name), change) for name, change in columns]
    if len(places) == 1:
        (only, change_only), text_of = places[0], cutter.text_of

        def single(cells: Sequence[str]) -> tuple[str, ...] | None:
            value = change_only(text_of(cells[only]).strip()) if only < len(cells) else ""
            return (value,) if value else None

        return single

    def several(cells: Sequence[str]) -> tuple[str, ...] | None:
        texts = [change(cutter.text_of(cells[place]).strip()) if place < len(cells) else "" for place, change in places]
        return _key_of(texts)

    return several


def _key_of(texts: Sequence[str]) -> tuple[str, ...] | None:
    return tuple(texts) if all(texts) else None


def _json_cells(text: str, columns: Sequence[tuple[str, Callable[[str], str]]]) -> list[str]:
    try:
        data = json.loads(text)
    except ValueError:
        return [""]
    values = [(data.get(name) if isinstance(data, dict) else None, change) for name, change in columns]
    return [change(str(value).strip()) if isinstance(value, (str, int, float)) else "" for value, change in values]


def _json_row(text: str, line: int) -> Row | None:
    if not text.strip():
        return None
    try:
        data = read_sidecar(text.strip().encode(), "json")
    except Malformed as problem:
        raise Malformed(f"{line}:1: {problem}") from None
    if not isinstance(data, dict):
        raise Malformed(f"{line}:1: each line must hold one JSON object")
    return data


def _reader(lines: Any, shape: Shape, delimiter: str) -> Iterator[list[str]]:
    if not shape.quote:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, skipinitialspace=True)
    return csv.reader(lines, delimiter=delimiter, quotechar=shape.quote, skipinitialspace=True)
