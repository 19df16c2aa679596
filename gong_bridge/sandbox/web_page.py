"""The page at /: what arrived, for people to look at and listen to."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gong_bridge.sandbox.arrived import Arrived
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.options import SandboxOptions


class Page:
    """Calls, newest first."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, limits: Limits) -> None:
        self._options = options
        self._arrived = arrived
        self._limits = limits

    def routes(self) -> list[Route]:
        """GET / and what it needs."""
        return [Route("/", self._whole, methods=["GET"])]

    async def _whole(self, _request: Request) -> Response:
        return HTMLResponse("<!doctype html><title>Sandbox</title>")
