"""Guesses what the parts of sample names mean: times, numbers, directions, ids; pure, for `mapping new`.

Names are cut at their separators, after what has separators of its own (times, UUIDs, addresses) was taken out. Names
that are cut alike make one shape; what stands in the same place of all of them is one field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from gong_bridge.mapping.name_times import CLOCK, EITHER, epoch_format, find_times, settle_day_and_month
from gong_bridge.mapping.phones import e164, is_dialled

ROLES = {
    "start": "the start: date and time", "date": "the day only", "clock": "the time of day only",
    "agent": "the company's person: extension, login or e-mail", "customer": "the other side's number",
    "caller": "who called (either side)", "called": "who was called (either side)",
    "direction": "a word for the direction", "id": "the recorder's own id", "name": "the other side's name",
    "ignore": "nothing that Gong needs",
}  # fmt: skip
"""What a part of a name can be, in words for people."""
DIRECTIONS = {
    "in": "Inbound", "inbound": "Inbound", "incoming": "Inbound", "inc": "Inbound", "i": "Inbound", "ib": "Inbound",
    "received": "Inbound", "out": "Outbound", "outbound": "Outbound", "outgoing": "Outbound", "o": "Outbound",
    "ob": "Outbound", "dialed": "Outbound", "dialled": "Outbound", "placed": "Outbound", "conference": "Conference",
    "conf": "Conference", "unknown": "Unknown", "unkn": "Unknown", "internal": "Unknown", "local": "Unknown",
}  # fmt: skip
OPPOSITES = (("in", "out"), ("inbound", "outbound"), ("incoming", "outgoing"), ("i", "o"), ("ib", "ob"), ("inc", "out"))
PLACEHOLDERS = frozenset(
    ("anonymous", "unknown", "restricted", "private", "unavailable", "withheld", "none", "null", "blocked", "nobody",
     "noremoteparty", "nolocalparty", "nonativecallid", "undefined", "empty", "na", "n/a", "-", "s")
)  # fmt: skip
_HINTS = {
    "agent": ("agent", "agt", "user", "usr", "ext", "extension", "op", "operator", "owner", "login", "rep"),
    "customer": ("cust", "customer", "ani", "phone", "tel", "number", "num", "remote", "client", "contact"),
    "id": ("guid", "id", "uuid", "callid", "uid", "session", "sid", "ref"),
    "caller": ("from", "src", "caller", "a"),
    "called": ("to", "dst", "dest", "called", "callee", "dnis", "b"),
}
_WHOLE = re.compile(
    r"(?P<uuid>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})"
    r"|(?P<email>[A-Za-z0-9.+]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
    r"|(?P<uniqueid>(?<![\d.])\d{9,10}\.\d+(?![\d.]))"
    r"|(?<=\[)(?P<bracketed>[^\[\]]*)(?=\])"
)
_CUT = re.compile(r"([^0-9A-Za-z+%*#\u0080-\U0010ffff]+)")
_LABELLED = re.compile(r"(ext|agent|user|op|from|to|line)(\d{2,})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One piece of one name: a separator, or a value with what it looks like (`kind`: "", a time's format, ...)."""

    text: str
    is_separator: bool = False
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Field:
    """What stands in one place of all names of a shape.

    kind: "" (by its separators), "uuid", "email", "uniqueid" or the format of a time. role: a key of ROLES.
    sure: False where the values would allow another reading.
    """

    values: tuple[str, ...]
    kind: str = ""
    role: str = "ignore"
    sure: bool = True

    @property
    def example(self) -> str:
        """A value to show, not an empty one where there is another."""
        return next((value for value in self.values if value), "")

    @property
    def meaningful(self) -> tuple[str, ...]:
        """The values without empty ones and placeholders."""
        return tuple(value for value in self.values if value and value.casefold() not in PLACEHOLDERS)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Names that are built alike: literal texts and fields in turn, and the names (stems) themselves."""

    parts: tuple[str | Field, ...]
    stems: tuple[str, ...]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields, in the order of the name."""
        return tuple(part for part in self.parts if isinstance(part, Field))

    def with_fields(self, fields: Iterable[Field]) -> Shape:
        """The same shape with other readings of its fields."""
        fresh = iter(fields)
        return replace(self, parts=tuple(next(fresh) if isinstance(part, Field) else part for part in self.parts))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The number plan by which numbers are told from extensions."""

    country: str = "US"
    extensions: re.Pattern[str] = field(default_factory=lambda: re.compile(r"\d{3,5}"))

    def is_extension(self, text: str) -> bool:
        """Is the whole text an extension?"""
        return self.extensions.fullmatch(text) is not None

    def is_phone(self, text: str) -> bool:
        """Is it a number from outside? Escaped (%2B) ones count."""
        plain = text.replace("%2B", "+").replace("%2b", "+")
        return is_dialled(plain) and (e164(plain, self.country) is not None or 6 <= len(plain.strip("+")) <= 15)


def shapes_of(stems: Sequence[str], plan: Plan) -> list[Shape]:
    """The shapes that the names fall into, the most frequent first, each with its fields guessed."""
    grouped: dict[tuple[str, ...], list[tuple[str, tuple[Part, ...]]]] = {}
    for stem in dict.fromkeys(stems):
        parts = cut(stem)
        grouped.setdefault(tuple(part.text if part.is_separator else f"\0{part.kind}" for part in parts), []).append(
            (stem, parts)
        )
    shapes = [_shape(group) for group in grouped.values()]
    return [guess_roles(shape, plan) for shape in sorted(shapes, key=lambda shape: -len(shape.stems))]


def cut(stem: str) -> tuple[Part, ...]:
    """The pieces of one name: value, separator, value, ...; a value may be empty."""
    found: list[Part] = []
    position = 0
    for start, end, kind in _wholes(stem):
        found += _cut_plain(stem[position:start])
        found.append(Part(text=stem[start:end], kind=kind))
        position = end
    found += _cut_plain(stem[position:])
    return tuple(found)


def _wholes(stem: str) -> Iterator[tuple[int, int, str]]:
    taken: list[tuple[int, int, str]] = [
        (match.start(), match.end(), match.lastgroup or "") for match in _WHOLE.finditer(stem)
    ]
    for time in find_times(stem):
        if all(time.end <= start or time.start >= end for start, end, _ in taken):
            taken.append((time.start, time.end, time.form))
    yield from sorted(taken)


def _cut_plain(text: str) -> Iterator[Part]:
    if not text:
        return
    for index, piece in enumerate(_CUT.split(text)):
        if index % 2:
            yield Part(text=piece, is_separator=True)
        elif piece:
            labelled = _LABELLED.fullmatch(piece)
            if labelled:
                yield Part(text=labelled[1], is_separator=True)
            yield Part(text=labelled[2] if labelled else piece)


def _shape(group: Sequence[tuple[str, tuple[Part, ...]]]) -> Shape:
    parts: list[str | Field] = []
    for column in zip(*(pieces for _, pieces in group), strict=True):
        values = tuple(part.text for part in column)
        if column[0].is_separator or _is_label(values, column[0].kind):
            parts.append(values[0])
        else:
            parts.append(Field(values=values, kind=column[0].kind))
    return Shape(parts=_joined(parts), stems=tuple(stem for stem, _ in group))


def _is_label(values: Sequence[str], kind: str) -> bool:
    """The same word in every name says what follows, and is no value: AGENT, rec, but no direction."""
    word = values[0]
    is_word = word.isalpha() and word.casefold() not in DIRECTIONS and word.casefold() not in PLACEHOLDERS
    known = any(word.casefold() in words for words in _HINTS.values())
    return not kind and is_word and len(set(values)) == 1 and (len(values) > 1 or word.isupper() or known)


def _joined(parts: Sequence[str | Field]) -> tuple[str | Field, ...]:
    found: list[str | Field] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


# --- what the fields mean --------------------------------------------------------------------------------------------


def guess_roles(shape: Shape, plan: Plan) -> Shape:
    """The shape with the most likely role of each field."""
    fields = [_alone(one, plan) for one in shape.fields]
    hints = _hints(shape)
    for index, hint in hints.items():
        if fields[index].role in ("ignore", "number"):
            fields[index] = replace(fields[index], role=hint)
    _pair_up(fields, plan)
    _other_side(fields)
    _clock(fields)
    _identity(fields)
    return shape.with_fields(fields)


def _alone(one: Field, plan: Plan) -> Field:
    """What a field is by its own values; "number" is settled later."""
    values = one.meaningful
    if one.kind in ("uuid", "email"):
        return replace(one, role="id" if one.kind == "uuid" else "agent")
    if one.kind == "uniqueid":
        return replace(one, role="id")
    if one.kind == "bracketed":
        return replace(one, role="name")
    if one.kind and "%d" not in one.kind and EITHER not in one.kind:
        return one  # a time of day alone: _clock decides
    if one.kind:
        kind, sure = settle_day_and_month(one.kind, one.values, plan.country)
        return replace(one, kind=kind, sure=sure, role="start" if "%H" in kind or "%I" in kind else "date")
    if not values:
        return one
    words = {value.casefold() for value in values}
    known = words & set(DIRECTIONS)
    spelt = any(len(word) > 1 for word in known) and all(word.isalpha() for word in words)
    if (spelt and 3 * len(known) >= len(words)) or (len(known) > 1 and words == known):
        return replace(one, role="direction", sure=words == known)
    form = epoch_format(values)
    if form is not None:
        return replace(one, kind=form, role="start")
    if all(plan.is_extension(value) or plan.is_phone(value) for value in values):
        return replace(one, role="number")
    return one


def _hints(shape: Shape) -> dict[int, str]:
    """Field number -> the role that the word before it names."""
    found: dict[int, str] = {}
    index, before = 0, ""
    for part in shape.parts:
        if isinstance(part, str):
            before = part
            continue
        words = re.findall(r"[A-Za-z]+", before)
        for role, known in _HINTS.items():
            if words and words[-1].casefold() in known and len(words[-1]) > 1:
                found[index] = role
        index, before = index + 1, ""
    return found


def _pair_up(fields: list[Field], plan: Plan) -> None:
    """Which of the numbers is the agent's, which the customer's; two that take turns are caller and called."""
    numbers = [index for index, one in enumerate(fields) if one.role == "number"]
    inside = {index: sum(map(plan.is_extension, fields[index].meaningful)) for index in numbers}
    only_inside = [index for index in numbers if inside[index] == len(fields[index].meaningful)]
    only_outside = [index for index in numbers if not inside[index]]
    has = {one.role for one in fields}
    roles: dict[int, str] = {}
    if len(numbers) >= 2 and not has & {"agent", "customer", "caller", "called"}:
        others = [index for index in numbers if inside[index] < len(fields[index].meaningful)]
        if only_inside and others:
            side = min(others, key=lambda index: min(abs(index - one) for one in only_inside))
            beside = min(only_inside, key=lambda index: abs(index - side))
            roles = {beside: "agent", side: "customer"}
        elif len(only_outside) < len(numbers):
            roles = {numbers[0]: "caller", numbers[1]: "called"}
        else:
            roles = {numbers[0]: "customer"}
    else:
        for index in numbers:
            missing = "agent" if index in only_inside else "customer"
            if missing not in {*has, *roles.values()} and not has & {"caller", "called"}:
                roles[index] = missing
    for index in numbers:
        is_id = index not in roles and all(len(value) >= 6 for value in fields[index].meaningful)
        fields[index] = replace(fields[index], role=roles.get(index, "id" if is_id else "ignore"), sure=index in roles)
    if not {one.role for one in fields} & {"agent", "caller", "called"}:
        _login(fields)


def _other_side(fields: list[Field]) -> None:
    """Beside an agent, the one who called or was called is the customer."""
    roles = [one.role for one in fields]
    sides = [index for index, role in enumerate(roles) if role in ("caller", "called")]
    if "agent" in roles and "customer" not in roles and sides:
        fields[sides[0]] = replace(fields[sides[0]], role="customer")


def _login(fields: list[Field]) -> None:
    """Without any extension, the first word that is no constant is probably who it was."""
    for index, one in enumerate(fields):
        words = one.meaningful
        has_letters = any(character.isalpha() for word in words for character in word)
        is_hex = all(re.fullmatch(r"[0-9a-f]{6,}", word) for word in words)
        if one.role == "ignore" and not one.kind and has_letters and not is_hex:
            fields[index] = replace(one, role="agent", sure=False)
            return


def _clock(fields: list[Field]) -> None:
    """A day without a time of day is completed by six digits elsewhere; a day beside a whole start is nothing new."""
    starts = [index for index, one in enumerate(fields) if one.role == "start"]
    dates = [index for index, one in enumerate(fields) if one.role == "date"]
    if starts:
        for index in dates:
            fields[index] = replace(fields[index], role="ignore")
        return
    for index, one in enumerate(fields):
        is_clock = one.role in ("ignore", "id", "customer") and all(CLOCK.fullmatch(value) for value in one.values)
        if dates and is_clock:
            fields[index] = replace(one, role="clock", kind=_clock_format(one.example))
            return


def _clock_format(text: str) -> str:
    mark = next((character for character in text if not character.isdigit()), "")
    return mark.join(("%H", "%M", "%S"))


def _identity(fields: list[Field]) -> None:
    """One id: the recorder's own where there is one; a long value that no other name has may be it."""
    if any(one.role == "id" for one in fields):
        first = True
        for index, one in enumerate(fields):
            if one.role == "id":
                fields[index] = one if first else replace(one, role="ignore")
                first = False
        return
    for index, one in enumerate(fields):
        unique = len(set(one.values)) == len(one.values) and all(len(value) >= 6 for value in one.values)
        if one.role == "ignore" and not one.kind and unique and all(re.search(r"\d", value) for value in one.values):
            fields[index] = replace(one, role="id", sure=len(one.values) > 2)
            return
