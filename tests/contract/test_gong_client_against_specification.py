"""What the client sends and reads is in the specification: paths, parameters, bodies, fields, scopes, 404s."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gong_bridge.gong import calls, users, wire
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.users import Users
from gong_bridge.gong.wire import GongAnswer, NotFound, Operation
from gong_bridge.model import CallDraft, Party
from tests.integration.scripted_gong import Exchange, ScriptedGong, client_of

SPECIFICATION = Path(__file__).resolve().parents[2].parent / "shared" / "gong-api-v2-openapi.json"
pytestmark = pytest.mark.skipif(not SPECIFICATION.exists(), reason="Gong's specification is not beside the checkout")

OPERATIONS = [value for module in (calls, users) for value in vars(module).values() if isinstance(value, Operation)]

DRAFT = CallDraft(
    client_unique_id="pbx-1741089600.17",
    actual_start="2025-03-04T12:00:00-05:00",
    direction="Inbound",
    primary_user="7782342274025937895",
    parties=[
        Party(user_id="7782342274025937895", email_address="agent-201@example.com", media_channel_id=0),
        Party(phone_number="+15550100", name="Übung ☎"),
    ],
    duration=61.5,
    title="Call with a customer",
).to_json()


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    return json.loads(SPECIFICATION.read_text(encoding="utf-8"))


def operation_in(specification: dict[str, Any], operation: Operation) -> dict[str, Any]:
    return specification["paths"][operation.path][operation.method.lower()]


def strict(specification: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with every object closed, so that a misspelt field is an error."""

    def close(node: Any) -> Any:
        if isinstance(node, dict):
            closed = {name: close(value) for name, value in node.items()}
            if isinstance(node.get("properties"), dict) and node.get("type") == "object":
                closed["additionalProperties"] = False
            return closed
        return [close(value) for value in node] if isinstance(node, list) else node

    return {**close(copy.deepcopy(schema)), "components": close(copy.deepcopy(specification["components"]))}


def answers(exchange: Exchange) -> None:
    exchange.read_body()
    call = {"id": "7", "media": "Audio", "clientUniqueId": "another"}
    if exchange.method == "PUT":
        exchange.answer(201, {"requestId": "r", "callId": "7", "url": "https://gong.example.com/call?id=7"})
    elif exchange.path == "/v2/calls" and exchange.method == "POST":
        exchange.answer(200, {"requestId": "r", "callId": "7"})
    elif exchange.path == "/v2/calls/7":
        exchange.answer(200, {"requestId": "r", "call": call})
    elif exchange.path == "/v2/calls/extensive":
        exchange.answer(200, {"requestId": "r", "calls": [{"media": {"audioUrl": "https://gong.example.com/a"}}]})
    else:
        more = "cursor" not in exchange.query
        page = {"requestId": "r", "records": {"cursor": "page-2"} if more else {}}
        exchange.answer(200, page | {"users": [{"id": "5"}], "calls": [call]})


@pytest.fixture(scope="module")
def requests() -> Iterator[list[Exchange]]:
    """What the client sends when every method is used once, the lists with two pages."""
    with ScriptedGong(answers) as gong, client_of(gong.base_url) as client:
        Calls(client).create(DRAFT)
        Calls(client).put_media("7", lambda: io.BytesIO(b"sound"), 5, "wav", "audio/wav")
        Calls(client).get("7")
        Calls(client).find("nobody's", DRAFT["actualStart"], workspace_id="623457276584334")
        Calls(client).has_media("7")
        list(Users(client).list())
        yield gong.requests


def operation_of(request: Exchange) -> Operation:
    path = request.path.replace("/v2/calls/7", "/v2/calls/{id}")
    return next(o for o in OPERATIONS if (o.method, o.path) == (request.method, path))


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_every_operation_is_in_the_specification_under_its_name_and_scope(
    specification: dict[str, Any], operation: Operation
) -> None:
    documented = operation_in(specification, operation)
    assert documented["operationId"] == operation.operation_id
    for scope in operation.scope.split(" and "):
        assert f"'{scope}'" in documented["description"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.operation_id)
def test_a_404_means_none_exactly_where_the_specification_documents_one(
    specification: dict[str, Any], operation: Operation
) -> None:
    documented = "404" in operation_in(specification, operation)["responses"]
    assert documented == (operation.not_found is NotFound.NONE)


def test_every_operation_was_used(requests: list[Exchange]) -> None:
    used = {operation_of(request).operation_id for request in requests}
    assert used == {"addCall", "addCallRecording", "getCall", "listCalls", "listCallsExtensive", "listUsers"}


def test_every_query_parameter_is_documented_and_none_required_is_missing(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    for request in requests:
        documented = [
            p for p in operation_in(specification, operation_of(request)).get("parameters", []) if p["in"] == "query"
        ]
        assert set(request.query) <= {parameter["name"] for parameter in documented}
        assert {parameter["name"] for parameter in documented if parameter["required"]} <= set(request.query)


def test_every_json_body_is_valid_and_has_no_field_gong_does_not_know(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    checked = []
    for request in requests:
        if request.headers.get("content-type") == "application/json":
            operation = operation_of(request)
            schema = operation_in(specification, operation)["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.validate(request.json, strict(specification, schema))
            checked.append(operation.operation_id)
    assert checked == ["addCall", "listCallsExtensive"]


def test_the_media_body_is_one_part_named_as_documented(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    request = next(r for r in requests if r.method == "PUT")
    schema = operation_in(specification, calls.ADD_RECORDING)["requestBody"]["content"]["multipart/form-data"]["schema"]
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = list(message_from_bytes(head + request.read_body(), policy=policy.HTTP).iter_parts())
    assert [part.get_param("name", header="content-disposition") for part in parts] == schema["required"]
    assert parts[0].get_filename() == "recording.wav"
    assert parts[0].get_content_type() == "audio/wav"
    assert parts[0].get_payload(decode=True) == b"sound"


@pytest.mark.parametrize(
    ("shape", "schema"),
    [
        (wire.Records, "Records"),
        (wire.CallSummary, "CallBasicData"),
        (wire.CallsPage, "CallsResponse"),
        (wire.OneCall, "SpecificCall"),
        (wire.MediaUrls, "MediaDto"),
        (wire.DetailedCall, "CallData"),
        (wire.DetailedCalls, "Calls"),
        (wire.CallAdded, "NewCallAddingResponse"),
        (wire.RecordingAdded, "NewCallRecordingResponse"),
        (wire.UserSettings, "Settings"),
        (wire.UserRow, "UserMetadata"),
        (wire.UsersPage, "UsersMetadata"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_every_field_that_is_read_is_in_the_specification(
    specification: dict[str, Any], shape: type[GongAnswer], schema: str
) -> None:
    documented = specification["components"]["schemas"][schema]["properties"]
    assert {field.alias for field in shape.model_fields.values()} <= set(documented)
