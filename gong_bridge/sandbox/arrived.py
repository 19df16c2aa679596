"""What arrived at the sandbox: calls, their media, and a log of requests; readable from any thread."""

from __future__ import annotations

import secrets
import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gong_bridge.sandbox.shapes import parse_time


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedMedia:
    """Media of a call: its size and SHA-256; `data` only when it is small enough to be listened to."""

    size_bytes: int
    sha256: str
    kind: str
    content_type: str
    file_name: str
    data: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedCall:
    """A call as it was posted. `media_puts` counts the media that arrived for it; the last one stays."""

    id: str
    body: Mapping[str, Any]
    received_at: datetime
    started_at: datetime
    media: ArrivedMedia | None = None
    media_puts: int = 0

    @property
    def client_unique_id(self) -> str:
        """The recorder's own id of the call."""
        return str(self.body["clientUniqueId"])


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenRequest:
    """One request. `status` is None when the connection ended without an answer."""

    at: datetime
    method: str
    path: str
    status: int | None
    request_id: str


class Arrived:
    """The sandbox's memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Ids differ from one sandbox to the next: a ledger that outlives a sandbox must not find a stranger's call.
        self._next_id = 5 * 10**18 + secrets.randbelow(10**12) * 10**6
        self._calls: dict[str, ArrivedCall] = {}
        self._by_client_unique_id: dict[str, str] = {}
        self._links: set[str] = set()
        self._log: deque[SeenRequest] = deque(maxlen=20_000)
        self._statuses: Counter[str] = Counter()
        self._revision = 0

    def calls(self) -> list[ArrivedCall]:
        """All calls, oldest arrival first."""
        with self._lock:
            return list(self._calls.values())

    def call(self, call_id: str) -> ArrivedCall | None:
        """The call of this id."""
        with self._lock:
            return self._calls.get(call_id)

    def call_of(self, client_unique_id: str) -> ArrivedCall | None:
        """The call that arrived with this clientUniqueId."""
        with self._lock:
            call_id = self._by_client_unique_id.get(client_unique_id)
            return None if call_id is None else self._calls[call_id]

    def link_is_known(self, url: str) -> bool:
        """Whether a call arrived with this downloadMediaUrl."""
        with self._lock:
            return url in self._links

    def add_call(self, body: Mapping[str, Any], now: datetime) -> ArrivedCall:
        """Keep a call that passed every check and give it an id."""
        started_at = parse_time(body["actualStart"])
        if started_at is None:
            raise ValueError("a call is checked before it is kept")
        with self._lock:
            self._next_id += 1
            call = ArrivedCall(id=str(self._next_id), body=body, received_at=now, started_at=started_at)
            self._calls[call.id] = call
            self._by_client_unique_id[call.client_unique_id] = call.id
            if "downloadMediaUrl" in body:
                self._links.add(body["downloadMediaUrl"])
            self._revision += 1
            return call

    def put_media(self, call_id: str, media: ArrivedMedia) -> None:
        """Give the call this media instead of what it had."""
        with self._lock:
            call = self._calls[call_id]
            self._calls[call_id] = replace(call, media=media, media_puts=call.media_puts + 1)
            self._revision += 1

    def note(self, request: SeenRequest) -> None:
        """Write a request into the log."""
        with self._lock:
            self._log.append(request)
            self._statuses["none" if request.status is None else str(request.status)] += 1

    def log(self) -> list[SeenRequest]:
        """The latest requests, oldest first."""
        with self._lock:
            return list(self._log)

    def statuses(self) -> dict[str, int]:
        """How many requests got which status; "none" for those that got no answer."""
        with self._lock:
            return dict(self._statuses)

    def revision(self) -> int:
        """A number that grows whenever a call or media arrives."""
        with self._lock:
            return self._revision

    def forget(self) -> None:
        """Start again empty."""
        with self._lock:
            self._calls.clear()
            self._by_client_unique_id.clear()
            self._links.clear()
            self._log.clear()
            self._statuses.clear()
            self._revision += 1
