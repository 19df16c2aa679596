"""Makes a golden case of one recording: what is known of it, made-up people, and what the mapping makes of it now."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from gong_bridge.config.schema import CompanyOptions
from gong_bridge.errors import ConfigError, UnknownPerson
from gong_bridge.mapping.engine import Mapping
from gong_bridge.mapping.golden import CASE_FILE, EXPECTED_FILE, GoldenCase, compose_case, outcome
from gong_bridge.model import MediaInfo

_MOST_PEOPLE = 6


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """A golden case before it is written: case.yaml's keys, expected.json, remarks, and its sidecar's key."""

    case: dict[str, Any]
    expected: Any
    warnings: tuple[str, ...]
    facts: dict[str, object]
    sidecars: tuple[str, ...] = ()

    @property
    def becomes_a_call(self) -> bool:
        """False when the recording would be held, skipped or wait."""
        return "clientUniqueId" in self.expected


def make_case(
    mapping: Mapping,
    key: str,
    *,
    now: datetime,
    company: CompanyOptions,
    files: Path,
    media: MediaInfo | None = None,
) -> NewCase:
    """The case of the recording `key`; whoever the mapping asks for is given a made-up address at example.com.

    files: the folder below which sidecars lie by their key. media: what was measured; a minute of mono without it.
    """
    data: dict[str, Any] = {"key": key, "now": now.isoformat()}
    changed = company.model_dump(mode="json", exclude_defaults=True)
    if changed:
        data["company"] = changed
    if media is not None:
        data["media"] = {
            "container": media.container, "codec": media.codec, "channels": media.channels,
            "sample_rate_hz": media.sample_rate_hz, "duration_seconds": media.duration_seconds,
            "fingerprint": media.fingerprint,
        }  # fmt: skip
    data |= {"agents": [], "users": []}
    composition = None
    for number in range(1, _MOST_PEOPLE + 1):
        case = GoldenCase.model_validate(data)
        try:
            composition = compose_case(mapping, case, files)
        except UnknownPerson as unknown:
            _introduce(data, unknown, number)
        except Exception:
            break
        else:
            break
    case = GoldenCase.model_validate(data)
    expected, warnings = outcome(mapping, case, files)
    if warnings:
        data["warnings"] = list(warnings)
    if composition is None:
        return NewCase(case=data, expected=expected, warnings=warnings, facts={})
    beside = (composition.sidecar_key,) if composition.sidecar_key else ()
    return NewCase(case=data, expected=expected, warnings=warnings, facts=composition.facts, sidecars=beside)


def _introduce(data: dict[str, Any], unknown: UnknownPerson, number: int) -> None:
    """Somebody who can be found by what the mapping looks for."""
    email = unknown.value if unknown.kind == "email" else f"agent-{number}@example.com"
    user = {"id": f"70{number}", "email": email}
    if unknown.kind != "email":
        data["agents"].append({"email": email, unknown.kind: unknown.value})
    data["users"].append(user)


def write_case(made: NewCase, folder: Path, *, mapping: str, files: Path) -> None:
    """Write the case into `folder`, with copies of its sidecars. Raises ConfigError when there is one already."""
    if (folder / CASE_FILE).exists():
        raise ConfigError(f"{folder / CASE_FILE} is there already; name another folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    data = dict(made.case)
    if folder.parent.name != mapping:
        data["mapping"] = mapping
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)
    about = (
        "# Made from a real recording; people are made up. docs/mappings.md, Golden cases, says what each key means.\n"
    )
    (folder / CASE_FILE).write_text(about + text, encoding="utf-8")
    write_expected(folder, made.expected)
    for key in made.sidecars:
        if (files / key).is_file():
            copy = folder / "files" / key
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files / key, copy)


def write_expected(folder: Path, expected: Any) -> None:
    """Accept what the mapping says now."""
    text = json.dumps(expected, ensure_ascii=False, indent=2)
    (folder / EXPECTED_FILE).write_text(text + "\n", encoding="utf-8")
