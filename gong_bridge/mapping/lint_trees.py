"""What the checks of a mapping share: how a finding is written down, and what an expression can come to; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jinja2 import nodes

from gong_bridge.mapping.definition import Node
from gong_bridge.mapping.templates import Template

Loc = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A finding before its place is looked up: `loc` is where in the file's data."""

    level: Literal["error", "warning"]
    loc: Loc
    text: str


def error(loc: Loc, text: str) -> Found:
    """Recordings will be held or lost by this."""
    return Found(level="error", loc=loc, text=text)


def warning(loc: Loc, text: str) -> Found:
    """This is probably not meant."""
    return Found(level="warning", loc=loc, text=text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """Looks through `let` and `tables` for what an expression can come to."""

    lets: Mapping[str, Node]
    tables: Mapping[str, Mapping[str, Any]]

    def of(self, node: Node) -> Iterator[Any]:
        """Constants that a node can come to as a whole: of a choice each branch, of a look-up each row.

        What is computed is not among them, so this is never too much and often too little.
        """
        if isinstance(node, Template):
            yield from self._of_tree(node.tree)
        elif not isinstance(node, (dict, list)):
            yield node

    def _of_tree(self, tree: nodes.Expr) -> Iterator[Any]:
        if isinstance(tree, nodes.Const):
            yield tree.value
        elif isinstance(tree, nodes.Name) and tree.name in self.lets:
            yield from self.of(self.lets[tree.name])
        elif isinstance(tree, nodes.CondExpr):
            yield from self._of_tree(tree.expr1)
            if tree.expr2 is not None:
                yield from self._of_tree(tree.expr2)
        elif isinstance(tree, nodes.Filter) and tree.name == "lookup":
            yield from self._of_lookup(tree)
        elif isinstance(tree, nodes.Filter) and tree.name == "default" and tree.node is not None:
            for one in (tree.node, *tree.args):
                yield from self._of_tree(one)

    def _of_lookup(self, tree: nodes.Filter) -> Iterator[Any]:
        given: dict[str, nodes.Expr] = dict(zip(("table", "otherwise"), tree.args, strict=False))
        given.update({str(pair.key): pair.value for pair in tree.kwargs})
        table = given.get("table")
        if isinstance(table, nodes.Const):
            yield from self.tables.get(str(table.value), {}).values()
        if "otherwise" in given:
            yield from self._of_tree(given["otherwise"])

    def can_be_constant(self, node: Node) -> bool:
        """Can the node come to the same value for two recordings, because of a `default` or a choice?"""
        if isinstance(node, Template):
            return self._constant(node.tree)
        return not isinstance(node, (dict, list))

    def _constant(self, tree: nodes.Expr) -> bool:
        if isinstance(tree, nodes.Const):
            return tree.value not in (None, "")
        if isinstance(tree, nodes.Name):
            return tree.name in self.lets and self.can_be_constant(self.lets[tree.name])
        if isinstance(tree, nodes.CondExpr):
            return self._constant(tree.expr1) or (tree.expr2 is not None and self._constant(tree.expr2))
        if isinstance(tree, (nodes.List, nodes.Tuple)):
            return all(self._constant(item) for item in tree.items if not _is_nothing(item))
        if isinstance(tree, nodes.Filter) and tree.node is not None:
            if tree.name == "default":
                return any(self._constant(one) for one in (tree.node, *tree.args))
            return self._constant(tree.node)
        return False


def _is_nothing(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and node.value in (None, "")
