"""Lists in pages, with cursors that belong to one question and expire; pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from gong_bridge.sandbox.answers import EXTRA, Refusal

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pager:
    """page_size: rows on a page. cursor_seconds: how long a cursor is good; Gong says only that it has cursors."""

    page_size: int
    cursor_seconds: float

    def page_of(
        self, items: Sequence[Item], *, cursor: str | None, question: str, now: datetime
    ) -> tuple[Sequence[Item], dict[str, Any]]:
        """The items that `cursor` points to, and Gong's `records` about them.

        `question` is all other inputs: "All other request inputs should remain the same", says Gong, so a cursor of
        another question is refused (400), and so is one that is too old.
        """
        start = 0 if cursor is None else self._position(cursor, question, now)
        page = items[start : start + self.page_size]
        records: dict[str, Any] = {
            "totalRecords": len(items),
            "currentPageSize": len(page),
            "currentPageNumber": start // self.page_size,
            **EXTRA,
        }
        if start + len(page) < len(items):
            records["cursor"] = _cursor(start + len(page), round(now.timestamp() * 1000), question)
        return page, records

    def _position(self, cursor: str, question: str, now: datetime) -> int:
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
            position, made_at_ms = (int(part) for part in text.split(".")[:2])
        except ValueError:
            position, made_at_ms = -1, 0
        if position < 0 or _cursor(position, made_at_ms, question) != cursor:
            raise Refusal(400, "cursor is not one that this request has given; repeat all other inputs unchanged")
        if now.timestamp() - made_at_ms / 1000 > self.cursor_seconds:
            raise Refusal(400, "cursor has expired")
        return position


def _cursor(position: int, made_at_ms: int, question: str) -> str:
    proof = hashlib.sha256(f"{position}\n{made_at_ms}\n{question}".encode()).hexdigest()[:24]
    return base64.urlsafe_b64encode(f"{position}.{made_at_ms}.{proof}".encode()).decode().rstrip("=")
