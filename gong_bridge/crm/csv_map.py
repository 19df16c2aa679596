"""Which column of a CSV becomes which field of a CRM object, from a YAML file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gong_bridge.errors import ConfigError
from gong_bridge.gong.models.crm import UploadType
from gong_bridge.strict_yaml import Document, load_document, problems_of
from gong_bridge.strict_yaml.keys import near_name


class FieldFromCsv(BaseModel):
    """How a field is made of a cell. The rules below are applied in this order."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    column: str | None = None
    """The column's name in the first line."""
    value: str | int | float | bool | None = None
    """The same for every object, in place of a column."""
    map: dict[str, str | int | float | bool] | None = None
    """What the cell says -> what Gong is told."""
    otherwise: str | int | float | bool | None = None
    """What stands for a cell that `map` does not name; without it such a cell is a mistake."""
    split: str | None = Field(default=None, min_length=1)
    """What stands between the texts of a list."""
    time: str | None = None
    """How a day or time is written: iso, or a form such as '%d.%m.%Y %H:%M'."""
    zone: str | None = None
    """The time zone of times without an offset, such as Europe/Berlin."""
    decimal: Literal[".", ","] = "."
    """What stands before the fraction of a number; the other one, and blanks, part its thousands."""
    prefix: str = ""
    """What is put before the text, such as https://crm.example.com/accounts/."""


class CsvForm(BaseModel):
    """How the CSV is written."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    """What stands between cells; without it the one of , ; tab | that the first line has most of."""
    encoding: str = "utf-8"
    """utf-8, cp1252, latin-1, utf-16 ... ."""


class CsvMapFile(BaseModel):
    """A map of one CSV to objects of one type."""

    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)

    about: str | None = None
    """What the file is for, in words."""
    object: UploadType
    """ACCOUNT, CONTACT, DEAL, LEAD, BUSINESS_USER or STAGE."""
    csv: CsvForm = CsvForm()
    """How the CSV is written."""
    fields: dict[str, str | FieldFromCsv] = Field(min_length=1)
    """Gong's field -> the column's name, or how it is made."""


@dataclass(frozen=True, kw_only=True)
class CsvMap:
    """A map that is right in itself."""

    document: Document
    object_type: UploadType
    form: CsvForm
    fields: Mapping[str, FieldFromCsv]

    def check_columns(self, columns: Collection[str], csv: Path) -> None:
        """Raise ConfigError for each column that the map speaks of and the CSV has not."""
        problems = []
        for name, field in self.fields.items():
            if field.column is None or field.column in columns:
                continue
            near = near_name(field.column, columns)
            cure = f"did you mean {near!r}?" if near else f"there are {', '.join(list(columns)[:30])}"
            problems.append(self._problem(name, f"{csv} has no column {field.column!r}; {cure}"))
        if problems:
            raise ConfigError(problems)

    def check_fields(self, known: Collection[str]) -> None:
        """Raise ConfigError for each field that objects of this type have not."""
        problems = []
        for name in self.fields:
            if name not in known:
                near = near_name(name, known)
                cure = f"did you mean {near}?" if near else f"there are {', '.join(known)}"
                problems.append(self._problem(name, f"{self.object_type} has no such field; {cure}"))
        if problems:
            raise ConfigError(problems)

    def _problem(self, name: str, what: str) -> str:
        return self.document.problem(("fields", name), what, of_key=True)


def load_csv_map(path: Path) -> CsvMap:
    """Read a map. Raises ConfigError with every mistake, `file:line:column: what; cure`."""
    document = load_document(path)
    try:
        read = CsvMapFile.model_validate(document.data)
    except ValidationError as error:
        raise ConfigError(problems_of(document, error, CsvMapFile)) from None
    fields = {name: FieldFromCsv(column=one) if isinstance(one, str) else one for name, one in read.fields.items()}
    problems = [problem for name, one in fields.items() for problem in _problems(document, name, one)]
    try:
        "".encode(read.csv.encoding)
    except LookupError:
        problems.append(document.problem(("csv", "encoding"), f"{read.csv.encoding!r} is not known; try utf-8, cp1252"))
    if problems:
        raise ConfigError(problems)
    return CsvMap(document=document, object_type=read.object, form=read.csv, fields=fields)


def _problems(document: Document, name: str, field: FieldFromCsv) -> list[str]:
    at = ("fields", name)
    problems: list[tuple[tuple[str, ...], str]] = []
    if (field.column is None) == (field.value is None):
        problems.append((at, "say `column:` or `value:`, one of them"))
    if field.otherwise is not None and field.map is None:
        problems.append(((*at, "otherwise"), "has a meaning only beside `map:`"))
    if field.zone is not None:
        if field.time is None:
            problems.append(((*at, "zone"), "has a meaning only beside `time:`"))
        if not _is_zone(field.zone):
            problems.append(((*at, "zone"), f"zone {field.zone!r} is not known; write one such as Europe/Berlin"))
    if field.time is not None and field.time != "iso" and "%" not in field.time:
        problems.append(((*at, "time"), "write iso, or a form such as '%d.%m.%Y %H:%M'"))
    return [document.problem(place, what) for place, what in problems]


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
