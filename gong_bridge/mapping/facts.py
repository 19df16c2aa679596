"""What is known of one recording before any mapping speaks: its name, its media, its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gong_bridge.mapping.definition import Definition
from gong_bridge.mapping.patterns import captures_of
from gong_bridge.mapping.people import Company, People
from gong_bridge.mapping.sidecars import Beside
from gong_bridge.mapping.templates import Later
from gong_bridge.model import MediaInfo, ObjectFacts, Recording


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """One recording, and all of the world around it that a mapping may use."""

    recording: Recording
    media: MediaInfo
    company: Company
    people: People
    now: datetime
    sidecar_wait_seconds: float
    beside: Beside
    describe: Callable[[], ObjectFacts]


def facts_of(known: Known) -> dict[str, Any]:
    """Names and values that every mapping can use (FACTS without the sidecar).

    `object` asks the store only when an expression goes into it; `folder` has no slash at either end.
    """
    recording, company = known.recording, known.company
    folder, _, name = recording.key.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem:
        stem, extension = name, ""

    def object_facts() -> dict[str, Any]:
        described = known.describe()
        return {"metadata": described.metadata, "tags": described.tags}

    return {
        "source": recording.source,
        "key": recording.key,
        "name": name,
        "stem": stem,
        "extension": extension,
        "folder": folder,
        "folders": folder.split("/") if folder else [],
        "modified_at": recording.modified_at,
        "size_bytes": recording.size_bytes,
        "media": media_facts(known.media),
        "object": Later(object_facts),
        "company": {
            "country": company.country,
            "time_zone": company.time_zone.key,
            "numbers": list(company.numbers),
        },
    }


def media_facts(media: MediaInfo) -> dict[str, Any]:
    """What templates know of the media; the duration is rounded to milliseconds."""
    duration = media.duration_seconds
    return {
        "container": media.container,
        "codec": media.codec,
        "channels": media.channels,
        "sample_rate_hz": media.sample_rate_hz,
        "duration_seconds": None if duration is None else round(duration, 3),
        "has_video": media.has_video,
        "fingerprint": media.fingerprint,
    }


def match_name(definition: Definition, facts: dict[str, Any]) -> str | None:
    """Add the captures of the first pattern that matches to `facts`; the subject it matched on, None when none did.

    Every capture name of the mapping is a fact; those of other patterns, and placeholders, are empty. Without patterns
    every name matches. Raises ValueError when a name is too long to be searched.
    """
    names = dict.fromkeys(definition.capture_names, "")
    names.update({name: "" for pattern in definition.patterns for name in pattern.constants})
    facts.update(names)
    if not definition.patterns:
        return "name"
    for pattern in definition.patterns:
        match = pattern.guarded.search(facts[pattern.subject])
        if match is None:
            continue
        for name, value in captures_of(match).items():
            facts[name] = "" if value.strip().casefold() in definition.placeholders else value
        facts.update(pattern.constants)
        return pattern.subject
    return None


def started_by_file(recording: Recording, media: MediaInfo) -> datetime | None:
    """When the recording began, if the file was last changed at its end."""
    length = media.duration_seconds
    return None if length is None else recording.modified_at - timedelta(seconds=length)
