"""Says for every field of a call where its value came from, for `explain`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gong_bridge.mapping.definition import Definition, Node
from gong_bridge.mapping.templates import Later, Template

_MOST_LEAVES = 500


class Origins:
    """Collects which template gave which field, and turns that into words once the facts are known."""

    def __init__(self, definition: Definition, subject: str) -> None:
        self._definition = definition
        self._captured_from = "key" if subject == "key" else "file name"
        self._templates: dict[str, Node] = {}
        self._words: dict[str, str] = {}

    def came_from(self, path: str, node: Node) -> None:
        """The value at `path` was computed by `node`."""
        self._templates[path] = node

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
        labels = list(dict.fromkeys(self._labels(node, facts)))
        looked_up = " (looked up in agents.csv and Gong)" if self._looks_up(node) else ""
        if rest and len(labels) == 1 and node.paths == (("sidecar",),):
            return f"sidecar: {rest.lstrip('.')}"
        return (", ".join(labels) or "mapping: constant") + looked_up

    def _labels(self, template: Template, facts: dict[str, Any]) -> Iterator[str]:
        """Where the parts came from; parts that were empty are left out, they gave nothing."""
        for path in template.paths:
            if path[0] in self._definition.lets:
                for inner in _templates_in(self._definition.lets[path[0]]):
                    yield from self._labels(inner, facts)
            elif _is_there(path, facts):
                yield self._label(path)

    def _label(self, path: tuple[str, ...]) -> str:
        first, rest = path[0], ".".join(path[1:])
        if first in self._definition.capture_names:
            return f"{self._captured_from}: {first}"
        if first in ("sidecar", "media", "company"):
            return f"{first}: {rest}" if rest else first
        if first == "object":
            kind = {"metadata": "object metadata", "tags": "object tag"}.get(path[1] if len(path) > 1 else "", "object")
            return f"{kind}: {'.'.join(path[2:])}" if len(path) > 2 else kind
        words = {"modified_at": "file time", "size_bytes": "file size", "key": "key", "folder": "key", "folders": "key"}
        if first in ("name", "stem", "extension"):
            return "file name"
        return words.get(first, f"mapping: {first}")

    def _looks_up(self, template: Template) -> bool:
        if any(node.name == "agent" for node in template.filters):
            return True
        names = [path[0] for path in template.paths if path[0] in self._definition.lets]
        return any(self._looks_up(inner) for name in names for inner in _templates_in(self._definition.lets[name]))


def _templates_in(node: Node) -> Iterator[Template]:
    if isinstance(node, Template):
        yield node
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _templates_in(inner)


def _is_there(path: tuple[str, ...], facts: dict[str, Any]) -> bool:
    value: Any = facts
    for part in path:
        if isinstance(value, Later):
            value = value.loaded or {}
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, (list, str)):
            return True
        else:
            return False
    return value not in (None, "", [])


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
