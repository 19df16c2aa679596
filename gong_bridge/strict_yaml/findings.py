"""What pydantic's errors mean: unions reduced to the branch that was meant, echoes removed; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from gong_bridge.strict_yaml.keys import near_name

Loc = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake: `loc` in the file, pydantic's `kind` of error, its message and figures.

    `branches` are the names of the union members that were tried on the way. Kind "union": every branch refused the
    value; `choices` are what they would take, in words or as a model's name.
    """

    loc: Loc
    kind: str
    message: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    branches: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


def findings_of(data: Any, error: ValidationError) -> list[Finding]:
    """The mistakes in `error`, unions reduced to the branch that was meant, misspelt keys not also called missing."""
    raw = [item for item in error.errors(include_url=False, include_input=False) if not _is_echo(data, item)]
    parted = [_Parted.of(data, item["loc"], item["type"], item["msg"], item.get("ctx", {})) for item in raw]
    findings = [item.finding() for item in _choose_branches(data, parted)]
    misspelt = {
        (*finding.loc[:-1], near)
        for finding in findings
        if finding.kind == "extra_forbidden"
        if (near := near_name(str(finding.loc[-1]), _missing_beside(findings, finding.loc[:-1])))
    }
    return [finding for finding in findings if finding.kind != "missing" or finding.loc not in misspelt]


def _missing_beside(findings: list[Finding], parent: Loc) -> list[str]:
    return [str(item.loc[-1]) for item in findings if item.kind == "missing" and item.loc[:-1] == parent]


def _is_echo(data: Any, item: Any) -> bool:
    """Pydantic also calls a list too short when its items are wrong; that is no mistake of its own."""
    value = value_at(data, item["loc"])
    return item["type"] == "too_short" and isinstance(value, list) and len(value) >= item["ctx"]["min_length"]


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
    """An error whose location is parted into keys in the file (False) and names of union branches (True)."""

    parts: tuple[tuple[bool, str | int], ...]
    kind: str
    message: str
    figures: Mapping[str, Any]
    branches: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

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
            choices=self.choices,
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
        if not any(len(error.parts) == depth and error.kind in EXPECTED for error in errors)
    }
    if fitting:
        return min(fitting.values(), key=_misfit)
    first = next(iter(branches.values()))[0]
    if len(branches) == 1:
        return [first]
    choices = [_choice(error) for errors in branches.values() for error in errors[:1]]
    return [
        _Parted(
            parts=first.parts[:depth],
            kind="union",
            message="",
            figures={},
            branches=first.branches,
            choices=tuple(dict.fromkeys(choices)),
        )
    ]


def _misfit(errors: list[_Parted]) -> tuple[int, int]:
    """Wrong keys first: a branch whose keys fit is the one that was meant."""
    return sum(error.kind in ("missing", "extra_forbidden") for error in errors), len(errors)


def _choice(error: _Parted) -> str:
    if error.kind == "literal_error":
        return str(error.figures.get("expected", "another word"))
    return str(error.figures.get("class_name") or EXPECTED.get(error.kind, "another value"))


def _is_position(part: Any, data: Sequence[Any]) -> bool:
    return isinstance(part, int) and 0 <= part < len(data)


_GROUP = "keys and values, indented below it"
_LIST = "a list (lines that begin with a dash)"
EXPECTED: Mapping[str, str] = {
    "string_type": "text", "string_sub_type": "text", "path_type": "a path",
    "bool_type": "true or false", "bool_parsing": "true or false",
    "int_type": "a whole number", "int_parsing": "a whole number", "int_from_float": "a whole number",
    "float_type": "a number", "float_parsing": "a number",
    "finite_number": "a number",
    "model_type": _GROUP, "model_attributes_type": _GROUP, "dict_type": _GROUP,
    "tuple_type": _LIST, "list_type": _LIST, "set_type": _LIST, "frozen_set_type": _LIST,
    "none_required": "nothing", "literal_error": "one of the known words",
}  # fmt: skip
"""Pydantic's kinds of error that say "a value of quite another kind", and what was expected."""
