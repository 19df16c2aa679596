"""Turns computed values into a CallDraft: unknown fields, wrong types and wrong words are named with the rule (R24)."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from gong_bridge.call_draft import CallDraft, CrmSystem
from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.language import LEFT_TO_THE_BRIDGE
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.mapping.words import listed, nearest

_MOST_VALUES = 100_000
_DEEPEST = 24
_EXACT_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_FREE_FORM = frozenset({"value"})  # ContextField.value takes anything


def clean(values: Any, depth: int = 0) -> Any:
    """Plain JSON data without empty values: times as ISO 8601, unsendable characters replaced.

    Raises BadMetadata when the data is nested too deeply.
    """
    if depth > _DEEPEST:
        raise BadMetadata(f"the call is nested more than {_DEEPEST} levels deep; correct the mapping or the sidecar")
    if isinstance(values, str):  # first of all: nearly all are
        return sendable(values)
    if isinstance(values, dict):
        cleaned = {str(key): clean(value, depth + 1) for key, value in values.items()}
        return {key: value for key, value in cleaned.items() if not is_empty(value)}
    if isinstance(values, (list, tuple)):
        if len(values) > _MOST_VALUES:
            raise BadMetadata(f"a list holds more than {_MOST_VALUES} values; correct the mapping or the sidecar")
        return [value for value in (clean(value, depth + 1) for value in values) if not is_empty(value)]
    if isinstance(values, datetime):
        return values.isoformat()
    return values


def sendable(text: str) -> str:
    """`text` as JSON in UTF-8 can carry it and people can read it: stray surrogates and control characters replaced."""
    if text.isprintable():
        return text
    return "".join(_sendable_character(character) for character in text).strip()


def draft_of(values: dict[str, Any]) -> CallDraft:
    """The checked draft. Raises BadMetadata naming every field that Gong would refuse, and the rule.

    Of links to a CRM those without a record are left out: the recorder knew none.
    """
    values = _with_real_links(values)
    parties = values.get("parties")
    if isinstance(parties, list):
        values["parties"] = [_with_real_links(party) if isinstance(party, dict) else party for party in parties]
    problems = [*_unknown_fields(values, CallDraft, "")]
    problems += [
        f"{field}: the bridge delivers the media itself; remove this field"
        for field in LEFT_TO_THE_BRIDGE
        if field in values
    ]
    try:
        draft = CallDraft.model_validate(_typed(values, CallDraft), by_alias=True, by_name=False)
    except ValidationError as error:
        seen = {problem.partition(":")[0] for problem in problems}
        for item in error.errors(include_url=False, include_input=False):
            path = path_text(item["loc"])
            if path not in seen and item["type"] != "extra_forbidden":
                problems.append(f"{path}: {_rule(item)}")
        raise BadMetadata("; ".join(problems)) from None
    if problems:
        raise BadMetadata("; ".join(problems))
    return draft


def _with_real_links(values: dict[str, Any]) -> dict[str, Any]:
    """A copy whose `context` has no system without objects; one that Gong does not know stays, to be named."""
    links = values.get("context")
    if not isinstance(links, list):
        return dict(values)
    empty = [{"system": system} for system in get_args(CrmSystem)]
    real = [link for link in links if link not in empty]
    return {name: real if name == "context" else value for name, value in values.items() if name != "context" or real}


def problems_of_values(values: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where Gong's model of a call refuses some of its fields, and by which rule; for a part of a call."""
    try:
        CallDraft.model_validate(_typed(values, CallDraft), by_alias=True, by_name=False)
    except ValidationError as error:
        for item in error.errors(include_url=False, include_input=False):
            yield item["loc"], _rule(item)


def exact_times(draft: CallDraft) -> CallDraft:
    """The draft with its times in the one form that Gong documents; `2026-09-01 10:00:00-0400` is only nearly that.

    Times that have that form already stay as they were written. For drafts whose times have been checked.
    """
    given = {name: getattr(draft, name) for name in ("actual_start", "scheduled_start", "scheduled_end")}
    loose = {name: text for name, text in given.items() if text is not None and not _EXACT_TIME.fullmatch(text)}
    if not loose:
        return draft
    return draft.model_copy(update={name: datetime.fromisoformat(text).isoformat() for name, text in loose.items()})


def path_text(loc: Sequence[str | int]) -> str:
    """`parties[0].userId`"""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _sendable_character(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        return "\ufffd"
    return character if character.isprintable() or character in "\n\t" else " "


def _unknown_fields(values: Any, model: type[BaseModel], path: str) -> Iterator[str]:
    known = _fields(model)
    for key, value in values.items() if isinstance(values, dict) else ():
        at = f"{path}.{key}" if path else key
        if key not in known:
            near = nearest(key, known)
            cure = f"did you mean {near!r}?" if near else f"Gong knows: {listed(known, 25)}"
            yield f"{at[:200]}: Gong has no such field; {cure}"
            continue
        inner = known[key]
        if inner is not None:
            for index, item in enumerate(value if isinstance(value, list) else [value]):
                place = f"{at}[{index}]" if isinstance(value, list) else at
                yield from _unknown_fields(item, inner, place)


def _typed(values: Any, model: type[BaseModel]) -> Any:
    """Whole numbers where Gong has text become text: ids are often written as numbers, and stay exact."""
    if not isinstance(values, dict):
        return values
    known, texts = _fields(model), _text_fields(model)
    typed = {}
    for key, value in values.items():
        inner = known.get(key)
        if inner is not None:
            value = [_typed(item, inner) for item in value] if isinstance(value, list) else _typed(value, inner)
        elif key in texts and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        elif key in texts and isinstance(value, list):
            value = [str(item) if isinstance(item, int) and not isinstance(item, bool) else item for item in value]
        typed[key] = value
    return typed


@cache
def _fields(model: type[BaseModel]) -> dict[str, type[BaseModel] | None]:
    """Gong's name of each field, and the object it holds (or a list of them)."""
    return {info.alias or name: _object_in(info.annotation) for name, info in model.model_fields.items()}


@cache
def _text_fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(info.alias or name for name, info in model.model_fields.items() if _holds_text(info.annotation))


def _holds_text(annotation: Any) -> bool:
    return any(kind is str or (get_origin(kind) is list and get_args(kind) == (str,)) for kind in _members(annotation))


def _object_in(annotation: Any) -> type[BaseModel] | None:
    for kind in _members(annotation):
        inner = get_args(kind)[0] if get_origin(kind) is list else kind
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return None


def _members(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


_RULES = {
    "missing": "it is missing; Gong asks for it",
    "string_type": "it must be text; write it in quotes",
    "int_type": "it must be a whole number",
    "int_parsing": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_type": "it must be a number",
    "float_parsing": "it must be a number",
    "bool_type": "it must be true or false",
    "list_type": "it must be a list",
    "model_type": "it must be an object with fields",
    "model_attributes_type": "it must be an object with fields",
}


def _rule(item: Any) -> str:
    kind, figures = item["type"], item.get("ctx", {})
    if kind == "literal_error":
        return f"it must be one of {figures['expected']}"
    if kind == "string_too_long":
        return f"it has more than {figures['max_length']} characters"
    if kind in ("greater_than_equal", "less_than_equal"):
        word = "at least" if "ge" in figures else "at most"
        return f"it must be {word} {figures.get('ge', figures.get('le'))}"
    if kind in ("too_short", "string_too_short"):
        return "it is empty; Gong asks for it"
    return _RULES.get(kind, str(item["msg"]))
