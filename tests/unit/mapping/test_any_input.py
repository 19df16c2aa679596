"""Whatever a recorder writes, a mapping answers with a call, a skip, a wait or a hold: never with a crash."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gong_bridge.call_draft import CallDraft
from gong_bridge.errors import Held, NotYetComplete
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.library import mapping_files
from tests.unit.mapping.scenes import BODY, compose

MAPPINGS = {name: load_mapping(path) for name, path in mapping_files(None).items()}
CONTACT = "6fe40d2a-1a89-4d73-bfcf-5d9c33894f47"
CONNECT_KEY = f"CallRecordings/{CONTACT}_20220105T17:20_UTC.wav"
FIELDS = [info.alias or name for name, info in CallDraft.model_fields.items()]
RECORD_FIELDS = [
    "ContactId",
    "Channel",
    "InitiationMethod",
    "InitiationTimestamp",
    "Agent",
    "CustomerEndpoint",
    "Queue",
]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=20),
        st.sampled_from(["201", "agent-201@example.com", "7201", "2026-01-14T10:00:00Z", "+18005550101", "Inbound"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([*FIELDS, "emailAddress", "phoneNumber", "userId", "Username", "Address", "x"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


def outcome(mapping: Mapping, key: str, files: dict[str, bytes]) -> str:
    try:
        found = compose(mapping, key, files=files)
    except (Held, NotYetComplete) as error:
        return error.code
    json.dumps(found.origins)
    return "skipped" if found.draft is None else "sent"


OUTCOMES = {"sent", "skipped", "bad-metadata", "missing-sidecar", "unknown-person", "unusable-user", "not-yet-complete"}


@settings(max_examples=200, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6))
@example(changes={"parties": [None, 1, "x", []]})
@example(changes={"parties": [{"userId": 7201}, {"emailAddress": ["a"]}]})
@example(changes={"primaryUser": {"a": 1}})
@example(changes={"primaryUser": True})
@example(changes={"context": [{"system": "Generic", "objects": {"a": 1}}]})
def test_any_body_in_a_sidecar_is_sent_or_held(changes: dict[str, Any]) -> None:
    files = {"calls/a.json": json.dumps({**BODY, **changes}).encode()}

    assert outcome(MAPPINGS["sidecar-json"], "calls/a.wav", files) in OUTCOMES


@settings(max_examples=200, deadline=None)
@given(record=st.one_of(VALUES, st.dictionaries(st.sampled_from(RECORD_FIELDS), VALUES, max_size=6)))
@example(record={"Agent": {"Username": ["x"]}})
@example(record={"Agent": {"Username": "first.login"}, "CustomerEndpoint": {"Address": 5}})
@example(record={"Agent": {"Username": "first.login"}, "InitiationMethod": {"a": 1}})
def test_any_contact_record_is_sent_skipped_or_held(record: Any) -> None:
    files = {CONNECT_KEY[:-4] + ".json": json.dumps(record).encode()}

    assert outcome(MAPPINGS["amazon-connect"], CONNECT_KEY, files) in OUTCOMES


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(["out", "in", "external", "internal", "exten", "q", "rg", "force", "ondemand", "8000"]),
    dest=st.text(max_size=12),
    caller=st.text(max_size=40),
    stamp=st.from_regex(r"[0-9]{8}-[0-9]{6}-[0-9]{9,11}\.[0-9]{1,5}", fullmatch=True),
)
@example(kind="out", dest="8005550101", caller="201", stamp="00000000-000000-99999999999.1")
@example(kind="external", dest="201", caller="\ud800", stamp="20240230-101500-1710252900.45")
def test_any_name_of_freepbx_is_sent_skipped_or_held(kind: str, dest: str, caller: str, stamp: str) -> None:
    assert outcome(MAPPINGS["freepbx"], f"{kind}-{dest}-{caller}-{stamp}.wav", {}) in OUTCOMES


@pytest.mark.parametrize("name", MAPPINGS)
@pytest.mark.parametrize("key", ["", "/", ".wav", "a", "a/", "x" * 1024, "x" * 5000, "\n", "..", "\udcff.wav"])
def test_any_key_has_an_outcome(name: str, key: str) -> None:
    assert outcome(MAPPINGS[name], key, {}) in OUTCOMES
