"""Writes the tables of docs/configuration.md from the schema: `python docs/configuration_tables.py`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gong_bridge.config import oauth, places, schema, sources
from gong_bridge.config.units import parse_duration, parse_share, parse_size

PAGE = Path(__file__).with_name("configuration.md")
_TABLE = re.compile(r"<!-- table: (\w+)(?: but (\w+))? -->\n.*?<!-- end -->", re.DOTALL)


def with_tables(page: str) -> str:
    """The page with every table between its marks made anew."""
    return _TABLE.sub(lambda found: _marked(found[0].split("\n", 1)[0], found[1], found[2]), page)


def _marked(mark: str, name: str, but: str | None) -> str:
    hidden = set(_model(but).model_fields) if but else set()
    rows = [
        f"| `{key}` | {_default(field)} | {_about(field)} |"
        for key, field in _model(name).model_fields.items()
        if key not in hidden
    ]
    return "\n".join([mark, "| key | default | what it says |", "|---|---|---|", *rows, "<!-- end -->"])


def _model(name: str) -> type[BaseModel]:
    parts = (schema, sources, places, oauth)
    models: list[type[BaseModel]] = [vars(part)[name] for part in parts if name in vars(part)]
    return models[0]


def _about(field: FieldInfo) -> str:
    """The key's description, or that of the group that stands below it."""
    words = field.description or getattr(field.annotation, "__doc__", None) or ""
    return " ".join(words.split()).replace("|", r"\|")


def _default(field: FieldInfo) -> str:
    """The default as a person would write it."""
    if field.is_required():
        return "**required**"
    value: Any = field.default
    readers = [getattr(item, "func", None) for item in field.metadata]
    if value is None or value == "":
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if parse_duration in readers:
        return f"`{_duration(value)}`"
    if parse_size in readers:
        return f"`{_size(value)}`"
    if parse_share in readers:
        return f"`{value:.0%}`"
    if isinstance(value, tuple):
        return "`[" + ", ".join(f"'{item}'" for item in value) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _duration(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:g} MiB" if size_bytes % 2**20 == 0 else f"{size_bytes / 10**9:g} GB"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
