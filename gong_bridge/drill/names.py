"""A way to Gong on which its name can be forgotten, as a name server forgets it, and remembered again."""

from __future__ import annotations

import threading

import httpx

UNKNOWN_HOST = "gong-bridge-drill.invalid"
"""No name server knows it, and none ever will (RFC 6761, 6.4)."""


class ForgettableName(httpx.BaseTransport):
    """The usual way; while `forgotten` is set the host is looked up under a name that does not exist."""

    def __init__(self) -> None:
        self.forgotten = threading.Event()
        self.failed = 0
        """Requests that found no host."""
        self._usual = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx. The error of an unknown name is the resolver's own."""
        if self.forgotten.is_set():
            request.url = request.url.copy_with(host=UNKNOWN_HOST)
            self.failed += 1
        return self._usual.handle_request(request)

    def close(self) -> None:
        """Give up connections."""
        self._usual.close()
