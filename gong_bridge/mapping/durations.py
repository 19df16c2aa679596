"""Reads lengths of calls as recorders write them: 192, 3:12, 00:03:12.5, PT3M12S, 3m 12s."""

from __future__ import annotations

import re
from typing import Any

_LONGEST = 40
_CLOCK = re.compile(r"(?:(?:(?P<d>\d{1,3})[. ])?(?P<h>\d{1,3}):)?(?P<m>\d{1,4}):(?P<s>\d{1,2}(?:[.,]\d{1,9})?)")
_ISO = re.compile(
    r"P(?:(?P<d>\d{1,3})D)?(?:T(?:(?P<h>\d{1,4})H)?(?:(?P<m>\d{1,5})M)?(?:(?P<s>\d{1,7}(?:[.,]\d{1,9})?)S)?)?",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"(?:(?P<d>\d{1,3}) ?d(?:ays?)?[ ,]*)?(?:(?P<h>\d{1,4}) ?h(?:(?:ou)?rs?)?[ ,]*)?"
    r"(?:(?P<m>\d{1,5}) ?m(?:in(?:ute)?s?)?[ ,]*)?(?:(?P<s>\d{1,7}(?:[.,]\d{1,9})?) ?s(?:ec(?:ond)?s?)?)?",
    re.IGNORECASE,
)
_PLAIN = re.compile(r"(?P<s>\d{1,9}(?:[.,]\d{1,9})?)")
_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


def read_duration(value: Any) -> float:
    """Seconds. Raises ValueError when the value is no length of time."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("a length of time is text or a number")
    if not isinstance(value, str):
        return float(value)
    text = value.strip()
    for pattern in (_PLAIN, _CLOCK, _ISO, _WORDS):
        match = pattern.fullmatch(text) if len(text) <= _LONGEST else None
        if match is not None and any(match.groupdict().values()):
            parts = {unit: float(part.replace(",", ".")) for unit, part in match.groupdict().items() if part}
            return round(sum(_UNITS[unit] * number for unit, number in parts.items()), 6)
    raise ValueError(f"{text[:_LONGEST]!r} is no length of time such as 192, 3:12, 00:03:12 or PT3M12S")
