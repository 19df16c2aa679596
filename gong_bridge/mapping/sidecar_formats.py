"""Reads the bytes of a sidecar: JSON, XML or CSV, strictly, into plain data. Faults say line and column."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

_DEEPEST = 64
_MOST_VALUES = 200_000
_MOST_DIGITS = 400
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*+"|(-?(?:NaN|Infinity))')


class Malformed(ValueError):
    """The sidecar is not written as its format asks; the message begins with line and column where known."""


def read_sidecar(data: bytes, format_name: str) -> Any:
    """JSON: any value (whole numbers exact). XML: nested mappings without namespaces. CSV: a list of rows.

    Raises Malformed.
    """
    return _READERS[format_name](_text(data)) if format_name != "xml" else _read_xml(data)


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Malformed('1:1: the file is UTF-16 ("Unicode" in Windows editors); write it as UTF-8')
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise Malformed(f"{line}:{column}: this byte is not UTF-8; write the file as UTF-8") from None


# --- JSON ------------------------------------------------------------------------------------------------------------


def _read_json(text: str) -> Any:
    def constant(word: str) -> Any:
        place = next((match.start() for match in _CONSTANT.finditer(text) if match[1]), 0)
        raise Malformed(f"{_place(text, place)}: {word} is no JSON number; write a number or null")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            places = [match.start() for match in re.finditer(re.escape(json.dumps(twice)) + r"\s*:", text)]
            place = _place(text, places[1]) + ": " if len(places) == 2 else ""
            raise Malformed(f"{place}the key {twice!r} is there twice in one object; remove one")
        return found

    if sum(text.count(mark) for mark in ",[{") > 5 * _MOST_VALUES:  # texts may hold commas, but not so many
        raise _too_many()
    try:
        data = json.loads(text, parse_constant=constant, parse_float=_finite, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        raise Malformed(f"{error.lineno}:{error.colno}: this is no JSON: {what}") from None
    except RecursionError:
        raise Malformed("the JSON is nested too deeply") from None
    except Malformed:
        raise
    except ValueError:
        raise Malformed("a number in the JSON is too long; write it in quotes") from None
    _check_size(data)
    return data


def _finite(text: str) -> float:
    number = float(text)
    if len(text) > _MOST_DIGITS or number in (float("inf"), float("-inf")):
        raise Malformed("a number in the JSON is too large")
    return number


def _place(text: str, position: int) -> str:
    return f"{text.count(chr(10), 0, position) + 1}:{position - text.rfind(chr(10), 0, position)}"


def _too_many() -> Malformed:
    return Malformed(f"the data holds more than {_MOST_VALUES} values")


def _check_size(data: Any) -> None:
    waiting, count = [(data, 1)], 0
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST:
            raise Malformed(f"the data is nested more than {_DEEPEST} levels deep")
        if count > _MOST_VALUES:
            raise _too_many()
        if isinstance(value, dict):
            waiting.extend((inner, depth + 1) for inner in value.values())
        elif isinstance(value, list):
            waiting.extend((inner, depth + 1) for inner in value)
        elif isinstance(value, str) and _NO_TEXT.search(value):
            raise Malformed("a text holds \\u0000 or half a character (\\ud800 ...); let the recorder write it anew")


# --- XML -------------------------------------------------------------------------------------------------------------


def _read_xml(data: bytes) -> Any:
    if data.count(b"<") > 2 * _MOST_VALUES:  # before each of them takes a hundred bytes of memory
        raise _too_many()
    try:
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except ParseError as error:
        line, column = error.position
        raise Malformed(f"{line}:{column + 1}: this is no XML: {str(error).split(':')[0]}") from None
    except DefusedXmlException:
        raise Malformed("1:1: the XML has a DTD or entities, which are never read; remove <!DOCTYPE ...>") from None
    except (ValueError, LookupError) as error:
        raise Malformed(f"1:1: the XML's encoding cannot be read ({error}); write the file as UTF-8") from None
    return _plain(root, 1)


def _plain(element: Element, depth: int) -> Any:
    """Text, or a mapping of children (repeated ones as a list) and attributes; a child hides an attribute."""
    if depth > _DEEPEST:
        raise Malformed(f"the data is nested more than {_DEEPEST} levels deep")
    text = (element.text or "").strip()
    if not len(element) and not element.attrib:
        return text
    found: dict[str, Any] = {_local(name): value for name, value in element.attrib.items()}
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(_local(child.tag), []).append(_plain(child, depth + 1))
    found.update({name: values[0] if len(values) == 1 else values for name, values in children.items()})
    if text:
        found["text"] = text
    return found


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


# --- CSV -------------------------------------------------------------------------------------------------------------


def _read_csv(text: str) -> list[dict[str, str]]:
    """Rows by the names in the first line; the separator is the one of , ; tab | that the first line has most of.

    A row may leave out its last cells, but not the last row of a file that does not end with a newline: it was cut off.
    """
    if "\0" in text:  # what a machine leaves that lost power while it wrote
        place = _place(text, text.index("\0"))
        raise Malformed(f"{place}: there are NUL bytes in it; let the recorder write it anew")
    first_line = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    columns: list[str] = []
    rows: list[dict[str, str]] = []
    is_cut = False
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            if not columns:
                columns = row
                continue
            if len(row) > len(columns):
                raise Malformed(f"{reader.line_num}:1: {len(row)} cells, but the first line has {len(columns)}")
            if len(rows) * len(columns) > _MOST_VALUES:
                raise _too_many()
            rows.append(dict(zip(columns, row + [""] * (len(columns) - len(row)), strict=True)))
            is_cut = len(row) < len(columns)
    except csv.Error as error:
        raise Malformed(f"{reader.line_num}:1: this is no CSV: {error}") from None
    if is_cut and not text.endswith("\n"):
        raise Malformed(f"{reader.line_num}:1: the last line is cut off: it has fewer cells than the first")
    if not columns:
        raise Malformed("1:1: the file is empty")
    return rows


_READERS: dict[str, Callable[[str], Any]] = {"json": _read_json, "csv": _read_csv}
