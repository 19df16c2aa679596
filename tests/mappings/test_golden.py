"""Every shipped mapping gives exactly the calls that its golden cases expect, and Gong's specification accepts them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from gong_bridge.mapping.golden import EXPECTED_FILE, Difference, cases_in, run_case
from gong_bridge.mapping.library import mapping_files

HERE = Path(__file__).resolve().parent
SPECIFICATION = HERE.parents[1].parent / "shared" / "gong-api-v2-openapi.json"
CASES = list(cases_in(HERE))


def _name(folder: Path) -> str:
    return f"{folder.parent.name}/{folder.name}"


@pytest.fixture(scope="module")
def new_call() -> Draft202012Validator:
    """Gong's own schema of the body of POST /v2/calls."""
    if not SPECIFICATION.is_file():
        pytest.skip("Gong's specification is not beside this checkout")
    specification = json.loads(SPECIFICATION.read_text(encoding="utf-8"))
    resource = Resource.from_contents(specification, default_specification=DRAFT202012)
    reference = {"$ref": "urn:gong#/components/schemas/NewCallAddingRequest"}
    return Draft202012Validator(reference, registry=Registry().with_resource("urn:gong", resource))


@pytest.mark.parametrize("folder", CASES, ids=_name)
def test_a_recorder_s_files_become_exactly_the_expected_call(folder: Path) -> None:
    assert run_case(folder) == []


@pytest.mark.parametrize("folder", CASES, ids=_name)
def test_every_expected_call_is_valid_by_gong_s_specification(folder: Path, new_call: Draft202012Validator) -> None:
    expected = json.loads((folder / EXPECTED_FILE).read_text(encoding="utf-8"))
    if len(expected) == 1:
        assert set(expected) <= {"held", "skipped", "waits"}
    else:
        assert [error.message for error in new_call.iter_errors(expected)] == []


@pytest.mark.parametrize("name", mapping_files(None))
def test_every_shipped_mapping_has_six_cases_and_one_that_fails(name: str) -> None:
    expected = [json.loads((folder / EXPECTED_FILE).read_text()) for folder in CASES if folder.parent.name == name]

    assert len(expected) >= 6
    assert any("held" in one for one in expected)


def test_a_case_that_fails_names_the_field_and_both_values(tmp_path: Path) -> None:
    folder = tmp_path / "sidecar-json" / "wrong"
    (folder / "files").mkdir(parents=True)
    (folder / "case.yaml").write_text("key: a.wav\nnow: 2026-01-15T12:00:00Z\nage: 1m\n")
    (folder / "expected.json").write_text('{"held": "something else"}')

    assert run_case(folder) == [
        Difference(field="held", expected='"something else"', actual=None),
        Difference(
            field="waits",
            expected=None,
            actual='"no sidecar yet (looked for a.json, a.wav.json); it is waited for until 2026-01-15 12:09:00 UTC, '
            'then a person is asked"',
        ),
    ]
