"""Golden cases: a folder says what a recorder wrote and what must become of it; for `mapping test` and pytest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from gong_bridge.config.schema import CompanyOptions
from gong_bridge.config.units import Duration
from gong_bridge.errors import ConfigError, Held, NotYetComplete, SourceGone
from gong_bridge.mapping.agents import Agent
from gong_bridge.mapping.composition import Composition
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.facts import Known
from gong_bridge.mapping.grouping import GroupFacts
from gong_bridge.mapping.library import find_mapping
from gong_bridge.mapping.people import Company, People
from gong_bridge.mapping.table_index import Question
from gong_bridge.mapping.table_rows import Row
from gong_bridge.mapping.tables import Tables
from gong_bridge.model import Completeness, GongUser, MediaInfo, ObjectFacts, Recording, SidecarFile
from gong_bridge.strict_yaml import Document, load_document, problems_of

CASE_FILE = "case.yaml"
EXPECTED_FILE = "expected.json"
COMMON_FILE = "common.yaml"
SHARE_WITH = "shareWith"
"""In expected.json, beside Gong's own fields."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _CaseAgent(_Part):
    email: str = ""
    extension: str = ""
    login: str = ""
    name: str = ""


class _CaseUser(_Part):
    id: str
    email: str
    aliases: tuple[str, ...] = ()
    name: str = ""
    extension: str = ""
    phone_number: str = ""
    active: bool = True
    telephony_calls_imported: bool = True


class _CaseMedia(_Part):
    container: str = "wav"
    codec: str = "pcm_s16le"
    channels: int = 1
    sample_rate_hz: int = 8000
    duration_seconds: float | None = 60.0
    fingerprint: str = "00112233445566778899aabbccddeeff"


class _CaseObject(_Part):
    metadata: dict[str, str] = {}
    tags: dict[str, str] = {}


class _CaseGroup(_Part):
    """Which files of the call have come, for a mapping with group_by; without it only this one.

    parts: of the call that is sent, the left side first when `merged`. number, count: as in `group`.
    """

    parts: tuple[str, ...] = ()
    merged: bool = False
    number: int = 1
    count: int = 1
    starts_at: AwareDatetime | None = None


class GoldenCase(_Part):
    """case.yaml; keys that several cases share may stand in common.yaml one or two folders above."""

    key: str
    """The recording's path below the source's folder, or its object key."""
    now: AwareDatetime
    """When the bridge looks at it."""
    age: Duration = 3600.0
    """How long before `now` the recording (and every file beside it) was last changed."""
    mapping: str | None = None
    """The mapping's name; the name of the folder above when absent."""
    company: CompanyOptions = CompanyOptions()
    agents: tuple[_CaseAgent, ...] = ()
    users: tuple[_CaseUser, ...] = ()
    media: _CaseMedia = _CaseMedia()
    object: _CaseObject = _CaseObject()
    group: _CaseGroup = _CaseGroup()
    sidecar_wait: Duration = 600.0
    options: dict[str, str | int | float | bool] = {}
    """What the source sets of the mapping's options."""
    warnings: tuple[str, ...] = ()
    """The remarks that must come, in full."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One place where the result is not the expected one; None means that there is nothing."""

    field: str
    expected: str | None
    actual: str | None


def cases_in(folder: Path) -> Iterator[Path]:
    """Every golden case below `folder`, by name."""
    return (file.parent for file in sorted(folder.rglob(CASE_FILE)))


def run_case(folder: Path, mappings: Path | None = None) -> list[Difference]:
    """What differs from expected.json; empty when the case passes.

    expected.json holds the body of POST /v2/calls, or one of {"held": reason}, {"skipped": reason}, {"waits": reason}.
    Beside the body stands under `shareWith` with whom the call is shared: e-mail addresses, or the mapping's words
    where they are nobody's.
    Files beside the recording lie under `files/` by their key. `mappings` is a folder of own mappings.
    Raises ConfigError when the case itself or its mapping is wrong.
    """
    case = load_case(folder)
    mapping = _mapping(find_mapping(case.mapping or folder.parent.name, mappings), tuple(case.options.items()))
    expected = _expected(folder)
    actual, warnings = outcome(mapping, case, folder / "files")
    differences = list(_differences("", expected, actual))
    if warnings != case.warnings:
        differences.append(Difference(field="warnings", expected=_shown(case.warnings), actual=_shown(warnings)))
    return differences


def actual_of(folder: Path, mappings: Path | None = None) -> Any:
    """What the case's mapping says now, in the form of expected.json. Raises ConfigError."""
    case = load_case(folder)
    mapping = _mapping(find_mapping(case.mapping or folder.parent.name, mappings), tuple(case.options.items()))
    return outcome(mapping, case, folder / "files")[0]


def outcome(mapping: Mapping, case: GoldenCase, files: Path) -> tuple[Any, tuple[str, ...]]:
    """What the mapping makes of the case, in the form of expected.json, and its remarks."""
    try:
        composition = compose_case(mapping, case, files)
    except NotYetComplete as error:
        return {"waits": error.message}, ()
    except Held as error:
        return {"held": error.message}, ()
    if composition.draft is None:
        return {"skipped": composition.skip_reason}, composition.warnings
    shared = [share.shown_as for share in composition.share_with]
    return composition.draft.to_json() | ({SHARE_WITH: shared} if shared else {}), composition.warnings


def compose_case(mapping: Mapping, case: GoldenCase, files: Path) -> Composition:
    """As Mapping.compose for the recording that the case describes; sidecars lie in `files` by their key."""
    modified_at = case.now - timedelta(seconds=case.age)
    media = MediaInfo(
        **case.media.model_dump(), declared_bytes=None, present_bytes=1000, completeness=Completeness.WHOLE
    )
    known = Known(
        recording=Recording(source="golden", key=case.key, version="1", size_bytes=1000, modified_at=modified_at),
        media=media,
        company=Company(
            country=case.company.country,
            time_zone=ZoneInfo(case.company.time_zone),
            extensions=re.compile(case.company.extensions),
            numbers=case.company.numbers,
        ),
        people=People(
            [Agent(**agent.model_dump(), line=line) for line, agent in enumerate(case.agents, start=2)],
            [GongUser(**user.model_dump()) for user in case.users],
        ),
        now=case.now,
        sidecar_wait_seconds=case.sidecar_wait,
        beside=CaseFiles(files, now=case.now, modified_at=modified_at),
        describe=lambda: ObjectFacts(metadata=case.object.metadata, tags=case.object.tags),
    )
    return mapping.compose(known, _group_of(mapping, known, case.group))


def _group_of(mapping: Mapping, known: Known, group: _CaseGroup) -> GroupFacts | None:
    """What `group` says in a case: the call and the part are those that group_by makes of the name."""
    member = mapping.membership(known)
    if member is None:
        return None
    parts = group.parts or (member.part,)
    return GroupFacts(
        call=member.call,
        part=member.part,
        number=group.number,
        count=group.count,
        parts=parts,
        starts_at=group.starts_at or member.starts_at,
        channels={part: channel for channel, part in enumerate(parts)} if group.merged else {},
    )


@lru_cache(maxsize=64)
def _mapping(path: Path, options: tuple[tuple[str, str | int | float | bool], ...]) -> Mapping:
    """Loaded once for all of its cases: compiling templates takes longer than running them."""
    return load_mapping(path, dict(options))


class CaseFiles:
    """What lies beside the recording of a case: `files/`, and for another place NAME `sidecars/NAME/`."""

    def __init__(self, files: Path, *, now: datetime, modified_at: datetime) -> None:
        self._files = files
        self._now = now
        self._modified_at = modified_at
        self._tables = Tables()
        self._places: dict[str, _CasePlace] = {}

    def read(self, where: str, key: str, max_bytes: int) -> SidecarFile | None:  # noqa: ARG002
        """See mapping.sidecars.Beside."""
        path = self._place(where).folder / key
        return SidecarFile(key=key, data=path.read_bytes(), modified_at=self._modified_at) if path.is_file() else None

    def rows(self, where: str, key: str, question: Question) -> list[Row] | None:
        """See mapping.sidecars.Beside."""
        return self._tables.rows(self._place(where), key, question, now=self._now)

    def faults(self, where: str, key: str, question: Question) -> str:
        """See mapping.sidecars.Beside."""
        return self._tables.faults(self._place(where), key, question)

    def _place(self, where: str) -> _CasePlace:
        folder = self._files.with_name("sidecars") / where if where else self._files
        return self._places.setdefault(where, _CasePlace(folder, self._modified_at))


class _CasePlace:
    """A folder of a case in which tables lie; see mapping.table_index.TableFile."""

    def __init__(self, folder: Path, modified_at: datetime) -> None:
        self.folder = folder
        self._modified_at = modified_at

    def stat(self, key: str) -> Recording:
        path = self.folder / key
        if not path.is_file():
            raise SourceGone(f"there is no {path}")
        size_bytes = path.stat().st_size
        return Recording(source="golden", key=key, version="1", size_bytes=size_bytes, modified_at=self._modified_at)

    def read_part(self, recording: Recording, first: int, size_bytes: int) -> bytes:
        return (self.folder / recording.key).read_bytes()[first : first + size_bytes]


def load_case(folder: Path) -> GoldenCase:
    """The case as it stands in its folder. Raises ConfigError."""
    document = load_document(folder / CASE_FILE)
    shared: dict[str, Any] = {}
    for above in (folder.parent.parent, folder.parent):
        if (above / COMMON_FILE).is_file():
            shared.update(load_document(above / COMMON_FILE).data)
    merged = Document(path=document.path, data={**shared, **document.data}, root=document.root)
    try:
        return GoldenCase.model_validate(merged.data)
    except ValidationError as error:
        raise ConfigError(problems_of(merged, error, GoldenCase)) from None


def _expected(folder: Path) -> Any:
    path = folder / EXPECTED_FILE
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({type(error).__name__}); write the expected call into it") from None


def _differences(path: str, expected: Any, actual: Any) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in dict.fromkeys((*expected, *actual)):
            yield from _differences(f"{path}.{key}" if path else str(key), expected.get(key), actual.get(key))
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            yield from _differences(f"{path}[{index}]", one, other)
    elif expected != actual:
        yield Difference(field=path, expected=_shown(expected), actual=_shown(actual))


def _shown(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
