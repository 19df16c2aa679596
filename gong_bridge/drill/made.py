"""Samples for a source in which nothing lies yet: the names of its mapping's golden cases, with sound of our own."""

from __future__ import annotations

import io
import json
import math
import random
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.drill.copies import Bank, Copy
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.agents import Agent
from gong_bridge.mapping.golden import EXPECTED_FILE, GoldenCase, cases_in, load_case
from gong_bridge.mapping.library import shipped_cases_folder
from gong_bridge.model import GongUser
from gong_bridge.sources.names import NameRules

_RATE_HZ = 8000
_LONGER_SECONDS = 4.0
"""So much longer than `media.shortest` a sample lasts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One recording that a golden case describes, what lies beside it, and the people it speaks of."""

    copies: tuple[Copy, ...]
    agents: tuple[Agent, ...]
    users: tuple[GongUser, ...]


def samples_for(config: Config, source: FolderSource | BucketSource, bank: Bank, most: int) -> list[Sample]:
    """Up to `most` samples, of different calls; whether they would be sent here is for the bridge to say."""
    rules = NameRules(source.include, source.exclude)
    prefix = source.prefix if isinstance(source, BucketSource) else ""
    found: list[Sample] = []
    known: set[str] = set()
    for folder, case, call in _cases(config, source.mapping):
        key = case.key if case.key.startswith(prefix) else prefix + case.key
        if call in known or key in known or not rules.takes(key):
            continue
        known |= {call, key}
        found.append(_sample(config, source.name, folder, case, key, bank, number=len(found)))
        if len(found) == most:
            break
    return found


def _cases(config: Config, mapping: str) -> Iterator[tuple[Path, GoldenCase, str]]:
    """The golden cases of this mapping of which a call becomes, with its clientUniqueId; the user's own first."""
    own = [] if config.mappings is None else [config.mappings / "tests"]
    for folder in (one for place in (*own, shipped_cases_folder()) if place.is_dir() for one in cases_in(place)):
        if folder.parent.name != mapping and not folder.is_relative_to(own[0] if own else folder):
            continue
        try:
            case = load_case(folder)
            expected = json.loads((folder / EXPECTED_FILE).read_text(encoding="utf-8"))
        except (ConfigError, OSError, ValueError):
            continue  # `mapping test` says what is wrong with it
        if (case.mapping or folder.parent.name) == mapping and "clientUniqueId" in expected:
            yield folder, case, str(expected["clientUniqueId"])


def _sample(
    config: Config, source: str, folder: Path, case: GoldenCase, key: str, bank: Bank, *, number: int
) -> Sample:
    modified_at: datetime = case.now - timedelta(seconds=case.age)
    seconds = config.media.shortest + _LONGER_SECONDS
    recording = bank.keep(
        [sound(seconds, channels=case.media.channels, seed=number)], source=source, key=key, modified_at=modified_at,
        is_recording=True, metadata=case.object.metadata, tags=case.object.tags,
    )  # fmt: skip
    beside = [
        bank.keep(
            [path.read_bytes()], source=source, place=place, key=str(path.relative_to(root)), modified_at=modified_at,
            is_recording=False,
        )
        for place, root in _places(folder)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]  # fmt: skip
    return Sample(
        copies=(recording, *beside),
        agents=tuple(Agent(**agent.model_dump()) for agent in case.agents),
        users=tuple(GongUser(**user.model_dump()) for user in case.users),
    )


def _places(folder: Path) -> Iterator[tuple[str, Path]]:
    """Where a case keeps what lies beside its recording; see mapping.golden.CaseFiles."""
    if (folder / "files").is_dir():
        yield "", folder / "files"
    if (folder / "sidecars").is_dir():
        yield from ((place.name, place) for place in sorted((folder / "sidecars").iterdir()) if place.is_dir())


def sound(seconds: float, *, channels: int, seed: int) -> bytes:
    """A WAV file of 16-bit PCM in which something is heard on every channel; another seed, another file."""
    chance = random.Random(seed)  # noqa: S311 - sound, no secret
    period = [int(5000 * math.sin(2 * math.pi * place / 40) + chance.uniform(-2000, 2000)) for place in range(_RATE_HZ)]
    whole = array("h", (sample for one in period for sample in (one,) * channels)).tobytes()
    frames = int(seconds * _RATE_HZ)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((channels, 2, _RATE_HZ, frames, "NONE", ""))
        for second in range(0, frames, _RATE_HZ):
            out.writeframes(whole[: 2 * channels * min(_RATE_HZ, frames - second)])
    return file.getvalue()
