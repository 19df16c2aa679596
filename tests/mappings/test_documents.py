"""What the pages about mappings show really loads, and they leave no part of the language out."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from gong_bridge.mapping.definition import FACTS
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.filters import KNOWING
from gong_bridge.mapping.golden import Difference, run_case
from gong_bridge.mapping.language import MappingFile
from gong_bridge.mapping.plain_filters import PLAIN

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = (ROOT / "mappings" / "README.md").read_text(encoding="utf-8")
COOKBOOK = (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8")
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", LANGUAGE + COOKBOOK, re.DOTALL)]
EXAMPLES = [block for block in BLOCKS if block.startswith("about:")]
CASE = next(block for block in BLOCKS if block.startswith("# case.yaml"))


@pytest.mark.parametrize("text", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_every_example_loads(tmp_path: Path, text: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")

    assert text.split("\n")[0].startswith(f"about: {load_mapping(path).about}")


def test_both_pages_name_every_filter() -> None:
    assert [name for name in (*PLAIN, *KNOWING) if f"`{name}`" not in LANGUAGE] == []
    assert [name for name in (*PLAIN, *KNOWING) if not re.search(rf"[| `]{name}[(`]", COOKBOOK)] == []


def test_the_page_of_the_language_shows_every_key_and_every_fact() -> None:
    assert [key for key in MappingFile.model_fields if not re.search(rf"^{key}:", LANGUAGE, re.MULTILINE)] == []
    assert [fact for fact in FACTS if f"`{fact}" not in LANGUAGE] == []


def test_the_ten_minute_mapping_makes_the_call_of_its_golden_case(tmp_path: Path) -> None:
    mappings = tmp_path / "mappings"
    folder = tmp_path / "own" / "outbound"
    mappings.mkdir()
    folder.mkdir(parents=True)
    ten_minutes = next(text for text in EXAMPLES if text.startswith("about: Our own recorder"))
    (mappings / "own.yaml").write_text(ten_minutes, encoding="utf-8")
    (folder / "case.yaml").write_text(CASE, encoding="utf-8")
    (folder / "expected.json").write_text('{"direction": "Inbound"}', encoding="utf-8")

    differences = run_case(folder, mappings)

    assert Difference(field="direction", expected='"Inbound"', actual='"Outbound"') in differences
    assert Difference(field="actualStart", expected=None, actual='"2026-01-14T09:30:12-05:00"') in differences
    assert Difference(field="primaryUser", expected=None, actual='"7201"') in differences
