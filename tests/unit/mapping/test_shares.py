"""share_with: whom a mapping names becomes Gong users, nobody twice; who is unknown is said and stops nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gong_bridge.errors import BadMetadata, ConfigError
from gong_bridge.mapping.engine import Composition
from gong_bridge.mapping.trial import NamesOnly, Outcome, Tally

from .scenes import AGENTS, BODY, COMPANY, NOW, compose, mapping_of

MAPPING = """
about: A test's.
extends: sidecar-json
match: [{{stem: '^(?P<team>[a-z]+)-[0-9]+$'}}]
share_with: {share_with}
"""


def composed(folder: Path, share_with: str) -> Composition:
    mapping = mapping_of(folder, MAPPING.format(share_with=share_with))
    return compose(mapping, "sales-1.wav", files={"sales-1.json": json.dumps(BODY).encode()})


def shared(folder: Path, share_with: str) -> list[str]:
    return [share.kept_as for share in composed(folder, share_with).share_with]


@pytest.mark.parametrize(
    ("share_with", "ids"),
    [
        ("['202']", ["7202"]),
        ("[agent-203@example.com]", ["7203"]),
        ("[Sales-202@example.com]", ["7202"]),
        ("['7203', 202, agent-202@example.com]", ["7203", "7202"]),
        ("[first.login, '201']", []),
        ('\'{{ ["202", ["203"], ""] }}\'', ["7202", "7203"]),
        ("[' ', '{{ none }}']", []),
        ("[{who: '202', when: team == 'sales'}, {who: '203', when: team == 'service'}]", ["7202"]),
        ("[{each: '{{ [\"203\", \"202\"] }}', when: item != '203', who: '{{ item }}'}]", ["7202"]),
    ],
)
def test_people_are_found_as_the_primary_user_is_and_the_call_s_own_is_left_out(
    tmp_path: Path, share_with: str, ids: list[str]
) -> None:
    assert shared(tmp_path, share_with) == ids


def test_somebody_unknown_is_kept_in_the_mapping_s_words_with_a_remark(tmp_path: Path) -> None:
    made = composed(tmp_path, "['299', '204', '202']")
    assert [(share.kept_as, share.shown_as) for share in made.share_with] == [
        ("299", "299"), ("204", "204"), ("7202", "agent-202@example.com"),
    ]  # fmt: skip
    assert [remark.partition("; ")[0] for remark in made.warnings] == [
        "share_with: extension '299' is nobody in agents.csv or Gong",
        "share_with: extension '204' is left@example.com by line 4 of agents.csv, but no Gong user has that e-mail "
        "address",
    ]
    assert made.draft is not None


def test_somebody_who_is_not_active_gets_a_remark(tmp_path: Path) -> None:
    made = composed(tmp_path, "['206']")
    assert made.warnings == ("share_with: agent-206@example.com is not active in Gong, and cannot open the call",)


@pytest.mark.parametrize(
    ("share_with", "said"),
    [
        ("['{{ true }}']", "share_with[0]: True is nobody; name people by e-mail address"),
        (f"[{'x' * 300}]", "share_with: a text of 300 characters is nobody's"),
        ("'{{ sidecar.parties }}'", "share_with[0]: {'emailAddress': 'agent-201@example.com'} is nobody"),
    ],
)
def test_what_can_be_nobody_holds_the_recording_and_names_the_place(tmp_path: Path, share_with: str, said: str) -> None:
    with pytest.raises(BadMetadata) as held:
        composed(tmp_path, share_with)
    assert held.value.message.startswith(said)


@pytest.mark.parametrize(
    ("share_with", "said"),
    [
        ("[{when: true}]", "share_with[#1]"),
        ("[{who: '202', whom: '203'}]", "whom"),
        ("['{{ leed }}']", "share_with[#1]: there is no fact 'leed'"),
        ("[{who: '{{ item }}'}]", "share_with[#1].who: there is no fact 'item'"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path: Path, share_with: str, said: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        composed(tmp_path, share_with)
    assert said in str(wrong.value)


def test_an_extending_mapping_adds_people_unless_it_replaces_them(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("about: A base.\nextends: sidecar-json\nshare_with: ['202']\n")
    for replace, ids in (("[]", ["7203", "7202"]), ("[share_with]", ["7203"])):
        mapping = mapping_of(tmp_path, f"extends: base\nreplace: {replace}\nshare_with: ['203']\n")
        made = compose(mapping, "a.wav", files={"a.json": json.dumps(BODY).encode()})
        assert [share.kept_as for share in made.share_with] == ids


def test_a_trial_counts_with_whom_calls_would_be_shared_and_takes_addresses_for_users(tmp_path: Path) -> None:
    mapping = mapping_of(
        tmp_path,
        "about: Names.\nmatch: [{stem: '^(?P<ext>[0-9]+)-(?P<number>[0-9]+)$'}]\n"
        "let: {host: \"{{ ext | agent('extension') }}\"}\nshare_with: [lead@example.com, '299']\n"
        "call: {clientUniqueId: '{{ stem }}', actualStart: '2026-01-14T10:00:00Z', direction: Inbound,\n"
        "  primaryUser: '{{ host.user_id }}', parties: [{userId: '{{ host.user_id }}'}]}\n",
    )
    names = NamesOnly(mapping=mapping, source="pbx", company=COMPANY, agents=AGENTS, now=NOW)
    tally = Tally()
    outcomes: list[Outcome] = [names.look(f"201-8005550{number}.wav") for number in (101, 102)]
    for outcome in outcomes:
        tally.add(outcome)
    assert tally.shared == {"lead@example.com": 2}
    assert [(cause.count, cause.reason.partition("; ")[0]) for cause in tally.causes()] == [
        (2, "share_with: extension '299' is nobody in agents.csv or Gong")
    ]
    assert [one["wanted"] for one in outcomes[0].to_json()["share_with"]] == ["lead@example.com", "299"]
