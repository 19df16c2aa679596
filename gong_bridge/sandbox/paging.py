"""Lists in pages, with cursors that belong to one question; pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

from gong_bridge.sandbox.answers import EXTRA, Refusal

Item = TypeVar("Item")


def page_of(
    items: Sequence[Item], *, cursor: str | None, page_size: int, question: str
) -> tuple[Sequence[Item], dict[str, Any]]:
    """The items that `cursor` points to, and Gong's `records` about them.

    `question` is all other inputs: "All other request inputs should remain the same", says Gong, so a cursor of
    another question is refused (400).
    """
    start = 0 if cursor is None else _position(cursor, question)
    page = items[start : start + page_size]
    records: dict[str, Any] = {
        "totalRecords": len(items),
        "currentPageSize": len(page),
        "currentPageNumber": start // page_size,
        **EXTRA,
    }
    if start + len(page) < len(items):
        records["cursor"] = _cursor(start + len(page), question)
    return page, records


def _cursor(position: int, question: str) -> str:
    proof = hashlib.sha256(f"{position}\n{question}".encode()).hexdigest()[:24]
    return base64.urlsafe_b64encode(f"{position}.{proof}".encode()).decode().rstrip("=")


def _position(cursor: str, question: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        position = int(text.partition(".")[0])
    except ValueError:
        position = -1
    if position < 0 or _cursor(position, question) != cursor:
        raise Refusal(400, "cursor is not one that this request has given; repeat all other inputs unchanged")
    return position
