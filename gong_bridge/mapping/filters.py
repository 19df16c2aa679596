"""The named filters of the mapping language: small, total, bounded functions that know the company and its people."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from jinja2 import nodes, pass_context
from jinja2.runtime import Context, Undefined

from gong_bridge.config.schema import check_zone
from gong_bridge.mapping.patterns import guarded_pattern
from gong_bridge.mapping.people import Company, People, check_kind
from gong_bridge.mapping.phones import e164, same_number
from gong_bridge.mapping.queries import check_query, run_query
from gong_bridge.mapping.templates import LONGEST_TEXT, Missing, NotUsable, Template, join_text, text_of
from gong_bridge.mapping.times import AMBIGUOUS, check_format, read_time
from gong_bridge.mapping.words import unknown

_LONGEST_JSON = 8 * 2**20
_COMPUTED: Any = object()  # stands for an argument that is only known when a recording comes


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """What filters know besides their arguments."""

    company: Company
    people: People
    tables: Mapping[str, Mapping[str, Any]]
    placeholders: frozenset[str] = frozenset()


def is_empty(value: Any) -> bool:
    """Nothing, empty text or an empty list: what leaves a field out."""
    return value is None or isinstance(value, Undefined) or (isinstance(value, (str, list, dict)) and not value)


# --- what is there ---------------------------------------------------------------------------------------------------


def default(here: Here, value: Any, *others: Any) -> Any:
    """The first that is not empty, of the value and what stands in the brackets; `default('')` allows nothing."""
    for candidate in (value, *others):
        if not is_empty(candidate):
            return candidate
    return None if not others or isinstance(others[-1], Undefined) else others[-1]


def meaningful(here: Here, value: Any) -> Any:
    """The value, or nothing when it is one of the mapping's placeholders (in any case)."""
    return None if isinstance(value, str) and value.strip().casefold() in here.placeholders else value


def lookup(here: Here, value: Any, table: str, otherwise: Any = _COMPUTED) -> Any:
    """The row of a table declared under `tables`; without `otherwise` a value that is not there is an error."""
    rows = here.tables[table]
    key = text_of(value)
    if key in rows:
        return rows[key]
    if otherwise is _COMPUTED:
        raise NotUsable(f"table {table!r} has no row {key[:40]!r}; add it to the mapping, or give lookup an otherwise")
    return otherwise


# --- times -----------------------------------------------------------------------------------------------------------


def time(here: Here, value: Any, *formats: str, zone: str | None = None, ambiguous: str = "hold") -> datetime | None:
    """A moment, by the first format that fits: strptime formats, iso, epoch, epoch_ms, epoch_us, epoch_hex."""
    if is_empty(value):
        return None
    return read_time(value, formats, ZoneInfo(zone) if zone else here.company.time_zone, ambiguous)


def plus(here: Here, value: Any, seconds: float = 0, minutes: float = 0, hours: float = 0) -> datetime | None:
    """A moment so much later (earlier with negative numbers)."""
    return None if is_empty(value) else _moment(value) + timedelta(seconds=seconds, minutes=minutes, hours=hours)


def seconds_since(here: Here, value: Any, earlier: Any) -> float:
    """Seconds from `earlier` to the value."""
    return (_moment(value) - _moment(earlier)).total_seconds()


def write_time(here: Here, value: Any, form: str = "%Y-%m-%d %H:%M", zone: str | None = None) -> str:
    """A moment as text by a strftime format, in `zone` or the source's zone."""
    return _moment(value).astimezone(ZoneInfo(zone) if zone else here.company.time_zone).strftime(form)


# --- people and numbers ----------------------------------------------------------------------------------------------


def phone(here: Here, value: Any, otherwise: str = "as_is", country: str | None = None) -> str | None:
    """The number as E.164; what is no number stays `as_is` or becomes nothing with `empty`."""
    if is_empty(value):
        return None
    text = text_of(value).strip()
    return e164(text, country or here.company.country) or (text if otherwise == "as_is" else None)


def is_phone(here: Here, value: Any) -> bool:
    """Can the value be dialled from the company's country?"""
    return not is_empty(value) and e164(text_of(value), here.company.country) is not None


def is_extension(here: Here, value: Any) -> bool:
    """Does the whole value match company.extensions?"""
    return not is_empty(value) and here.company.has_extension(text_of(value))


def is_own_number(here: Here, value: Any) -> bool:
    """Is the value one of company.numbers, however either is written?"""
    if is_empty(value):
        return False
    text = text_of(value)
    return any(text == own or same_number(text, own, here.company.country) for own in here.company.numbers)


def agent(here: Here, value: Any, *kinds: str, otherwise: str = "hold") -> dict[str, str] | None:
    """The Gong user behind an id, email, extension, login, name or phone, in the order of `kinds`."""
    if is_empty(value):
        return None
    text = text_of(value)
    person = here.people.require(text, kinds) if otherwise == "hold" else here.people.find(text, kinds)
    if person is None:
        return None
    user = person.user
    return {
        "user_id": user.id,
        "email": user.email,
        "name": user.name,
        "extension": person.extension,
        "phone_number": user.phone_number,
    }


# --- text and data ---------------------------------------------------------------------------------------------------


def replace(here: Here, value: Any, old: str, new: str) -> str:
    text = text_of(value)
    if len(text) + text.count(old) * max(0, len(new) - len(old)) > LONGEST_TEXT:
        raise NotUsable(f"the text is longer than {LONGEST_TEXT} characters")
    return text.replace(old, new) if old else text


def split(here: Here, value: Any, separator: str) -> list[str]:
    """The pieces between separators."""
    return text_of(value).split(separator) if separator else [text_of(value)]


def join(here: Here, value: Any, separator: str = "") -> str:
    """The items of a list as one text; empty ones are left out."""
    texts = [text_of(item) for item in _items(value) if not is_empty(item)]
    if len(texts) * len(separator) > LONGEST_TEXT:
        raise NotUsable(f"the text is longer than {LONGEST_TEXT} characters")
    return join_text([part for text in texts for part in (separator, text)][1:])


def find(here: Here, value: Any, pattern: str) -> str | None:
    """What a regular expression finds: its first group where it has one, else all of it; nothing when no match."""
    match = guarded_pattern(pattern).search(text_of(value))
    return None if match is None else match[1] if match.re.groups else match[0]


def shorten(here: Here, value: Any, characters: int) -> str:
    """At most so many characters; a cut is marked with an ellipsis."""
    text = text_of(value)
    return text if len(text) <= characters else text[: max(0, characters - 1)] + "…"


def to_json(here: Here, value: Any) -> str:
    """Lists and mappings as JSON text with sorted keys, the same for the same data."""
    return _canonical(value)


def digest(here: Here, value: Any, characters: int = 40) -> str:
    """The first hexadecimal characters of the SHA-256 over the value (text, or data as sorted JSON)."""
    text = value if isinstance(value, str) else _canonical(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:characters]


def query(here: Here, value: Any, expression: str) -> Any:
    """What a JMESPath expression finds in the data; nothing when it finds none. https://jmespath.org"""
    return run_query(expression, value)


def whole(here: Here, value: Any) -> int:
    """A whole number from text or a number."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise NotUsable("this is no whole number") from None


def number(here: Here, value: Any) -> float:
    """A number from text or a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise NotUsable("this is no number") from None


def length(here: Here, value: Any) -> int:
    return len(value) if isinstance(value, (str, list, tuple, Mapping)) else len(text_of(value))


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else [value]


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise NotUsable("this is no time yet; write | time before it")
    return value


def _canonical(value: Any) -> str:
    encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=text_of)
    chunks, size = [], 0
    for chunk in encoder.iterencode(value):
        size += len(chunk)
        if size > _LONGEST_JSON:
            raise NotUsable("the data is too large")
        chunks.append(chunk)
    return "".join(chunks)


# --- the table -------------------------------------------------------------------------------------------------------

FILTERS: dict[str, Callable[..., Any]] = {
    "default": default, "meaningful": meaningful, "lookup": lookup,
    "time": time, "plus": plus, "seconds_since": seconds_since, "write_time": write_time,
    "phone": phone, "is_phone": is_phone, "is_extension": is_extension, "is_own_number": is_own_number, "agent": agent,
    "replace": replace, "split": split, "join": join, "find": find, "shorten": shorten, "to_json": to_json,
    "digest": digest, "query": query, "int": whole, "float": number, "length": length,
    "upper": lambda here, value: text_of(value).upper(),
    "lower": lambda here, value: text_of(value).lower(),
    "title": lambda here, value: text_of(value).title(),
    "trim": lambda here, value: text_of(value).strip(),
    "starts_with": lambda here, value, start: text_of(value).startswith(start),
    "ends_with": lambda here, value, end: text_of(value).endswith(end),
    "digits": lambda here, value: "".join(filter(str.isdigit, text_of(value))),
    "percent_decode": lambda here, value: unquote(text_of(value)),
    "first": lambda here, value: next(iter(_items(value)), None),
    "last": lambda here, value: next(reversed(_items(value)), None),
    "as_list": lambda here, value: [] if is_empty(value) else list(_items(value)),
    "abs": lambda here, value: abs(number(here, value)),
    "round": lambda here, value, digits=0: round(number(here, value), min(max(digits, 0), 9)),
}  # fmt: skip
_TAKE_MISSING = frozenset({"default", "is_phone", "is_extension", "is_own_number", "as_list", "meaningful"})
TESTS: dict[str, Callable[..., bool]] = {"empty": is_empty}


def jinja_filters() -> dict[str, Callable[..., Any]]:
    """The filters as Jinja2 calls them: the facts' `_here` is handed in, missing values raise where they are used."""
    return {name: _bound(function, name in _TAKE_MISSING) for name, function in FILTERS.items()}


def _bound(function: Callable[..., Any], takes_missing: bool) -> Callable[..., Any]:
    @pass_context
    def call(context: Context, value: Any, *arguments: Any, **named: Any) -> Any:
        if not takes_missing:
            for given in (value, *arguments, *named.values()):
                if isinstance(given, Missing):
                    given._fail_with_undefined_error()
        return function(context.parent["_here"], value, *arguments, **named)

    return call


# --- what can be said before a recording comes -----------------------------------------------------------------------


def check_filters(template: Template, tables: Mapping[str, Any]) -> list[str]:
    """Mistakes in the arguments of a template's filters: wrong number, unknown table, zone, format, kind, pattern."""
    mistakes = []
    for node in template.filters:
        try:
            _check_filter(node, tables)
        except ValueError as error:
            mistakes.append(f"filter {node.name!r}: {error}")
    return mistakes


def _check_filter(node: nodes.Filter, tables: Mapping[str, Any]) -> None:
    arguments = [_constant(argument) for argument in node.args]
    named = {pair.key: _constant(pair.value) for pair in node.kwargs}
    signature = inspect.signature(FILTERS[node.name])
    try:
        given = signature.bind(None, None, *arguments, **named).arguments
    except TypeError as error:
        names = list(signature.parameters)[2:]
        shape = f"{node.name}({', '.join(names)})" if names else node.name
        raise ValueError(f"{error}; it is written | {shape}") from None
    for name, value in given.items():
        check = _ARGUMENT_CHECKS.get((node.name, name)) or _ARGUMENT_CHECKS.get(("*", name))
        if check is not None and value is not None:
            for single in value if isinstance(value, tuple) else (value,):
                if single is _COMPUTED:
                    raise ValueError(f"{name} must be written out here, it cannot be computed")
                check(single)
    if node.name == "lookup" and given.get("table") not in tables:
        raise ValueError(unknown("table", str(given.get("table")), tables))


def _constant(node: nodes.Expr) -> Any:
    return node.value if isinstance(node, nodes.Const) else _COMPUTED


def _one_of(*words: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value not in words:
            raise ValueError(f"write one of {', '.join(words)}, not {value!r}")

    return check


def _check_otherwise_or_pattern(value: Any) -> None:
    guarded_pattern(str(value))


_ARGUMENT_CHECKS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("*", "zone"): check_zone,
    ("time", "formats"): check_format,
    ("time", "ambiguous"): _one_of(*AMBIGUOUS),
    ("phone", "otherwise"): _one_of("as_is", "empty"),
    ("phone", "country"): lambda value: None,
    ("agent", "kinds"): check_kind,
    ("agent", "otherwise"): _one_of("hold", "empty"),
    ("find", "pattern"): _check_otherwise_or_pattern,
    ("query", "expression"): check_query,
    ("lookup", "table"): lambda value: None,
}
