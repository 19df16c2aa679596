"""Which OAuth scopes the bridge needs, and what for: tables, to which an operation that is new adds a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from gong_bridge.gong import calls, crm, library, privacy, settings, stats, users, users_access
from gong_bridge.gong.wire import Operation

_ALWAYS: tuple[Operation, ...] = (
    calls.ADD,
    calls.ADD_RECORDING,
    calls.LIST,
    calls.GET,
    calls.LIST_MEDIA,
    users.LIST,
)
SHARING: tuple[Operation, ...] = (users_access.ADD,)
"""Needed besides where a mapping says with whom calls are shared (share_with)."""
_RESOURCES = (calls, users, stats, settings, library, users_access, privacy, crm)
"""Whose operations commands use, each when a person wants it."""


def _by_scope(operations: Iterable[Operation]) -> Mapping[str, str]:
    """Scope -> what the bridge does with it."""
    found: dict[str, list[str]] = {}
    for operation in operations:
        for scope in operation.scope.split(" and "):
            found.setdefault(scope, []).append(operation.doing)
    return MappingProxyType({scope: ", ".join(dict.fromkeys(doing)) for scope, doing in found.items()})


def needed_scopes(*besides: Operation) -> Mapping[str, str]:
    """What `run` needs: scope -> what it does with it. `besides`: operations that this configuration needs as well."""
    return _by_scope((*_ALWAYS, *besides))


NEEDED_SCOPES: Mapping[str, str] = needed_scopes()
"""What every configuration needs."""


def scopes_of_commands() -> Mapping[str, str]:
    """Scope -> what commands do with it; `run` needs only some of them."""
    return _by_scope(
        value for resource in _RESOURCES for value in vars(resource).values() if isinstance(value, Operation)
    )
