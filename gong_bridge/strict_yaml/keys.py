"""Which keys a pydantic model knows at a place, what they are for, and which is nearest to a misspelt one; pure."""

from __future__ import annotations

import difflib
import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

_DEEPEST = 4  # levels that key_paths follows; models may contain themselves


@dataclass(frozen=True, kw_only=True)
class KeyGroup:
    """The keys of one model: what each is for ("" when it does not say), and which must be there."""

    model_name: str
    about: Mapping[str, str]
    required: frozenset[str]


def near_name(key: str, known: Collection[str]) -> str | None:
    """The known key that `key` was probably meant to be; underscores, dashes and case do not count."""
    plain = {name.replace("_", "").lower(): name for name in known}
    near = difflib.get_close_matches(key.replace("_", "").replace("-", "").lower(), plain, n=1, cutoff=0.72)
    return plain[near[0]] if near else None


def groups_at(model: type[BaseModel], loc: tuple[str | int, ...], branches: Collection[str] = ()) -> list[KeyGroup]:
    """The keys of each model that may stand at `loc`; those named in `branches` (union members tried) come first."""
    annotations: list[Any] = [model]
    for part in loc:
        annotations = [inner for annotation in annotations for inner in _inside(annotation, part)]
    models = [leaf for annotation in annotations for leaf in _models(annotation)]
    models.sort(key=lambda item: item.__name__ not in branches)
    return [_group(item) for item in models]


def key_paths(model: type[BaseModel], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """Every key that `model` knows, as `gong.limits.calls_per_day`; NAME stands for a name of the user's own."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{info.alias or name}"
        yield path
        for leaf in _leaves(info.annotation) if depth < _DEEPEST else ():
            below = f"{path}.NAME." if get_origin(leaf) is dict else f"{path}."
            for inner in (leaf, *get_args(leaf)):
                for found in _models(inner):
                    yield from key_paths(found, below, depth + 1)


def _group(model: type[BaseModel]) -> KeyGroup:
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    return KeyGroup(
        model_name=model.__name__,
        about={name: (info.description or "").rstrip(".") for name, info in fields.items()},
        required=frozenset(name for name, info in fields.items() if info.is_required()),
    )


def _inside(annotation: Any, part: str | int) -> Iterator[Any]:
    """The annotations that a key or a list position leads to."""
    for leaf in _leaves(annotation):
        if isinstance(leaf, type) and issubclass(leaf, BaseModel):
            yield from (info.annotation for name, info in leaf.model_fields.items() if part in (name, info.alias))
        elif get_args(leaf):
            yield get_args(leaf)[-1] if isinstance(part, str) else get_args(leaf)[0]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    return (leaf for leaf in _leaves(annotation) if isinstance(leaf, type) and issubclass(leaf, BaseModel))


def _leaves(annotation: Any) -> Iterator[Any]:
    """The members of a union, however deep; anything else itself."""
    if get_origin(annotation) is Annotated:
        yield from _leaves(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _leaves(member)
    else:
        yield annotation
