"""Rows as lines of JSON or CSV, in bytes; pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.columns import Column, columns_of

Lines = Callable[[Sequence[GongAnswer]], bytes]

_OBEYED = re.compile(r"[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What a spreadsheet takes for the beginning of a formula, also when it comes in full width."""
_NUMBER_OR_PHONE = re.compile(r"[+\-]?\d[\d .,()/\-]*", re.ASCII)


def json_lines(rows: Sequence[GongAnswer]) -> bytes:
    """One JSON object a line, with Gong's names and without what is not there."""
    return "".join(row.model_dump_json(by_alias=True, exclude_none=True) + "\n" for row in rows).encode()


def csv_lines(rows: Sequence[GongAnswer]) -> bytes:
    """A CSV line for each row, without a heading."""
    if not rows:
        return b""
    columns = columns_of(type(rows[0]))
    records = (row.model_dump(mode="json", by_alias=True, exclude_none=True) for row in rows)
    return _csv([[_cell(column, column.value_in(record)) for column in columns] for record in records])


def csv_heading(row: type[GongAnswer]) -> bytes:
    """The first line of a CSV file."""
    return _csv([[column.name for column in columns_of(row)]])


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(column: Column, value: Any) -> str:
    if value is None:
        return ""
    if column.kind == "text":
        return harmless(str(value))
    if column.kind == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value).lower() if column.kind == "flag" else str(value)


def harmless(text: str) -> str:
    """`text` as a spreadsheet shows it instead of obeying it: with an apostrophe before what would be a formula.

    Plain numbers and phone numbers (+1 555 010 0201) stay as they are: they compute nothing but themselves.
    """
    if _OBEYED.match(text) and not _NUMBER_OR_PHONE.fullmatch(text):
        return "'" + text
    return text
