"""Small recordings that pass every check (31 s of mu-law-like 8 kHz sound) and their sidecars, made on the spot."""

from __future__ import annotations

import hashlib
import io
import json
import os
import wave
from array import array
from pathlib import Path
from typing import Any

SECONDS = 31
RATE_HZ = 8000


def wav(number: int, *, seconds: int = SECONDS) -> bytes:
    """A mono 8-bit WAV that differs for each `number`: 31 s are 248 kB."""
    samples = array("B", (128 + (frame * (7 + number % 13) % 97) - 48 for frame in range(RATE_HZ)))
    samples[:8] = array("B", (100 + (number >> (2 * place)) % 4 for place in range(8)))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes() * seconds)
    return buffer.getvalue()


def sha256(data: bytes) -> str:
    """Hex digest, as the sandbox gives it."""
    return hashlib.sha256(data).hexdigest()


def call_body(unique_id: str | None, **changes: Any) -> dict[str, Any]:
    """A sidecar's content; `changes` set fields, None takes one out."""
    body: dict[str, Any] = {
        "clientUniqueId": unique_id,
        "actualStart": "2026-09-01T10:15:30-04:00",
        "direction": "Inbound",
        "primaryUser": "201",
        "parties": [{"emailAddress": "agent-201@example.com"}, {"phoneNumber": "+15550100123"}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def call_text(unique_id: str | None, **changes: Any) -> str:
    """The same as the text of a sidecar."""
    return json.dumps(call_body(unique_id, **changes))


def drop(folder: Path, name: str, number: int, *, unique_id: str | None = "same as name", **changes: Any) -> str:
    """Put a recording with its sidecar into `folder`, as a recorder does; the sha256 of its bytes."""
    data = wav(number)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    identity = path.stem if unique_id == "same as name" else unique_id
    path.with_suffix(".json").write_text(call_text(identity, **changes))
    write(path, data)
    return sha256(data)


def write(path: Path, data: bytes) -> None:
    """Write beside and rename, so that the recording is there in one moment."""
    hidden = path.with_name(f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]}.tmp")
    hidden.write_bytes(data)
    hidden.rename(path)


def drop_many(folder: Path, count: int, *, first: int = 0) -> dict[str, str]:
    """`count` recordings call-000.wav ...: clientUniqueId -> sha256."""
    return {
        f"call-{number:03}": drop(folder, f"call-{number:03}.wav", number) for number in range(first, first + count)
    }


def age(path: Path, seconds: float) -> None:
    """Make a file look `seconds` old."""
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime - seconds))
