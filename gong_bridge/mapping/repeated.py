"""Makes the objects of a list in a call: each when its `when` holds, and once for each item of its `each`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.definition import ITEM, CallItem, Node
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.mapping.templates import Template

MOST_ITEMS = 10_000
"""Items of one `each`: who spoke when in a call of several hours has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """One object of a list. fields: what gave each of its values, for origins."""

    value: dict[str, Any]
    fields: dict[str, Node]


def make_items(
    nodes: list[Node],
    field: str,
    *,
    facts: dict[str, Any],
    value_of: Callable[[Node, str], Any],
    holds: Callable[[Node, str], bool],
) -> Iterator[Made | Any]:
    """What the nodes of a list give: Made for a CallItem, else the node's value.

    field: the list's name in messages. While an `each` runs, `facts` holds its item. Raises BadMetadata, also for an
    `each` that is no list or has more than MOST_ITEMS items.
    """
    for index, node in enumerate(nodes):
        place = f"{field}[{index}]"
        if not isinstance(node, CallItem):
            yield value_of(node, place)
            continue
        each, fields = node.get("each"), {name: inner for name, inner in node.items() if name not in ("when", "each")}
        if each is None:
            if holds(node.get("when", True), f"{place}.when"):
                yield _made(fields, fields, place, value_of)
            continue
        origins = {name: each if _reads_item(inner) else inner for name, inner in fields.items()}
        try:
            for item in _items(value_of(each, f"{place}.each"), place):
                facts[ITEM] = item
                if holds(node.get("when", True), f"{place}.when"):
                    yield _made(fields, origins, place, value_of)
        finally:
            facts.pop(ITEM, None)


def _made(fields: dict[str, Node], origins: dict[str, Node], place: str, value_of: Callable[[Node, str], Any]) -> Made:
    return Made(value={name: value_of(inner, f"{place}.{name}") for name, inner in fields.items()}, fields=origins)


def _items(value: Any, place: str) -> list[Any]:
    """A list, or one item where XML has a single element."""
    items = [] if is_empty(value) else list(value) if isinstance(value, (list, tuple)) else [value]
    if len(items) > MOST_ITEMS:
        raise BadMetadata(
            f"{place}.each: the list has {len(items)} items, {MOST_ITEMS} at most; pick fewer with | query"
        )
    return items


def _reads_item(node: Node) -> bool:
    return isinstance(node, Template) and ITEM in node.names
