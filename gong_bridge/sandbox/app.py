"""Puts the sandbox together: every path, the operation behind it, and the page for people."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import Arrived
from gong_bridge.sandbox.calls_operations import CallsOperations
from gong_bridge.sandbox.control import Control
from gong_bridge.sandbox.faults import FaultBook
from gong_bridge.sandbox.gate import Gate, Operation
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.users_operations import UsersOperations
from gong_bridge.sandbox.web_page import Page


class ByMethod:
    """One path: an operation for each method, 405 for the others (HEAD among them: Gong documents none)."""

    def __init__(self, gate: Gate, operations: Mapping[str, Operation]) -> None:
        self._operations = operations
        self._allowed = ", ".join(operations)
        self._other = Operation(gate, None, self._refuse)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand over to the method's operation."""
        await self._operations.get(scope["method"], self._other)(scope, receive, send)

    async def _refuse(self, _request: Request) -> Response:
        raise Refusal(405, "The method is not allowed here", headers={"Allow": self._allowed})


def build_app(
    options: SandboxOptions,
    *,
    arrived: Arrived,
    limits: Limits,
    faults: FaultBook,
    stopping: asyncio.Event,
    hasher: Executor,
) -> ASGIApp:
    """The ASGI application of one sandbox."""
    gate = Gate(options, arrived, limits, faults, stopping)
    users = UsersOperations(options)
    calls = CallsOperations(options, arrived, hasher)
    paths = {
        "/v2/users": {"GET": gate.operation("listUsers", users.list_users)},
        "/v2/users/{id}": {"GET": gate.operation("getUser", users.get_user)},
        "/v2/calls": {
            "GET": gate.operation("listCalls", calls.list_calls),
            "POST": gate.operation("addCall", calls.add_call),
        },
        "/v2/calls/extensive": {"POST": gate.operation("listCallsExtensive", calls.list_extensive)},
        "/v2/calls/{id}": {"GET": gate.operation("getCall", calls.get_call)},
        "/v2/calls/{id}/media": {"PUT": gate.operation("addCallRecording", calls.add_media)},
    }
    return Router(
        routes=[
            *(Route(path, ByMethod(gate, operations)) for path, operations in paths.items()),
            *Control(arrived, limits, faults).routes(),
            *Page(options, arrived, limits).routes(),
            Route("/{path:path}", Operation(gate, None, _no_such_path)),
        ],
        redirect_slashes=False,
    )


async def _no_such_path(_request: Request) -> Response:
    raise Refusal(404, "There is no such operation")
