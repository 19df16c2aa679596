"""A small language for the shape of JSON, with messages that name the field; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_URL = re.compile(r"https?://[^\s/?#]+(?:[/?#]\S*)?", re.IGNORECASE)


class Shape(Protocol):
    """What a value may look like."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """One message for each way in which `value`, found at `where`, is wrong."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `longest` in characters; `filled` refuses blank ones."""

    longest: int | None = None
    filled: bool = False

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, str):
            yield f"{where} must be a string"
        elif self.longest is not None and len(value) > self.longest:
            yield f"{where} must not be longer than {self.longest} characters"
        elif self.filled and not value.strip():
            yield f"{where} must not be empty"


@dataclass(frozen=True, slots=True)
class Id:
    """Up to 20 digits, as a string."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, str):
            yield f"{where} must be a string"
        elif not (1 <= len(value) <= 20 and value.isascii() and value.isdigit()):
            yield f"{where} must be an identifier of up to 20 digits"


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute http or https address."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, str) or not _URL.fullmatch(value):
            yield f"{where} must be an absolute http or https URL"


@dataclass(frozen=True, slots=True)
class Time:
    """ISO-8601 with seconds and an offset."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if parse_time(value) is None:
            yield f"{where} must be an ISO-8601 date and time with an offset, such as 2018-02-18T02:30:00-07:00"


@dataclass(frozen=True, slots=True)
class Day:
    """A day as YYYY-MM-DD."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if parse_day(value) is None:
            yield f"{where} must be a date such as 2018-02-18"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, str) or value not in self.words:
            known = ", ".join(self.words) if len(self.words) <= 10 else "the documented values"
            yield f"{where} must be one of {known}"


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number; `whole` for integers of 32 bits."""

    least: float | None = None
    most: float | None = None
    whole: bool = False

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            yield f"{where} must be {'an integer' if self.whole else 'a number'}"
        elif self.least is not None and value < self.least:
            yield f"{where} must not be less than {self.least:g}"
        elif self.most is not None and value > self.most:
            yield f"{where} must not be greater than {self.most:g}"
        elif self.whole and abs(value) >= 2**31:
            yield f"{where} must fit into 32 bits"


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, bool):
            yield f"{where} must be true or false"


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value but null."""

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if value is None:
            yield f"{where} must not be null"


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of one shape; `unique`: with no item twice."""

    item: Shape
    at_least: int = 0
    unique: bool = False

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, list):
            yield f"{where} must be a list"
            return
        if len(value) < self.at_least:
            yield f"{where} must have at least {self.at_least} item"
        for number, item in enumerate(value):
            yield from self.item.mistakes(item, f"{where}[{number}]")
            if self.unique and item in value[:number]:
                yield f"{where}[{number}] is in the list already"


@dataclass(frozen=True, slots=True)
class Thing:
    """An object with these fields and no others."""

    fields: Mapping[str, Shape]
    required: tuple[str, ...] = ()

    def mistakes(self, value: Any, where: str) -> Iterator[str]:
        """See Shape."""
        if not isinstance(value, dict):
            yield f"{where or 'the body'} must be an object"
            return
        prefix = f"{where}." if where else ""
        for name in self.required:
            if name not in value:
                yield f"{prefix}{name} is required"
        for name, item in value.items():
            shape = self.fields.get(name)
            if shape is None:
                yield f"{prefix}{name} is not a known field"
            else:
                yield from shape.mistakes(item, f"{prefix}{name}")


def parse_time(value: Any) -> datetime | None:
    """The aware moment that Gong's ISO-8601 text means; None when it means none."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    moment, fraction, offset = match.groups()
    try:
        return datetime.fromisoformat(f"{moment}.{(fraction or '0')[:6]:0<6}{offset}")
    except ValueError:
        return None


def parse_day(value: Any) -> date | None:
    """The day that YYYY-MM-DD means; None when it means none."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
