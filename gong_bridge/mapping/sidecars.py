"""Finds the sidecar of a recording and waits for it as the mapping says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gong_bridge.errors import AwaitingSidecar, BadMetadata, NotYetComplete
from gong_bridge.mapping.definition import Place, Sidecar
from gong_bridge.mapping.sidecar_formats import Malformed, read_sidecar
from gong_bridge.mapping.words import listed
from gong_bridge.model import Recording, SidecarFile

WRITTEN_SECONDS = 30.0
"""A sidecar that cannot be read and is younger than this may still be being written."""
_LONGEST_KEY = 1024
_THEN = {
    "hold": "a person is asked",
    "degrade": "the call is sent without it",
    "skip": "the recording is skipped",
}

ReadBeside = Callable[[str, int], SidecarFile | None]


class SidecarMissing(Exception):
    """No sidecar came in time; `message` says where it was looked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """What decides how long a sidecar is waited for."""

    recording: Recording
    now: datetime
    wait_seconds: float


def find_sidecar(
    rule: Sidecar,
    waiting: Waiting,
    read_beside: ReadBeside,
    value_of: Callable[[Any], Any],
) -> tuple[str, Any] | None:
    """The key and the data of the first sidecar that is there; None when there is none and none is needed.

    `value_of` evaluates a node of the mapping. Raises AwaitingSidecar (not there yet), NotYetComplete (half
    written), SidecarMissing (waited long enough), BadMetadata (cannot be read; says file, line and column).
    """
    recording_key = waiting.recording.key
    keys = [
        spelling
        for place in rule.places
        if (key := _key(place, recording_key, value_of))
        for spelling in _spellings(key, place.ending, recording_key)
    ]
    for key in dict.fromkeys(keys):
        file = read_beside(key, rule.largest_bytes)
        if file is None:
            continue
        try:
            if len(file.data) > rule.largest_bytes:
                raise Malformed(f"the file is larger than {rule.largest_bytes} bytes; is it a sidecar at all?")
            data = read_sidecar(file.data, rule.format)
        except Malformed as problem:
            age = (waiting.now - file.modified_at).total_seconds()
            if age < WRITTEN_SECONDS:
                raise NotYetComplete(
                    f"the sidecar {file.key} cannot be read yet; it may still be being written", wait_seconds=5.0
                ) from None
            raise BadMetadata(f"the sidecar {_placed(file.key, problem)}; correct the file, then retry") from None
        return file.key, _row(rule, file.key, data, value_of) if rule.format == "csv" else data
    if not value_of(rule.needed_when):
        return None
    _wait_or_give_up(rule, keys, waiting)
    return None


def digest_of(data: Any) -> str:
    """Of what a sidecar says of one recording: another order of keys or other spaces are no news."""
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _wait_or_give_up(rule: Sidecar, keys: list[str], waiting: Waiting) -> None:
    modified_at = waiting.recording.modified_at
    due_at = modified_at + timedelta(seconds=waiting.wait_seconds)
    remaining = (due_at - waiting.now).total_seconds()
    looked = f"looked for {listed(keys, 4)}"
    if remaining > 0:
        age = max(0.0, (waiting.now - modified_at).total_seconds())
        wait_seconds = min(max(1.0, age / 4), 60.0, remaining + 0.1)
        until = f"{due_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        raise AwaitingSidecar(
            f"no sidecar yet ({looked}); it is waited for until {until}, then {_THEN[rule.when_missing]}",
            wait_seconds=wait_seconds,
        )
    raise SidecarMissing(f"no sidecar came within {max(waiting.wait_seconds, 0.0):g} s ({looked})")


def _key(place: Place, recording_key: str, value_of: Callable[[Any], Any]) -> str | None:
    """Where this rule looks; None when its template gives no usable key, such as one with an empty part."""
    folder, slash, name = recording_key.rpartition("/")
    value = value_of(place.name)
    if place.rule == "append":
        key = recording_key + value
    elif place.rule == "replace_extension":
        stem, dot, _ = name.rpartition(".")
        key = folder + slash + (stem if dot and stem else name) + value
    elif place.rule == "beside":
        key = folder + slash + value
    else:
        key = value
    parts = key.split("/")
    usable = key != recording_key and len(key) <= _LONGEST_KEY and ".." not in parts and "\0" not in key
    return key if usable and not key.startswith("/") else None


def _spellings(key: str, ending: str, recording_key: str) -> tuple[str, ...]:
    """Recorders that write X.WAV mostly write X.JSON, too."""
    in_capitals = recording_key.rpartition(".")[2].isupper() and bool(ending) and key.endswith(ending)
    return (key, key.removesuffix(ending) + ending.upper()) if in_capitals else (key,)


def _row(rule: Sidecar, key: str, rows: list[dict[str, str]], value_of: Callable[[Any], Any]) -> dict[str, str]:
    wanted = {column: value_of(node) for column, node in rule.where.items()}
    columns = rows[0].keys() if rows else ()
    absent = [column for column in wanted if column not in columns]
    if rows and absent:
        raise BadMetadata(f"the sidecar {key} has no column {absent[0]!r}; it has: {listed(columns)}")
    fitting = [row for row in rows if all(row[column] == str(value) for column, value in wanted.items())]
    if not fitting or (len(fitting) > 1 and wanted):
        found = "no row" if not fitting else f"{len(fitting)} rows"
        raise BadMetadata(f"the sidecar {key} has {found} for this recording; `where` in the mapping must choose one")
    return fitting[0]


def _placed(key: str, problem: Malformed) -> str:
    text = str(problem)
    return f"{key}:{text}" if text[:1].isdigit() else f"{key}: {text}"
