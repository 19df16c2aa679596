"""Reads ids, queries and JSON bodies of requests, strictly: what a client gets wrong is refused (400)."""

from __future__ import annotations

import json
from collections.abc import Set
from typing import Any

from starlette.requests import Request

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.shapes import Id

_LARGEST_JSON_BYTES = 4 * 2**20


def read_id(request: Request) -> str:
    """The id in the path: up to 20 digits."""
    value = str(request.path_params["id"])
    mistakes = list(Id().mistakes(value, "id"))
    if mistakes:
        raise Refusal(400, *mistakes)
    return value


def read_query(request: Request, known: Set[str]) -> dict[str, str]:
    """The query's parameters, each known and given once."""
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise Refusal(400, f"{name[:50]} is not a known parameter")
        if name in query:
            raise Refusal(400, f"{name} is given twice")
        query[name] = value
    return query


async def read_json(request: Request) -> Any:
    """The JSON body; duplicate names and numbers that JSON does not have are refused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(400, "Content-Type must be application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_JSON_BYTES:
            raise Refusal(400, f"The body must not be larger than {_LARGEST_JSON_BYTES} bytes")
    try:
        if b"\\ud" in body.lower():
            _check_surrogates(json.loads(body))
        return json.loads(bytes(body).decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The body is not JSON: {error}") from None


def _check_surrogates(value: Any) -> None:
    # Half a surrogate pair passes as JSON but is no text: names of files that are no UTF-8 arrive so.
    json.dumps(value, ensure_ascii=False).encode("utf-8")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:50]} is given twice")
    return result


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no number in JSON")
