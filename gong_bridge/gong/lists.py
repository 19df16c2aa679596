"""One list of Gong, made of its operation, its inputs and the field that holds its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from gong_bridge.gong.bodies import JsonBody
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.pages import Listing, Pages, SomePage
from gong_bridge.gong.wire import Answer, Operation

Row = TypeVar("Row")


def list_of(
    client: GongClient,
    operation: Operation,
    shape: type[SomePage],
    rows_of: Callable[[SomePage], Sequence[Row] | None],
    *,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    cursor: str | None = None,
) -> Listing[Row]:
    """The rows of `operation`, which takes its inputs and the cursor in the query, or where `body` is given in it.

    cursor: of an earlier list with the same inputs, to go on there.
    """

    def ask(at: str | None) -> Answer:
        beside = {"cursor": at} if at else {}
        if body is None:
            return client.send(operation, query={**(query or {}), **beside})
        return client.send(operation, body=JsonBody({**body, **beside}))

    return Listing(Pages(shape, ask, cursor=cursor), rows_of)
