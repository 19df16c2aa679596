"""Turns `column | filters` of a mapping into a function that is quick enough for a million rows.

It is the language of templates, without Jinja's machinery for each row: a column, then filters whose arguments are
written out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from jinja2 import nodes

from gong_bridge.mapping.filter_checks import check_filters
from gong_bridge.mapping.patterns import LONGEST_TEXT, guarded_pattern
from gong_bridge.mapping.plain_filters import PLAIN, is_empty
from gong_bridge.mapping.table_index import Column
from gong_bridge.mapping.templates import Expressions, NotUsable, text_of
from gong_bridge.mapping.words import unknown

_CELL = "cell"


def column_of(written: str, expressions: Expressions) -> Column:
    """A column by which rows are found, such as `uniqueid` or `location | file_stem | replace('-all', '')`.

    Raises ValueError with the cure.
    """
    name, bar, chain = written.partition("|")
    if not name.strip():
        raise ValueError("the name of a column must stand here, such as uniqueid, or location | file_name")
    if not bar:
        return Column(written=written, name=name.strip(), change=str)
    template = expressions.compile("{{ " + _CELL + " |" + chain + " }}")
    steps: list[Callable[[Any], Any]] = []
    node: nodes.Node = template.tree
    while isinstance(node, nodes.Filter) and node.node is not None:
        steps.insert(0, _step(node))
        node = node.node
    if not isinstance(node, nodes.Name) or node.name != _CELL:
        raise ValueError("only filters may follow a column, such as location | file_name")
    mistakes = check_filters(template, {})
    if mistakes:
        raise ValueError(mistakes[0])
    return Column(written=written, name=name.strip(), change=partial(_changed, tuple(steps)))


def _step(node: nodes.Filter) -> Callable[[Any], Any]:
    if node.name not in PLAIN:
        raise ValueError(f"{unknown('filter for the cells of a table', node.name, PLAIN)}")
    constants = [argument.value for argument in node.args if isinstance(argument, nodes.Const)]
    named = {str(pair.key): pair.value.value for pair in node.kwargs if isinstance(pair.value, nodes.Const)}
    if len(constants) != len(node.args) or len(named) != len(node.kwargs):
        raise ValueError(f"filter {node.name!r}: its arguments must be written out here, they cannot be computed")
    if node.name == "find" and guarded_pattern(str(constants[0])).longest_text < LONGEST_TEXT:
        raise ValueError("the pattern is too slow for a whole table; begin it with ^, or let it hold one .* at most")
    function = PLAIN[node.name]
    return lambda value: function(value, *constants, **named)


def _changed(steps: tuple[Callable[[Any], Any], ...], cell: str) -> str:
    """What the filters make of a cell; empty, so never found, when they make nothing of it."""
    value: Any = cell
    try:
        for step in steps:
            value = step(value)
            if is_empty(value):
                return ""
        return text_of(value)
    except (ValueError, NotUsable, TypeError):
        return ""
