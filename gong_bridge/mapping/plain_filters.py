"""The filters that need nothing but their arguments: text, data, moments; small, total, bounded functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from jinja2.runtime import Undefined

from gong_bridge.mapping.durations import read_duration
from gong_bridge.mapping.patterns import guarded_pattern
from gong_bridge.mapping.phones import user_part
from gong_bridge.mapping.queries import run_query
from gong_bridge.mapping.templates import LONGEST_TEXT, NotUsable, join_text, text_of
from gong_bridge.mapping.weight import check_weight

_MOST_BITS = 4096
_TRUE_WORDS = frozenset({"true", "yes", "y", "t", "1", "1.0", "on"})
FALSE_WORDS = frozenset({"false", "no", "n", "f", "0", "0.0", "off", "none", "null"})
"""Texts that mean no, though a text that is not empty counts as true in a condition."""


def is_empty(value: Any) -> bool:
    """Nothing, empty text or an empty list: what leaves a field out."""
    return value is None or isinstance(value, Undefined) or (isinstance(value, (str, list, dict)) and not value)


def default(value: Any, *others: Any) -> Any:
    """The first that is not empty, of the value and what stands in the brackets; `default('')` allows nothing."""
    for candidate in (value, *others):
        if not is_empty(candidate):
            return candidate
    return None if not others or isinstance(others[-1], Undefined) else others[-1]


def plus(value: Any, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime | None:
    """A moment so much later (earlier with negative numbers); a day has 24 hours."""
    shift = timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
    return None if is_empty(value) else moment_of(value) + shift


def seconds_since(value: Any, earlier: Any) -> float:
    """Seconds from `earlier` to the value."""
    return (moment_of(value) - moment_of(earlier)).total_seconds()


def seconds(value: Any) -> float | None:
    """Seconds from a length of time: 192, 3:12, 00:03:12.5, PT3M12S, 3m 12s."""
    return None if is_empty(value) else read_duration(value)


def replace(value: Any, old: str, new: str) -> str:
    text = text_of(value)
    if len(text) + text.count(old) * max(0, len(new) - len(old)) > LONGEST_TEXT:
        raise NotUsable(f"the text is longer than {LONGEST_TEXT} characters")
    return text.replace(old, new) if old else text


def split(value: Any, separator: str) -> list[str]:
    """The pieces between separators."""
    return text_of(value).split(separator) if separator else [text_of(value)]


def join(value: Any, separator: str = "") -> str:
    """The items of a list as one text; empty ones are left out."""
    texts = [text_of(item) for item in _items(value) if not is_empty(item)]
    if len(texts) * len(separator) > LONGEST_TEXT:
        raise NotUsable(f"the text is longer than {LONGEST_TEXT} characters")
    return join_text([part for text in texts for part in (separator, text)][1:])


def find(value: Any, pattern: str) -> str | None:
    """What a regular expression finds: its first group where it has one, else all of it; nothing when no match."""
    match = guarded_pattern(pattern).search(text_of(value))
    return None if match is None else match[1] if match.re.groups else match[0]


def file_name(value: Any) -> str:
    """The last part of a path or an address: /RECORDINGS/MP3/x.mp3 and C:\\calls\\x.mp3 give x.mp3."""
    return text_of(value).replace("\\", "/").rstrip("/").rpartition("/")[2]


def file_stem(value: Any) -> str:
    """As file_name, without the extension."""
    name = file_name(value)
    return name.rpartition(".")[0] or name


def shorten(value: Any, characters: int) -> str:
    """At most so many characters; a cut is marked with an ellipsis."""
    text = text_of(value)
    return text if len(text) <= characters else text[: max(0, characters - 1)] + "…"


def to_json(value: Any) -> str:
    """Lists and mappings as JSON text with sorted keys, the same for the same data."""
    return _canonical(value)


def digest(value: Any, characters: int = 40) -> str:
    """The first hexadecimal characters of the SHA-256 over the value (text, or data as sorted JSON)."""
    text = value if isinstance(value, str) else _canonical(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:characters]


def query(value: Any, expression: str) -> Any:
    """What a JMESPath expression finds in the data; nothing when it finds none. https://jmespath.org"""
    return run_query(expression, value)


def where(value: Any, part: str, wanted: Any) -> list[Any]:
    """The items of a list whose `part` is `wanted` (1 and '1' are the same); a single mapping is a list of one.

    `part` may lead through mappings: `recording.id`.
    """
    if is_empty(wanted):
        return []
    text = text_of(wanted)
    return [item for item in _items(value) if isinstance(item, Mapping) and _is_text(_part_of(item, part), text)]


def _part_of(item: Mapping[str, Any], path: str) -> Any:
    """A key that has dots itself comes first; nothing where the path ends early."""
    if path in item:
        return item[path]
    name, dot, rest = path.partition(".")
    inner = item.get(name)
    return _part_of(inner, rest) if dot and isinstance(inner, Mapping) else None


def whole(value: Any, base: int = 10) -> int:
    """A whole number from text or a number; `base` 16 or 36 for text in other digits."""
    try:
        found = int(value) if base == 10 else int(text_of(value), base)
    except (TypeError, ValueError, OverflowError):
        raise NotUsable("this is no whole number") from None
    if found.bit_length() > _MOST_BITS:  # Python refuses to write very long numbers down
        raise NotUsable("this whole number is too long")
    return found


def is_true(value: Any) -> bool:
    """What a recorder means by true, false, yes, no, 1, 0, on, off, in any case; nothing is false."""
    if is_empty(value):
        return False
    word = text_of(value).strip().casefold()
    if word in _TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise NotUsable(f"{word[:40]!r} is neither yes nor no; compare it with == instead")


def number(value: Any) -> float:
    """A number from text or a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise NotUsable("this is no number") from None


def length(value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple, Mapping)) else len(text_of(value))


def _is_text(value: Any, text: str) -> bool:
    return isinstance(value, (str, int, float)) and text_of(value) == text


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def moment_of(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise NotUsable("this is no time yet; write | time before it")
    return value


def _canonical(value: Any) -> str:
    check_weight(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=text_of)


PLAIN: dict[str, Callable[..., Any]] = {
    "default": default, "is_true": is_true, "plus": plus, "seconds": seconds, "seconds_since": seconds_since,
    "replace": replace, "split": split, "join": join, "find": find, "shorten": shorten, "to_json": to_json,
    "file_name": file_name, "file_stem": file_stem,
    "digest": digest, "query": query, "where": where, "int": whole, "float": number, "length": length,
    "upper": lambda value: text_of(value).upper(),
    "lower": lambda value: text_of(value).lower(),
    "title": lambda value: text_of(value).title(),
    "trim": lambda value: text_of(value).strip(),
    "starts_with": lambda value, start: text_of(value).startswith(start),
    "ends_with": lambda value, end: text_of(value).endswith(end),
    "digits": lambda value: "".join(filter(str.isdigit, text_of(value))),
    "percent_decode": lambda value: unquote(text_of(value)),
    "sip_user": lambda value: None if is_empty(value) else user_part(text_of(value)),
    "first": lambda value: next(iter(_items(value)), None),
    "last": lambda value: next(reversed(_items(value)), None),
    "as_list": lambda value: [] if is_empty(value) else list(_items(value)),
    "abs": lambda value: abs(number(value)),
    "round": lambda value, digits=0: round(number(value), min(max(digits, 0), 9)),
}  # fmt: skip
