"""Turns pydantic's errors into sentences for people who know telephones, not Python; pure."""

from __future__ import annotations

import difflib
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

Loc = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake: `loc` in the file, pydantic's `kind` of error, its message and figures.

    `branches` are the names of the union members that were tried on the way; `wanted` lists what would be accepted
    when every branch of a union refused a value.
    """

    loc: Loc
    kind: str
    message: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    branches: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


def findings_of(data: Any, error: ValidationError) -> list[Finding]:
    """The mistakes in `error`, unions reduced to the branch that was meant, misspelt keys not also called missing."""
    raw = [item for item in error.errors(include_url=False, include_input=False) if not _is_echo(data, item)]
    parted = [_Parted.of(data, item["loc"], item["type"], item["msg"], item.get("ctx", {})) for item in raw]
    findings = [item.finding() for item in _choose_branches(data, parted)]
    misspelt = {
        (*finding.loc[:-1], near)
        for finding in findings
        if finding.kind == "extra_forbidden"
        for near in _near(str(finding.loc[-1]), _missing_beside(findings, finding.loc[:-1]))
    }
    return [finding for finding in findings if finding.kind != "missing" or finding.loc not in misspelt]


def _is_echo(data: Any, item: Any) -> bool:
    """Pydantic also calls a list too short when its items are wrong; that is no mistake of its own."""
    value = value_at(data, item["loc"])
    return item["type"] == "too_short" and isinstance(value, list) and len(value) >= item["ctx"]["min_length"]


def sentence(
    finding: Finding, data: Any, model: type[BaseModel], *, written: str | None = None, hidden: bool = False
) -> str:
    """`what; cure`. `written` is the scalar as it stands in the file; `hidden` values are never shown."""
    value = value_at(data, finding.loc)
    found = _found(value, None if hidden else written, hidden)
    if finding.wanted:
        return f"expected {' or '.join(finding.wanted)}, found {found}"
    if finding.kind == "missing":
        return _missing(finding, model)
    if finding.kind == "extra_forbidden":
        return _unknown_key(finding, data, model)
    if finding.kind in ("value_error", "assertion_error"):
        return str(finding.figures.get("error", finding.message))
    if finding.kind in ("string_type", "string_sub_type", "path_type") and isinstance(value, bool | int | float):
        quoted = "'...'" if hidden else f"'{written}'"
        return f"expected text, found {found}; put it in quotes: {quoted}"
    if finding.kind in _LISTS and not isinstance(value, list | dict) and value is not None:
        return f"expected a list, found {found}; write it with a dash before it: - ..., or in brackets: ['...']"
    template = _SENTENCES.get(finding.kind)
    if template is None:
        return f"{finding.message[:1].lower()}{finding.message[1:]}, found {found}"
    return template(found, finding.figures)


def value_at(data: Any, loc: Sequence[str | int]) -> Any:
    """What stands at `loc`, or None."""
    for part in loc:
        if isinstance(data, dict) and part in data:
            data = data[part]
        elif isinstance(data, list) and _is_position(part, data):
            data = data[int(part)]
        else:
            return None
    return data


# --- unions: one sensible message ------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Parted:
    """A pydantic location parted into what is in the file (False) and names of union branches (True)."""

    parts: tuple[tuple[bool, str | int], ...]
    kind: str
    message: str
    figures: Mapping[str, Any]
    branches: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Any, loc: Loc, kind: str, message: str, figures: Mapping[str, Any]) -> _Parted:
        parts: list[tuple[bool, str | int]] = []
        for index, part in enumerate(loc):
            if isinstance(data, dict) and part in data:
                parts.append((False, part))
                data = data[part]
            elif isinstance(data, list) and _is_position(part, data):
                parts.append((False, part))
                data = data[int(part)]
            elif kind == "missing" and index == len(loc) - 1:
                parts.append((False, part))
            else:
                parts.append((True, part))
        at = getattr(figures.get("error"), "at", ())
        parts.extend((False, part) for part in at)
        return cls(parts=tuple(parts), kind=kind, message=message, figures=figures)

    def first_branch(self) -> int | None:
        return next((index for index, (is_branch, _) in enumerate(self.parts) if is_branch), None)

    def without(self, index: int) -> _Parted:
        name = str(self.parts[index][1])
        return _Parted(
            parts=self.parts[:index] + self.parts[index + 1 :],
            kind=self.kind,
            message=self.message,
            figures=self.figures,
            branches=(*self.branches, name),
        )

    def finding(self) -> Finding:
        return Finding(
            loc=tuple(part for _, part in self.parts),
            kind=self.kind,
            message=self.message,
            figures=self.figures,
            branches=self.branches,
            wanted=self.wanted,
        )


def _choose_branches(data: Any, errors: list[_Parted]) -> list[_Parted]:
    """Replace the errors of all branches of each union by those of the branch that was meant."""
    done = [error for error in errors if error.first_branch() is None]
    unions: dict[Loc, dict[str, list[_Parted]]] = {}
    for error in errors:
        index = error.first_branch()
        if index is not None:
            at = tuple(part for _, part in error.parts[:index])
            unions.setdefault(at, {}).setdefault(str(error.parts[index][1]), []).append(error.without(index))
    for at, branches in unions.items():
        done.extend(_choose_branches(data, _meant(len(at), branches)))
    return done


def _meant(depth: int, branches: dict[str, list[_Parted]]) -> list[_Parted]:
    """The errors of the branch whose shape fits best; when none fits, one error that names all choices."""
    fitting = {
        name: errors
        for name, errors in branches.items()
        if not any(len(error.parts) == depth and error.kind in _SHAPES for error in errors)
    }
    if fitting:
        return min(fitting.values(), key=_misfit)
    first = next(iter(branches.values()))[0]
    if len(branches) == 1:
        return [first]
    wanted = [_choice(error) for errors in branches.values() for error in errors[:1]]
    return [
        _Parted(
            parts=first.parts[:depth],
            kind="union",
            message="",
            figures={},
            branches=first.branches,
            wanted=tuple(dict.fromkeys(wanted)),
        )
    ]


def _misfit(errors: list[_Parted]) -> tuple[int, int]:
    """Wrong keys first: a branch whose keys fit is the one that was meant."""
    return sum(error.kind in ("missing", "extra_forbidden") for error in errors), len(errors)


def _choice(error: _Parted) -> str:
    if error.kind == "literal_error":
        return str(error.figures.get("expected", "another word"))
    return _SHAPES.get(error.kind, "another value")


# --- keys ------------------------------------------------------------------------------------------------------------


def _missing(finding: Finding, model: type[BaseModel]) -> str:
    key = str(finding.loc[-1])
    where = "at the top of the file" if len(finding.loc) == 1 else "here"
    fields = [fields for fields in _known(model, finding.loc[:-1], finding.branches) if key in fields]
    about = fields[0][key] if fields else ""
    return f"this key is missing; add {key!r} {where}" + (f" ({about.rstrip('.')})" if about else "")


def _unknown_key(finding: Finding, data: Any, model: type[BaseModel]) -> str:
    key, parent = str(finding.loc[-1]), finding.loc[:-1]
    groups = _known(model, parent, finding.branches)
    own = [fields for fields in groups if key not in fields] or groups
    known = sorted({name for fields in own for name in fields})
    present = value_at(data, parent)
    free = [name for name in known if not (isinstance(present, dict) and name in present)]
    for fields in groups:
        partner = [name for name in fields if name not in known]
        if key in fields and partner:
            return f"{key!r} cannot be used here; it goes with {_listed([n for n in partner if n != key][:3] or [key])}"
    near = _near(key, free) or _near(key, known)
    if near:
        return f"unknown key {key!r}; did you mean {near[0]!r}?"
    elsewhere = [path for path in _paths(model) if path.rsplit(".", 1)[-1] == key]
    if elsewhere:
        return f"{key!r} does not belong here; it is written {elsewhere[0]}"
    return f"unknown key {key!r}; known here: {_listed(known)}" if known else f"unknown key {key!r}; remove it"


def _missing_beside(findings: list[Finding], parent: Loc) -> list[str]:
    return [str(item.loc[-1]) for item in findings if item.kind == "missing" and item.loc[:-1] == parent]


def _near(key: str, known: Collection[str]) -> list[str]:
    plain = {name.replace("_", "").lower(): name for name in known}
    near = difflib.get_close_matches(key.replace("_", "").replace("-", "").lower(), plain, n=1, cutoff=0.72)
    return [plain[name] for name in near]


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


def _known(model: type[BaseModel], loc: Loc, branches: Collection[str]) -> list[dict[str, str]]:
    """For each model that may stand at `loc`: its keys and what they are for."""
    models: list[type[BaseModel]] = [model]
    annotations: list[Any] = [model]
    for part in loc:
        annotations = [inner for annotation in annotations for inner in _inside(annotation, part)]
        models = [leaf for annotation in annotations for leaf in _models(annotation)]
    chosen = [item for item in models if item.__name__ in branches]
    ordered = chosen + [item for item in models if item not in chosen]
    return [{info.alias or name: info.description or "" for name, info in m.model_fields.items()} for m in ordered]


def _inside(annotation: Any, part: str | int) -> Iterator[Any]:
    """The annotations that a key or position leads to."""
    for leaf in _leaves(annotation):
        if isinstance(leaf, type) and issubclass(leaf, BaseModel):
            yield from (info.annotation for name, info in leaf.model_fields.items() if part in (name, info.alias))
        elif get_args(leaf):
            yield get_args(leaf)[-1] if isinstance(part, str) else get_args(leaf)[0]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    return (leaf for leaf in _leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel))


def _leaves(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _leaves(member)
    else:
        yield annotation


def _paths(model: type[BaseModel], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Every key that `model` knows, with the keys that lead to it."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        yield path
        inner = [item for leaf in _leaves(info.annotation) for item in (leaf, *get_args(leaf))]
        for item in inner if depth < 4 else []:
            for found in _models(item):
                yield from _paths(found, f"{path}.", depth + 1)


def _is_position(part: Any, data: Sequence[Any]) -> bool:
    return isinstance(part, int) and 0 <= part < len(data)


# --- words -----------------------------------------------------------------------------------------------------------


def _found(value: Any, written: str | None, hidden: bool) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "keys below it"
    if isinstance(value, list):
        return "a list"
    kind = "text" if isinstance(value, str) else "a word" if isinstance(value, bool) else "a number"
    if hidden or written is None:
        return kind
    shown = written if len(written) <= 60 else written[:57] + "..."
    return repr(shown) if isinstance(value, str) else shown


_GROUP = "keys and values, indented below it"
_LIST = "a list (lines that begin with a dash)"
_LISTS = ("tuple_type", "list_type", "set_type", "frozen_set_type")
_SHAPES = {
    "string_type": "text", "string_sub_type": "text", "path_type": "a path",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
    "model_type": _GROUP, "model_attributes_type": _GROUP, "dict_type": _GROUP,
    "tuple_type": _LIST, "list_type": _LIST, "set_type": _LIST, "frozen_set_type": _LIST,
    "none_required": "nothing", "literal_error": "one of the known words",
}  # fmt: skip
"""Pydantic's error types that say "a value of quite another kind", and what was expected."""

_Template = Callable[[str, Mapping[str, Any]], str]


def _expected(what: str) -> _Template:
    return lambda found, _: f"expected {what}, found {found}"


def _bound(word: str, figure: str) -> _Template:
    return lambda found, figures: f"must be {word} {figures.get(figure)}, found {found}"


_SENTENCES: dict[str, _Template] = {
    **{kind: _expected(what) for kind, what in _SHAPES.items()},
    "literal_error": lambda found, figures: f"write {figures.get('expected')}, found {found}",
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than": _bound("less than", "lt"),
    "less_than_equal": _bound("at most", "le"),
    "too_short": lambda _, figures: f"the list is too short; write at least {figures.get('min_length')} item(s)",
    "too_long": lambda _, figures: f"the list is too long; write at most {figures.get('max_length')} items",
    "string_too_short": lambda found, _: f"expected a longer text, found {found}",
    "string_too_long": lambda _, figures: f"the text is too long; at most {figures.get('max_length')} characters",
    "string_pattern_mismatch": lambda found, _: f"{found} is not written as this key asks for; see its description",
    "finite_number": lambda found, _: f"expected a number, found {found}",
}
