"""The columns of a kind of row, as CSV and Parquet have them: nested objects flattened, lists as JSON; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

from gong_bridge.gong.wire import GongAnswer

Kind = Literal["text", "number", "flag", "json"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """name: Gong's field, below another one after a dot (`settings.emailsImported`). kind json: a list, or anything."""

    name: str
    path: tuple[str, ...]
    kind: Kind

    def value_in(self, record: Mapping[str, Any]) -> Any:
        """The column's value in a row as JSON holds it; None where there is none."""
        value: Any = record
        for name in self.path:
            value = value.get(name) if isinstance(value, dict) else None
        return value


@lru_cache(maxsize=32)
def columns_of(row: type[GongAnswer]) -> tuple[Column, ...]:
    """Every column that rows of this kind may have, in the order of the documentation: the same for every export."""
    return tuple(_columns(row, ()))


def _columns(row: type[GongAnswer], above: tuple[str, ...]) -> Iterator[Column]:
    for field in row.model_fields.values():
        path = (*above, str(field.alias))
        kinds = [one for one in get_args(field.annotation) or (field.annotation,) if one is not type(None)]
        inner = kinds[0]
        if isinstance(inner, type) and issubclass(inner, GongAnswer):
            yield from _columns(inner, path)
        else:
            yield Column(name=".".join(path), path=path, kind=_KINDS.get(inner, "json"))


_KINDS: Mapping[Any, Kind] = {str: "text", bool: "flag", int: "number", float: "number"}
