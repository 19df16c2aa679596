"""POST /v2/calls of the sandbox against Gong's specification: every field taken, every documented refusal refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gong_bridge.sandbox import request_shapes
from gong_bridge.sandbox.new_call import LANGUAGE_CODES, NEW_CALL
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.sandbox.shapes import Choice, ListOf, Number, Shape, Text, Thing
from tests.contract.gong_specification import SCHEMAS, check_answer, only_with_specification
from tests.sandbox_requests import (
    HOST_ID,
    INACTIVE_ID,
    NOT_IMPORTED_ID,
    client_of,
    full_call,
    new_call,
)

pytestmark = only_with_specification


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


def timeline_call(**segment: Any) -> dict[str, Any]:
    """A call with speakersTimeline: two parties, one segment with changes."""
    speech = {"fromTime": 5100, "toTime": 24000, "partyIds": ["1", "2"], **segment}
    return new_call(
        parties=[{"userId": HOST_ID, "partyId": "1"}, {"phoneNumber": "+15550100", "partyId": "2"}],
        speakersTimeline={"precise": True, "speechSegments": [speech]},
    )


def test_every_property_of_a_new_call_is_accepted(client: httpx.Client) -> None:
    full = full_call()
    linked = new_call(clientUniqueId="2", downloadMediaUrl="https://bucket.example.com/a.wav?signature=1")
    spoken = {**timeline_call(), "clientUniqueId": "3"}
    for body in (full, linked, spoken):
        answer = client.post("/v2/calls", json=body)
        assert answer.status_code == 200, answer.text
    assert set(full) | set(linked) | set(spoken) == set(SCHEMAS["NewCallAddingRequest"]["properties"])
    parties = [*full["parties"], *spoken["parties"]]
    assert {name for party in parties for name in party} == set(SCHEMAS["CallParticipant"]["properties"])


REQUESTS = {
    "NewCallAddingRequest": NEW_CALL,
    "PublicApiBaseRequestWithDataV2CallsRequestFilterWithOwnersContentSelector": request_shapes.EXTENSIVE,
    "PublicApiBaseRequestV2CallsFilter": request_shapes.TRANSCRIPTS,
    "PublicApiBaseRequestV2MultipleUsersRequestWithCreationDates": request_shapes.USERS,
    "PublicApiBaseRequestV2MultipleUsersWithDates": request_shapes.ACTIVITY,
    "RequestWithTimePeriod": request_shapes.ACTIVITY_BY_PERIOD,
    "PublicApiBaseRequestV2AnsweredScorecardsFilter": request_shapes.ANSWERED_SCORECARDS,
}


@pytest.mark.parametrize("schema", REQUESTS)
def test_tables_hold_exactly_the_fields_types_and_words_of_the_specification(schema: str) -> None:
    assert list(_differences(REQUESTS[schema], SCHEMAS[schema], schema)) == []


def _differences(shape: Shape, schema: dict[str, Any], where: str) -> Iterator[str]:
    schema = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if isinstance(shape, Thing):
        if set(shape.fields) != set(schema["properties"]):
            yield f"{where}: {set(shape.fields) ^ set(schema['properties'])}"
        if set(shape.required) != set(schema.get("required", ())):
            yield f"{where}: required {shape.required}"
        for name, field in shape.fields.items():
            yield from _differences(field, schema["properties"][name], f"{where}.{name}")
    elif isinstance(shape, ListOf):
        if schema["type"] != "array" or shape.at_least != schema.get("minItems", 0):
            yield f"{where}: {schema}"
        yield from _differences(shape.item, schema["items"], f"{where}[]")
    elif isinstance(shape, Choice) and not where.endswith("languageCode"):
        # contextTiming's words stand in its description alone.
        if "enum" in schema and set(shape.words) != set(schema["enum"]):
            yield f"{where}: {shape.words}"
    elif isinstance(shape, Text):
        if schema["type"] != "string" or shape.longest != schema.get("maxLength"):
            yield f"{where}: {schema}"
    elif isinstance(shape, Number) and (
        schema["type"] != ("integer" if shape.whole else "number") or shape.most != schema.get("maximum")
    ):
        yield f"{where}: {schema}"


def test_language_codes_are_those_of_the_description() -> None:
    description = SCHEMAS["NewCallAddingRequest"]["properties"]["languageCode"]["description"]
    assert ", ".join(LANGUAGE_CODES) == description.partition("Valid values are: ")[2]


@pytest.mark.parametrize("direction", ["Inbound", "Outbound", "Conference", "Unknown"])
def test_every_direction_is_accepted(client: httpx.Client, direction: str) -> None:
    assert client.post("/v2/calls", json=new_call(direction=direction)).status_code == 200


@pytest.mark.parametrize("name", ["actualStart", "clientUniqueId", "direction", "parties", "primaryUser"])
def test_a_missing_required_field_is_refused_by_name(client: httpx.Client, name: str) -> None:
    answer = client.post("/v2/calls", json=new_call(**{name: None}))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [f"{name} is required"]
    check_answer("addCall", answer)


def _party(**changes: Any) -> dict[str, Any]:
    return {"parties": [{"userId": HOST_ID}, {"phoneNumber": "+15550100", **changes}]}


def _crm(**changes: Any) -> dict[str, Any]:
    crm_object = {"objectType": "Account", "objectId": "1", **changes}
    return {"context": [{"system": "Salesforce", "objects": [crm_object]}]}


TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")
BAD_CALLS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"note": 1}, "note is not a known field"),
    "unknown field of a party": (_party(phone="1"), "parties[1].phone is not a known field"),
    "unknown field of an object": (_crm(kind="x"), "context[0].objects[0].kind is not a known field"),
    "title as a list": ({"title": []}, "title must be a string"),
    "null": (_party(name=None), "parties[1].name must be a string"),
    "no parties": ({"parties": []}, "parties must have at least 1 item"),
    "direction": ({"direction": "inbound"}, "direction must be one of Inbound, Outbound, Conference, Unknown"),
    "long id": ({"clientUniqueId": "x" * 2049}, "clientUniqueId must not be longer than 2048 characters"),
    "blank id": ({"clientUniqueId": " "}, "clientUniqueId must not be empty"),
    "long purpose": ({"purpose": "x" * 256}, "purpose must not be longer than 255 characters"),
    "long disposition": ({"disposition": "x" * 256}, "disposition must not be longer than 255 characters"),
    "channel 2": (_party(mediaChannelId=2), "parties[1].mediaChannelId must not be greater than 1"),
    "channel as text": (_party(mediaChannelId="0"), "parties[1].mediaChannelId must be an integer"),
    "start without offset": (
        {"actualStart": "2024-03-01T10:12:01"},
        "actualStart must be an ISO-8601 date and time with an offset, such as 2018-02-18T02:30:00-07:00",
    ),
    "start in the future": ({"actualStart": TOMORROW}, "actualStart must not be in the future"),
    "end before start": (
        {"scheduledStart": "2024-03-01T10:00:00Z", "scheduledEnd": "2024-03-01T10:30:00+01:00"},
        "scheduledEnd must not be before scheduledStart",
    ),
    "negative duration": ({"duration": -1}, "duration must not be less than 0"),
    "duration as text": ({"duration": "12"}, "duration must be a number"),
    "host not among the parties": (
        {"parties": [{"phoneNumber": "+15550100"}]},
        "parties must hold a party whose userId is the primaryUser",
    ),
    "stranger among the parties": (_party(userId="99"), "parties[1].userId is not a user of this company"),
    "no e-mail address": (_party(emailAddress="agent"), "parties[1].emailAddress is not an e-mail address"),
    "inactive host": (
        {"primaryUser": INACTIVE_ID, "parties": [{"userId": INACTIVE_ID}]},
        "primaryUser is not active",
    ),
    "language": ({"languageCode": "en"}, "languageCode must be one of the documented values"),
    "link": ({"downloadMediaUrl": "s3://bucket/a.wav"}, "downloadMediaUrl must be an absolute http or https URL"),
    "CRM system": (
        {"context": [{"system": "Zoho"}]},
        "context[0].system must be one of Salesforce, HubSpot, MicrosoftDynamic, Generic",
    ),
    "CRM object of a call": (
        _crm(objectType="Lead,Contact"),
        "context[0].objects[0].objectType must be one of Opportunity, Account, Lead, Contact, User, "
        "Opportunity,Account",
    ),
    "CRM object without id": (
        {"context": [{"system": "Generic", "objects": [{"objectType": "Lead"}]}]},
        "context[0].objects[0].objectId is required",
    ),
    "workspace": ({"workspaceId": "sales"}, "workspaceId must be an identifier of up to 20 digits"),
    "speaker who is nobody": (
        timeline_call(partyIds=["3"]),
        "speakersTimeline.speechSegments[0].partyIds names '3', which is no partyId within parties",
    ),
    "speech that ends before it begins": (
        timeline_call(fromTime=2, toTime=1),
        "speakersTimeline.speechSegments[0].toTime must not be before fromTime",
    ),
    "speech in fractions": (
        timeline_call(fromTime=0.5),
        "speakersTimeline.speechSegments[0].fromTime must be an integer",
    ),
    "timeline and channels": (
        {**timeline_call(), "parties": [{"userId": HOST_ID, "partyId": "1", "mediaChannelId": 0}, {"partyId": "2"}]},
        "speakersTimeline and parties.mediaChannelId are mutually exclusive",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_a_call_with_one_mistake_is_refused_with_its_name(client: httpx.Client, sandbox: Sandbox, case: str) -> None:
    changes, message = BAD_CALLS[case]
    answer = client.post("/v2/calls", json=new_call(**changes))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [message]
    assert sandbox.calls == []
    check_answer("addCall", answer)


def test_an_unknown_host_is_refused(client: httpx.Client) -> None:
    answer = client.post("/v2/calls", json=new_call(primaryUser="99", parties=[{"userId": "99"}]))
    assert answer.status_code == 400
    assert "primaryUser is not a user of this company" in answer.json()["errors"]


def test_a_host_whose_calls_are_not_imported_is_a_conflict(client: httpx.Client) -> None:
    body = new_call(primaryUser=NOT_IMPORTED_ID, parties=[{"userId": NOT_IMPORTED_ID}])
    answer = client.post("/v2/calls", json=body)
    assert answer.status_code == 409
    assert answer.json()["errors"] == ["Recording is not enabled for the primary user"]
    check_answer("addCall", answer)


def test_a_start_a_little_ahead_of_the_clock_is_accepted(client: httpx.Client) -> None:
    soon = (datetime.now(UTC) + timedelta(minutes=4)).isoformat(timespec="seconds")
    assert client.post("/v2/calls", json=new_call(actualStart=soon)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b'{"duration": NaN}'),
        ("application/json", b'{"title": "a", "title": "b"}'),
        ("application/json", b"\xff"),
        ("application/json", b"[]"),
        ("text/plain", b"{}"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(client: httpx.Client, content_type: str, body: bytes) -> None:
    answer = client.post("/v2/calls", content=body, headers={"Content-Type": content_type})
    assert answer.status_code == 400
    check_answer("addCall", answer)
