"""`mapping new` guesses the names of real recorders without knowing any of them, and says what it cannot explain."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.config.schema import CompanyOptions
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.guessing import Plan
from gong_bridge.mapping.lint import lint
from gong_bridge.mapping.new_case import make_case
from gong_bridge.mapping.planning import Given, lacks, merged, read_given, shapes_with
from gong_bridge.mapping.writing import Choices, write_mapping

NOW = datetime(2026, 10, 1, tzinfo=UTC)
NOTHING = Given(fields={}, sidecar={})

# style: (names, start of the first, direction, agent, other side), guessed without a word from anybody
STYLES: dict[str, tuple[list[str], str, str, str, str]] = {
    "FreePBX, the uniqueid last": (
        [
            "out-8005550100-201-20230711-101500-1689063300.45",
            "external-202-8005550101-20230711-111500-1689066900.46",
            "force-8005550102-201-20250327-092517-1743042317.12206",
        ],
        "2023-07-11T08:15:00+00:00", "Outbound", "201", "+18005550100",
    ),
    "an Asterisk shop, epoch first": (
        ["1540543700-20181026-114820-7004-8005550100", "1540543800-20181026-115000-8005550101-7004"],
        "2018-10-26T08:48:20+00:00", "Outbound", "7004", "+18005550100",
    ),
    "QueueMetrics, the numbers swap with the direction": (
        ["in-201-8005550100-20260114-093012-1768383012.1", "out-8005550101-201-20260114-103012-1768386612.7"],
        "2026-01-14T09:30:12+00:00", "Inbound", "201", "+18005550100",
    ),
    "Wazo, a placeholder": (
        ["user-201-8005550100-1788257730", "user-202-anonymous-1788257830"],
        "2026-09-01T10:15:30+00:00", "Unknown", "201", "+18005550100",
    ),
    "Vicidial, date and agent": (
        ["20251020-103108_6666", "20251020-113108_6667"], "2025-10-20T10:31:08+00:00", "Unknown", "6666", "",
    ),
    "Vicidial, customer and campaign too": (
        ["20251020-103108_8005550100_CAMP_6666", "20251020-113108_8005550101_CAMP_6667"],
        "2025-10-20T10:31:08+00:00", "Unknown", "6666", "+18005550100",
    ),
    "FreeSWITCH's call centre": (
        [
            "2018-01-11-11-25-44.5001.18005550100.3da8bf84-c133-4959-9e24-e72875cb33a1",
            "2018-01-12-11-25-44.5002.18005550101.4da8bf84-c133-4959-9e24-e72875cb33a1",
        ],
        "2018-01-11T11:25:44+00:00", "Unknown", "5001", "+18005550100",
    ),
    "3CX, a display name in brackets": (
        [
            "[]_100-8005550100_20190211124709(2)",
            "[8005550100]_8005550100-100_20190211124743(3)",
            "[First Last-Jr_]_201-8005550101_20190219120918(380)",
        ],
        "2019-02-11T12:47:09+00:00", "Outbound", "100", "+18005550100",
    ),
    "AWS PCA, words that say what follows": (
        ["Auto1_CUST_8005550100_GUID_001_AGENT_AndrewK_DT_2021-12-01T07-55-51"],
        "2021-12-01T07:55:51+00:00", "Unknown", "AndrewK", "+18005550100",
    ),
    "Oreka, with its own placeholder": (
        ["20260114_093012_in_201_18005550100_778", "20260114_103012_out_202_noremoteparty_779"],
        "2026-01-14T09:30:12+00:00", "Inbound", "201", "+18005550100",
    ),
    "Dialpad, milliseconds and an address": (
        ["1787158716092_5635304278851584_agent@example.com"],
        "2026-08-19T16:58:36.092000+00:00", "Unknown", "agent@example.com", "",
    ),
    "hexadecimal seconds": (
        ["68a1f2b3_201_8005550100", "68a2f2b3_202_8005550101", "68a3f2b3_201_8005550102"],
        "2025-08-17T15:18:11+00:00", "Unknown", "201", "+18005550100",
    ),
    "American dates and hours": (
        ["01-14-2026 09.30.12 PM ext201 to +18005550100", "01-15-2026 10.30.12 AM ext202 to +18005550101"],
        "2026-01-14T21:30:12+00:00", "Unknown", "201", "+18005550100",
    ),
    "a year of two digits": (
        ["201_8005550100_260114_093012_O", "202_8005550101_260114_103012_I"],
        "2026-01-14T09:30:12+00:00", "Outbound", "201", "+18005550100",
    ),
    "a month in words": (
        ["14Jan2026_093012-201-8005550100", "15Feb2026_093012-202-8005550100"],
        "2026-01-14T09:30:12+00:00", "Unknown", "201", "+18005550100",
    ),
    "empty fields": (
        ["201__20260114093012_out", "202_8005550101_20260114103012_in"],
        "2026-01-14T09:30:12+00:00", "Outbound", "201", "",
    ),
    "an offset in the time": (
        ["2026-01-14T09:30:12+0100_201_8005550100", "2026-01-15T09:30:12+0100_202_8005550101"],
        "2026-01-14T09:30:12+01:00", "Unknown", "201", "+18005550100",
    ),
}  # fmt: skip


def mapping_of(stems: list[str], tmp_path: Path, given: Given = NOTHING, **choices: Any) -> Path:
    """What `mapping new` writes for these names."""
    plan = Plan(country="US", extensions=re.compile(r"\d{3,5}"))
    kept = [one for one in merged(shapes_with(stems, plan, given)) if not _lacks(one)]
    path = tmp_path / "own.yaml"
    text = write_mapping(Choices(name="own", about="Own", shapes=tuple(kept), samples=tuple(stems), **choices))
    path.write_text(text, encoding="utf-8")
    return path


def _lacks(shape: Any) -> str | None:
    return lacks(shape, sidecar=None, agent_elsewhere=False)


def call_of(path: Path, stem: str) -> dict[str, Any]:
    """What the mapping makes of a name; people are made up as they are asked for."""
    mapping = load_mapping(path)
    made = make_case(mapping, f"2026/{stem}.wav", now=NOW, company=CompanyOptions(), files=path.parent)
    assert made.becomes_a_call, made.expected
    parties = made.expected["parties"]
    other = next((one for one in parties if "userId" not in one), {})
    return {
        "start": made.expected["actualStart"], "direction": made.expected["direction"],
        "agent": made.facts["agent_value"], "other": other.get("phoneNumber", ""),
    }  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_the_names_of_a_recorder_become_the_right_calls(style: str, tmp_path: Path) -> None:
    """Every sample becomes a call, the first the very one; lint has nothing to say."""
    stems, start, direction, agent, other = STYLES[style]
    path = mapping_of(stems, tmp_path)
    assert call_of(path, stems[0]) == {"start": start, "direction": direction, "agent": agent, "other": other}
    for stem in stems[1:]:
        assert call_of(path, stem)["agent"]
    assert [str(one) for one in lint(path)] == []


def test_names_that_differ_in_shape_give_several_patterns(tmp_path: Path) -> None:
    """Two ways to write the time, one mapping."""
    stems = ["20260114-093012_201_8005550100", "20260115-093012_202_8005550101", "201-2026-01-16 10:00:00-8005550102"]
    path = mapping_of(stems, tmp_path)
    assert path.read_text(encoding="utf-8").count("- stem:") == 2
    assert call_of(path, stems[0])["start"] == "2026-01-14T09:30:12+00:00"
    assert call_of(path, stems[2]) == {
        "start": "2026-01-16T10:00:00+00:00", "direction": "Unknown", "agent": "201", "other": "+18005550102",
    }  # fmt: skip


def test_names_without_a_time_or_a_person_are_said_to_be_so() -> None:
    shapes = shapes_with(["greeting", "TESTCAMP_51020103108_3125550112"], Plan(), NOTHING)
    reasons = {shape.stems[0]: _lacks(shape) for shape in shapes}
    assert "no part of it reads as a date with a time of day" in str(reasons["TESTCAMP_51020103108_3125550112"])
    assert reasons["greeting"]


@pytest.mark.parametrize(
    "hostile",
    ["it's_201_20260114093012_\"x\"", "{{ 1+0 }}_201_20260114093012_in", "a\nb_201_20260114093012_in",
     "%2B18005550100_201_20260114093012_in", "(?P<x>)_201_20260114093012_in", "201_20260114093012_\uf7ff: [a]#",
     "-rf_201_20260114093012_..", "'_201_20260114093012_\\d+"],
)  # fmt: skip
def test_hostile_names_still_give_a_mapping_that_loads(hostile: str, tmp_path: Path) -> None:
    """Quotes, braces, line breaks and backslashes in a name are text, in the YAML and in the pattern."""
    path = mapping_of([hostile], tmp_path)
    made = make_case(load_mapping(path), f"{hostile}.wav", now=NOW, company=CompanyOptions(), files=tmp_path)
    assert made.becomes_a_call, made.expected
    assert made.expected["actualStart"] == "2026-01-14T09:30:12+00:00"


def test_what_somebody_says_wins_over_the_guess(tmp_path: Path) -> None:
    """The agent's login is field 2, not the number; the zone is Berlin's."""
    stems = ["20260114093012_jane_201", "20260114103012_john_202"]
    path = mapping_of(stems, tmp_path, read_given(["2=agent", "3=ignore"]), zone="Europe/Berlin")
    assert call_of(path, stems[0]) == {
        "start": "2026-01-14T09:30:12+01:00", "direction": "Unknown", "agent": "jane", "other": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "cure"),
    [("2=agnt", "did you mean 'agent'?"), ("agent", "write FIELD=ROLE"), ("1=start:%d%m", "no year"),
     ("9=agent", "there is no field 9"), ("2=start", "in which format is 'jane' a time?")],
)  # fmt: skip
def test_a_wrong_word_about_a_field_is_named_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match=re.escape(cure)):
        shapes_with(["20260114093012_jane_201"], Plan(), read_given([text]))
