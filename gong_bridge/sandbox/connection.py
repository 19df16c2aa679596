"""HTTP connections that an operation can cut: uvicorn's protocol, with its transport lent to the application."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "gong_bridge.connection"


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 on h11; each request's scope holds the transport that it came over."""

    def connection_made(self, transport: Any) -> None:
        """Wrap the application for this one connection."""
        super().connection_made(transport)
        self.app: Any = _lend(self.app, transport)


def _lend(app: Any, transport: asyncio.Transport) -> ASGIApp:
    async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_KEY] = transport
        await app(scope, receive, send)

    return with_transport


async def cut(scope: Scope, receive: Receive) -> None:
    """Close the connection of this request now, with nothing more sent, and wait until it is gone."""
    transport: asyncio.Transport = scope[_KEY]
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
