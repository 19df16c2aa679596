"""How the sandbox answers: Gong's shapes, a requestId in each, and fields that a client must ignore."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

EXTRA: Mapping[str, Any] = {"addedLater": {"by": "Gong may add fields without warning", "revision": 1}}
"""Fields that no client knows: Gong adds some at any time ("Forward Compatibility" in its documentation)."""


class Refusal(Exception):
    """The request is refused with `status` and one message per mistake."""

    def __init__(self, status: int, *errors: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, *errors)
        self.status = status
        self.errors = errors
        self.headers = dict(headers or {})


def new_request_id() -> str:
    """Twenty characters that name one request, as Gong's do."""
    return secrets.token_hex(10)


class JsonAnswer(Response):
    """A JSON body; `content` is what it says, with EXTRA beside it."""

    media_type = "application/json"

    def __init__(
        self,
        content: Mapping[str, Any],
        *,
        request_id: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        body = json.dumps({"requestId": request_id, **content, **EXTRA}, ensure_ascii=False, separators=(",", ":"))
        super().__init__(body.encode("utf-8"), status_code=status, headers=headers)


def error_answer(
    status: int, errors: Sequence[str], *, request_id: str, headers: Mapping[str, str] | None = None
) -> JsonAnswer:
    """Gong's ErrorResponse."""
    return JsonAnswer({"errors": list(errors)}, request_id=request_id, status=status, headers=headers)
