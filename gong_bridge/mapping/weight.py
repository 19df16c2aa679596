"""Weighs lists and mappings that templates put together: each may hold another twice, and so double at every step."""

from __future__ import annotations

from typing import Any

MOST_VALUES = 400_000
"""Twice what a sidecar may hold."""
MOST_CHARACTERS = 8 * 2**20


def check_weight(data: Any) -> None:
    """Raises ValueError when `data`, written out, has more than MOST_VALUES values or MOST_CHARACTERS characters."""
    waiting, values, characters = [data], 0, 0
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, dict):
            waiting.extend(value.values())
            characters += sum(len(key) for key in value if isinstance(key, str))
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, str):
            characters += len(value)
        if values > MOST_VALUES or len(waiting) > MOST_VALUES or characters > MOST_CHARACTERS:
            raise ValueError("the data is too large")
