"""Reads what a mapping says of sidecars, files or tables, and where they lie."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gong_bridge.mapping.definition import Node, Place, RowRule, Sidecar, TableSidecar, reads
from gong_bridge.mapping.filters import EXPRESSIONS
from gong_bridge.mapping.language import SidecarRule, TableRule
from gong_bridge.mapping.table_columns import column_of
from gong_bridge.mapping.table_index import Column
from gong_bridge.mapping.table_rows import Shape

_ENDING = re.compile(r"[^{}/]*\.[A-Za-z0-9_.-]+$")

Loc = tuple[str | int, ...]
"""Where something stands in the mapping: keys, and places in lists from 0."""


class SidecarReader:
    """Walks the raw data; `node` and `condition` compile what stands at a place, `problem` notes a mistake there.

    `known`: the names that templates may use, to which `row` belongs while the rows of a table are spoken of.
    """

    def __init__(
        self,
        *,
        node: Callable[[Any, Loc], Node],
        condition: Callable[[Any, Loc], Node],
        problem: Callable[[Loc, str], None],
        known: set[str],
    ) -> None:
        self._node = node
        self._condition = condition
        self._problem = problem
        self._known = known

    def read(self, data: dict[str, Any], rule: SidecarRule | None, lets: dict[str, Node]) -> Sidecar | None:
        """What `sidecar` of a mapping says; `rule` is the same, checked, None when its keys are wrong."""
        if not data:
            return None
        places = [
            self._place(rule, name, str(mapping_in(item).get("in", "")), ("sidecar", "find", index, rule))
            for index, item in enumerate(items_in(data.get("find")))
            for rule, name in mapping_in(item).items()
            if rule != "in"
        ]
        needed = self._condition(data.get("needed_when", True), ("sidecar", "needed_when"))
        where = {
            column: self._node(value, ("sidecar", "where", column))
            for column, value in mapping_in(data.get("where")).items()
        }
        table = self._table(mapping_in(data.get("table")), data.get("format"), rule.table if rule else None)
        rows = [node for each in table.rules for node in (*each.values, each.only)] if table else []
        rows += [table.only, table.order] if table else []
        read = reads([*(place.name for place in places if place), needed, *where.values(), *rows], lets)
        if read & {"sidecar", "rows"}:
            self._problem(("sidecar",), "where the sidecar lies cannot depend on what it says; use other facts here")
        if rule is None:
            return None
        return Sidecar(
            format=rule.format,
            places=tuple(place for place in places if place is not None),
            needed_when=needed,
            wait_seconds=rule.wait,
            when_missing=rule.when_missing,
            largest_bytes=rule.largest,
            where=where,
            table=table,
        )

    def _table(self, data: dict[str, Any], form: Any, rule: TableRule | None) -> TableSidecar | None:
        top = ("sidecar", "table")
        joins: list[tuple[Column, ...]] = []
        rules: list[RowRule] = []
        for index, item in enumerate(items_in(data.get("join"))):
            loc = (*top, "join", index)
            where = mapping_in(mapping_in(item).get("where"))
            joins.append(tuple(self._column(text, (*loc, "where", text)) for text in where))
            values = tuple(self._node(value, (*loc, "where", text)) for text, value in where.items())
            rules.append(RowRule(values=values, only=self._of_row(mapping_in(item).get("only", True), (*loc, "only"))))
        if not rules:  # the file is one recording's own
            joins, rules = [()], [RowRule(values=(), only=True)]
        only = self._of_row(data.get("only", True), (*top, "only"))
        order = self._of_row(data.get("order"), (*top, "order"))
        if rule is None:
            return None
        shape = Shape(
            format="jsonl" if form == "jsonl" else "csv",
            columns=rule.columns,
            optional=rule.optional,
            delimiter=rule.delimiter,
            quote=rule.quote,
            encoding=rule.encoding,
        )
        return TableSidecar(
            shape=shape, joins=tuple(joins), rules=tuple(rules), only=only, order=order, choose=rule.choose
        )

    def _column(self, text: str, loc: Loc) -> Column:
        try:
            return column_of(str(text), EXPRESSIONS)
        except ValueError as error:
            self._problem(loc, str(error))
            return Column(written=str(text), name=str(text), change=str)

    def _of_row(self, value: Any, loc: Loc) -> Node:
        """A condition or a value that may speak of `row`."""
        self._known.add("row")
        try:
            return self._condition(value, loc)
        finally:
            self._known.discard("row")

    def _place(self, rule: str, name: Any, where: str, loc: Loc) -> Place | None:
        if not isinstance(name, str):
            return None
        ending = _ENDING.search(name.rpartition("}}")[2])
        if ending is None:
            self._problem(loc, "the end of the sidecar's name must stand here in full, such as .json")
            return None
        return Place(rule=rule, name=self._node(name, loc), ending=ending[0].lower(), where=where)


def mapping_in(value: Any) -> dict[str, Any]:
    """What stands there if it is an object; a mistake is blamed where the whole file is checked."""
    return value if isinstance(value, dict) else {}


def items_in(value: Any) -> list[Any]:
    """What stands there if it is a list."""
    return value if isinstance(value, list) else []
