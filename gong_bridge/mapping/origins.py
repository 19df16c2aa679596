"""Says for every field of a call where its value came from, for `explain`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jinja2 import nodes

from gong_bridge.errors import BridgeError
from gong_bridge.mapping.definition import Definition, Node, templates_in
from gong_bridge.mapping.filters import EXPRESSIONS
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.mapping.templates import Later, NotUsable, Template, path_of

_MOST_LEAVES = 500
_PLACES = {
    "modified_at": ("file time", ""),
    "size_bytes": ("file size", ""),
    "key": ("key", ""),
    "folder": ("key", ""),
    "folders": ("key", ""),
    "name": ("file name", ""),
    "stem": ("file name", ""),
    "extension": ("file name", ""),
    "source": ("configuration", "sources.name"),
    "options": ("configuration", "sources.options"),
}


class Origins:
    """Collects which template gave which field, and turns that into words once the facts are known."""

    def __init__(self, definition: Definition, subject: str) -> None:
        self._definition = definition
        self._captured_from = "key" if subject == "key" else "file name"
        self._templates: dict[str, Node] = {}
        self._words: dict[str, str] = {}

    def came_from(self, path: str, node: Node) -> None:
        """The value at `path` was computed by `node`, or its parts by the nodes in it."""
        self._templates[path] = node
        for name, inner in node.items() if isinstance(node, dict) else ():
            self.came_from(f"{path}.{name}", inner)

    def say(self, words: dict[str, str]) -> None:
        """What other rooms filled in."""
        self._words.update(words)

    def in_words(self, values: dict[str, Any], facts: dict[str, Any]) -> dict[str, str]:
        """Field path -> origin, for every leaf of `values`."""
        return {path: self._origin(path, facts) for path in _leaves(values)}

    def _origin(self, path: str, facts: dict[str, Any]) -> str:
        if path in self._words:
            return self._words[path]
        place, rest = path, ""
        while place and place not in self._templates:  # a template may give a whole object
            cut = max(place.rfind("."), place.rfind("["))
            place, rest = (place[:cut], path[cut:]) if cut > 0 else ("", "." + path)
        node = self._templates.get(place)
        if not isinstance(node, Template):
            return "mapping: constant" if place in self._templates else "mapping"
        if rest and node.paths == (("sidecar",),):
            return f"sidecar: {rest.lstrip('.')}"
        places: dict[str, list[str]] = {}
        for at, name in self._labels(node.tree, facts):
            names = places.setdefault(at, [])
            if name and name not in names:
                names.append(name)
        texts = [f"{at}: {', '.join(names)}" if names else at for at, names in places.items()]
        looked_up = " (looked up in agents.csv and Gong)" if self._looks_up(node) else ""
        return ("; ".join(texts) or "mapping: constant") + looked_up

    def _labels(self, node: nodes.Node, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Where the parts came from, as (place, name); parts that were empty are left out, they gave nothing."""
        path = path_of(node)
        if path is not None:
            if path[0] in self._definition.lets:
                for inner in templates_in(self._definition.lets[path[0]]):
                    yield from self._labels(inner.tree, facts)
            elif _is_there(path, facts):
                yield self._label(path)
            return
        for child in self._contributors(node, facts):
            yield from self._labels(child, facts)

    def _contributors(self, node: nodes.Node, facts: dict[str, Any]) -> Iterable[nodes.Node]:
        """The parts of an expression that gave its value: the branch taken, the first default that is not empty."""
        if isinstance(node, nodes.CondExpr):
            branches = [node.expr1, node.expr2] if _value(node.test, facts) else [node.expr2]
            return [branch for branch in branches[:1] if branch is not None]
        if isinstance(node, nodes.Filter) and node.name == "default":
            candidates = [candidate for candidate in (node.node, *node.args) if candidate is not None]
            return next(([one] for one in candidates if not is_empty(_value(one, facts))), [])
        if isinstance(node, nodes.Filter) and node.name == "time":
            proof = next((pair.value for pair in node.kwargs if pair.key == "proof"), None)
            if proof is not None and not is_empty(_value(proof, facts)):
                return [proof]
        return node.iter_child_nodes()

    def _label(self, path: tuple[str, ...]) -> tuple[str, str]:
        first, rest = path[0], ".".join(path[1:])
        if first in self._definition.capture_names:
            return self._captured_from, first
        if first in ("sidecar", "rows", "media", "company"):
            return "sidecar" if first == "rows" else first, rest
        if first == "object":
            kind = {"metadata": "object metadata", "tags": "object tag"}.get(path[1] if len(path) > 1 else "", "object")
            return kind, ".".join(path[2:])
        return _PLACES.get(first, ("mapping", first))

    def _looks_up(self, template: Template) -> bool:
        if any(node.name == "agent" for node in template.filters):
            return True
        names = [path[0] for path in template.paths if path[0] in self._definition.lets]
        return any(self._looks_up(inner) for name in names for inner in templates_in(self._definition.lets[name]))


def _value(node: nodes.Expr, facts: dict[str, Any]) -> Any:
    """What a part of a template gives; nothing where it gives an error, for origins only explain."""
    try:
        return EXPRESSIONS.of_node(node).evaluate(facts)
    except (NotUsable, BridgeError):
        return None


def _is_there(path: tuple[str, ...], facts: dict[str, Any]) -> bool:
    value: Any = facts
    for part in path:
        if isinstance(value, Later):
            value = value.loaded or {}
        if isinstance(value, dict):
            value = value.get(part)
        else:
            return isinstance(value, (list, str))
    return not is_empty(value)


def _leaves(values: Any, path: str = "") -> Iterator[str]:
    found = 0
    waiting = [(path, values)]
    while waiting and found < _MOST_LEAVES:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{place}.{key}" if place else key, inner) for key, inner in reversed(value.items()))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            waiting.extend((f"{place}[{index}]", inner) for index, inner in reversed(list(enumerate(value))))
        else:
            found += 1
            yield place
