"""Which OAuth scopes the bridge needs for its main job, and what for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gong_bridge.gong import calls, users
from gong_bridge.gong.wire import Operation

_OPERATIONS: tuple[Operation, ...] = (
    calls.ADD,
    calls.ADD_RECORDING,
    calls.LIST,
    calls.GET,
    calls.LIST_MEDIA,
    users.LIST,
)


def _needed() -> dict[str, str]:
    needed: dict[str, list[str]] = {}
    for operation in _OPERATIONS:
        for scope in operation.scope.split(" and "):
            needed.setdefault(scope, []).append(operation.doing)
    return {scope: ", ".join(doing) for scope, doing in needed.items()}


NEEDED_SCOPES: Mapping[str, str] = MappingProxyType(_needed())
"""Scope -> what the bridge does with it."""
