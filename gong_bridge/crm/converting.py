"""Makes lines of CRM objects of a CSV by a map, and remembers in which lines of the CSV each object stands."""

from __future__ import annotations

import csv
import json
import os
import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO
from zoneinfo import ZoneInfo

from gong_bridge.crm.checking import open_file
from gong_bridge.crm.csv_map import CsvMap, FieldFromCsv
from gong_bridge.crm.entities import Entity
from gong_bridge.crm.values import BOOLEAN, DAY_OR_MOMENT, NUMBER, OF_TYPE, ORDER, STRINGS, Check
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.gong.crm import LARGEST_FILE_BYTES

_MOST_MISTAKES = 1000
_DELIMITERS = ",;\t|"
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_DAYS = (OF_TYPE["DATE"], DAY_OR_MOMENT)
_BETWEEN_THOUSANDS = {".": r"[,' \u00a0\u202f]", ",": r"[.' \u00a0\u202f]"}
# Thousands in threes only: 1,5 is one and a half in half of the world, and must not become 15.
_NUMBERS_WRITTEN = {
    decimal: re.compile(rf"[+-]?(\d+|\d{{1,3}}({between}\d{{3}})+)({re.escape(decimal)}\d+)?([eE][+-]?\d+)?", re.ASCII)
    for decimal, between in _BETWEEN_THOUSANDS.items()
}
_NUMBERS = (NUMBER, ORDER, OF_TYPE["PERCENT"])


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceMistake:
    """What is wrong in a line of the person's own file."""

    line: int
    what: str


@dataclass(kw_only=True)
class Source:
    """A person's file, and what is sent of it. starts: where each object begins in a CSV, and where the last ends.

    mistakes: of the CSV itself, the first of `mistake_count`.
    """

    file: Path
    sent: Path
    has_heading: bool = False
    starts: array[int] = field(default_factory=lambda: array("I"))
    mistakes: list[SourceMistake] = field(default_factory=list)
    mistake_count: int = 0
    rules: Mapping[str, FieldFromCsv] = field(default_factory=dict)

    @classmethod
    def of_lines(cls, file: Path) -> Source:
        """A file that is sent as it is."""
        return cls(file=file, sent=file)

    def place(self, line: int) -> tuple[int, int]:
        """First and last line, in the person's file, of what is sent as `line`; 0 is the whole file."""
        if not self.has_heading or line < 1 or line >= len(self.starts):
            return line, line
        return self.starts[line - 1], self.starts[line] - 1

    def origin_of(self, name: str) -> str:
        """Of which column a field was made, and how the map reads it; empty without a map. For messages."""
        rule = self.rules.get(name)
        if rule is None or rule.column is None:
            return ""
        how = "" if rule.time is None else f", which the map reads as time: {rule.time}"
        return f" (column {rule.column!r}{how})"

    def note(self, line: int, what: str) -> None:
        """Something is wrong in this line of the file."""
        self.mistake_count += 1
        if len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(SourceMistake(line=line, what=what))


def convert(
    file: Path, map_of_csv: CsvMap, entity: Entity, target: Path, *, told: Callable[[int], None] = lambda _bytes: None
) -> Source:
    """Write one object a line into `target`. told: how many bytes of the CSV were read since it was last told.

    Empty cells are left out. What a rule cannot read is passed on as it stands: the check of the objects names it.
    Raises ConfigError when the CSV cannot be read as one, lacks columns, or becomes too large.
    """
    map_of_csv.check_fields(entity.fields)
    source = Source(file=file, sent=target, has_heading=True, rules=map_of_csv.fields)
    open_file(file).close()
    try:
        with (
            file.open("r", encoding=_encoding(map_of_csv), newline="") as read,
            target.open("w", encoding="utf-8", newline="\n", errors="surrogatepass") as write,
        ):
            _convert_rows(read, write, map_of_csv, entity, source, told)
    except UnicodeError:
        raise ConfigError(
            f"{file} is not written in {map_of_csv.form.encoding}; say its encoding in the map (csv: encoding: cp1252)"
        ) from None
    except OSError as error:
        raise BridgeError(f"{file} cannot be converted: {error.strerror or error}") from None
    return source


def _encoding(map_of_csv: CsvMap) -> str:
    encoding = map_of_csv.form.encoding
    return "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding


def _convert_rows(
    read: TextIO, write: TextIO, map_of_csv: CsvMap, entity: Entity, source: Source, told: Callable[[int], None]
) -> None:
    first = read.readline()
    if not first.strip():
        raise ConfigError(f"{source.file}:1: the first line must name the columns")
    delimiter = map_of_csv.form.delimiter or max(_DELIMITERS, key=first.count)
    read.seek(0)
    rows = _Rows(read, delimiter, source)
    columns = next(iter(rows), (0, []))[1]
    repeated = sorted({name for name in columns if columns.count(name) > 1 and name})
    if repeated:
        raise ConfigError(f"{source.file}:1: the column {repeated[0]!r} is named twice")
    map_of_csv.check_columns(columns, source.file)
    makers = [(name, _maker(one, entity.check_of(name)), one) for name, one in map_of_csv.fields.items()]
    position = {name: number for number, name in enumerate(columns)}
    written = 0
    for line, cells in rows:
        if len(cells) != len(columns):
            source.note(line, f"has {len(cells)} cells, and the first line names {len(columns)}")
        made: dict[str, Any] = {}
        for name, make, one in makers:
            at = position.get(one.column or "", len(cells))
            value = one.value if one.column is None else make(cells[at].strip() if at < len(cells) else "")
            if value is not None:
                made[name] = value
        text = json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n"
        written += len(text.encode("utf-8", "surrogatepass"))
        if written > LARGEST_FILE_BYTES:
            raise ConfigError(
                f"{source.file} becomes more than {LARGEST_FILE_BYTES:,} bytes, and Gong takes no more; split it "
                f"before line {line}"
            )
        write.write(text)
        source.starts.append(line)
        if not len(source.starts) % 5000:
            told(_read_bytes(read) - rows.told_bytes)
            rows.told_bytes = _read_bytes(read)
    source.starts.append(rows.next_line)


class _Rows:
    """The rows of a CSV that are not blank, each with the line in which it begins."""

    def __init__(self, read: TextIO, delimiter: str, source: Source) -> None:
        self._reader = csv.reader(read, delimiter=delimiter, strict=True)
        self._source = source
        self.told_bytes = 0
        self.next_line = 1

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            begin = self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ConfigError(f"{self._source.file}:{begin}: cannot be read as CSV: {error}") from None
            self.next_line = self._reader.line_num + 1
            if any(cell.strip() for cell in cells):
                yield begin, cells


def _read_bytes(read: TextIO) -> int:
    return os.lseek(read.fileno(), 0, os.SEEK_CUR)


def _maker(rule: FieldFromCsv, check: Check) -> Callable[[str], Any]:
    zone = None if rule.zone is None else ZoneInfo(rule.zone)

    def make(cell: str) -> Any:
        if rule.map is not None and (cell in rule.map or rule.otherwise is not None):
            return rule.map.get(cell, rule.otherwise)
        if not cell:
            return None
        if rule.map is not None:
            return cell
        if rule.time is not None:
            return _time(cell, rule.time, zone, is_day=check in _DAYS)
        if check is STRINGS or rule.split is not None:
            texts = [part.strip() for part in cell.split(rule.split or ";")]
            return [rule.prefix + text for text in texts if text]
        if check is BOOLEAN:
            return _BOOLEANS.get(cell.lower(), cell)
        if check in _NUMBERS:
            return _number(cell, rule.decimal)
        return rule.prefix + cell

    return make


def _number(cell: str, decimal: str) -> int | float | str:
    written = _NUMBERS_WRITTEN[decimal].fullmatch(cell)
    if written is None:
        return cell
    plain = re.sub(_BETWEEN_THOUSANDS[decimal], "", cell).replace(decimal, ".")
    try:
        return int(plain) if plain.lstrip("-").isdecimal() else _finite(float(plain))
    except ValueError:
        return cell


def _finite(number: float) -> float:
    if number - number != 0:
        raise ValueError
    return number


def _time(cell: str, form: str, zone: ZoneInfo | None, *, is_day: bool) -> str:
    try:
        moment = datetime.fromisoformat(cell) if form == "iso" else datetime.strptime(cell, form)  # noqa: DTZ007
    except ValueError:
        return cell
    if is_day:
        return moment.date().isoformat()
    if moment.tzinfo is None and zone is not None:
        moment = moment.replace(tzinfo=zone)
    return moment.replace(microsecond=0).isoformat()
