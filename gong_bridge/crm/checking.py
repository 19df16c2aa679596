"""Checks a file of CRM objects line by line before anything of it is sent: every mistake with its line and field.

Memory stays flat whatever the file holds: one line at a time, a few mistakes, and ids on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from gong_bridge.crm.entities import Entity
from gong_bridge.crm.repeated_ids import RepeatedIds
from gong_bridge.errors import BridgeError, ConfigError, SourceChanged
from gong_bridge.gong.crm import LARGEST_FILE_BYTES

LONGEST_LINE_BYTES = 4 * 2**20
"""No object has a line like this; a file without line ends has."""
SHOWN_MISTAKES = 20
_TOLD_BYTES = 2**20
_MOST_DIGITS = 300  # of a whole number; no program reads more as a number
_MARKS = ((b"\xef\xbb\xbf", "UTF-8 with a mark (BOM)"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Mistake:
    """What is wrong in a line, from 1; line 0 is the whole file. field: None for the line as a whole."""

    line: int
    field: str | None
    what: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedFile:
    """What a check found. mistakes: the first of `mistake_count`. sha256: of all bytes.

    stamp: what tells whether the file is still the one that was checked.
    """

    path: Path
    size_bytes: int
    sha256: str
    lines: int
    mistakes: tuple[Mistake, ...]
    mistake_count: int
    stamp: tuple[int, ...]

    def opened(self) -> BinaryIO:
        """The file that was checked, to be sent. Raises SourceChanged when it is another one by now."""
        file = open_file(self.path)
        if stamp_of(file) != self.stamp:
            file.close()
            raise SourceChanged(f"{self.path} was changed after it was checked; nothing was sent. Begin again")
        return file


def check_file(
    path: Path, entity: Entity, *, most: int = SHOWN_MISTAKES, told: Callable[[int], None] = lambda _bytes: None
) -> CheckedFile:
    """Read all of `path`. told: how many bytes were read since it was last told.

    Raises ConfigError when it cannot be read, is empty, too large, or changes meanwhile.
    """
    with open_file(path) as file, RepeatedIds() as ids:
        stamp = stamp_of(file)
        size_bytes = os.fstat(file.fileno()).st_size
        if size_bytes > LARGEST_FILE_BYTES:
            raise ConfigError(
                f"{path} has {size_bytes:,} bytes, and Gong takes {LARGEST_FILE_BYTES:,}; split it at a line end"
            )
        if not size_bytes:
            raise ConfigError(f"{path} is empty; write one JSON object a line into it")
        reading = _Reading(entity, most, ids)
        for line in _lines(file, reading, told):
            reading.line(line)
        reading.repeated()
        if stamp_of(file) != stamp:
            raise ConfigError(f"{path} was changed while it was checked; begin again when it is written")
    return CheckedFile(
        path=path,
        size_bytes=size_bytes,
        sha256=reading.digest.hexdigest(),
        lines=reading.number,
        mistakes=tuple(sorted(reading.mistakes, key=lambda one: one.line)),
        mistake_count=reading.count,
        stamp=stamp,
    )


def open_file(path: Path) -> BinaryIO:
    """The file for reading. Raises ConfigError."""
    try:
        if not path.is_file():
            raise ConfigError(f"{path} is not a file that is there; check the name")
        return path.open("rb")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ConfigError("the file's name holds a zero byte; check the name") from None


def file_size(path: Path) -> int:
    """In bytes. Raises ConfigError when it cannot be read."""
    with open_file(path) as file:
        return os.fstat(file.fileno()).st_size


def stamp_of(file: BinaryIO) -> tuple[int, ...]:
    """What tells one state of a file from another."""
    state = os.fstat(file.fileno())
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _lines(file: BinaryIO, reading: _Reading, told: Callable[[int], None]) -> Iterator[bytes]:
    untold = 0
    while line := _next_line(file):
        reading.digest.update(line)
        untold += len(line)
        if untold >= _TOLD_BYTES:
            told(untold)
            untold = 0
        if len(line) > LONGEST_LINE_BYTES:
            reading.mistake(f"is longer than {LONGEST_LINE_BYTES // 2**20} MiB; write each object on a line of its own")
            untold += 0 if line.endswith(b"\n") else _rest_of_line(file, reading)
            continue
        yield line
    told(untold)


def _next_line(file: BinaryIO) -> bytes:
    try:
        return file.readline(LONGEST_LINE_BYTES + 1)
    except OSError as error:
        raise BridgeError(f"the file cannot be read any further: {error.strerror or error}") from None


def _rest_of_line(file: BinaryIO, reading: _Reading) -> int:
    skipped = 0
    while piece := _next_line(file):
        reading.digest.update(piece)
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


class _Reading:
    """One reading of a file: where it is, and what was wrong so far."""

    def __init__(self, entity: Entity, most: int, ids: RepeatedIds) -> None:
        self.digest = hashlib.sha256()
        self.number = 0
        self.count = 0
        self.mistakes: list[Mistake] = []
        self._entity = entity
        self._most = most
        self._ids = ids

    def line(self, raw: bytes) -> None:
        """Look at the next line."""
        self.number += 1
        if self.number == 1:
            for mark, name in _MARKS:
                if raw.startswith(mark):
                    self._note(f"begins as {name}; save the file as UTF-8 without a mark")
                    raw = raw[len(mark) :] if mark == _MARKS[0][0] else raw
        if not raw.strip():
            self._note("is blank; delete it: Gong counts lines, and wants an object in each")
            return
        try:
            value = _read(raw)
        except _NotAnObject as error:
            self._note(str(error))
            return
        for field, what in self._entity.mistakes(value):
            self._note(what, field)
        object_id = value.get("objectId")
        if isinstance(object_id, str) and object_id:
            self._ids.add(object_id, self.number)

    def mistake(self, what: str) -> None:
        """The next line is wrong as a whole."""
        self.number += 1
        self._note(what)

    def repeated(self) -> None:
        """All lines were read: which ids stand in several."""
        for line, first in self._ids.repeated():
            what = f"stands in line {first} already; send several states of one object in files of their own"
            self._note(what, "objectId", line)

    def _note(self, what: str, field: str | None = None, line: int | None = None) -> None:
        self.count += 1
        if len(self.mistakes) < self._most:
            self.mistakes.append(Mistake(line=self.number if line is None else line, field=field, what=what))


class _NotAnObject(Exception):
    """A line that holds no JSON object, and why."""


def _read(raw: bytes) -> Mapping[str, Any]:
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise _NotAnObject(f"is not UTF-8 at byte {error.start + 1}; save the file as UTF-8") from None
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_whole)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _NotAnObject(_not_json(text, error)) from None
    except UnicodeEncodeError:
        raise _NotAnObject("holds half of a surrogate pair (\\ud8..), which is no character") from None
    except RecursionError:
        raise _NotAnObject("is not JSON: it is nested too deeply") from None
    except ValueError as error:
        raise _NotAnObject(f"is not JSON: {error}") from None
    if not isinstance(value, dict):
        kind = "a list" if isinstance(value, list) else "a single value"
        raise _NotAnObject(f"holds {kind}, not an object in braces")
    return value


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    start = text.lstrip()
    if start.startswith("["):
        return "begins a list; write each object on a line of its own, without brackets and commas around it"
    if start.startswith(("//", "#")):
        return "is a comment, which JSON has not; delete it"
    if error.msg == "Extra data":
        return f"goes on after the object, at column {error.colno}; one object a line, without a comma behind it"
    return f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]}, at column {error.colno}"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} stands in it twice")
    return value


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)
