"""A stand-in for a queue of SQS: messages come at least once, hide while they are read, and may come again."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus

_LOOK_SECONDS = 0.1


@dataclass(kw_only=True, slots=True)
class _Message:
    id: str
    body: str
    deliveries_left: int
    visible_at: float = 0.0
    received: int = 0
    receipt: str = ""


class Queue:
    """Thread-safe. `clock_seconds` orders what is hidden for how long."""

    def __init__(self, clock_seconds: Callable[[], float], *, deliveries: int = 1) -> None:
        """`deliveries`: so often each message comes, though it was deleted each time: SQS promises no less than one."""
        self._clock_seconds = clock_seconds
        self._deliveries = deliveries
        self._arrival = threading.Condition()
        self._messages: list[_Message] = []
        self.received = 0
        self.deleted = 0

    def send(self, body: str) -> None:
        """Another message."""
        with self._arrival:
            self._messages.append(_Message(id=secrets.token_hex(8), body=body, deliveries_left=self._deliveries))
            self._arrival.notify_all()

    @property
    def waiting(self) -> int:
        """Messages that nobody has dealt with."""
        with self._arrival:
            return len(self._messages)

    def receive(self, *, most: int, wait_seconds: float, hide_seconds: float) -> list[tuple[str, str, str, int]]:
        """Up to `most` messages as (id, receipt, body, how often received), the newest first; waits for the first."""
        until = self._clock_seconds() + wait_seconds
        with self._arrival:
            while True:
                now = self._clock_seconds()
                visible = [one for one in reversed(self._messages) if one.visible_at <= now][:most]
                if visible or now >= until:
                    break
                self._arrival.wait(min(_LOOK_SECONDS, until - now))
            for one in visible:
                one.visible_at, one.received = now + hide_seconds, one.received + 1
                one.receipt = secrets.token_hex(12)
            self.received += len(visible)
            return [(one.id, one.receipt, one.body, one.received) for one in visible]

    def delete(self, receipt: str) -> bool:
        """Take the message away, or let it come again when it has deliveries left; False: no such receipt."""
        with self._arrival:
            found = self._of(receipt)
            if found is None:
                return False
            found.deliveries_left -= 1
            found.visible_at = 0.0
            found.receipt = ""
            self.deleted += 1
            if found.deliveries_left <= 0:
                self._messages.remove(found)
            self._arrival.notify_all()
            return True

    def hide(self, receipt: str, hide_seconds: float) -> bool:
        """Leave the message alone for so long; False: no such receipt."""
        with self._arrival:
            found = self._of(receipt)
            if found is None:
                return False
            found.visible_at = self._clock_seconds() + hide_seconds
            return True

    def _of(self, receipt: str) -> _Message | None:
        return next((one for one in self._messages if receipt and one.receipt == receipt), None)


def notification_of(bucket: str, key: str, size_bytes: int, etag: str) -> dict[str, object]:
    """What S3 tells a queue of a new object; the key is encoded as in a URL's query.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    stored = {"key": quote_plus(key, safe="/"), "size": size_bytes, "eTag": etag}
    record = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": stored},
    }  # fmt: skip
    return {"Records": [record]}
