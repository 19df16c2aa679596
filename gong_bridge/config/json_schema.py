"""The JSON Schema of bridge.yaml, for editors that complete and validate while one types (yaml-language-server)."""

from __future__ import annotations

from typing import Any

from gong_bridge.config.schema import Config

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def bridge_schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) as plain data: every key with its description and default, unknown keys refused."""
    schema = Config.model_json_schema(mode="validation")
    return {"$schema": DIALECT, **_for_people(schema), "title": "gong-bridge: bridge.yaml"}


def _for_people(value: Any) -> Any:
    """Without titles: pydantic makes them from class and field names, and editors would show them."""
    if isinstance(value, list):
        return [_for_people(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: _for_people(field) for name, field in item.items()} if key in _NAMES else _for_people(item)
        for key, item in value.items()
        if key != "title"
    }


_NAMES = ("properties", "$defs")
"""Below these stand names of our own, among which `title` would be a key and not a title."""
