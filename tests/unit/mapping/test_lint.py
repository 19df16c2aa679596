"""`mapping lint` finds what loads and cannot be meant, with its place; and it never cries wolf."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gong_bridge.mapping.coverage import is_covered, matches_everything, values_of
from gong_bridge.mapping.library import mapping_files
from gong_bridge.mapping.lint import lint

SOUND = r"""
about: Names with date, extension, number and direction.
match:
  - stem: '^(?P<when>\d{14})_(?P<ext>\d+)_(?P<number>[^_]*)_(?P<way>in|out)$'
tables:
  direction: {in: Inbound, out: Outbound}
let:
  host: "{{ ext | agent('extension') }}"
call:
  clientUniqueId: "own-{{ when }}-{{ ext }}"
  actualStart: "{{ when | time('%Y%m%d%H%M%S') }}"
  direction: "{{ way | lookup('direction') }}"
  primaryUser: "{{ host.user_id }}"
  parties:
    - userId: "{{ host.user_id }}"
    - phoneNumber: "{{ number | phone }}"
"""


def findings(tmp_path: Path, *changes: tuple[str, str]) -> list[str]:
    """`level line key: text` of what lint finds in the sound mapping after each change."""
    text = SOUND.lstrip()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return [f"{one.level} {one.place.split(':')[-2]} {one.key}: {one.text}" for one in lint(path)]


@pytest.mark.parametrize("name", mapping_files(None))
def test_every_shipped_mapping_has_nothing_to_mend(name: str) -> None:
    assert [str(one) for one in lint(mapping_files(None)[name])] == []


def test_a_sound_mapping_has_nothing_to_mend(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


PATTERN = r"""  - stem: '^(?P<when>\d{14})_(?P<ext>\d+)_(?P<number>[^_]*)_(?P<way>in|out)$'"""
CASES = {
    "a pattern behind a wider one of the same kind": (
        [(PATTERN, r"  - stem: '^(?P<when>\d{14})_(?P<ext>\w+)_(?P<number>.*)_(?P<way>in|out)$'" + "\n" + PATTERN)],
        "error 4 match[#2].stem: no name ever comes to this pattern: pattern #1 matches everything",
    ),
    "a pattern behind one that takes every name": (
        [(PATTERN, "  - name: '^.*$'\n" + PATTERN)],
        "error 4 match[#2].stem: no name ever comes to this pattern: pattern #1",
    ),
    "a pattern that two others cover together": (
        [(PATTERN, "  - stem: '_in$'\n  - stem: '_out$'\n" + PATTERN)],
        "error 5 match[#3].stem: no name ever comes to this pattern: one of the patterns above it",
    ),
    "a pattern without an end": (
        [("in|out)$'", "in|out)'")],
        "warning 3 match[#1].stem: the pattern also takes names that go on behind its end",
    ),
    "a group that nothing reads": (
        [("^(?P<when>", "^(?P<node>[a-z]*)(?P<when>")],
        "warning 3 match[#1].stem: nothing reads the group node",
    ),
    "a let that nothing reads": (
        [("call:\n", "  spare: '{{ number }}'\ncall:\n")],
        "warning 8 let.spare: nothing reads spare",
    ),
    "a table that nothing looks up": (
        [("tables:\n", "tables:\n  team: {'201': Sales}\n")],
        "warning 5 tables.team: nothing looks up the table team",
    ),
    "a rule for a word that the pattern never gives": (
        [("call:\n", "skip_when:\n  - {when: way == 'internal', because: internal}\ncall:\n")],
        "warning 9 skip_when[#1].when: this can never hold",
    ),
    "a rule that always holds": (
        [("call:\n", "hold_when:\n  - {when: way != 'internal', because: internal}\ncall:\n")],
        "error 9 hold_when[#1].when: this always holds",
    ),
    "the same rule twice": (
        [("call:\n", "skip_when:\n  - {when: ext == '1', because: a}\n  - {when: ext  == '1', because: b}\ncall:\n")],
        "warning 10 skip_when[#2].when: rule #1 has the same condition",
    ),
    "a text that is compared with a number": (
        [("call:\n", "skip_when:\n  - {when: ext == 201, because: test}\ncall:\n")],
        "error 9 skip_when[#1].when: ext is text and never equals the number 201; write '201'",
    ),
    "a row of a table that Gong has no word for": (
        [("out: Outbound", "out: Outgoing")],
        "error 11 call.direction: 'Outgoing' is refused by Gong: it must be one of",
    ),
    "a branch of a choice that Gong has no word for": (
        [("{{ way | lookup('direction') }}", "{{ 'Inbound' if way == 'in' else 'outbound' }}")],
        "error 11 call.direction: 'outbound' is refused by Gong",
    ),
    "a channel that Gong does not know": (
        [("    - phoneNumber", "      mediaChannelId: 2\n    - phoneNumber")],
        "error 15 call.parties[#1].mediaChannelId: 2 is refused by Gong: it must be at most 1",
    ),
    "a constant that is too long": (
        [("  primaryUser", f"  purpose: {'x' * 256}\n  primaryUser")],
        "error 12 call.purpose: ",
    ),
    "a text around a value that is too long": (
        [("  primaryUser", "  purpose: '" + "x" * 256 + "{{ ext }}'\n  primaryUser")],
        "error 12 call.purpose: the text that stands here is refused by Gong: it has more than 255 characters",
    ),
    "a language that Gong does not know": (
        [("  primaryUser", "  languageCode: en-XX\n  primaryUser")],
        "error 12 call.languageCode: 'en-XX' is refused by Gong",
    ),
    "an id that is the same for all": (
        [('"own-{{ when }}-{{ ext }}"', "'own-{{ source }}'")],
        "error 9 call.clientUniqueId: it is the same for every recording",
    ),
    "an id with the folder in it": (
        [("own-{{ when }}", "own-{{ folder }}-{{ when }}")],
        "warning 9 call.clientUniqueId: it depends on folder",
    ),
    "an id with the file's ending in it": (
        [("own-{{ when }}", "own-{{ name }}")],
        "warning 9 call.clientUniqueId: it depends on name",
    ),
    "an id that many recordings may share": (
        [('"own-{{ when }}-{{ ext }}"', "\"own-{{ number | default('none') }}\"")],
        "error 9 call.clientUniqueId: where its value is missing",
    ),
    "a date without a time of day": (
        [("%Y%m%d%H%M%S", "%Y%m%d")],
        "error 10 call.actualStart: the format '%Y%m%d' has no time of day",
    ),
    "twelve hours without AM and PM": (
        [("%Y%m%d%H%M%S", "%Y%m%d%I%M%S")],
        "error 10 call.actualStart: the format '%Y%m%d%I%M%S' reads twelve hours without %p",
    ),
    "a time that is never read": (
        [("{{ when | time('%Y%m%d%H%M%S') }}", "{{ when }}")],
        "warning 10 call.actualStart: when goes to Gong as it is written in the name",
    ),
    "a time that is made up": (
        [("{{ when | time('%Y%m%d%H%M%S') }}", "{{ when | time('%Y%m%d%H%M%S') | default('2026-01-01T00:00:00Z') }}")],
        "error 10 call.actualStart: it can be a constant",
    ),
    "the time of the file": (
        [("{{ when | time('%Y%m%d%H%M%S') }}", "{{ modified_at }}")],
        "warning 10 call.actualStart: the time of the file",
    ),
    "a record of a CRM that Gong does not know": (
        [
            (
                "  parties:\n",
                "  context: [{system: Sugar, objects: [{objectType: Deal, objectId: x}]}]\n  parties:\n",
            ),
        ],
        "error 13 call.context[#1].system: 'Sugar' is refused by Gong",
    ),
    "a kind of record that Gong does not know": (
        [
            (
                "  parties:\n",
                "  context: [{system: Generic, objects: [{objectType: Deal, objectId: x}]}]\n  parties:\n",
            ),
        ],
        "error 13 call.context[#1].objects[#1].objectType: 'Deal' is refused by Gong",
    ),
    "a kind of record that is none of a person": (
        [
            (
                "    - userId:",
                "    - context: [{system: Generic, objects: [{objectType: Partner, objectId: x}]}]\n      userId:",
            )
        ],
        "error 14 call.parties[#1].context[#1].objects[#1].objectType: 'Partner' is refused by Gong",
    ),
    "a call without its host": (
        [('    - userId: "{{ host.user_id }}"\n', "")],
        "error 14 call.parties: none of them is the primaryUser",
    ),
    "people to share with in one text": (
        [("call:\n", "share_with: ['lead@example.com, 203']\ncall:\n")],
        "error 8 share_with[#1]: 'lead@example.com, 203' names several people in one text",
    ),
    "an address that is none": (
        [("call:\n", "share_with: [{who: lead@example}]\ncall:\n")],
        "error 8 share_with[#1].who: 'lead@example' is no e-mail address",
    ),
    "people to share with who would hold the recording": (
        [("call:\n", "share_with: ['{{ ext | agent }}']\ncall:\n")],
        "error 8 share_with[#1]: | agent holds a recording before it is sent",
    ),
    "a sidecar with the ending of recordings": (
        [
            ("call:\n", "sidecar: {format: json, find: [{append: .wav}]}\ncall:\n"),
            ("phone }}", "phone }}{{ sidecar }}"),
        ],
        "error 8 sidecar.find[#1].append: names that end in .wav are recordings",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_meant_is_named_with_its_line_and_a_cure(case: str, tmp_path: Path) -> None:
    changes, expected = CASES[case]
    found = findings(tmp_path, *changes)
    assert any(one.startswith(expected) for one in found), found


def test_a_pattern_is_unreachable_only_when_it_is_proved() -> None:
    """Narrower first is right; another part of the name, look-ahead and case-blind patterns prove nothing."""
    assert not is_covered(r"^a.*$", [r"^a\d+$"], with_slash=False)
    assert not is_covered(r"^a\d+$", [r"^a(?!1)\d+$"], with_slash=False)
    assert not is_covered(r"^[ab]$", [r"(?i)^[ab]$"], with_slash=False)
    assert not is_covered(r"^a\d{1,9}$", [r"^a\d{1,8}$"], with_slash=False)
    assert is_covered(r"^a\d{1,8}$", [r"^a\d{1,9}$"], with_slash=False)
    assert is_covered(r"^x", [r"^[^/]+$"], with_slash=False)
    assert not is_covered(r"^x", [r"^[^/]+$"], with_slash=True)
    assert matches_everything(".*")
    assert not matches_everything("^.+$")


PIECES = st.sampled_from(
    ["a", "b", "ab", r"\d", r"\d+", ".", ".*", "[ab]+", "[^a]*", "(?:a|b1)", "a?", r"\w{1,2}", "$", "^"]
)
PATTERNS = st.lists(PIECES, min_size=1, max_size=5).map("".join)


@settings(max_examples=150, deadline=None)
@given(PATTERNS, PATTERNS, st.lists(st.text("ab1\n-", max_size=6), max_size=30))
def test_a_proof_is_never_wrong(later: str, earlier: str, names: list[str]) -> None:
    """Whenever the earlier pattern is said to take everything, every name that the later one takes is its own."""
    if is_covered(later, [earlier], with_slash=True):
        for name in names:
            assert not re.search(later, name, re.DOTALL) or re.search(earlier, name, re.DOTALL), name


def test_what_a_group_can_hold_is_listed_only_when_it_is_little() -> None:
    pattern = r"^(?P<way>in|out)-(?P<leg>[ab]?)-(?P<number>\d+)$"
    assert values_of(pattern, "way") == {"in", "out"}
    assert values_of(pattern, "leg") == {"", "a", "b"}
    assert values_of(pattern, "number") is None
