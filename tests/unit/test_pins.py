"""constraints.txt pins every library that pyproject.toml asks for, once and to one version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OTHER_PYTHONS = {"audioop-lts"}
"""Needed by newer Pythons only, so that the one that wrote the pins has none of it."""


def plain(name: str) -> str:
    """A library's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_library_that_is_asked_for_is_pinned_to_one_version() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    pinned = [plain(line.partition("==")[0]) for line in lines]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {plain(re.match(r"[A-Za-z0-9._-]+", one)[0]) for one in asked}
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
    assert len(pinned) == len(set(pinned))
    assert names - set(pinned) - OTHER_PYTHONS == set()
