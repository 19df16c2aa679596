"""Calls in several files, as tests need them: tones that can be found again, and a mapping that groups by name."""

from __future__ import annotations

import io
import math
import os
import wave
from array import array
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import yaml
from av.audio.resampler import AudioResampler

from tests.end_to_end.recordings import write

START = 1788252930
"""2026-09-01 08:55:30 UTC, in the names of the files."""


@cache
def tone(
    seconds: float, hz: float = 440.0, *, silent: float = 0.0, rate_hz: int = 8000, channels: int = 1, loud: int = 9000
) -> bytes:
    """A 16-bit WAV: `silent` seconds of nothing, then a tone to the end."""
    samples = array("h")
    for number in range(int(seconds * rate_hz)):
        value = 0 if number < silent * rate_hz else int(loud * math.sin(2 * math.pi * hz * number / rate_hz))
        samples.extend([value] * channels)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def channels_of(data: bytes) -> tuple[int, list[array[int]]]:
    """Sample rate and the 16-bit samples of each channel of a recording of any kind."""
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.audio[0]
        rate, count = stream.codec_context.sample_rate, stream.codec_context.channels
        even = AudioResampler(format="s16", layout=stream.codec_context.layout.name, rate=rate)
        samples = array("h")
        for frame in container.decode(stream):
            for one in even.resample(frame):
                samples.frombytes(bytes(one.planes[0])[: one.samples * count * 2])
    return rate, [samples[channel::count] for channel in range(count)]


def first_sound(samples: array[int], rate_hz: int, *, above: int = 1000) -> float:
    """Seconds until something is heard."""
    return next((number for number, value in enumerate(samples) if abs(value) > above), len(samples)) / rate_hz


def pitch(samples: array[int], rate_hz: int, begin: float, end: float) -> float:
    """Hertz between two moments, by zero crossings."""
    part = samples[int(begin * rate_hz) : int(end * rate_hz)]
    crossings = sum(1 for one, other in pairwise(part) if one < 0 <= other)
    return crossings / (end - begin)


def name(call: str, part: str, *, at: float = START) -> str:
    """A file name that the mapping of `mapping_of` reads."""
    return f"{at:.3f}_201_18005550101_{call}_{part}.wav"


def mapping_of(**group_by: Any) -> dict[str, Any]:
    """A mapping for `name`, with these options of group_by on top."""
    return {
        "about": "Names with epoch, extension, number, call and part.",
        "match": [
            {"stem": r"^(?P<epoch>\d{10}\.\d{3})_(?P<ext>\d+)_(?P<number>\d+)_(?P<call_id>\w+?)_(?P<leg>\w+)$"},
            {"stem": r"^(?P<epoch>\d{10}\.\d{3})_(?P<ext>\d+)_(?P<number>\d+)$"},
        ],
        "group_by": {
            "call": "{{ call_id }}",
            "part": "{{ leg }}",
            "starts_at": "{{ epoch | time('epoch') }}",
            "window": "1500ms",
            "policy": "merge",
            "merge": {"left": "in", "right": "out"},
            **group_by,
        },
        "let": {"host": "{{ ext | agent }}"},
        "call": {
            "clientUniqueId": "{{ 'g-' ~ call_id if call_id else stem }}"
            + ("{{ '-' ~ leg }}" if group_by.get("policy") == "separate" else ""),
            "actualStart": "{{ group.starts_at | default(epoch | time('epoch')) }}",
            "direction": "Outbound",
            "duration": "{{ media.duration_seconds }}",
            "title": "{{ ('Call ' ~ group.call) if group.call else 'Call' }}"
            "{{ ' (part ' ~ group.number ~ ' of ' ~ group.count ~ ')' if group.count > 1 }}",
            "customData": "{{ {'call': group.call, 'parts': group.parts} | to_json }}",
            "primaryUser": "{{ host.user_id }}",
            "parties": [
                {"userId": "{{ host.user_id }}", "mediaChannelId": "{{ group.channels.out | default }}"},
                {"phoneNumber": "{{ number | phone }}", "mediaChannelId": "{{ group.channels['in'] | default }}"},
            ],
        },
    }


def write_mapping(root: Path, **group_by: Any) -> None:
    """`mapping_of` as mappings/grouped.yaml below `root`."""
    (root / "mappings").mkdir(parents=True, exist_ok=True)
    (root / "mappings" / "grouped.yaml").write_text(yaml.safe_dump(mapping_of(**group_by)))


def drop(folder: Path, call: str, part: str, *, at: float = START, data: bytes | None = None, **sound: Any) -> Path:
    """Put one file of a call into `folder` in one moment."""
    path = folder / name(call, part, at=at)
    write(path, tone(**{"seconds": 31, **sound}) if data is None else data)
    return path


def age(path: Path, seconds: float) -> Path:
    """Make a file look `seconds` old."""
    status = path.stat()
    os.utime(path, (status.st_atime, status.st_mtime - seconds))
    return path
