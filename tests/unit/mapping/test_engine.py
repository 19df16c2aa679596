"""A mapping asks only for what it needs, says where every value came from, and survives whatever a name holds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gong_bridge.errors import BadMetadata, NotYetComplete
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.library import shipped_folder
from gong_bridge.model import ObjectFacts
from tests.unit.mapping.scenes import BODY, compose, mapping_of, media

FREEPBX = load_mapping(shipped_folder() / "freepbx.yaml")
CONNECT = load_mapping(shipped_folder() / "amazon-connect.yaml")
SIDECAR_JSON = load_mapping(shipped_folder() / "sidecar-json.yaml")

PBX_KEY = "2024/03/12/out-8005550100-201-20240312-101500-1710252900.45.wav"
CONTACT = "6fe40d2a-1a89-4d73-bfcf-5d9c33894f47"
CONNECT_KEY = f"connect/x/CallRecordings/2022/01/05/{CONTACT}_20220105T17:20_UTC.wav"
RECORD = json.dumps(
    {
        "ContactId": CONTACT,
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2022-01-05T17:12:59Z",
        "Agent": {"Username": "first.login"},
        "CustomerEndpoint": {"Address": "+18005550101"},
    }
).encode()
OWN = """about: ours
match:
  - name: '^(?P<kind>[a-z]+)-(?P<ext>\\d+)-(?P<other>.*)\\.wav$'
skip_when:
  - {when: kind == 'test', because: "a test call of {{ ext }}"}
sidecar:
  format: json
  find: [{append: .json}]
  when_missing: skip
hold_when:
  - {when: "sidecar.broken | default(false)", because: the recorder says that it is broken}
internal_calls: {when: other | is_extension, policy: Conference}
call:
  clientUniqueId: "{{ name }}"
  actualStart: "{{ modified_at }}"
  direction: Outbound
  title: "{{ other }}"
  primaryUser: "{{ (ext | agent).user_id }}"
  parties:
    - userId: "{{ (ext | agent).user_id }}"
    - {when: other | is_phone, phoneNumber: "{{ other | phone }}"}
"""


def test_every_field_says_where_it_came_from() -> None:
    assert compose(FREEPBX, PBX_KEY).origins == {
        "clientUniqueId": "file name: uniqueid, kind, dest, from",
        "actualStart": "file name: epoch",
        "direction": "file name: kind",
        "parties[0].userId": "file name: from (looked up in agents.csv and Gong)",
        "parties[0].emailAddress": "file name: from (looked up in agents.csv and Gong)",
        "parties[0].name": "file name: from (looked up in agents.csv and Gong)",
        "parties[1].phoneNumber": "file name: dest",
        "primaryUser": "file name: from (looked up in agents.csv and Gong)",
        "title": "file name: dest",
        "duration": "media: duration_seconds",
        "customData": "file name: uniqueid, kind",
    }


def test_the_origins_of_a_sidecar_name_its_fields_and_what_was_filled_in() -> None:
    body = {**BODY, "speakersTimeline": {"precise": True}}

    assert compose(SIDECAR_JSON, files={"calls/a.json": json.dumps(body).encode()}).origins == {
        "clientUniqueId": "media: fingerprint; sidecar",
        "actualStart": "sidecar: actualStart",
        "direction": "sidecar: direction",
        "primaryUser": "sidecar: primaryUser (looked up in agents.csv and Gong)",
        "parties[0].emailAddress": "sidecar: parties[0].emailAddress",
        "parties[0].userId": "Gong users: by parties[0].emailAddress",
        "parties[1].phoneNumber": "sidecar: parties[1].phoneNumber",
        "speakersTimeline.precise": "sidecar: speakersTimeline.precise",
        "duration": "media: duration_seconds",
    }


def test_the_default_that_was_taken_is_the_origin() -> None:
    facts = ObjectFacts(metadata={"agent": "201"}, tags={"customer": "8005550101"})

    origins = compose(CONNECT, CONNECT_KEY, describe=lambda: facts).origins

    assert origins["primaryUser"] == "object metadata: agent (looked up in agents.csv and Gong)"
    assert origins["parties[1].phoneNumber"] == "object tag: customer"
    assert origins["actualStart"] == "file name: date, hour, minute"


def test_object_facts_are_not_asked_for_when_the_record_says_everything() -> None:
    def describe() -> ObjectFacts:
        raise AssertionError("asked for object facts")

    found = compose(CONNECT, CONNECT_KEY, files={CONNECT_KEY[:-4] + ".json": RECORD}, describe=describe)

    assert found.draft is not None
    assert CONNECT.needs_object_facts
    assert not FREEPBX.needs_object_facts


def test_a_skipped_recording_waits_for_no_sidecar(tmp_path: Path) -> None:
    found = compose(mapping_of(tmp_path, OWN), "test-201-x.wav", age_seconds=1)

    assert (found.draft, found.skip_reason) == (None, "a test call of 201")


def test_a_missing_sidecar_skips_when_the_mapping_says_so(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, OWN)

    with pytest.raises(NotYetComplete):
        compose(mapping, "call-201-x.wav", age_seconds=1)
    assert str(compose(mapping, "call-201-x.wav").skip_reason).startswith("no sidecar came within 600 s")


def test_hold_when_holds_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(BadMetadata, match="the recorder says that it is broken"):
        compose(mapping_of(tmp_path, OWN), "call-201-x.wav", files={"call-201-x.wav.json": b'{"broken": true}'})


def test_an_internal_call_gets_the_direction_of_the_policy(tmp_path: Path) -> None:
    mapping = mapping_of(tmp_path, OWN)

    inside = compose(mapping, "call-201-202.wav", files={"call-201-202.wav.json": b"{}"})
    outside = compose(mapping, "call-201-8005550101.wav", files={"call-201-8005550101.wav.json": b"{}"})

    assert inside.draft is not None
    assert outside.draft is not None
    assert (inside.draft.direction, outside.draft.direction) == ("Conference", "Outbound")
    assert inside.origins["direction"] == "mapping: internal_calls.policy Conference"
    assert outside.origins["direction"] == "mapping: constant"
    assert [party.phone_number for party in outside.draft.parties] == [None, "+18005550101"]


@pytest.mark.parametrize(
    "other",
    ["\"; rm -rf . #'", "a\nb\tc", "{{ 7 * 7 }}", "..", "\udcff\udcfe", "\x07\x1b[31m", "ü" * 200, "-rf", "%00"],
)
def test_a_hostile_name_is_only_text(tmp_path: Path, other: str) -> None:
    key = f"call-201-{other}.wav"

    found = compose(mapping_of(tmp_path, OWN), key, files={key + ".json": b"{}"})

    assert found.draft is not None
    sent = json.dumps(found.draft.to_json(), ensure_ascii=False).encode("utf-8")
    assert b"49" not in sent.split(b'"title"')[1]
    assert found.draft.title is not None
    assert all(character.isprintable() or character in "\n\t" for character in found.draft.title)


def test_facts_for_explain_hold_what_was_known(tmp_path: Path) -> None:
    facts = compose(mapping_of(tmp_path, OWN), "calls/call-201-x.wav", files={"calls/call-201-x.wav.json": b"{}"}).facts

    assert (facts["kind"], facts["ext"], facts["other"]) == ("call", "201", "x")
    assert (facts["folder"], facts["stem"], facts["extension"]) == ("calls", "call-201-x", "wav")
    assert facts["sidecar"] == {}
    assert "object" not in facts
    assert not any(name.startswith("_") for name in facts)


def test_R11_a_converted_or_moved_recording_is_the_same_call_and_another_leg_is_not() -> None:
    keys = [
        PBX_KEY,
        "archive/" + PBX_KEY.rpartition("/")[2].replace(".wav", ".mp3"),
        PBX_KEY.replace("out-8005550100-201", "external-201-8005550100"),
    ]
    ids = [draft.client_unique_id for key in keys if (draft := compose(FREEPBX, key).draft)]

    assert ids[0] == ids[1]
    assert ids[0] != ids[2]
    assert "8005550100" not in ids[0]


@pytest.mark.parametrize(
    ("mapping", "key", "files"),
    [
        (FREEPBX, PBX_KEY, {}),
        (CONNECT, CONNECT_KEY, {CONNECT_KEY[:-4] + ".json": RECORD}),
        (SIDECAR_JSON, "calls/a.wav", {"calls/a.json": json.dumps(BODY).encode()}),
    ],
    ids=["freepbx", "amazon-connect", "sidecar-json"],
)
def test_a_recording_is_composed_in_two_milliseconds(mapping: Mapping, key: str, files: dict[str, bytes]) -> None:
    """The median of many, so that a busy machine does not matter."""
    times = []
    for _ in range(101):
        started = time.process_time()
        compose(mapping, key, files=files, info=media(channels=2))
        times.append(time.process_time() - started)

    assert sorted(times)[50] < 0.002
