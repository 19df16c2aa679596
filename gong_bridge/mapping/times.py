"""Reads the times that recorders write; a local time without a zone is never guessed at (R25)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

WORDS = ("iso", "epoch", "epoch_ms", "epoch_us", "epoch_hex")
"""Names that stand in a list of formats besides strptime formats."""
AMBIGUOUS = ("hold", "earlier", "later")
"""What to do with a local hour that the clocks ran through twice, or not at all."""

_ISO = re.compile(r"\d{4}-?\d{2}-?\d{2}[T ]\d{2}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_UNIT = {"epoch": Decimal(1), "epoch_ms": Decimal("0.001"), "epoch_us": Decimal("0.000001")}
_FIRST_YEAR, _LAST_YEAR = 1971, 2200
_LONGEST_TIME = 64


def read_time(value: Any, formats: Sequence[str], zone: ZoneInfo, ambiguous: str = "hold") -> datetime:
    """An aware time from text or a number, by the first of `formats` that fits.

    formats: strptime formats and WORDS; none means ISO 8601. A time without an offset is local in `zone`.
    ambiguous: one of AMBIGUOUS. Raises ValueError saying what does not fit; the time itself may be named, it is no
    secret.
    """
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
            return found if found.tzinfo is not None else place_local(found, zone, ambiguous)
    raise ValueError(f"{text!r} is no time written as {' or '.join(formats or ('iso',))}")


def place_local(local: datetime, zone: ZoneInfo, ambiguous: str = "hold") -> datetime:
    """The moment that a zone-less local time means in `zone`.

    In the night when clocks change, an hour happens twice or not at all: `hold` raises ValueError, `earlier` and
    `later` choose one of the two possible moments.
    """
    first, second = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return _with_offset(first)
    if ambiguous == "hold":
        exists = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
        happened = "twice" if exists else "never"
        raise ValueError(
            f"the local time {local:%Y-%m-%d %H:%M:%S} happened {happened} in {zone.key} because the clocks changed; "
            "let the recorder write an epoch or an offset, or say ambiguous='earlier' or 'later' in the mapping"
        )
    moments = sorted((first.astimezone(UTC), second.astimezone(UTC)))
    return _with_offset(moments[0 if ambiguous == "earlier" else 1].astimezone(zone))


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
        raise ValueError(f"the format {form!r} has no year; times are never filled up with today's date")


def _read(text: str, form: str) -> datetime | None:
    try:
        if form == "iso":
            return datetime.fromisoformat(text) if _ISO.match(text) else None
        if form == "epoch_hex":
            return _from_epoch(Decimal(int(text, 16)))
        if form in _SECONDS_PER_UNIT:
            return _from_epoch(Decimal(text) * _SECONDS_PER_UNIT[form])
        return datetime.strptime(text, form)  # noqa: DTZ007 - place_local gives it the source's zone
    except (ValueError, InvalidOperation, OverflowError):
        return None


def _from_epoch(seconds: Decimal) -> datetime | None:
    if not seconds.is_finite() or abs(seconds) > 10**11:
        return None
    found = _EPOCH + timedelta(microseconds=int(seconds * 1_000_000))
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None
