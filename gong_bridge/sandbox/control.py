"""/_sandbox/: what arrived as JSON, and faults on demand; for this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.faults import FaultBook
from gong_bridge.sandbox.limits import Limits
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.requests_read import read_json

_LOG_SHOWN = 1000


class Control:
    """The endpoints of the sandbox itself; they need no key and use up no allowance."""

    def __init__(self, arrived: Arrived, limits: Limits, faults: FaultBook) -> None:
        self._arrived = arrived
        self._limits = limits
        self._faults = faults

    def routes(self) -> list[Route]:
        """The paths below /_sandbox/: what arrived, faults, and ways to forget."""
        return [
            Route("/_sandbox/state", _local(self._state), methods=["GET"]),
            Route("/_sandbox/faults", _local(self._read_faults), methods=["GET"]),
            Route("/_sandbox/faults", _local(self._add_faults), methods=["POST"]),
            Route("/_sandbox/faults", _local(self._clear_faults), methods=["DELETE"]),
            Route("/_sandbox/forget", _local(self._forget), methods=["POST"]),
            Route("/_sandbox/calls/{id}/delete", _local(self._delete_call), methods=["POST"]),
        ]

    async def _state(self, _request: Request) -> Response:
        return JSONResponse(
            {
                "calls": [call_as_json(call) for call in self._arrived.calls()],
                "crm": [
                    {
                        "clientRequestId": one.client_request_id,
                        "objectType": one.object_type,
                        "size": one.size_bytes,
                        "sha256": one.sha256,
                        "taken": one.taken,
                        "failed": one.failed,
                    }
                    for one in self._arrived.crm.requests()
                ],
                "requests": [
                    {
                        "at": seen.at.isoformat(),
                        "method": seen.method,
                        "path": seen.path,
                        "status": seen.status,
                        "requestId": seen.request_id,
                    }
                    for seen in self._arrived.log()[-_LOG_SHOWN:]
                ],
                "statuses": self._arrived.statuses(),
                "limits": {
                    "requests": self._limits.total,
                    "refused429": self._limits.refused,
                    "busiestSecond": self._limits.busiest_second,
                },
                "faults": self._faults.as_json(),
            }
        )

    async def _read_faults(self, _request: Request) -> Response:
        return JSONResponse({"faults": self._faults.as_json()})

    async def _add_faults(self, request: Request) -> Response:
        body = await read_json(request)
        rules = body.get("faults") if isinstance(body, dict) and "faults" in body else body
        try:
            faults = [Fault.from_json(rule) for rule in (rules if isinstance(rules, list) else [rules])]
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        self._faults.add(faults)
        return JSONResponse({"faults": self._faults.as_json()})

    async def _clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return JSONResponse({"faults": []})

    async def _forget(self, _request: Request) -> Response:
        self._arrived.forget()
        self._limits.forget()
        return JSONResponse({})

    async def _delete_call(self, request: Request) -> Response:
        if not self._arrived.forget_call(request.path_params["id"]):
            raise Refusal(404, "there is no such call")
        return JSONResponse({})


def call_as_json(call: ArrivedCall) -> dict[str, Any]:
    """One call of /_sandbox/state; `media` is null until some arrived."""
    media = call.media
    return {
        "id": call.id,
        "clientUniqueId": call.client_unique_id,
        "receivedAt": call.received_at.isoformat(),
        "body": call.body,
        "linkTrouble": call.link_trouble,
        "sharedWith": list(call.shared_with),
        "media": None
        if media is None
        else {
            "size": media.size_bytes,
            "sha256": media.sha256,
            "puts": call.media_puts,
            "kind": media.kind,
            "contentType": media.content_type,
        },
    }


def _local(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def for_this_machine_only(request: Request) -> Response:
        host = request.client.host if request.client else ""
        try:
            if not ipaddress.ip_address(host).is_loopback:
                raise Refusal(403, "/_sandbox/ answers this machine only; ask from there")
            return await handler(request)
        except Refusal as refusal:
            return JSONResponse({"errors": list(refusal.errors)}, status_code=refusal.status)

    return for_this_machine_only
