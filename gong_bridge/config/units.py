"""Durations, sizes, shares, days and times of day as people write them: "5s", "1.5 GB", "20%", "03:15"; pure."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)?", re.IGNORECASE)
_BYTES = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip


def parse_duration(value: Any) -> float:
    """Seconds from "5s", "1h30m", 5 or 5.0 (plain numbers are seconds). Raises ValueError with the cure."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("a duration is written like 5s, 10m, 2h or 1d")
    if isinstance(value, (int, float)):
        seconds = float(value)
    else:
        text = value.strip()
        parts = _DURATION.findall(text)
        if not parts or _DURATION.sub("", text).strip():
            raise ValueError(f"{value!r} is no duration; write it like 5s, 10m, 2h or 1d")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds < 0 or seconds != seconds or seconds == float("inf"):
        raise ValueError("a duration cannot be negative or endless")
    return seconds


def parse_size(value: Any) -> int:
    """Bytes from "1.5 GB", "256MiB" or a plain number of bytes. Raises ValueError with the cure."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError("a size is written like 500 MB, 1.5 GB or 256 MiB")
    size_bytes = float(match[1]) * _BYTES[(match[2] or "B").lower()]
    if size_bytes >= 2**63:
        raise ValueError("a size this large fits no disk; it is written like 500 MB, 1.5 GB or 256 MiB")
    return int(size_bytes)


def parse_share(value: Any) -> float:
    """0.2 from "20%". Raises ValueError with the cure."""
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if isinstance(value, float) and 0 <= value < 1:
        return value  # a default, or what was read before
    if not match or float(match[1]) >= 100:
        raise ValueError("a share is written like 20%, from 0% to 99%")
    return float(match[1]) / 100


def parse_day(value: Any) -> date:
    """The day from "2026-01-31". Raises ValueError with the cure."""
    if type(value) is date:
        return value  # what was read before
    try:
        if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value.strip()):
            raise ValueError
        return date.fromisoformat(value.strip())
    except ValueError:
        raise ValueError(f"{value!r} is no day; write it as year-month-day, such as 2026-01-31") from None


def parse_time_of_day(value: Any) -> time:
    """The time from "03:15", of 24 hours. Raises ValueError with the cure."""
    if type(value) is time:
        return value  # what was read before
    found = _TIME_OF_DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no time of day; write hours and minutes, from 00:00 to 23:59, such as 03:15")
    return time(int(found[1]), int(found[2]))


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0},
                {"type": "string", "pattern": r"^(\s*\d+(\.\d+)?\s*(ms|s|m|h|d))+\s*$"},
            ]
        }
    ),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}),
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d{1,2}(\.\d+)?\s*%\s*$"}),
]
Day = Annotated[
    date,
    BeforeValidator(parse_day),
    WithJsonSchema({"type": "string", "pattern": r"^\s*\d{4}-\d\d-\d\d\s*$"}),
]
TimeOfDay = Annotated[
    time,
    BeforeValidator(parse_time_of_day),
    WithJsonSchema({"type": "string", "pattern": r"^\s*([01]?\d|2[0-3]):[0-5]\d\s*$"}),
]
