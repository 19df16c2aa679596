"""What arrived at the sandbox: calls, their media, and a log of requests; readable from any thread."""

from __future__ import annotations

import secrets
import threading
from collections import Counter, deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gong_bridge.sandbox.crm_store import CrmStore
from gong_bridge.sandbox.shapes import parse_time


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedMedia:
    """Media of a call: what it is, not its bytes."""

    size_bytes: int
    sha256: str
    kind: str
    content_type: str
    file_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivedCall:
    """A call as it was posted. `media_puts` counts the media that arrived for it; the last one stays.

    `link_trouble` says why the media behind downloadMediaUrl could not be had. `shared_with`: ids of the users who were
    given access, in their order.
    """

    id: str
    body: Mapping[str, Any]
    received_at: datetime
    started_at: datetime
    media: ArrivedMedia | None = None
    media_puts: int = 0
    link_trouble: str | None = None
    shared_with: tuple[str, ...] = ()

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
    """The sandbox's memory; at most `keep_media_total_bytes` of media stay for listening, the latest ones."""

    def __init__(self, *, keep_media_total_bytes: int, crm_polls: int) -> None:
        self.crm = CrmStore(polls=crm_polls)
        self._lock = threading.Lock()
        self._keep_media_total_bytes = keep_media_total_bytes
        self._kept_bytes = 0
        self._kept: dict[str, bytes] = {}
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

    def put_media(self, call_id: str, media: ArrivedMedia, data: bytes | None) -> None:
        """Give the call this media instead of what it had; `data` to listen to, None when it is too large for that."""
        with self._lock:
            call = self._calls.get(call_id)
            if call is None:  # forgotten while its media was under way
                return
            self._kept_bytes -= len(self._kept.pop(call_id, b""))
            if data is not None:
                self._kept[call_id] = data
                self._kept_bytes += len(data)
            while self._kept_bytes > self._keep_media_total_bytes:
                self._kept_bytes -= len(self._kept.pop(next(iter(self._kept))))
            self._calls[call_id] = replace(call, media=media, media_puts=call.media_puts + 1)
            self._revision += 1

    def note_link_trouble(self, call_id: str, reason: str) -> None:
        """The media behind the call's link could not be had."""
        with self._lock:
            if call_id in self._calls:
                self._calls[call_id] = replace(self._calls[call_id], link_trouble=reason)
                self._revision += 1

    def share(self, call_id: str, user_ids: Iterable[str]) -> None:
        """Give these users access to the call; those who have it are not concerned."""
        with self._lock:
            if call_id in self._calls:
                call = self._calls[call_id]
                everybody = tuple(dict.fromkeys((*call.shared_with, *user_ids)))
                self._calls[call_id] = replace(call, shared_with=everybody)
                self._revision += 1

    def unshare(self, call_id: str, user_ids: Container[str]) -> None:
        """Take back the access of these users; those who have none are not concerned."""
        with self._lock:
            if call_id in self._calls:
                call = self._calls[call_id]
                left = tuple(one for one in call.shared_with if one not in user_ids)
                self._calls[call_id] = replace(call, shared_with=left)
                self._revision += 1

    def data_of(self, call_id: str) -> bytes | None:
        """The bytes of the call's media, where they were kept."""
        with self._lock:
            return self._kept.get(call_id)

    def kept_ids(self) -> set[str]:
        """Ids of the calls that can be listened to."""
        with self._lock:
            return set(self._kept)

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

    def revision(self) -> str:
        """A text that changes whenever a call, media or a request arrives."""
        with self._lock:
            return f"{self._next_id % 10**6}-{self._revision}-{self._statuses.total()}"

    def forget_call(self, call_id: str) -> bool:
        """Delete one call, as a person in Gong may; whether there was one."""
        with self._lock:
            call = self._calls.pop(call_id, None)
            if call is None:
                return False
            if self._by_client_unique_id.get(call.client_unique_id) == call_id:
                del self._by_client_unique_id[call.client_unique_id]
            self._links.discard(str(call.body.get("downloadMediaUrl")))
            self._kept_bytes -= len(self._kept.pop(call_id, b""))
            self._revision += 1
            return True

    def forget(self) -> None:
        """Start again empty."""
        self.crm.forget()
        with self._lock:
            self._calls.clear()
            self._by_client_unique_id.clear()
            self._links.clear()
            self._kept.clear()
            self._kept_bytes = 0
            self._log.clear()
            self._statuses.clear()
            self._revision += 1
