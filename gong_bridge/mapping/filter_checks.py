"""What can be said of a template's filters before a recording comes: their arguments, tables, zones, patterns."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import nodes

from gong_bridge.config.schema import check_zone
from gong_bridge.mapping.filters import KNOWING
from gong_bridge.mapping.patterns import guarded_pattern
from gong_bridge.mapping.people import check_kind
from gong_bridge.mapping.plain_filters import PLAIN
from gong_bridge.mapping.queries import check_query
from gong_bridge.mapping.templates import Template
from gong_bridge.mapping.times import AMBIGUOUS, check_format
from gong_bridge.mapping.words import unknown

_COMPUTED: Any = object()  # stands for an argument that is only known when a recording comes


def check_filters(template: Template, tables: Mapping[str, Any]) -> list[str]:
    """Mistakes in the arguments of a template's filters: wrong number, unknown table, zone, format, kind, pattern."""
    mistakes = []
    for node in template.filters:
        try:
            _check_filter(node, tables)
        except ValueError as error:
            mistakes.append(f"filter {node.name!r}: {error}")
    return mistakes


def _check_filter(node: nodes.Filter, tables: Mapping[str, Any]) -> None:
    arguments = [_constant(argument) for argument in node.args]
    named = {str(pair.key): _constant(pair.value) for pair in node.kwargs}
    is_plain = node.name in PLAIN
    signature = inspect.signature(PLAIN[node.name] if is_plain else KNOWING[node.name])
    first = (None,) if is_plain else (None, None)  # Here, and the value that the filter is put on
    try:
        given = signature.bind(*first, *arguments, **named).arguments
    except TypeError as error:
        names = list(signature.parameters)[len(first) :]
        shape = f"{node.name}({', '.join(names)})" if names else node.name
        raise ValueError(f"{error}; it is written | {shape}") from None
    for name, value in given.items():
        check = _ARGUMENT_CHECKS.get((node.name, name)) or _ARGUMENT_CHECKS.get(("*", name))
        if check is not None and value is not None:
            for single in value if isinstance(value, tuple) else (value,):
                if single is _COMPUTED and name == "zone":
                    continue  # one recorder may serve several places; the zone is checked when it is known
                if single is _COMPUTED:
                    raise ValueError(f"{name} must be written out here, it cannot be computed")
                check(single)
    if node.name == "lookup" and given["table"] not in tables:
        written = given["table"] if isinstance(given["table"], str) else "(computed)"
        raise ValueError(unknown("table", written, tables))


def _constant(node: nodes.Expr) -> Any:
    return node.value if isinstance(node, nodes.Const) else _COMPUTED


def _one_of(*words: str) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if value not in words:
            raise ValueError(f"write one of {', '.join(words)}, not {value!r}")

    return check


def _check_pattern(value: Any) -> None:
    guarded_pattern(str(value))


_ARGUMENT_CHECKS: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("*", "zone"): check_zone,
    ("time", "formats"): check_format,
    ("time", "ambiguous"): _one_of(*AMBIGUOUS),
    ("phone", "otherwise"): _one_of("as_is", "empty", "if_dialled"),
    ("agent", "kinds"): check_kind,
    ("agent", "otherwise"): _one_of("hold", "empty"),
    ("find", "pattern"): _check_pattern,
    ("query", "expression"): check_query,
}
