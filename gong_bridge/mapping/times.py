"""Reads the times that recorders write; a local time without a zone is never guessed at (R25)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

AMBIGUOUS = ("hold", "earlier", "later", "by_end")
"""What to do with a local hour that the clocks ran through twice, or not at all."""

_ISO = re.compile(r"(\d{4}-?\d{2}-?\d{2}[T ]\d{2}\S*)(?: ?([+-]\d{2}:?\d{2})| (UTC|GMT))?", re.IGNORECASE)
_DOTNET = re.compile(r"\\?/Date\((-?\d{1,15})([+-]\d{4})?\)\\?/")
_DAYS = re.compile(r"\d{1,6}(?:[.,]\d{1,15})?")
_LONG_FRACTION = re.compile(r"([.,]\d{6})\d+")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_EXCEL_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day 0, local like all its times
_SECONDS_PER_UNIT = {
    "epoch": Decimal(1),
    "epoch_ms": Decimal("1e-3"),
    "epoch_us": Decimal("1e-6"),
    "epoch_ns": Decimal("1e-9"),
}
_FIRST_YEAR, _LAST_YEAR = 1971, 2200
_LONGEST_TIME = 64
_NEAR_SECONDS = 600.0
"""So near to one of two moments an hour apart, a file's own time decides between them."""


def read_time(
    value: Any,
    formats: Sequence[str],
    zone: ZoneInfo,
    ambiguous: str = "hold",
    started_by_file: datetime | None = None,
) -> datetime:
    """An aware time from text or a number, by the first of `formats` that fits.

    formats: strptime formats and WORDS; none means ISO 8601. A time without an offset is local in `zone`.
    ambiguous: one of AMBIGUOUS; `by_end` asks `started_by_file`, the file's last change less the recording's length.
    Raises ValueError saying what does not fit; the time itself may be named, it is no secret.
    """
    found = as_written(value, formats)
    return found if found.tzinfo is not None else place_local(found, zone, ambiguous, started_by_file)


def as_written(value: Any, formats: Sequence[str]) -> datetime:
    """The time as it was written: without a zone where none was. Raises ValueError as read_time does."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("a time is text or a number")
    text = str(value).strip()
    if len(text) > _LONGEST_TIME:
        raise ValueError(f"a time has at most {_LONGEST_TIME} characters")
    for form in formats or ("iso",):
        found = _read(text, form)
        if found is not None:
            return found
    raise ValueError(f"{text!r} is no time written as {' or '.join(formats or ('iso',))}")


def place_local(
    local: datetime, zone: ZoneInfo, ambiguous: str = "hold", started_by_file: datetime | None = None
) -> datetime:
    """The moment that a zone-less local time means in `zone`.

    In the night when clocks change, an hour happens twice or not at all: `hold` raises ValueError, `earlier` and
    `later` choose one of the two possible moments, `by_end` the one that lies within ten minutes of `started_by_file`.
    """
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return _with_offset(first)
    moments = sorted((first.astimezone(UTC), second.astimezone(UTC)))
    if ambiguous in ("earlier", "later"):
        return _with_offset(moments[0 if ambiguous == "earlier" else 1].astimezone(zone))
    if ambiguous == "by_end" and started_by_file is not None:
        near = [moment for moment in moments if abs((moment - started_by_file).total_seconds()) <= _NEAR_SECONDS]
        if len(near) == 1:
            return _with_offset(near[0].astimezone(zone))
    exists = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
    undecided = "; the file's own time fits neither of the two moments" if ambiguous == "by_end" else ""
    raise ValueError(
        f"the local time {local:%Y-%m-%d %H:%M:%S} happened {'twice' if exists else 'never'} in {zone.key} because the "
        f"clocks changed{undecided}; let the recorder write an epoch or an offset, or say ambiguous='earlier' or "
        "'later' in the mapping"
    )


def _with_offset(moment: datetime) -> datetime:
    """The same moment with a plain offset: Python adds and compares times of one zone by the clock on the wall."""
    return moment.replace(tzinfo=timezone(moment.utcoffset() or timedelta()), fold=0)


def check_format(form: str) -> None:
    """Raises ValueError when `form` is neither one of WORDS nor a strptime format with a date."""
    if form in WORDS:
        return
    if "%" not in form:
        raise ValueError(f"{form!r} is no format of a time; write one such as '%Y%m%d-%H%M%S', or {', '.join(WORDS)}")
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC).strftime(form), form)  # noqa: DTZ007
    except ValueError as error:
        raise ValueError(f"{form!r} is no format of a time: {error}") from None
    if not any(mark in form for mark in ("%Y", "%y", "%c", "%x", "%s")):
        raise ValueError(
            f"the format {form!r} has no year; times are never filled up with today's date. A date that stands "
            "elsewhere is joined: (date ~ ' ' ~ clock) | time(...); a length such as 00:03:12 is read by | seconds"
        )


def _read(text: str, form: str) -> datetime | None:
    try:
        reader = _READERS.get(form)
        if reader is not None:
            return reader(text)
        if form in _SECONDS_PER_UNIT:
            return _from_epoch(Decimal(text) * _SECONDS_PER_UNIT[form])
        return _by_format(text, form)
    except (ValueError, TypeError, InvalidOperation, OverflowError):
        return None


def _by_format(text: str, form: str) -> datetime:
    """strptime, and what recorders write besides: Sept, a.m., fractions of seven digits and more."""
    if "%b" in form:
        text = re.sub(r"(?i)\bsept\b", "Sep", text)
    if "%p" in form:
        text = re.sub(r"(?i)\b([ap])\.m\.", r"\1m", text)
    if "%f" in form:
        text = _LONG_FRACTION.sub(r"\1", text)
    return datetime.strptime(text, form)  # noqa: DTZ007 - place_local gives it the source's zone


def _iso(text: str) -> datetime | None:
    match = _ISO.fullmatch(text)
    return None if match is None else datetime.fromisoformat(match[1] + (match[2] or ("Z" if match[3] else "")))


def _rfc2822(text: str) -> datetime | None:
    if ":" not in text:  # Python would take a bare date for midnight
        return None
    found = parsedate_to_datetime(re.sub(r"(?i)\bsept\b", "Sep", text))
    return found.replace(tzinfo=UTC) if text.endswith("-0000") else found  # RFC 2822: UTC, of an unknown place


def _dotnet(text: str) -> datetime | None:
    match = _DOTNET.fullmatch(text)
    return None if match is None else _from_epoch(Decimal(match[1]) / 1000)  # the offset only says where, not when


def _excel_days(text: str) -> datetime | None:
    if not _DAYS.fullmatch(text):
        return None
    found = _FIRST_EXCEL_DAY + timedelta(milliseconds=round(Decimal(text.replace(",", ".")) * 86_400_000))
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def _from_epoch(seconds: Decimal) -> datetime | None:
    if not seconds.is_finite() or abs(seconds) > 10**11:
        return None
    found = _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


_READERS: dict[str, Callable[[str], datetime | None]] = {
    "iso": _iso,
    "epoch_hex": lambda text: _from_epoch(Decimal(int(text, 16))),
    "rfc2822": _rfc2822,
    "dotnet": _dotnet,
    "excel_days": _excel_days,
}
WORDS = (*_READERS, *_SECONDS_PER_UNIT)
"""Names that stand in a list of formats besides strptime formats."""
