"""What the operations on one list share: the page that is asked for, and which users a filter means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from gong_bridge import clock
from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.paging import Pager
from gong_bridge.sandbox.shapes import parse_time

Item = TypeVar("Item")


class Rows:
    """Lists of one sandbox."""

    def __init__(self, options: SandboxOptions) -> None:
        self._pager = Pager(page_size=options.page_size, cursor_seconds=options.cursor_seconds)

    def page(
        self, items: Sequence[Item], asked: Mapping[str, Any], operation: str, none_found: str | None = None
    ) -> tuple[Sequence[Item], dict[str, Any]]:
        """The page that `asked` (query or body) wants. No items: Refusal (404), where `none_found` says so."""
        if none_found is not None and not items:
            raise Refusal(404, none_found)
        others = {name: value for name, value in asked.items() if name != "cursor"}
        question = operation + json.dumps(others, sort_keys=True)
        return self._pager.page_of(items, cursor=asked.get("cursor"), question=question, now=clock.now())


def meant_users(users: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those with the `userIds`, where some are given, and created in the period, where one is given."""
    begin, end = (parse_time(wanted.get(name)) for name in ("createdFromDateTime", "createdToDateTime"))
    ids = wanted.get("userIds")
    found = []
    for user in users:
        created = parse_time(user["created"])
        if ids and user["id"] not in ids:
            continue
        if begin is not None and (created is None or created < begin):
            continue
        if end is not None and (created is None or created >= end):
            continue
        found.append(user)
    return found
