"""The sandbox against Gong's specification: every answer valid, every field taken, every documented refusal refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from gong_bridge.sandbox.extensive import EXTENSIVE
from gong_bridge.sandbox.new_call import LANGUAGE_CODES, NEW_CALL
from gong_bridge.sandbox.options import OPERATIONS, Fault
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.sandbox.shapes import Choice, ListOf, Number, Shape, Text, Thing
from tests.sandbox_requests import (
    HOST_ID,
    INACTIVE_ID,
    NOT_IMPORTED_ID,
    add_call,
    as_media_file,
    client_of,
    new_call,
    wav_bytes,
)

SPECIFICATION_PATH = Path(__file__).resolve().parents[2].parent / "shared" / "gong-api-v2-openapi.json"
pytestmark = pytest.mark.skipif(
    not SPECIFICATION_PATH.exists(), reason="Gong's specification (../shared/gong-api-v2-openapi.json) is not here"
)
SPECIFICATION: dict[str, Any] = json.loads(SPECIFICATION_PATH.read_text()) if SPECIFICATION_PATH.exists() else {}
SCHEMAS: dict[str, Any] = SPECIFICATION.get("components", {}).get("schemas", {})
OFFICE_HOURS = {"fromDateTime": "2024-03-01T00:00:00Z", "toDateTime": "2024-03-02T00:00:00Z"}

WRONG_KEYS_ANSWER_401 = {("listUsers", 401)}
"""listUsers documents 403 alone; wrong keys get 401 from the sandbox there as everywhere, 403 by option."""


def check_answer(operation: str, answer: httpx.Response) -> None:
    """The status is documented for the operation, the body fits that status's schema and has a field beyond it."""
    documented = _operation(operation)["responses"]
    assert str(answer.status_code) in documented or (operation, answer.status_code) in WRONG_KEYS_ANSWER_401
    reference = documented.get(str(answer.status_code), documented["400"])
    schema_name = reference["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert answer.headers["content-type"] == "application/json"
    registry: Registry[Any] = Registry().with_resource("urn:gong", DRAFT202012.create_resource(SPECIFICATION))
    schema = {"$ref": f"urn:gong#/components/schemas/{schema_name}"}
    Draft202012Validator(schema, registry=registry).validate(answer.json())
    assert re.fullmatch(r"[0-9a-z]{20}", answer.json()["requestId"])
    assert set(answer.json()) - set(SCHEMAS[schema_name]["properties"]), "no field that a client must ignore"
    if schema_name == "ErrorResponse":
        assert answer.json()["errors"]


def _operation(operation: str) -> dict[str, Any]:
    for methods in SPECIFICATION["paths"].values():
        for described in methods.values():
            if isinstance(described, dict) and described.get("operationId") == operation:
                return described
    raise LookupError(operation)


def send(client: httpx.Client, operation: str, call_id: str = "123") -> httpx.Response:
    """One right request of the operation, about `call_id` where it is about a call."""
    requests: dict[str, Callable[[], httpx.Response]] = {
        "listUsers": lambda: client.get("/v2/users"),
        "getUser": lambda: client.get(f"/v2/users/{HOST_ID}"),
        "addCall": lambda: client.post("/v2/calls", json=new_call(clientUniqueId="another")),
        "addCallRecording": lambda: client.put(f"/v2/calls/{call_id}/media", files=as_media_file(wav_bytes())),
        "listCalls": lambda: client.get("/v2/calls", params=OFFICE_HOURS),
        "getCall": lambda: client.get(f"/v2/calls/{call_id}"),
        "listCallsExtensive": lambda: client.post(
            "/v2/calls/extensive",
            json={
                "filter": {"callIds": [call_id]},
                "contentSelector": {"exposedFields": {"media": True, "parties": True}},
            },
        ),
    }
    assert set(requests) == set(OPERATIONS)
    return requests[operation]()


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


@pytest.mark.parametrize("operation", OPERATIONS)
def test_success_of_every_operation_is_as_specified(client: httpx.Client, operation: str) -> None:
    call_id = add_call(client, **full_call())
    client.put(f"/v2/calls/{call_id}/media", files=as_media_file(wav_bytes()))
    answer = send(client, operation, call_id)
    assert answer.status_code == (201 if operation == "addCallRecording" else 200)
    check_answer(operation, answer)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_wrong_keys_are_refused_as_specified(sandbox: Sandbox, operation: str) -> None:
    for keys in (("sandbox", "wrong"), ("wrong", "sandbox-secret"), None):
        with client_of(sandbox, auth=keys) as stranger:
            answer = send(stranger, operation)
            assert answer.status_code == 401
            check_answer(operation, answer)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_going_over_the_limit_is_refused_as_specified(start_sandbox: Callable[..., Sandbox], operation: str) -> None:
    with client_of(start_sandbox(calls_per_day=1)) as client:
        client.get("/v2/users")
        answer = send(client, operation)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        check_answer(operation, answer)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_failure_on_demand_is_as_specified(sandbox: Sandbox, client: httpx.Client, operation: str) -> None:
    sandbox.play(Fault(operation=operation, kind="status", status=500))
    answer = send(client, operation)
    assert answer.status_code == 500
    check_answer(operation, answer)


@pytest.mark.parametrize(
    ("operation", "path", "status"),
    [
        ("getUser", "/v2/users/99999", 404),
        ("getUser", "/v2/users/nobody", 400),
        ("getCall", "/v2/calls/99999", 404),
        ("getCall", "/v2/calls/123456789012345678901", 400),
        ("listCalls", "/v2/calls?fromDateTime=2024-03-01T00:00:00Z&toDateTime=2024-03-02T00:00:00Z", 404),
        ("listCalls", "/v2/calls?fromDateTime=2024-03-01T00:00:00Z", 400),
        ("listCalls", "/v2/calls?fromDateTime=2024-03-01T00:00:00&toDateTime=2024-03-02T00:00:00", 400),
        ("listCalls", "/v2/calls?fromDateTime=2024-03-02T00:00:00Z&toDateTime=2024-03-01T00:00:00Z", 400),
        ("listCalls", "/v2/calls?from=2024-03-01T00:00:00Z", 400),
        ("listUsers", "/v2/users?cursor=invented", 400),
        ("listUsers", "/v2/users?page=2", 400),
    ],
)
def test_refusals_of_reading_are_as_specified(client: httpx.Client, operation: str, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    check_answer(operation, answer)


def test_users_can_be_forbidden_as_specified(start_sandbox: Callable[..., Sandbox]) -> None:
    with client_of(start_sandbox(users_forbidden=True)) as client:
        answer = client.get("/v2/users")
        assert answer.status_code == 403
        check_answer("listUsers", answer)


def test_default_users_have_only_fields_of_the_specification() -> None:
    for user in DEFAULT_USERS:
        assert set(user) <= set(SCHEMAS["UserMetadata"]["properties"])
        assert set(user["settings"]) == set(SCHEMAS["Settings"]["properties"])
        assert re.fullmatch(r"\d{18,20}", user["id"])


def full_call(**changes: Any) -> dict[str, Any]:
    """A call with every property that Gong knows, but for speakersTimeline and downloadMediaUrl."""
    crm_object = {"objectType": "Account", "objectId": "0015", "fields": [{"name": "Industry", "value": "Retail"}]}
    context = [{"system": "Salesforce", "objects": [crm_object]}]
    return new_call(
        title="Renewal",
        purpose="Demo call",
        scheduledStart="2024-03-01T10:10:00-05:00",
        scheduledEnd="2024-03-01T15:30:00.5Z",
        duration=125.8,
        disposition="Answered",
        context=context,
        customData="queue 7",
        meetingUrl="https://meet.example.com/1",
        callProviderCode="zoom",
        workspaceId="623457276584334",
        languageCode="en-US",
        flowContext={"taskId": "714366367493425"},
        parties=[
            {"userId": HOST_ID, "mediaChannelId": 0, "emailAddress": "agent-201@example.com"},
            {
                "phoneNumber": "+15550100",
                "name": "Customer",
                "partyId": "2",
                "mediaChannelId": 1,
                "context": context,
            },
        ],
        **changes,
    )


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


def test_tables_hold_exactly_the_fields_types_and_words_of_the_specification() -> None:
    assert list(_differences(NEW_CALL, SCHEMAS["NewCallAddingRequest"], "call")) == []
    request = "PublicApiBaseRequestWithDataV2CallsRequestFilterWithOwnersContentSelector"
    assert list(_differences(EXTENSIVE, SCHEMAS[request], "extensive")) == []


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


def test_media_for_an_unknown_call_is_refused_as_specified(client: httpx.Client) -> None:
    answer = send(client, "addCallRecording", "99999")
    assert answer.status_code == 400
    check_answer("addCallRecording", answer)
