"""Plays faults on demand: which rule a request meets, and what that does to its answer and its connection."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gong_bridge.sandbox.answers import JsonAnswer, error_answer
from gong_bridge.sandbox.connection import cut
from gong_bridge.sandbox.options import Fault

Handler = Callable[[Request], Awaitable[Response]]


class ConnectionCut(Exception):
    """The connection is to end without an answer."""


class CutShort(Response):
    """An answer that announces its whole length and ends after `after_bytes`; its connection must be dropped then."""

    def __init__(self, whole: Response, after_bytes: int) -> None:
        super().__init__(bytes(whole.body)[:after_bytes], status_code=whole.status_code)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the beginning and leave the rest open."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})


class FaultBook:
    """The rules in force; safe to change from any thread."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._lock = threading.Lock()
        self._faults = list(faults)
        self.played = 0
        """How many requests met a rule so far."""

    def take(self, operation: str) -> Fault | None:
        """The first rule that this request meets; the rule has one use less from now on."""
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.operation not in ("*", operation):
                    continue
                if fault.skip > 0:
                    self._faults[place] = replace(fault, skip=fault.skip - 1)
                    continue
                if fault.times is not None and fault.times <= 0:
                    continue
                if fault.times is not None:
                    self._faults[place] = replace(fault, times=fault.times - 1)
                self.played += 1
                return fault
        return None

    def add(self, faults: Iterable[Fault]) -> None:
        """More rules, after those there are."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """The rules with what is left of them."""
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.times is None or fault.times > 0]


async def play(fault: Fault, handler: Handler, request: Request, stopping: asyncio.Event) -> Response:
    """Answer `request` as `fault` says. Raises ConnectionCut where the connection is to end without an answer.

    A refusal by `handler` passes through unchanged: a fault only spoils what would have worked.
    """
    if fault.kind == "status":
        await drain(request)
        return _status_answer(fault, request)
    if fault.kind == "drop_before":
        await _read_some(request, fault.after_bytes or 0)
        raise ConnectionCut
    if fault.kind == "swallow":
        await drain(request)
        return _done_answer(request)
    answer = await handler(request)
    if fault.kind == "drop_after":
        raise ConnectionCut
    if fault.kind == "status_after":
        return _status_answer(fault, request)
    if fault.kind == "slow":
        await _pause(fault.seconds, stopping)
        return answer
    if fault.kind == "garbage":
        return Response(fault.body if fault.body is not None else "<html>Bad gateway", media_type="text/html")
    if fault.after_bytes is not None:
        return CutShort(answer, fault.after_bytes)
    whole = bytes(answer.body)
    return Response(whole[: len(whole) // 2], status_code=answer.status_code, media_type="application/json")


async def drain(request: Request) -> None:
    """Read what the client is still sending: a connection closed under it would lose the answer as well."""
    async for _ in request.stream():
        pass


async def drop(request: Request) -> None:
    """Cut the connection of `request`."""
    await cut(request.scope, request.receive)


async def _read_some(request: Request, wanted_bytes: int) -> None:
    read_bytes = 0
    if wanted_bytes <= 0:
        return
    async for chunk in request.stream():
        read_bytes += len(chunk)
        if read_bytes >= wanted_bytes:
            return


async def _pause(wait_seconds: float, stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), wait_seconds)
    except TimeoutError:
        return


def _done_answer(request: Request) -> Response:
    call_id = request.path_params.get("id", "7000000000000000000")
    answer = {"callId": call_id, "url": f"https://app.gong.io/call?id={call_id}"}
    return JsonAnswer(answer, request_id=request.state.request_id, status=201)


def _status_answer(fault: Fault, request: Request) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    if fault.body is not None:
        return Response(fault.body, status_code=fault.status, headers=headers, media_type="application/json")
    text = f"Fault on demand: {fault.status}"
    return error_answer(fault.status, [text], request_id=request.state.request_id, headers=headers)
