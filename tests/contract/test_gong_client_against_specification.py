"""What the client sends and reads is in the specification: paths, parameters, bodies, fields, scopes, 404s."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from gong_bridge.call_draft import CallDraft, Party
from gong_bridge.gong import (
    PARTS,
    CallFilter,
    Content,
    Gong,
    calls,
    crm,
    library,
    privacy,
    settings,
    stats,
    users,
    users_access,
)
from gong_bridge.gong.models import call_details as details_shapes
from gong_bridge.gong.models import calls as calls_shapes
from gong_bridge.gong.models import crm as crm_shapes
from gong_bridge.gong.models import library as library_shapes
from gong_bridge.gong.models import privacy as privacy_shapes
from gong_bridge.gong.models import settings as settings_shapes
from gong_bridge.gong.models import stats as stats_shapes
from gong_bridge.gong.models import transcripts as transcripts_shapes
from gong_bridge.gong.models import users as users_shapes
from gong_bridge.gong.models import users_access as access_shapes
from gong_bridge.gong.wire import GongAnswer, NotFound, Operation, Records
from tests.integration.scripted_gong import Exchange, ScriptedGong, client_of

SPECIFICATION = Path(__file__).resolve().parents[2].parent / "shared" / "gong-api-v2-openapi.json"
pytestmark = pytest.mark.skipif(not SPECIFICATION.exists(), reason="Gong's specification is not beside the checkout")

OPERATIONS = [
    value
    for module in (calls, users, stats, settings, library, users_access, privacy, crm)
    for value in vars(module).values()
    if isinstance(value, Operation)
]

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
    if exchange.path == "/v2/calls/users-access":
        exchange.answer(200, {"requestId": "r"})
    elif exchange.path.startswith("/v2/crm/"):
        exchange.answer(200, {"requestId": "r", "integrationId": 7, "status": "DONE"})
    elif exchange.method == "PUT":
        exchange.answer(201, {"requestId": "r", "callId": "7", "url": "https://gong.example.com/call?id=7"})
    elif exchange.path == "/v2/calls" and exchange.method == "POST":
        exchange.answer(200, {"requestId": "r", "callId": "7"})
    elif exchange.path == "/v2/calls/7":
        exchange.answer(200, {"requestId": "r", "call": call})
    elif exchange.path == "/v2/calls/extensive":
        page = {"requestId": "r", "calls": [{"media": {"audioUrl": "https://gong.example.com/a"}}]}
        exchange.answer(200, page | {"records": {"cursor": "page-2"} if "cursor" not in exchange.json else {}})
    elif exchange.path == "/v2/users/5":
        exchange.answer(200, {"requestId": "r", "user": {"id": "5"}})
    elif exchange.path in ONE_PAGE:
        exchange.answer(200, {"requestId": "r"})
    else:
        asked = exchange.query if exchange.method == "GET" else exchange.json
        page = {"requestId": "r", "records": {"cursor": "page-2"} if "cursor" not in asked else {}}
        exchange.answer(200, page | {"users": [{"id": "5"}], "calls": [call] if exchange.method == "GET" else []})


ONE_PAGE = (
    "/v2/users/5/settings-history",
    "/v2/workspaces",
    "/v2/settings/scorecards",
    "/v2/settings/trackers",
    "/v2/library/folders",
    "/v2/library/folder-content",
    "/v2/data-privacy/data-for-email-address",
    "/v2/data-privacy/data-for-phone-number",
    "/v2/data-privacy/erase-data-for-email-address",
    "/v2/data-privacy/erase-data-for-phone-number",
)
SCHEMA_FIELD = {
    "uniqueName": "category",
    "label": "Category",
    "type": "PICKLIST",
    "lastModified": "2020-11-11T08:11:34+01:00",
    "isDeleted": False,
    "referenceTo": "USER",
    "orderedValueList": ["Analyst", "Partner"],
}
NOON = datetime(2025, 3, 4, 12, tzinfo=UTC)
DAY = NOON.date()


def use_everything(gong: Gong) -> None:
    """Every method once, with everything that can be said."""
    gong.calls.create(DRAFT)
    gong.calls.put_media("7", lambda: io.BytesIO(b"sound"), 5, "wav", "audio/wav")
    gong.calls.get("7")
    gong.calls.find("nobody's", DRAFT["actualStart"], workspace_id="623457276584334")
    list(gong.calls.list(NOON, NOON, workspace_id="6"))
    wanted = CallFilter(from_time=NOON, to_time=NOON, call_ids=["7"], primary_user_ids=["5"], workspace_id="6")
    list(gong.calls.details(wanted, Content(parts=PARTS, context="Extended", context_timing=["Now", "TimeOfCall"])))
    list(gong.calls.details(CallFilter()))
    list(gong.calls.transcripts(CallFilter(from_time=NOON, to_time=NOON, call_ids=["7"], workspace_id="6")))
    list(gong.users.list(include_avatars=True))
    list(gong.users.chosen(ids=["5"], created_from=NOON, created_to=NOON, include_avatars=True))
    gong.users.get("5")
    gong.users.settings_history("5")
    list(gong.stats.aggregate(DAY, DAY, user_ids=["5"], created_from=NOON, created_to=NOON))
    list(gong.stats.by_period(DAY, DAY, "QUARTER", user_ids=["5"]))
    list(gong.stats.day_by_day(DAY, DAY, user_ids=["5"]))
    list(gong.stats.interaction(DAY, DAY, user_ids=["5"]))
    list(
        gong.stats.answered_scorecards(
            call_from=DAY, call_to=DAY, review_from=DAY, review_to=DAY, review_method="BOTH", user_ids=["5"],
            scorecard_ids=["9"],
        )
    )  # fmt: skip
    list(gong.settings.workspaces())
    list(gong.settings.scorecards())
    list(gong.settings.trackers(workspace_id="6"))
    list(gong.library.folders(workspace_id="6"))
    gong.library.folder_content("8")
    list(gong.users_access.get(["7"]))
    gong.users_access.add({"7": ["5"]})
    gong.users_access.remove({"7": ["5"]})
    gong.privacy.find_email_address("customer+sales@example.com")
    gong.privacy.find_phone_number("+1(425) 555-0171")
    gong.privacy.purge_email_address("customer+sales@example.com")
    gong.privacy.purge_phone_number("+14255550171")
    gong.crm.integrations()
    gong.crm.register("CRM", "owner@example.com")
    gong.crm.upload_schema("7", "ACCOUNT", [SCHEMA_FIELD])
    gong.crm.schema("7", "ACCOUNT")
    gong.crm.upload("7", "STAGE", "upload-1", lambda: io.BytesIO(b'{"objectId":"won","name":"Won"}'), 31)
    gong.crm.request_status("7", "upload-1")
    gong.crm.objects("7", "DEAL", ["1234", "8765"])
    gong.crm.delete("7", "delete_1")


@pytest.fixture(scope="module")
def requests() -> Iterator[list[Exchange]]:
    """What the client sends when every method is used once, the lists with two pages."""
    with ScriptedGong(answers) as gong, client_of(gong.base_url) as client:
        use_everything(Gong(client))
        Gong(client).calls.has_media("7")
        yield gong.requests


def operation_of(request: Exchange) -> Operation:
    path = request.path.replace("/v2/calls/7", "/v2/calls/{id}").replace("/v2/users/5", "/v2/users/{id}")
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
    assert {operation_of(request).operation_id for request in requests} == {one.operation_id for one in OPERATIONS}


def test_every_query_parameter_is_documented_and_none_required_is_missing(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    for request in requests:
        if operation_of(request) is crm.UPLOAD:  # its parameters are in its description alone
            continue
        documented = [
            p for p in operation_in(specification, operation_of(request)).get("parameters", []) if p["in"] == "query"
        ]
        assert set(request.query) <= {parameter["name"] for parameter in documented}
        assert {parameter["name"] for parameter in documented if parameter["required"]} <= set(request.query)


def test_the_parameters_of_an_upload_are_those_that_its_description_lists(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    description = operation_in(specification, crm.UPLOAD)["description"]
    _, _, table = description.partition("Query String parameters")
    listed = re.findall(r"<td>(\w+)\s*<font", table.partition("Request Body")[0])
    assert sorted(listed) == ["clientRequestId", "integrationId", "objectType"]
    request = next(r for r in requests if operation_of(r) is crm.UPLOAD)
    assert request.query == {"integrationId": "7", "objectType": "STAGE", "clientRequestId": "upload-1"}
    types = re.findall(r"<li>([A-Z_]+)</li>", table.partition("Request Body")[0])
    assert sorted(types) == sorted(get_args(crm_shapes.UploadType))


def test_every_json_body_is_valid_and_has_no_field_gong_does_not_know(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    checked = set()
    for request in requests:
        operation = operation_of(request)
        if request.headers.get("content-type") == "application/json" and operation is not crm.OBJECTS:
            schema = operation_in(specification, operation)["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.validate(request.json, strict(specification, schema))
            checked.add(operation.operation_id)
    assert checked == {
        one.operation_id
        for one in OPERATIONS
        if "application/json" in operation_in(specification, one).get("requestBody", {}).get("content", {})
    }


def test_a_person_arrives_as_written_with_its_plus_and_spaces(requests: list[Exchange]) -> None:
    asked = [request.query for request in requests if request.path.startswith("/v2/data-privacy/")]
    assert asked == [
        {"emailAddress": "customer+sales@example.com"}, {"phoneNumber": "+1(425) 555-0171"},
        {"emailAddress": "customer+sales@example.com"}, {"phoneNumber": "+14255550171"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "number", ["14255550171", "", "+", "+1", "0014255550171", "+1 425 CALL-NOW", "+14255550171123456"]
)
def test_a_number_that_gong_does_not_permit_is_never_sent(number: str) -> None:
    with ScriptedGong(answers) as gong, client_of(gong.base_url) as client:
        for method in (Gong(client).privacy.find_phone_number, Gong(client).privacy.purge_phone_number):
            with pytest.raises(ValueError, match=r"with \+ and the country's code only"):
                method(number)
        assert gong.requests == []


def test_ids_of_crm_objects_are_in_the_body_as_the_description_says_and_in_the_query_as_its_table_says(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    request = next(r for r in requests if operation_of(r) is crm.OBJECTS)
    (ids,) = [p for p in operation_in(specification, crm.OBJECTS)["parameters"] if p["name"] == "objectsCrmIds"]
    assert (ids["in"], ids["schema"]["type"]) == ("query", "array")
    assert "should be sent in the request body" in ids["description"]
    assert request.json == ["1234", "8765"]
    assert request.target.endswith("&objectsCrmIds=1234&objectsCrmIds=8765")


def test_a_second_page_repeats_the_whole_question(requests: list[Exchange]) -> None:
    said = [one for one in requests if one.method == "GET" or one.headers.get("content-type") == "application/json"]
    asked = [(one, one.query if one.method == "GET" else one.json) for one in said if "crm" not in one.path]
    second = [(before, after) for (_, before), (_, after) in pairwise(asked) if after.get("cursor") == "page-2"]
    assert len(second) == 13
    assert all({**before, "cursor": "page-2"} == after for before, after in second)


def test_the_media_body_is_one_part_named_as_documented(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    assert the_one_part(specification, requests, calls.ADD_RECORDING) == ("recording.wav", "audio/wav", b"sound")


def test_the_file_of_crm_objects_is_one_part_named_as_documented(
    specification: dict[str, Any], requests: list[Exchange]
) -> None:
    name, content_type, content = the_one_part(specification, requests, crm.UPLOAD)
    assert (name, content_type) == ("stage.ldjson", "application/octet-stream")
    assert content == b'{"objectId":"won","name":"Won"}'


def the_one_part(
    specification: dict[str, Any], requests: list[Exchange], operation: Operation
) -> tuple[str | None, str, bytes]:
    """Its file name, content type and content; its name is the one that the specification requires."""
    request = next(r for r in requests if operation_of(r) is operation)
    schema = operation_in(specification, operation)["requestBody"]["content"]["multipart/form-data"]["schema"]
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    parts = list(message_from_bytes(head + request.read_body(), policy=policy.HTTP).iter_parts())
    assert [part.get_param("name", header="content-disposition") for part in parts] == schema["required"]
    return parts[0].get_filename(), parts[0].get_content_type(), parts[0].get_payload(decode=True)


READ = {
    Records: "Records",
    calls_shapes.CallSummary: "CallBasicData",
    calls_shapes.CallsPage: "CallsResponse",
    calls_shapes.OneCall: "SpecificCall",
    calls_shapes.CallAdded: "NewCallAddingResponse",
    calls_shapes.RecordingAdded: "NewCallRecordingResponse",
    details_shapes.CallDetailsPage: "Calls",
    transcripts_shapes.TranscriptsPage: "CallTranscripts",
    users_shapes.UsersPage: "UsersMetadata",
    users_shapes.OneUser: "User",
    users_shapes.SettingsHistory: "SettingsHistory",
    stats_shapes.ActivityPage: "CompanyUsersAggregateActivityResponse",
    stats_shapes.PeriodsPage: "UsersAggregateByPeriodActivity",
    stats_shapes.DaysPage: "UsersDayByDayActivity",
    stats_shapes.InteractionPage: "CompanyUsersIntercationStatsResponse",
    stats_shapes.AnsweredScorecardsPage: "AnsweredScorecards",
    settings_shapes.WorkspacesPage: "WorkspacesMetadata",
    settings_shapes.ScorecardsPage: "Scorecards",
    settings_shapes.TrackersPage: "Trackers",
    library_shapes.FoldersPage: "LibraryResponse",
    library_shapes.FolderContent: "LibraryFolderListOfCallsResponse",
    access_shapes.CallsAccessPage: "CallsAccessDetailsResponse",
    privacy_shapes.EmailAddressReferences: "EmailAddressReferences",
    privacy_shapes.PhoneNumberReferences: "PhoneNumberReferences",
    privacy_shapes.Erasing: "BaseResponse",
    crm_shapes.CrmIntegrations: "ListGenericCrmIntegrationsResponse",
    crm_shapes.Registered: "RegisterGenericCrmResponse",
    crm_shapes.SchemaField: "GenericSchemaFieldRequest",
    crm_shapes.RequestStatus: "RequestStatusResponse",
}
"""Each answer as the client reads it, and the schema of it in the specification."""

WITHOUT_CURSOR = {"WorkspacesMetadata", "Scorecards", "Trackers", "LibraryResponse", "CallsAccessDetailsResponse"}
"""Lists that come in one page; they have no `records`."""


@pytest.mark.parametrize(("shape", "schema"), READ.items(), ids=lambda one: one if isinstance(one, str) else "")
def test_every_field_that_is_read_is_in_the_specification_down_to_the_innermost(
    specification: dict[str, Any], shape: type[GongAnswer], schema: str
) -> None:
    compare(specification, shape, specification["components"]["schemas"][schema], schema)


def compare(specification: dict[str, Any], shape: type[GongAnswer], schema: dict[str, Any], place: str) -> None:
    for field in shape.model_fields.values():
        if field.alias == "records" and place in WITHOUT_CURSOR:
            continue
        assert field.alias in schema["properties"], f"{place}.{field.alias}"
        documented = schema["properties"][field.alias]
        documented = documented.get("items", documented)
        inner = model_in(field.annotation)
        assert (inner is not None) == ("$ref" in documented), f"{place}.{field.alias}"
        if inner is not None:
            name = documented["$ref"].rpartition("/")[2]
            compare(specification, inner, specification["components"]["schemas"][name], f"{place}.{field.alias}")


def model_in(annotation: Any) -> type[GongAnswer] | None:
    """The model inside `X | None` or `tuple[X, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, GongAnswer):
        return annotation
    return next((found for one in get_args(annotation) if (found := model_in(one))), None)


CRM_NAMES = {
    "CrmIntegration": "GenericCrmIntegration",
    "SchemaField": "GenericSchemaFieldRequest",
    "LineError": "LineErrorResponse",
}
ROWS = [details_shapes.CallDetails, transcripts_shapes.CallTranscript, users_shapes.UserRow]
ROWS += [access_shapes.CallAccess]
ROWS += [privacy_shapes.EmailAddressReferences, privacy_shapes.PhoneNumberReferences, privacy_shapes.EmailMessage]
ROWS += [stats_shapes.UserActivity, stats_shapes.AnsweredScorecard, settings_shapes.Scorecard]
ROWS += [crm_shapes.CrmIntegration, crm_shapes.SchemaField, crm_shapes.LineError]


@pytest.mark.parametrize("shape", ROWS, ids=lambda shape: shape.__name__)
def test_no_documented_field_of_a_row_is_left_out(specification: dict[str, Any], shape: type[GongAnswer]) -> None:
    names = {"CallAccess": "CallAccessDetails", "CallDetails": "CallData", "UserRow": "UserMetadata", **CRM_NAMES}
    documented = specification["components"]["schemas"][names.get(shape.__name__, shape.__name__)]
    assert {field.alias for field in shape.model_fields.values()} == set(documented["properties"])


def test_the_maps_of_the_crm_are_read_as_the_specification_has_them(specification: dict[str, Any]) -> None:
    schemas = specification["components"]["schemas"]
    fields = schemas["ListSelectedFieldsResponse"]["properties"]["objectTypeToSelectedFields"]
    assert fields["additionalProperties"]["items"]["$ref"].endswith("/GenericSchemaFieldRequest")
    objects = schemas["GetGenericCrmObjectsResponse"]["properties"]["crmObjectsMap"]
    assert objects["additionalProperties"]["type"] == "object"


def test_words_of_the_crm_are_those_of_the_specification(specification: dict[str, Any]) -> None:
    def words(operation: Operation) -> list[str]:
        (named,) = [p for p in operation_in(specification, operation)["parameters"] if p["name"] == "objectType"]
        return list(named["schema"].get("enum", ()))

    assert list(get_args(crm_shapes.ObjectType)) == words(crm.SCHEMA) == words(crm.UPLOAD_SCHEMA) == words(crm.OBJECTS)


def test_a_schema_field_is_named_as_documented_and_as_in_the_example_beside_it() -> None:
    assert crm_shapes.SchemaField.model_validate({"uniqueName": "a", "type": "STRING"}).unique_name == "a"
    assert crm_shapes.SchemaField.model_validate({"name": "b", "type": "STRING"}).unique_name == "b"
