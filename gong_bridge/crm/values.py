"""What a value of each field type of Gong's CRM looks like; pure.

Source: "Supported field types" of Gong API V2, uploadCrmSchemaField, and the tables of uploadCrmData.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal

FieldType = Literal[
    "DATE", "DATETIME", "NUMBER", "PERCENT", "CURRENCY", "ID", "URL", "STRING", "BOOLEAN", "PHONENUMBER",
    "EMAILADDRESS", "PICKLIST", "REFERENCE", "STRINGARRAY",
]  # fmt: skip
"""Gong's types of a field that a company adds."""

LONGEST_OBJECT_ID = 64
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_URL = re.compile(r"https?://[^\s/?#]+([/?#]\S*)?", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
# Gong's words allow letters, digits and dashes; its own examples have underscores.
_OBJECT_ID = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_SHOWN = 40


def shown(value: Any) -> str:
    """The value in a message: short, on one line."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _string(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a text in quotes"


def _object_id(value: Any) -> str | None:
    if not isinstance(value, str):
        return _string(value)
    if len(value) > LONGEST_OBJECT_ID:
        return f"is too long: {len(value)} characters, and Gong takes {LONGEST_OBJECT_ID}"
    if _OBJECT_ID.fullmatch(value) or _EMAIL.fullmatch(value):
        return None
    return "must be letters, digits and dashes, or an e-mail address"


def _boolean(value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be true or false, without quotes"


def _number(value: Any) -> str | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, float) and not math.isfinite(value):
        return "is too large for a number"
    return None if is_number else "must be a number, without quotes"


def _percent(value: Any) -> str | None:
    return _number(value) or (None if 0 <= value <= 100 else "must be a number from 0 to 100")


def _order(value: Any) -> str | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return None if is_whole and 1 <= value < 2**31 else "must be a whole number from 1 on, without quotes"


def _day(value: Any) -> str | None:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            date.fromisoformat(value)
            return None
    except ValueError:
        return "is no day of the calendar"
    return "must be a day such as 2020-05-31"


def _moment(value: Any) -> str | None:
    try:
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            datetime.fromisoformat(value)
            return None
    except ValueError:
        return "is no moment of the calendar"
    return "must be a time with its offset and without milliseconds, such as 2020-12-17T07:37:21+02:00"


def _day_or_moment(value: Any) -> str | None:
    return None if _day(value) is None or _moment(value) is None else "must be a day such as 2020-05-31"


def _url(value: Any) -> str | None:
    is_url = isinstance(value, str) and _URL.fullmatch(value)
    return None if is_url else "must be a whole address that begins with http:// or https://"


def _email(value: Any) -> str | None:
    return None if isinstance(value, str) and _EMAIL.fullmatch(value) else "must be an e-mail address"


def _strings(value: Any) -> str | None:
    are_strings = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return None if are_strings else 'must be a list of texts, such as ["a.example.com", "b.example.com"]'


Check = Callable[[Any], str | None]
"""None when a value is right, else what it must be."""


def one_of(words: tuple[str, ...]) -> Check:
    """A check for one of a few words."""
    known = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and value in words else f"must be one of {known}"

    return check


OBJECT_ID, STRING, BOOLEAN, NUMBER, ORDER = _object_id, _string, _boolean, _number, _order
MOMENT, DAY_OR_MOMENT, URL, EMAIL, STRINGS = _moment, _day_or_moment, _url, _email, _strings
OF_TYPE: Mapping[str, Check] = {
    "DATE": _day, "DATETIME": _moment, "NUMBER": _number, "PERCENT": _percent, "CURRENCY": _number, "ID": _string,
    "URL": _url, "STRING": _string, "BOOLEAN": _boolean, "PHONENUMBER": _string, "EMAILADDRESS": _email,
    "PICKLIST": _string, "REFERENCE": _string, "STRINGARRAY": _strings,
}  # fmt: skip
"""Field type -> its check; of a PICKLIST whose values are not known a text is all that can be asked."""
