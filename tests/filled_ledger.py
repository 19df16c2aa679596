"""A ledger as it looks after a night's work: every state, every kind of trouble, hostile file names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, Recording, SourceHealth, State

HOSTILE_KEYS = (
    "<script>alert('key')</script>.wav",
    '"><img src=x onerror=alert(1)>.wav',
    "in-201\n-forged line-\x1b[31m.wav",
    "\u202egpj.exe {{ 7*7 }} {% raw %}.wav",
    "'; DROP TABLE entries; --/../../etc/passwd",
    "deep/" + "folder/" * 12 + "a-very-long-name-" * 6 + ".wav",
)
DRAFT = {
    "clientUniqueId": "pbx-1767600000.17",
    "actualStart": "2026-01-05T08:00:00-05:00",
    "direction": "Inbound",
    "primaryUser": "234599484848423",
    "parties": [{"phoneNumber": "+15550100", "mediaChannelId": 0}, {"userId": "234599484848423", "mediaChannelId": 1}],
    "title": "</pre><script>alert('draft')</script>",
}


class FilledLedger:
    """Writes rows by the ledger's own verbs; `now` moves on by a second with every step."""

    def __init__(self, ledger: Ledger, now: datetime) -> None:
        self.ledger = ledger
        self.now = now

    def found(self, key: str, source: str = "pbx", *, backlog: bool = False) -> Entry:
        """A recording that was just found, claimed by a worker."""
        self.now += timedelta(seconds=1)
        recording = Recording(
            source=source, key=key, version="480044-1", size_bytes=480_044, modified_at=self.now - timedelta(minutes=1)
        )
        assert self.ledger.intake.add([recording], backlog, self.now) == 1
        entry = self.ledger.work.claim("host:1:2:3", self.now, 30)
        assert entry is not None
        assert entry.key == key
        return entry

    def waiting(self, key: str, **facts: Any) -> Entry:
        """A recording that Gong could not take just now."""
        entry = self.found(key, **facts)
        return self.ledger.work.postpone(
            entry, self.now, self.now + timedelta(hours=1), "service-down", "Gong answered 502", True, http_status=502
        )

    def done(self, key: str, **facts: Any) -> Entry:
        """A recording that Gong has."""
        entry = self.found(key, **facts)
        for state in (State.DRAFTED, State.CREATED, State.DONE):
            self.now += timedelta(seconds=1)
            more: dict[str, Any] = {}
            if state is State.CREATED:
                more = {
                    "call_id": f"77823422740259{entry.id:05}",
                    "http_status": 201,
                    "request_id": "4al018gzaztcr8nbukw",
                }
            entry = self.ledger.work.advance(entry, state, self.now, **more)
        return entry

    def held(self, key: str, code: str, reason: str, person: str | None = None, **facts: Any) -> Entry:
        """A recording that waits for a person."""
        entry = self.found(key, **facts)
        return self.ledger.work.hold(entry, self.now, code, reason, person=person)

    def rejected(self, key: str) -> Entry:
        """A recording that was given up."""
        entry = self.found(key)
        return self.ledger.work.reject(entry, self.now, "unclear", "given up after 40 attempts", http_status=504)

    def skipped(self, key: str) -> Entry:
        """A recording that is too short."""
        entry = self.found(key)
        return self.ledger.work.skip(entry, self.now, "media-rule", "7 s long; media.shortest is 30 s")


def fill(ledger: Ledger, now: datetime) -> FilledLedger:
    """A night's work; returns the writer, so that a test can go on."""
    rows = FilledLedger(ledger, now)
    for number in range(30):
        rows.done(f"2026/01/05/in-20{number % 5 + 1}-15550100-20260105-03{number:02}00-1767600000.{number}.wav")
    rows.done("connect/2026/01/05/8f2d_20260105T03:11_UTC.wav", source="connect")
    for number in range(4):
        rows.held(f"in-299-{number}.wav", "unknown-person", "extension 299 is nobody in agents.csv", "extension 299")
    rows.held("in-206.wav", "unusable-user", "agent-206@example.com is inactive in Gong", "extension 206")
    for key in HOSTILE_KEYS:
        rows.held(key, "bad-media", f"cut off: {key} declares 480044 bytes, has 240022")
    rows.rejected("in-203-given-up.wav")
    rows.skipped("in-204-short.wav")
    for number in range(3):
        rows.waiting(f"in-202-waiting-{number}.wav")
    for source, watch in (("pbx", "native"), ("connect", "listing")):
        ledger.notes.save_health(
            SourceHealth(
                source=source,
                healthy=True,
                message="",
                watch=watch,
                scanned=41,
                last_scan_at=rows.now,
                updated_at=rows.now,
            )
        )
    return rows
