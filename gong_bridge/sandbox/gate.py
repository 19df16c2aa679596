"""What every API request passes: a request id, the keys, the limits, the faults, the log, Gong's error shape."""

from __future__ import annotations

import asyncio
import base64
import secrets

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gong_bridge import clock
from gong_bridge.sandbox.answers import Refusal, error_answer, new_request_id
from gong_bridge.sandbox.arrived import Arrived, SeenRequest
from gong_bridge.sandbox.faults import ConnectionCut, CutShort, FaultBook, Handler, drain, drop, play
from gong_bridge.sandbox.limits import Limits, retry_after_header
from gong_bridge.sandbox.log_in import IssuedTokens
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.scopes import SCOPES


class Gate:
    """The one entrance to all operations."""

    def __init__(
        self,
        options: SandboxOptions,
        arrived: Arrived,
        limits: Limits,
        faults: FaultBook,
        stopping: asyncio.Event,
        tokens: IssuedTokens,
    ) -> None:
        self._options = options
        self._tokens = tokens
        self._arrived = arrived
        self._limits = limits
        self._faults = faults
        self._stopping = stopping
        keys = f"{options.access_key}:{options.access_key_secret}".encode()
        self._credentials = base64.b64encode(keys)

    def operation(self, name: str, handler: Handler) -> Operation:
        """`handler` as an ASGI application behind the gate; `name` is Gong's operationId."""
        return Operation(self, name, handler)

    async def pass_through(self, name: str | None, handler: Handler, request: Request) -> Response:
        """The answer to `request`. Raises ConnectionCut where it is to have none, ClientDisconnect when it left."""
        try:
            self._check_log_in(name, request)
            self._check_limits()
            fault = None if name is None else self._faults.take(name)
            if fault is None:
                return await handler(request)
            return await play(fault, handler, request, self._stopping)
        except Refusal as refusal:
            await drain_unless_read(request)
            return error_answer(
                refusal.status, refusal.errors, request_id=request.state.request_id, headers=refusal.headers
            )

    def note(self, request: Request, status: int | None) -> None:
        """Write the request into the log: its path, never its query or body, in which people are."""
        self._arrived.note(
            SeenRequest(
                at=clock.now(),
                method=request.method,
                path=request.url.path[:200],
                status=status,
                request_id=request.state.request_id,
            )
        )

    def _check_log_in(self, name: str | None, request: Request) -> None:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            scopes = self._tokens.scopes_of(credentials.strip(), clock.now())
            if scopes is None:
                raise Refusal(401, "Access denied: the access token is unknown or has expired")
            needed = SCOPES.get(name or "")
            if needed is not None and needed not in scopes:
                raise Refusal(403, f"The access token needs the scope {needed}")
            request.state.scopes = scopes
            return
        request.state.scopes = None  # a key may do everything
        right = secrets.compare_digest(credentials.strip().encode(), self._credentials)
        if scheme.lower() != "basic" or not right:
            raise Refusal(401, "Access denied: the access key or its secret is wrong")

    def _check_limits(self) -> None:
        now = clock.now()
        wait_seconds = self._limits.take(monotonic=clock.monotonic_seconds(), now=now)
        if wait_seconds is not None:
            header = retry_after_header(wait_seconds, form=self._options.retry_after, now=now)
            raise Refusal(429, "API request limit exceeded", headers={"Retry-After": header})


class Operation:
    """One operation behind the gate."""

    def __init__(self, gate: Gate, name: str | None, handler: Handler) -> None:
        self._gate = gate
        self._name = name
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and log what became of it."""
        request = Request(scope, receive)
        request.state.request_id = new_request_id()
        # Logged before it is sent or cut: whoever sees the outcome finds the request in the log.
        try:
            answer = await self._gate.pass_through(self._name, self._handler, request)
        except ClientDisconnect:
            self._gate.note(request, None)
            return
        except ConnectionCut:
            self._gate.note(request, None)
            await drop(request)
            return
        self._gate.note(request, answer.status_code)
        await answer(scope, receive, send)
        if isinstance(answer, CutShort):
            await drop(request)


async def drain_unless_read(request: Request) -> None:
    """Read the rest of a body that was refused, so that the client is there to hear the answer."""
    try:
        await drain(request)
    except RuntimeError:
        # Starlette raises it for a body that has been read already.
        return
