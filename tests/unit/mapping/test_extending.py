"""A mapping of one's own changes details of another one, and every mistake names the file in which it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gong_bridge.errors import ConfigError
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.library import shipped_folder
from tests.unit.mapping.scenes import compose

BASE = """
about: The base.
match: [{stem: '^(?P<ext>[0-9]+)-(?P<number>[0-9]+)$', set: {kind: plain}}]
placeholders: [unknown]
options: {agent_channel: 0, prefix: A}
tables: {team: {'201': Sales, '202': Support}}
let:
  host: "{{ ext | agent('extension') }}"
  label: "{{ ext | lookup('team', 'no team') }}"
skip_when: [{when: ext == '999', because: the base skips it}]
call:
  clientUniqueId: 'base-{{ stem }}'
  actualStart: '2026-01-14T10:00:00Z'
  direction: Outbound
  title: '{{ options.prefix }} {{ label }}'
  primaryUser: '{{ host.user_id }}'
  parties: [{userId: '{{ host.user_id }}', mediaChannelId: '{{ options.agent_channel if media.channels == 2 }}'}]
"""


def extending(folder: Path, text: str, **options: str | int) -> Mapping:
    """The mapping own.yaml, which extends base.yaml beside it."""
    (folder / "base.yaml").write_text(BASE, encoding="utf-8")
    (folder / "own.yaml").write_text("extends: base\n" + text, encoding="utf-8")
    return load_mapping(folder / "own.yaml", options)


def fields(mapping: Mapping, key: str = "201-18005550101.wav") -> dict[str, object]:
    """The call that the mapping makes of a name."""
    found = compose(mapping, key)
    assert found.draft is not None
    return found.draft.to_json()


def test_what_is_not_written_is_as_in_the_extended_mapping(tmp_path: Path) -> None:
    mapping = extending(tmp_path, "")
    assert (mapping.name, mapping.about, mapping.extends) == ("own", "The base.", ("base",))
    assert fields(mapping)["title"] == "A Sales"


def test_call_fields_are_replaced_one_by_one_and_parties_as_a_whole(tmp_path: Path) -> None:
    text = (
        "call: {title: '', purpose: checked, parties: [{userId: '{{ host.user_id }}'}, {phoneNumber: '{{ number }}'}]}"
    )
    call = fields(extending(tmp_path, text))
    assert "title" not in call
    assert (call["purpose"], call["clientUniqueId"]) == ("checked", "base-201-18005550101")
    assert call["parties"] == [{"userId": "7201"}, {"phoneNumber": "18005550101"}]


def test_tables_are_merged_row_by_row(tmp_path: Path) -> None:
    mapping = extending(tmp_path, "tables: {team: {'202': Service}, other: {}}")
    assert [fields(mapping, f"{ext}-1.wav")["title"] for ext in ("201", "202")] == ["A Sales", "A Service"]


def test_a_replaced_name_keeps_its_place_and_a_new_one_stands_before_the_next_replaced_one(tmp_path: Path) -> None:
    text = 'let: {short: "{{ host.email | upper }}", label: "{{ short }}", after: "{{ label }}!"}\n'
    mapping = extending(tmp_path, text + "call: {purpose: '{{ after }}'}")
    assert fields(mapping)["title"] == "A AGENT-201@EXAMPLE.COM"
    assert fields(mapping)["purpose"] == "AGENT-201@EXAMPLE.COM!"


def test_own_patterns_are_tried_before_those_of_the_extended_mapping(tmp_path: Path) -> None:
    text = "match: [{stem: '^(?P<ext>201)-', set: {number: '+15550100199'}}]\ncall: {purpose: '{{ number }}'}"
    mapping = extending(tmp_path, text)
    assert [fields(mapping, f"{ext}-1.wav")["purpose"] for ext in ("201", "202")] == ["+15550100199", "1"]


def test_lists_are_joined_unless_replace_names_them(tmp_path: Path) -> None:
    rule = "skip_when: [{when: ext == '201', because: ours}]\n"
    joined, alone = extending(tmp_path, rule), extending(tmp_path, rule + "replace: [skip_when]")
    reasons = [compose(mapping, f"{ext}-1.wav").skip_reason for mapping in (joined,) for ext in ("201", "999")]
    assert reasons == ["ours", "the base skips it"]
    assert compose(alone, "201-1.wav").skip_reason == "ours"
    with pytest.raises(Exception, match="extension '999' is nobody"):  # no rule skips it any more
        compose(alone, "999-1.wav")


def test_options_are_those_of_the_mapping_unless_the_source_sets_them(tmp_path: Path) -> None:
    assert fields(extending(tmp_path, "options: {prefix: B}"))["title"] == "B Sales"
    assert fields(extending(tmp_path, "options: {prefix: B}", prefix="C"))["title"] == "C Sales"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"prefx": "C"}, "options.prefx: there is no option 'prefx'; did you mean 'prefix'?"),
        ({"agent_channel": "1"}, "options.agent_channel: expected a number (the mapping's default is 0), found text"),
        ({"prefix": True}, 'options.prefix: expected text (the mapping\'s default is "A"), found true or false'),
    ],
)
def test_an_option_that_cannot_be_set_is_refused_with_its_cure(
    tmp_path: Path, options: dict[str, str | int], problem: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        extending(tmp_path, "", **options)
    assert refusal.value.problems == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("call: {purpose: '{{ nobody }}'}", "own.yaml:2:17: call.purpose: there is no fact 'nobody'"),
        ("call: {purpose: '{{ options.prefx }}'}", "own.yaml:2:17: call.purpose: there is no option 'prefx'"),
        ("match: [{stem: '^x$'}]\nreplace: [match]", "base.yaml:8:9: let.host: there is no fact 'ext'"),
        ("let: 7", "own.yaml:2:6: let: it is joined with that of base: expected keys and values, as there"),
        ("match: x", "own.yaml:2:8: match: it is joined with that of base: expected a list, as there"),
        ("replace: [title]", "own.yaml:2:11: replace[#1]: write 'match', 'placeholders'"),
        ("wait: 5m", "own.yaml:2:1: wait: unknown key 'wait'"),
    ],
)
def test_a_mistake_names_the_file_in_which_it_is_written(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        extending(tmp_path, text)
    assert refusal.value.problems[0].startswith(f"{tmp_path}/{problem}")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("frepbx", "there is no mapping 'frepbx'; did you mean 'freepbx'?"),
        ("own", "'own' leads back to this file; extend a mapping of another name"),
    ],
)
def test_a_mapping_that_cannot_be_extended_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "own.yaml").write_text(f"extends: {name}\n")
    with pytest.raises(ConfigError) as refusal:
        load_mapping(tmp_path / "own.yaml")
    assert refusal.value.problems == [f"{tmp_path}/own.yaml:1:10: extends: {problem}"]


def test_replace_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("replace: [match]\nabout: x\n")
    with pytest.raises(ConfigError, match="there is nothing to replace without `extends`"):
        load_mapping(tmp_path / "own.yaml")


@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_can_be_extended_by_a_file_of_its_own_name(tmp_path: Path, path: Path) -> None:
    own = tmp_path / path.name
    own.write_text(f"extends: {path.stem}\nabout: ours\n")
    mapping = load_mapping(own)
    assert (mapping.name, mapping.about, mapping.files[:2]) == (path.stem, "ours", (own, path))
