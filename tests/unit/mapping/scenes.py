"""A small company for the tests of this room: roles at example.com, fictional numbers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gong_bridge.errors import SourceGone
from gong_bridge.mapping.agents import Agent
from gong_bridge.mapping.composition import Composition
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.facts import Known
from gong_bridge.mapping.people import Company, People
from gong_bridge.mapping.table_index import Question
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.tables import Tables
from gong_bridge.model import Completeness, GongUser, MediaInfo, ObjectFacts, Recording, SidecarFile

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
COMPANY = Company(
    country="US",
    time_zone=ZoneInfo("America/New_York"),
    extensions=re.compile(r"\d{3,5}"),
    numbers=("(800) 555-0199",),
)
USERS = (
    GongUser(id="7201", email="agent-201@example.com", name="Agent 201"),
    GongUser(id="7202", email="agent-202@example.com", name="Agent 202", aliases=("Sales-202@example.com",)),
    GongUser(id="7203", email="agent-203@example.com", extension="203", phone_number="+1 800 555 0103"),
    GongUser(id="7206", email="agent-206@example.com", extension="206", active=False),
    GongUser(id="7207", email="agent-207@example.com", extension="207", telephony_calls_imported=False),
)
AGENTS = (
    Agent(email="agent-201@example.com", extension="201", login="first.login", line=2),
    Agent(email="SALES-202@EXAMPLE.COM", extension="202", line=3),
    Agent(email="left@example.com", extension="204", line=4),
    Agent(extension="205", line=5),
)
PEOPLE = People(AGENTS, USERS)
BODY = {
    "actualStart": "2026-01-14T10:00:00Z",
    "direction": "Inbound",
    "primaryUser": "201",
    "parties": [{"emailAddress": "agent-201@example.com"}, {"phoneNumber": "+18005550101"}],
}


def media(**changes: Any) -> MediaInfo:
    """A mono recording of a minute."""
    facts: dict[str, Any] = {
        "container": "wav",
        "codec": "pcm_s16le",
        "channels": 1,
        "sample_rate_hz": 8000,
        "duration_seconds": 60.0,
        "declared_bytes": 1000,
        "present_bytes": 1000,
        "completeness": Completeness.WHOLE,
        "fingerprint": "00ff",
    }
    return MediaInfo(**{**facts, **changes})


def mapping_of(folder: Path, text: str) -> Mapping:
    """The mapping that `text` describes."""
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


class FilesInMemory:
    """Sidecars by their keys; those of another place begin with `place:`."""

    def __init__(self, files: dict[str, bytes], modified_at: datetime) -> None:
        self.files = files
        self.modified_at = modified_at
        self.tables = Tables()

    def read(self, where: str, key: str, max_bytes: int) -> SidecarFile | None:
        data = self.files.get(f"{where}:{key}" if where else key)
        return None if data is None else SidecarFile(key=key, data=data, modified_at=self.modified_at)

    def rows(self, where: str, key: str, question: Question) -> list[Row] | None:
        return self.tables.rows(self, f"{where}:{key}" if where else key, question, now=NOW)

    def faults(self, where: str, key: str, question: Question) -> str:
        return self.tables.faults(self, f"{where}:{key}" if where else key, question)

    def stat(self, key: str) -> Recording:
        if key not in self.files:
            raise SourceGone("gone")
        data = self.files[key]
        version = hashlib.sha256(data).hexdigest()
        return Recording(source="", key=key, version=version, size_bytes=len(data), modified_at=self.modified_at)

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        return self.files[recording.key][first : first + size_bytes]


def compose(
    mapping: Mapping,
    key: str = "calls/a.wav",
    *,
    files: dict[str, bytes] | None = None,
    info: MediaInfo | None = None,
    age_seconds: float = 3600.0,
    sidecar_age_seconds: float = 3600.0,
    wait_seconds: float = 600.0,
    describe: Callable[[], ObjectFacts] = ObjectFacts,
) -> Composition:
    """What the mapping makes of one recording with `files` beside it."""

    known = Known(
        recording=Recording(
            source="pbx", key=key, version="1", size_bytes=1000, modified_at=NOW - timedelta(seconds=age_seconds)
        ),
        media=info or media(),
        company=COMPANY,
        people=PEOPLE,
        now=NOW,
        sidecar_wait_seconds=wait_seconds,
        beside=FilesInMemory(files or {}, NOW - timedelta(seconds=sidecar_age_seconds)),
        describe=describe,
    )
    return mapping.compose(known)
