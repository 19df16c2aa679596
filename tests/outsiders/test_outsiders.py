"""Recorders that are not shipped: mappings written from the docs alone make exactly the calls expected of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gong_bridge.mapping.golden import EXPECTED_FILE, cases_in, run_case
from gong_bridge.mapping.lint import lint

HERE = Path(__file__).resolve().parent
RECORDERS = HERE / "mappings"
PAGE = (HERE.parents[1] / "docs" / "mappings.md").read_text(encoding="utf-8")
COOKBOOK = {
    re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-"): mapping
    for title, mapping in re.findall(r"^### (.*?)\n.*?```yaml\n(about: .*?)```", PAGE, re.DOTALL | re.MULTILINE)
}


def _name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


@pytest.fixture(scope="module")
def cookbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mappings of the cookbook as files, named by their headings."""
    folder = tmp_path_factory.mktemp("cookbook")
    for name, mapping in COOKBOOK.items():
        (folder / f"{name}.yaml").write_text(mapping, encoding="utf-8")
    return folder


def test_the_cookbook_has_fourteen_mappings_and_each_has_a_golden_case() -> None:
    assert len(COOKBOOK) == 14
    assert {folder.parent.name for folder in cases_in(HERE / "cookbook")} == set(COOKBOOK)


@pytest.mark.parametrize(
    "folder", cases_in(HERE / "cookbook"), ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_a_mapping_of_the_cookbook_makes_exactly_the_expected_call(folder: Path, cookbook: Path) -> None:
    assert run_case(folder, cookbook) == []


@pytest.mark.parametrize(
    "folder", cases_in(HERE / "recorders"), ids=lambda folder: f"{folder.parent.name}/{folder.name}"
)
def test_a_recorder_that_is_not_shipped_gets_exactly_the_expected_call(folder: Path) -> None:
    assert run_case(folder, RECORDERS) == []


def test_every_mapping_here_has_a_case_that_becomes_a_call() -> None:
    calls = {
        folder.parent.name
        for folder in cases_in(HERE / "recorders")
        if "parties" in json.loads((folder / EXPECTED_FILE).read_text(encoding="utf-8"))
    }

    assert calls == {path.stem for path in RECORDERS.glob("*.yaml")}


@pytest.mark.parametrize("name", COOKBOOK)
def test_lint_finds_no_error_in_the_cookbook(name: str, cookbook: Path) -> None:
    assert [str(finding) for finding in lint(cookbook / f"{name}.yaml") if finding.level == "error"] == []
