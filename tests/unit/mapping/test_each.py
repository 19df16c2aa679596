"""A list in a sidecar becomes parties, or who spoke when: one object for each of its items."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.errors import BadMetadata, ConfigError
from gong_bridge.mapping.engine import Composition

from .scenes import compose, mapping_of

CALL = """
about: A sidecar that lists everybody and every turn.
sidecar: {format: json, find: [{replace_extension: .json}]}
let:
  host: "{{ (sidecar.people | where('host', true) | first).login | agent }}"
call:
  clientUniqueId: x
  actualStart: '2026-01-14T10:00:00Z'
  direction: Conference
  primaryUser: "{{ host.user_id }}"
  parties:
    - each: sidecar.people
      when: item.talked != false
      partyId: "{{ item.id }}"
      emailAddress: "{{ (item.login | agent(otherwise='empty')).email | default }}"
      phoneNumber: "{{ item.number | default | phone }}"
  speakersTimeline:
    speechSegments:
      - each: "{{ sidecar.turns | default }}"
        fromTime: "{{ (item.start * 1000) | round | int }}"
        toTime: "{{ ((item.start + item.length) * 1000) | round | int }}"
        partyIds: ["{{ item.who }}"]
"""
PEOPLE: list[dict[str, Any]] = [
    {"id": "a", "login": "201", "host": True, "talked": True},
    {"id": "b", "login": "202", "host": False, "talked": True},
    {"id": "c", "login": "203", "host": False, "talked": False},
    {"id": "d", "login": None, "host": False, "talked": True, "number": "8005550122"},
]


def composed(folder: Path, text: str, **sidecar: Any) -> Composition:
    """What the mapping makes of a.wav with these fields in a.json."""
    return compose(mapping_of(folder, text), "a.wav", files={"a.json": json.dumps(sidecar).encode()})


def test_a_list_of_people_becomes_one_party_each(tmp_path: Path) -> None:
    found = composed(tmp_path, CALL, people=PEOPLE, turns=[{"who": "d", "start": 1.2344, "length": 2}])

    assert found.draft is not None
    assert found.draft.to_json()["parties"] == [
        {"partyId": "a", "emailAddress": "agent-201@example.com", "userId": "7201"},
        {"partyId": "b", "emailAddress": "agent-202@example.com", "userId": "7202"},
        {"partyId": "d", "phoneNumber": "+18005550122"},
    ]
    assert found.draft.to_json()["speakersTimeline"] == {
        "speechSegments": [{"fromTime": 1234, "toTime": 3234, "partyIds": ["d"]}]
    }
    assert found.origins["parties[1].partyId"] == "sidecar: people"
    assert "item" not in found.facts


def test_somebody_who_came_twice_is_one_party(tmp_path: Path) -> None:
    found = composed(tmp_path, CALL, people=[*PEOPLE, PEOPLE[1]])

    assert found.draft is not None
    assert [party.party_id for party in found.draft.parties] == ["a", "b", "d"]


def test_one_person_where_others_have_a_list_is_a_list_of_one(tmp_path: Path) -> None:
    found = composed(tmp_path, CALL, people=PEOPLE[0])

    assert found.draft is not None
    assert [party.party_id for party in found.draft.parties] == ["a"]


def test_ten_thousand_turns_take_less_than_a_second_and_more_are_refused(tmp_path: Path) -> None:
    turns = [{"who": "a", "start": 0.25 * index, "length": 0.2} for index in range(10_000)]
    begun = time.process_time()
    found = composed(tmp_path, CALL, people=PEOPLE, turns=turns)
    taken_seconds = time.process_time() - begun

    assert found.draft is not None
    assert found.draft.speakers_timeline is not None
    assert len(found.draft.speakers_timeline.speech_segments or ()) == 10_000
    assert taken_seconds < 2.0  # about 0.5 s; generous, the machine is shared
    with pytest.raises(BadMetadata, match=r"speechSegments\[0\].each: the list has 10001 items, 10000 at most"):
        composed(tmp_path, CALL, people=PEOPLE, turns=[*turns, turns[0]])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("direction: Conference", "direction: '{{ item.x }}'", "there is no fact 'item'"),
        ("let:\n", "let:\n  item: x\n", "the name 'item' is taken"),
        ("- each: sidecar.people", "- each: nobody", "there is no fact 'nobody'"),
    ],
)
def test_an_item_is_known_beside_its_each_only(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        mapping_of(tmp_path, CALL.replace(old, new, 1))


def test_an_each_inside_of_another_is_refused(tmp_path: Path) -> None:
    nested = (
        CALL
        + """
  context:
    - each: sidecar.systems
      system: Salesforce
      objects: [{each: item.objects, objectType: Account, objectId: '{{ item.id }}'}]
"""
    )
    with pytest.raises(ConfigError, match="no each inside of another each"):
        mapping_of(tmp_path, nested)
