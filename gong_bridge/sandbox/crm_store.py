"""The CRM of a sandbox: its integration, schemas, objects, requests; readable from any thread."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gong_bridge.sandbox.answers import Refusal

MOST_ERRORS = 20
"""Gong tells at most so many of the lines that failed."""
_KEPT_OBJECTS = 20_000


@dataclass(kw_only=True)
class CrmRequest:
    """An upload or a deletion. object_type: None of a deletion. asked: how often its status was asked for."""

    integration_id: int
    client_request_id: str
    object_type: str | None
    size_bytes: int = 0
    sha256: str = ""
    errors: list[dict[str, Any]] = field(default_factory=list)
    failed: int = 0
    taken: int = 0
    asked: int = 0


class CrmStore:
    """What the company's CRM has told Gong. polls: how often a request is PENDING or IN_PROGRESS before it ends."""

    def __init__(self, *, polls: int) -> None:
        self._polls = polls
        self._lock = threading.Lock()
        # As ids of calls: another sandbox's integration must not be taken for this one.
        self._last_id = 6 * 10**18 + secrets.randbelow(10**12) * 10**6
        self.forget()

    def forget(self) -> None:
        """Start again without an integration."""
        with self._lock:
            self._integration: dict[str, Any] | None = None
            self._schemas: dict[str, list[Mapping[str, Any]]] = {}
            self._objects: dict[str, OrderedDict[str, Mapping[str, Any]]] = {}
            self._requests: dict[str, CrmRequest] = {}

    def integrations(self) -> list[dict[str, Any]]:
        """The integration, if there is one."""
        with self._lock:
            return [] if self._integration is None else [dict(self._integration)]

    def register(self, name: str, owner_email: str) -> int:
        """Make the integration; its id. Raises Refusal (409) while there is one."""
        with self._lock:
            if self._integration is not None:
                raise Refusal(409, "An active integration already exists")
            self._last_id += 1
            self._integration = {"integrationId": self._last_id, "name": name, "ownerEmail": owner_email}
            return self._last_id

    def check_integration(self, integration_id: int) -> None:
        """Raise Refusal (400) when there is no such integration."""
        with self._lock:
            if self._integration is None or self._integration["integrationId"] != integration_id:
                raise Refusal(400, "integrationId was not found")

    def schema(self, object_type: str) -> list[Mapping[str, Any]]:
        """The fields that the company added."""
        with self._lock:
            return list(self._schemas.get(object_type, ()))

    def set_schema(self, object_type: str, fields: Sequence[Mapping[str, Any]]) -> None:
        """Replace the fields. Raises Refusal (400) when one that was there is not named."""
        with self._lock:
            named = {one["uniqueName"] for one in fields}
            left_out = [
                str(one["uniqueName"]) for one in self._schemas.get(object_type, ()) if one["uniqueName"] not in named
            ]
            if left_out:
                raise Refusal(400, f"All fields must be included in the schema; missing: {', '.join(left_out)}")
            self._schemas[object_type] = [one for one in fields if not one.get("isDeleted")]

    def check_unused(self, client_request_id: str) -> None:
        """Raise Refusal (409) when a request had this id."""
        with self._lock:
            if client_request_id in self._requests:
                raise Refusal(409, "Client request id has already been used")

    def add_request(self, request: CrmRequest, objects: Sequence[Mapping[str, Any]] = ()) -> None:
        """Take an upload or a deletion. Raises Refusal (409) when its id has been used."""
        self.check_unused(request.client_request_id)
        with self._lock:
            self._requests[request.client_request_id] = request
            kept = self._objects.setdefault(request.object_type or "", OrderedDict())
            for one in objects:
                kept.pop(one["objectId"], None)
                if one.get("isDeleted") is not True:
                    kept[one["objectId"]] = one
            while len(kept) > _KEPT_OBJECTS:
                kept.popitem(last=False)

    def objects(self, object_type: str, ids: Sequence[str]) -> dict[str, Mapping[str, Any] | None]:
        """The objects with these ids; None for each that is not there. Of uploads the last 20,000 are kept."""
        with self._lock:
            kept = self._objects.get(object_type, OrderedDict())
            return {one: kept.get(one) for one in ids}

    def requests(self) -> list[CrmRequest]:
        """All requests in the order in which they came."""
        with self._lock:
            return list(self._requests.values())

    def status(self, integration_id: int, client_request_id: str) -> dict[str, Any]:
        """How far a request is; being asked moves it on. Raises Refusal (400) for one that nobody made."""
        with self._lock:
            request = self._requests.get(client_request_id)
            if request is None or request.integration_id != integration_id:
                raise Refusal(400, "clientRequestId was not found")
            request.asked += 1
            if request.asked <= self._polls:
                return {"status": "PENDING" if request.asked == 1 else "IN_PROGRESS"}
            present = self._integration or {}
            if request.object_type is None and present.get("integrationId") == integration_id:
                self._integration = None
                self._schemas, self._objects = {}, {}
            return {
                "status": "FAILED" if request.failed else "DONE",
                "errors": request.errors,
                "totalErrorCount": request.failed,
                "totalSuccessCount": request.taken,
            }
