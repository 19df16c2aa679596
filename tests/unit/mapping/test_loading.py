"""A wrong mapping file is refused when it is loaded, every mistake at once, with its line, its column and the cure."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.language import mapping_schema
from gong_bridge.mapping.library import find_mapping, mapping_files, shipped_folder
from gong_bridge.strict_yaml import load_document
from tests.unit.mapping.scenes import mapping_of

SMALL = """about: ours
match:
  - name: '^(?P<id>[^-]+)-(?P<ext>\\d+)'
let:
  host: "{{ ext | agent }}"
call:
  clientUniqueId: "{{ id }}"
  actualStart: "{{ modified_at }}"
  direction: Unknown
  primaryUser: "{{ host.user_id }}"
  parties:
    - userId: "{{ host.user_id }}"
"""


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refusal:
        mapping_of(folder, text)
    return [problem.removeprefix(f"{folder}/own.yaml:") for problem in refusal.value.problems]


def test_a_small_mapping_loads(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, SMALL)

    assert (mapping.name, mapping.needs_object_facts, mapping.is_sidecar("a.json")) == ("own", False, False)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("ext | agent }}", "ext | agnet }}", "5:9: let.host: there is no filter 'agnet'; did you mean 'agent'?"),
        ('"{{ id }}"', '"{{ idd }}"', "7:19: call.clientUniqueId: there is no fact 'idd'; did you mean 'id'?"),
        ('"{{ id }}"', '"{{ id"', "7:19: call.clientUniqueId: the template does not compile:"),
        ("direction:", "directon:", "9:3: call.directon: unknown key 'directon'; did you mean 'direction'?"),
        (
            "    - userId:",
            "    - userID:",
            "12:7: call.parties[#1].userID: unknown key 'userID'; did you mean 'userId'",
        ),
        ("(?P<ext>", "(?P<ext>(", "3:11: match[#1].name: this is no regular expression: missing ), unterminated"),
        ("[^-]+", "(\\w+)+", "3:11: match[#1].name: a repeat inside a repeat such as (a+)+ can take for ever"),
        ("(?P<id>", "(?P<key>", "3:3: match: the group 'key' is taken; choose another"),
        (
            "ext | agent }}",
            "ext | agent('mail') }}",
            "5:9: let.host: filter 'agent': there is no kind of look-up 'mai",
        ),
        ("ext | agent }}", "id | lookup('kinds') }}", "5:9: let.host: filter 'lookup': there is no table 'kinds'"),
        ("ext | agent }}", "id | lookup }}", "5:9: let.host: filter 'lookup': missing a required argument: 'table'"),
        ("modified_at", "id | time('%H:%M')", "8:16: call.actualStart: filter 'time': the format '%H:%M' has no year"),
        (
            "modified_at",
            "id | time('iso', zone='America/NewYork')",
            "8:16: call.actualStart: filter 'time': zone 'America/NewYork' is not known; did you mean America/New",
        ),
        ("modified_at", "id | find('(a+)+')", "8:16: call.actualStart: filter 'find': a repeat inside a repeat"),
        ("modified_at", "id | query('a[')", "8:16: call.actualStart: filter 'query': 'a[' is no JMESPath query:"),
        ("modified_at", "id | find(ext)", "8:16: call.actualStart: filter 'find': pattern must be written out here"),
        ("modified_at", "sidecar.start", "8:16: call.actualStart: there is no sidecar to read here; declare where"),
        ("modified_at", "now", "8:16: call.actualStart: there is no fact 'now'; known:"),
        ("  direction: Unknown\n", "", "7:3: call: Gong cannot do without direction; add what is missing"),
        (
            "  direction:",
            "  downloadMediaUrl: x\n  direction:",
            "9:21: call.downloadMediaUrl: downloadMediaUrl is fill",
        ),
        ("about: ours\n", "", "1:1: about: this key is missing"),
        (
            "let:",
            "sidecar: {format: json, find: [{beside: '{{ id }}'}]}\nlet:",
            "4:41: sidecar.find[#1].beside: the end of the sidecar's name must stand here in full, such as .json",
        ),
        (
            "let:",
            "sidecar: {format: json, find: [{beside: '{{ sidecar.a }}.json'}]}\nlet:",
            "4:10: sidecar: where the sidecar lies cannot depend on what it says; use other facts here",
        ),
        ("let:", "let: {a: '{{ b }}', b: x}\nlost:", "4:10: let.a: there is no fact 'b'"),
    ],
)
def test_a_mistake_says_line_column_key_and_cure(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in SMALL
    found = problems(tmp_path, SMALL.replace(old, new))

    assert any(line.startswith(problem) for line in found), found


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = SMALL.replace("(?P<ext>", "(?P<ext>(").replace("{{ id }}", "{{ id | upcase }}")
    text = text.replace("direction:", "directon:")

    assert [line.split(": ")[1] for line in problems(tmp_path, text)] == [
        "match[#1].name",
        "call",
        "call.clientUniqueId",
        "call.directon",
    ]


def test_no_fact_is_known_under_a_name_that_a_let_below_gives(tmp_path: Path) -> None:
    text = SMALL.replace("  host:", "  first: '{{ host.email }}'\n  host:")

    assert problems(tmp_path, text)[0].startswith("5:10: let.first: there is no fact 'host'")


# --- the library -------------------------------------------------------------------------------------------------


def test_the_user_s_own_mapping_wins_over_a_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "freepbx.yaml").write_text(SMALL)

    assert find_mapping("freepbx", tmp_path) == tmp_path / "freepbx.yaml"
    assert find_mapping("freepbx", None) == shipped_folder() / "freepbx.yaml"


def test_an_unknown_mapping_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no mapping 'freepbx2' .*; did you mean 'freepbx'\?"):
        find_mapping("freepbx2", tmp_path)


@pytest.mark.parametrize("path", mapping_files(None).values(), ids=lambda path: path.stem)
def test_every_shipped_mapping_loads_and_fits_the_schema_for_editors(path: Path) -> None:
    mapping = load_mapping(path)

    assert mapping.name == path.stem
    assert list(Draft202012Validator(mapping_schema()).iter_errors(load_document(path).data)) == []
