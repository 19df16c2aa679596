"""Finds the sidecar of a recording, a file or rows of a table, and waits for it as the mapping says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from gong_bridge.errors import AwaitingSidecar, BadMetadata, NotYetComplete
from gong_bridge.mapping.definition import Node, Place, Sidecar, TableSidecar
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.mapping.sidecar_formats import Malformed, read_sidecar
from gong_bridge.mapping.table_index import Question
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.templates import NotUsable, text_of
from gong_bridge.mapping.words import listed
from gong_bridge.model import Recording, SidecarFile

WRITTEN_SECONDS = 30.0
"""A sidecar that cannot be read and is younger than this may still be being written."""
_LONGEST_KEY = 1024
_THEN = {
    "hold": "a person is asked",
    "degrade": "the call is sent without it",
    "skip": "the recording is skipped",
}

ValueOf = Callable[..., Any]
"""Evaluates a node of the mapping; with a second argument, for one row of a table."""


class Beside(Protocol):
    """What lies beside a recording, and in the other places that the source names for its sidecars."""

    def read(self, where: str, key: str, max_bytes: int) -> SidecarFile | None:
        """A file of the place `where` (empty: the source itself), whole; None when there is none.

        Raises BadMetadata, SourceUnavailable.
        """

    def rows(self, where: str, key: str, question: Question) -> list[Row] | None:
        """Rows of a table; None when there is no such file. Raises what Tables.rows raises."""

    def faults(self, where: str, key: str, question: Question) -> str:
        """What is to be said of lines of a table that are no rows; empty when there are none."""


class NothingBeside:
    """A Beside for names without files."""

    def read(self, where: str, key: str, max_bytes: int) -> None:
        """There is none."""

    def rows(self, where: str, key: str, question: Question) -> None:
        """There is none."""

    def faults(self, where: str, key: str, question: Question) -> str:  # noqa: ARG002
        """Nothing."""
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """The sidecar: its key and data, and every row where it is a table."""

    key: str
    data: Any
    rows: Sequence[Row] = ()


class SidecarMissing(Exception):
    """No sidecar came in time; `message` says where it was looked for, `cure` what to do about it."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What decides how long a sidecar is waited for."""

    recording: Recording
    now: datetime
    wait_seconds: float


def find_sidecar(rule: Sidecar, waiting: Waiting, beside: Beside, value_of: ValueOf) -> Found | None:
    """The first sidecar that is there, or the rows; None when there are none and none are needed.

    Raises AwaitingSidecar (not there yet), NotYetComplete (half written, or a large table that is being read),
    SidecarMissing (waited long enough), BadMetadata (cannot be read; says file, line and column).
    """
    recording_key = waiting.recording.key
    keys = dict.fromkeys(
        (place.where, spelling)
        for place in rule.places
        if (key := _key(place, recording_key, value_of))
        for spelling in _spellings(key, place.ending, recording_key)
    )
    search = _Search(rule=rule, keys=list(keys), beside=beside, value_of=value_of)
    found = search.in_files(waiting) if rule.table is None else search.in_tables(rule.table)
    if found is not None or not value_of(rule.needed_when):
        return found
    looked = f"looked for {listed([f'{where}: {key}' if where else key for where, key in keys], 4)}"
    _wait_or_give_up(looked, search, waiting)
    return None


def digest_of(data: Any) -> str:
    """Of what a sidecar says of one recording: another order of keys or other spaces are no news."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:32]


class _Search:
    """Looks into one place after the other."""

    def __init__(self, *, rule: Sidecar, keys: list[tuple[str, str]], beside: Beside, value_of: ValueOf) -> None:
        self.rule = rule
        self._keys = keys
        self._beside = beside
        self._value_of = value_of
        self.seen_tables: list[str] = []
        self.faults = ""

    def in_files(self, waiting: Waiting) -> Found | None:
        for where, key in self._keys:
            file = self._beside.read(where, key, self.rule.largest_bytes)
            if file is not None:
                return self._of_file(file, waiting)
        return None

    def in_tables(self, table: TableSidecar) -> Found | None:
        for question, only in self._questions(table):
            for where, key in self._keys:
                rows = self._beside.rows(where, key, question)
                if rows is None:
                    continue
                self.seen_tables.append(key)
                fitting = [row for row in rows if self._value_of(only, row) and self._value_of(table.only, row)]
                if fitting:
                    return Found(key=key, data=self._chosen(table, key, fitting), rows=rows)
                self.faults = self.faults or self._beside.faults(where, key, question)
        return None

    def _questions(self, table: TableSidecar) -> Iterator[tuple[Question, Node]]:
        """The joins that have a value in every column, one after the other."""
        for which, rule in enumerate(table.rules):
            values = [self._value_of(node) for node in rule.values]
            if not any(is_empty(value) for value in values):
                wanted = tuple(_text(value).strip() for value in values)
                yield Question(shape=table.shape, joins=table.joins, which=which, wanted=wanted), rule.only

    def _chosen(self, table: TableSidecar, key: str, rows: list[Row]) -> Row:
        if table.order is not None:
            rows = self._ordered(table, rows)
        if len(rows) > 1 and table.choose == "one":
            raise BadMetadata(
                f"the table {key} has {len(rows)} rows for this recording; let `only` in the mapping tell them apart, "
                "or say choose: first"
            )
        return rows[-1 if table.choose == "last" else 0]

    def _ordered(self, table: TableSidecar, rows: list[Row]) -> list[Row]:
        values = [self._value_of(table.order, row) for row in rows]
        known = [(value, place) for place, value in enumerate(values) if not is_empty(value)]
        try:
            known.sort()
        except TypeError:
            raise BadMetadata("sidecar.table.order: it gives texts and numbers; let it give one of them") from None
        rest = [place for place, value in enumerate(values) if is_empty(value)]
        return [rows[place] for place in [*(place for _, place in known), *rest]]

    def _of_file(self, file: SidecarFile, waiting: Waiting) -> Found:
        try:
            if len(file.data) > self.rule.largest_bytes:
                raise Malformed(f"the file is larger than {self.rule.largest_bytes} bytes; is it a sidecar at all?")
            data = read_sidecar(file.data, self.rule.format)
        except Malformed as problem:
            age = (waiting.now - file.modified_at).total_seconds()
            if age < WRITTEN_SECONDS:
                raise NotYetComplete(
                    f"the sidecar {file.key} cannot be read yet; it may still be being written", wait_seconds=5.0
                ) from None
            raise BadMetadata(f"the sidecar {_placed(file.key, problem)}; correct the file, then retry") from None
        if self.rule.format == "csv":
            data = _row(self.rule, file.key, data, self._value_of)
        return Found(key=file.key, data=data)


def _wait_or_give_up(looked: str, search: _Search, waiting: Waiting) -> None:
    modified_at = waiting.recording.modified_at
    due_at = modified_at + timedelta(seconds=waiting.wait_seconds)
    remaining = (due_at - waiting.now).total_seconds()
    tables = listed(dict.fromkeys(search.seen_tables), 4)
    what = f"row for this recording in {tables}" if search.seen_tables else "sidecar"
    why = search.faults if search.seen_tables else looked
    why = f" ({why})" if why else ""
    if remaining > 0:
        age = max(0.0, (waiting.now - modified_at).total_seconds())
        wait_seconds = min(max(1.0, age / 4), 60.0, remaining + 0.1)
        until = f"{due_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        raise AwaitingSidecar(
            f"no {what} yet{why}; it is waited for until {until}, then {_THEN[search.rule.when_missing]}",
            wait_seconds=wait_seconds,
        )
    cure = "put it there, or choose a mapping that needs none"
    if search.seen_tables:
        cure = "it goes on when the row comes; if the row is there, correct what the mapping joins by"
    raise SidecarMissing(f"no {what} came within {max(waiting.wait_seconds, 0.0):g} s{why}", cure)


def _key(place: Place, recording_key: str, value_of: ValueOf) -> str | None:
    """Where this rule looks; None when its template gives no usable key, such as one with an empty part."""
    folder, slash, name = recording_key.rpartition("/")
    value = value_of(place.name)
    if place.rule == "append":
        key = recording_key + value
    elif place.rule == "replace_extension":
        stem, dot, _ = name.rpartition(".")
        key = folder + slash + (stem if dot and stem else name) + value
    elif place.rule == "beside":
        key = folder + slash + value
    else:
        key = value
    parts = key.split("/")
    is_other = bool(place.where) or key != recording_key
    usable = is_other and len(key) <= _LONGEST_KEY and ".." not in parts and "\0" not in key
    return key if usable and not key.startswith("/") else None


def _spellings(key: str, ending: str, recording_key: str) -> tuple[str, ...]:
    """Recorders that write X.WAV mostly write X.JSON, too."""
    in_capitals = recording_key.rpartition(".")[2].isupper() and bool(ending) and key.endswith(ending)
    return (key, key.removesuffix(ending) + ending.upper()) if in_capitals else (key,)


def _row(rule: Sidecar, key: str, rows: list[dict[str, str]], value_of: ValueOf) -> dict[str, str]:
    wanted = {column: value_of(node) for column, node in rule.where.items()}
    columns = rows[0].keys() if rows else ()
    absent = [column for column in wanted if column not in columns]
    if rows and absent:
        raise BadMetadata(f"the sidecar {key} has no column {absent[0]!r}; it has: {listed(columns)}")
    fitting = [row for row in rows if all(row[column] == str(value) for column, value in wanted.items())]
    if not fitting or (len(fitting) > 1 and wanted):
        found = "no row" if not fitting else f"{len(fitting)} rows"
        raise BadMetadata(f"the sidecar {key} has {found} for this recording; `where` in the mapping must choose one")
    return fitting[0]


def _text(value: Any) -> str:
    try:
        return text_of(value)
    except NotUsable as error:
        raise BadMetadata(f"sidecar.table.join.where: {error}") from None


def _placed(key: str, problem: Malformed) -> str:
    text = str(problem)
    return f"{key}:{text}" if text[:1].isdigit() else f"{key}: {text}"
