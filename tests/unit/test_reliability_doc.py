"""docs/reliability.md says truly which promises have tests, and where."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
DOCUMENT = TESTS.parent / "docs" / "reliability.md"
ROWS = {row[1]: row[2] for row in re.finditer(r"^\| (R\d+) \|[^|]*\|([^|]*)\|$", DOCUMENT.read_text(), re.MULTILINE)}


def test_every_promise_has_a_row() -> None:
    assert list(ROWS) == [f"R{number}" for number in range(1, 31)]


@pytest.mark.parametrize("promise", ROWS)
def test_the_named_files_prove_the_promise_or_it_is_said_not_to_be_proven(promise: str) -> None:
    named = ROWS[promise].strip()
    if named.startswith("not proven yet"):
        return
    for name in named.split(", "):
        text = (TESTS / name).read_text(encoding="utf-8")
        assert re.search(rf"def test_\w*{promise}(?!\d)", text), f"{name} has no test of {promise}"
