"""From samples to the choices that a mapping is written from: which shapes are kept, what cannot be explained; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gong_bridge.mapping.guessing import ROLES, Field, Plan, Shape, shapes_of
from gong_bridge.mapping.name_times import pattern_of_format
from gong_bridge.mapping.shape_patterns import pattern_of
from gong_bridge.mapping.times import check_format
from gong_bridge.mapping.words import unknown
from gong_bridge.mapping.writing import SidecarPlan

_SOURCE = re.compile(r"(?:(?P<shape>\d+)\.)?(?P<field>\d+)|(?P<sidecar>sidecar[.\[].+)|(?P<folder>folder)")
NEEDED = (
    ("start", "no part of it reads as a date with a time of day"),
    ("agent", "nothing in it says whose call it was"),
)


@dataclass(frozen=True, kw_only=True)
class Unexplained:
    """A sample that the mapping will not read, and why."""

    sample: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Given:
    """What somebody said about the fields: shape and field number -> role and format; role -> path in the sidecar."""

    fields: Mapping[tuple[int | None, int], tuple[str, str]]
    sidecar: Mapping[str, str]
    agent_from_folder: bool = False


def read_given(texts: Sequence[str]) -> Given:
    """Reads `1=start`, `2=start:%d%m%Y`, `2.3=ignore` (of the second shape), `sidecar.agent=agent`, `folder=agent`.

    Raises ValueError with the cure.
    """
    fields: dict[tuple[int | None, int], tuple[str, str]] = {}
    sidecar: dict[str, str] = {}
    folder = False
    for text in texts:
        source, _, meaning = text.partition("=")
        role, _, form = meaning.partition(":")
        match = _SOURCE.fullmatch(source.strip())
        if match is None or not meaning:
            raise ValueError(f"{text!r}: write FIELD=ROLE, such as 1=start, 2=agent, 2.1=ignore or sidecar.id=id")
        if role not in ROLES:
            raise ValueError(f"{text!r}: {unknown('role', role, ROLES)}")
        if form:
            check_format(form)
        if match["folder"]:
            folder = role == "agent"
        elif match["sidecar"]:
            sidecar[role] = source.strip()
        else:
            fields[int(match["shape"]) if match["shape"] else None, int(match["field"])] = (role, form)
    return Given(fields=fields, sidecar=sidecar, agent_from_folder=folder)


def shapes_with(stems: Sequence[str], plan: Plan, given: Given) -> list[Shape]:
    """All shapes of the samples with the given roles put over the guessed ones. Raises ValueError."""
    shapes = shapes_of(stems, plan)
    most = max((len(shape.fields) for shape in shapes), default=0)
    for (shape_number, number), _ in given.fields.items():
        if not 1 <= number <= most or (shape_number or 1) > len(shapes):
            raise ValueError(f"there is no field {number}; the names have {most} fields at most")
    return [_overlaid(shape, number, given) for number, shape in enumerate(shapes, start=1)]


def _overlaid(shape: Shape, shape_number: int, given: Given) -> Shape:
    fields = list(shape.fields)
    said = {
        number: role
        for wanted in (None, shape_number)
        for (shape_of, number), role in given.fields.items()
        if shape_of == wanted and number <= len(fields)
    }
    for number, (role, form) in said.items():
        for index, one in enumerate(fields):
            if one.role == role and role != "ignore" and index + 1 not in said:
                fields[index] = replace(one, role="ignore")
        fields[number - 1] = as_role(fields[number - 1], role, form)
    if any(role in ("agent", "customer") for role, _ in said.values()):
        fields = [one if one.role not in ("caller", "called") or index + 1 in said else replace(one, role="ignore")
                  for index, one in enumerate(fields)]  # fmt: skip
    return shape.with_fields(fields)


def as_role(one: Field, role: str, form: str) -> Field:
    """The field with a role that a person gave it. Raises ValueError when a time needs its format."""
    kind = form or one.kind
    if role in ("start", "date", "clock") and not kind:
        example = one.example
        raise ValueError(
            f"in which format is {example!r} a time? write it behind the role, such as =start:%Y%m%d%H%M%S"
        )
    return replace(one, role=role, kind=kind, sure=True)


def read_from_sidecar(shapes: Sequence[Shape], sidecar: SidecarPlan, given: Given) -> list[Shape]:
    """What the sidecar says is not guessed from the name too, unless somebody said so."""
    said = {role for role, _ in given.fields.values()}
    told = set(sidecar.paths) - said
    told |= {"caller", "called", "customer"} - said if told & {"customer", "agent"} else set()
    told |= {"date", "clock"} - said if "start" in told else set()
    return [
        shape.with_fields(replace(one, role="ignore") if one.role in told else one for one in shape.fields)
        for shape in shapes
    ]


def merged(shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes that are needed: names that a more frequent shape's pattern reads as well do not need their own."""
    kept: list[Shape] = []
    for shape in shapes:
        home = next((one for one in kept if _reads_all(one, shape)), None)
        if home is None:
            kept.append(shape)
        else:
            kept[kept.index(home)] = replace(home, stems=(*home.stems, *shape.stems))
    return kept


def _reads_all(one: Shape, other: Shape) -> bool:
    pattern = re.compile(pattern_of(one), re.DOTALL)
    starts = [field.kind for field in one.fields if field.role == "start" and field.kind.startswith("%")]
    for stem in other.stems:
        match = pattern.search(stem)
        if match is None:
            return False
        when = match.groupdict().get("when")
        if when is not None and not any(re.fullmatch(pattern_of_format(form), when) for form in starts):
            return False
    ours = {field.role for field in one.fields}
    theirs = {field.role for field in other.fields}
    return {"start", "agent"} & theirs <= ours | ({"agent"} if {"caller", "called"} <= ours else set())


def lacks(shape: Shape, *, sidecar: SidecarPlan | None, agent_elsewhere: bool) -> str | None:
    """Why names of this shape cannot become calls; None when they can."""
    roles = {one.role for one in shape.fields} | set(sidecar.paths if sidecar else ())
    if any(one.kind == "uniqueid" for one in shape.fields) or {"date", "clock"} <= roles:
        roles.add("start")
    if agent_elsewhere or {"caller", "called"} <= roles:
        roles.add("agent")
    missing = [why for role, why in NEEDED if role not in roles]
    return "; ".join(missing) or None
