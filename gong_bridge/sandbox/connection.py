"""HTTP connections that an operation can cut, and that take large bodies fast: uvicorn's protocol, extended."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.h11_impl import H11Protocol

_KEY = "gong_bridge.connection"


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 on h11; each request's scope holds the transport that it came over."""

    def connection_made(self, transport: Any) -> None:
        """Wrap the application for this one connection."""
        super().connection_made(transport)
        self.app: Any = _lend(self.app, transport)

    def data_received(self, data: bytes) -> None:
        """Take what arrived; the middle of a body goes straight to the application.

        h11 and uvicorn copy every body four times between them. For 1.5 GB that is most of the time, so the pieces of
        a body that are neither its first nor its last are counted and handed over as they came.
        """
        if not self._is_middle_of_a_body(len(data)):
            super().data_received(data)
            return
        reader: Any = self.conn._reader
        reader._remaining -= len(data)
        waiting = self.cycle.body
        # bytes in the place of uvicorn's bytearray: its own bytes(body) then copies nothing.
        self.cycle.body = bytearray(waiting + data) if waiting else data  # type: ignore[assignment]
        if len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.cycle.message_event.set()

    def _is_middle_of_a_body(self, size_bytes: int) -> bool:
        return (
            self.conn.their_state is h11.SEND_BODY
            and self.conn.our_state is h11.SEND_RESPONSE
            and self.cycle is not None
            and not len(getattr(self.conn, "_receive_buffer", "?"))
            # Only a body with Content-Length counts down; a later h11 without this count takes the long way.
            and getattr(getattr(self.conn, "_reader", None), "_remaining", 0) > size_bytes
        )


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
