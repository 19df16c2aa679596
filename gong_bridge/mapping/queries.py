"""JMESPath over sidecar data, with a limit on the work one query may do."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jmespath
import jmespath.exceptions
import jmespath.visitor

LONGEST_QUERY = 512
_MOST_STEPS = 200_000
_LONGEST_TEXT = 8 * 2**20


def check_query(expression: str) -> None:
    """Raises ValueError with the place when `expression` is no JMESPath."""
    _parsed(expression)


def run_query(expression: str, data: Any) -> Any:
    """What the expression finds in `data`, None when it finds nothing. Raises ValueError when it goes too far."""
    try:
        return _Counting().visit(_parsed(expression).parsed, data)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"the query {expression!r} does not fit the data: {type(error).__name__}") from None
    except RecursionError:
        raise ValueError(f"the query {expression!r} is nested too deeply") from None


class _Counting(jmespath.visitor.TreeInterpreter):
    """Counts the nodes it visits: a projection over a large list visits one for each item."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = 0

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise ValueError("a query takes too many steps; make it pick less")
        found = super().visit(node, *args, **kwargs)
        if (
            isinstance(found, str) and len(found) > _LONGEST_TEXT
        ):  # join and to_string can make a text many times longer
            raise ValueError("a query makes a text that is too long; make it pick less")
        return found


@lru_cache(maxsize=512)
def _parsed(expression: str) -> Any:
    if not isinstance(expression, str) or len(expression) > LONGEST_QUERY:
        raise ValueError(f"a JMESPath query is text of at most {LONGEST_QUERY} characters")
    try:
        return jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"{expression!r} is no JMESPath query: {' '.join(str(error).split())}") from None
