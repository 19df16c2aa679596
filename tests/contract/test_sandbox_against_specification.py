"""The sandbox against Gong's specification: every answer of every operation and status is valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from gong_bridge.sandbox.options import OPERATIONS, Fault
from gong_bridge.sandbox.people import DEFAULT_USERS
from gong_bridge.sandbox.scopes import MEDIA_URL_SCOPE, SCOPES
from gong_bridge.sandbox.server import Sandbox
from tests.contract.gong_specification import SCHEMAS, check_answer, description_of, only_with_specification
from tests.sandbox_requests import (
    HOST_ID,
    add_call,
    as_media_file,
    client_of,
    full_call,
    new_call,
    wav_bytes,
)

pytestmark = only_with_specification
OFFICE_HOURS = {"fromDateTime": "2024-03-01T00:00:00Z", "toDateTime": "2024-03-02T00:00:00Z"}


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
        "getUsersAccessToCalls": lambda: client.post(ACCESS, json={"filter": {"callIds": [call_id]}}),
        "addUsersAccessToCalls": lambda: client.put(ACCESS, json=access(call_id)),
        "deleteUsersAccessToCalls": lambda: client.request("DELETE", ACCESS, json=access(call_id)),
    }
    if operation in CRM_OPERATIONS:
        return send_crm(client, operation, "7")
    return requests[operation]() if operation in requests else READING[operation](client)


ACCESS = "/v2/calls/users-access"


def access(call_id: str, *user_ids: str) -> dict:
    """The body that gives (or takes back) access to one call."""
    return {"callAccessList": [{"callId": call_id, "userIds": list(user_ids or (HOST_ID,))}]}


PRIVACY = "/v2/data-privacy"
DAYS = {"fromDate": "2024-02-26", "toDate": "2024-03-04"}
READING: dict[str, Callable[[httpx.Client], httpx.Response]] = {
    "listMultipleUsers": lambda client: client.post("/v2/users/extensive", json={"filter": {"userIds": [HOST_ID]}}),
    "getUserHistory": lambda client: client.get(f"/v2/users/{HOST_ID}/settings-history"),
    "getCallTranscripts": lambda client: client.post("/v2/calls/transcript", json={"filter": OFFICE_HOURS}),
    "listMultipleUsersAggregateActivity": lambda client: client.post(
        "/v2/stats/activity/aggregate", json={"filter": DAYS}
    ),
    "listMultipleUsersAggregateByPeriod": lambda client: client.post(
        "/v2/stats/activity/aggregate-by-period", json={"filter": DAYS, "aggregationPeriod": "MONTH"}
    ),
    "listMultipleUsersDayByDayActivity": lambda client: client.post(
        "/v2/stats/activity/day-by-day", json={"filter": DAYS}
    ),
    "listInteractionStats": lambda client: client.post("/v2/stats/interaction", json={"filter": DAYS}),
    "listAnsweredScorecards": lambda client: client.post("/v2/stats/activity/scorecards", json={"filter": {}}),
    "listWorkspaces": lambda client: client.get("/v2/workspaces"),
    "listScorecards": lambda client: client.get("/v2/settings/scorecards"),
    "listTrackers": lambda client: client.get("/v2/settings/trackers"),
    "getLibraryStructure": lambda client: client.get("/v2/library/folders"),
    "getCallsInSpecificFolder": lambda client: client.get(
        "/v2/library/folder-content", params={"folderId": "8000000000000000001"}
    ),
    "findAllReferencesToEmailAddress": lambda client: client.get(
        f"{PRIVACY}/data-for-email-address", params={"emailAddress": "customer@example.com"}
    ),
    "findAllReferencesToPhoneNumber": lambda client: client.get(
        f"{PRIVACY}/data-for-phone-number", params={"phoneNumber": "+1(425) 555-0171"}
    ),
    "purgeEmailAddress": lambda client: client.post(
        f"{PRIVACY}/erase-data-for-email-address", params={"emailAddress": "customer@example.com"}
    ),
    "purgePhoneNumber": lambda client: client.post(
        f"{PRIVACY}/erase-data-for-phone-number", params={"phoneNumber": "+14255550171"}
    ),
    "listGenericCrmIntegration": lambda client: client.get("/v2/crm/integrations"),
}
"""One right request of each operation that takes no call's id."""
CRM_FIELD = {"uniqueName": "region", "label": "Region", "type": "PICKLIST", "orderedValueList": ["north", "south"]}
STAGES = b'{"objectId": "won", "name": "Won", "isActive": true, "sortOrder": 5}\n'


def register(client: httpx.Client) -> str:
    """The id of the integration that is made."""
    answer = client.put("/v2/crm/integrations", json={"name": "CRM", "ownerEmail": "owner@example.com"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["integrationId"])


def send_crm(client: httpx.Client, operation: str, integration: str) -> httpx.Response:
    """One right request of the CRM's operation, to an integration."""
    of = {"integrationId": integration}
    schema, entities = "/v2/crm/entity-schema", "/v2/crm/entities"
    requests: dict[str, Callable[[], httpx.Response]] = {
        "registerGenericCrmIntegration": lambda: client.put(
            "/v2/crm/integrations", json={"name": "CRM", "ownerEmail": "owner@example.com"}
        ),
        "deleteGenericCrmIntegration": lambda: client.delete(
            "/v2/crm/integrations", params={**of, "clientRequestId": "delete-1"}
        ),
        "listCrmSchemaFields": lambda: client.get(schema, params={**of, "objectType": "DEAL"}),
        "uploadCrmSchemaField": lambda: client.post(schema, params={**of, "objectType": "DEAL"}, json=[CRM_FIELD]),
        "getCrmObjects": lambda: client.request(
            "GET", entities, params={**of, "objectType": "DEAL", "objectsCrmIds": ["1"]}, json=["1"]
        ),
        "uploadCrmData": lambda: client.post(
            entities,
            params={**of, "objectType": "STAGE", "clientRequestId": "upload-1"},
            files={"dataFile": ("stages.ldjson", STAGES, "application/octet-stream")},
        ),
        "getRequestStatus": lambda: client.get("/v2/crm/request-status", params={**of, "clientRequestId": "upload-1"}),
    }
    return requests[operation]()


CRM_OPERATIONS = [one for one in OPERATIONS if "crm" in SCOPES[one] and one not in READING]


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one not in CRM_OPERATIONS])
def test_success_of_every_operation_is_as_specified(client: httpx.Client, operation: str) -> None:
    call_id = add_call(client, **full_call())
    client.put(f"/v2/calls/{call_id}/media", files=as_media_file(wav_bytes()))
    answer = send(client, operation, call_id)
    assert answer.status_code == (201 if operation == "addCallRecording" else 200)
    check_answer(operation, answer)


@pytest.mark.parametrize("operation", CRM_OPERATIONS)
def test_success_of_every_operation_of_the_crm_is_as_specified(client: httpx.Client, operation: str) -> None:
    integration = "7" if operation == "registerGenericCrmIntegration" else register(client)
    if operation == "getRequestStatus":
        send_crm(client, "uploadCrmData", integration)
    answer = send_crm(client, operation, integration)
    wanted = {"deleteGenericCrmIntegration": 201, "uploadCrmSchemaField": 201, "uploadCrmData": 201}
    assert answer.status_code == wanted.get(operation, 200), answer.text
    if operation == "getCrmObjects":
        # The specification allows no null for an object that is not there, and its description promises one.
        assert answer.json()["crmObjectsMap"] == {"1": None}
    else:
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
        ("getUserHistory", "/v2/users/99999/settings-history", 404),
        ("listTrackers", "/v2/settings/trackers?workspaceId=7", 404),
        ("listTrackers", "/v2/settings/trackers?workspaceId=sales", 400),
        ("getLibraryStructure", "/v2/library/folders?workspaceId=7", 404),
        ("getCallsInSpecificFolder", "/v2/library/folder-content?folderId=7", 404),
        ("listWorkspaces", "/v2/workspaces?cursor=1", 400),
        ("findAllReferencesToPhoneNumber", f"{PRIVACY}/data-for-phone-number?phoneNumber=14255550171", 400),
        ("findAllReferencesToPhoneNumber", f"{PRIVACY}/data-for-phone-number?phoneNumber=+14255550171", 400),
        ("findAllReferencesToPhoneNumber", f"{PRIVACY}/data-for-phone-number", 400),
        ("findAllReferencesToEmailAddress", f"{PRIVACY}/data-for-email-address?emailAddress=customer", 400),
    ],
)
def test_refusals_of_reading_are_as_specified(client: httpx.Client, operation: str, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    check_answer(operation, answer)


@pytest.mark.parametrize(
    ("operation", "path", "body", "status"),
    [
        ("listMultipleUsers", "/v2/users/extensive", {}, 400),
        ("listMultipleUsers", "/v2/users/extensive", {"filter": {"userIds": ["99999"]}}, 404),
        ("listMultipleUsers", "/v2/users/extensive", {"filter": {"userIds": ["nobody"]}}, 400),
        ("listCallsExtensive", "/v2/calls/extensive", {"filter": {}, "contentSelector": {"parties": True}}, 400),
        ("listCallsExtensive", "/v2/calls/extensive", {"filter": {}, "contentSelector": {"contextTiming": []}}, 400),
        ("getCallTranscripts", "/v2/calls/transcript", {"filter": {"primaryUserIds": []}}, 400),
        ("getCallTranscripts", "/v2/calls/transcript", {"filter": {}}, 404),
        ("listInteractionStats", "/v2/stats/interaction", {"filter": {"fromDate": "2024-02-26"}}, 400),
        ("listInteractionStats", "/v2/stats/interaction", {"filter": {**DAYS, "toDate": "2024-02-26"}}, 400),
        ("listInteractionStats", "/v2/stats/interaction", {"filter": {**DAYS, "toDate": "2124-02-26"}}, 400),
        ("listInteractionStats", "/v2/stats/interaction", {"filter": {**DAYS, "toDate": "2024-02-30"}}, 400),
        ("listInteractionStats", "/v2/stats/interaction", {"filter": {**DAYS, "userIds": ["9"]}}, 404),
        ("listMultipleUsersAggregateByPeriod", "/v2/stats/activity/aggregate-by-period", {"filter": DAYS}, 400),
        ("listAnsweredScorecards", "/v2/stats/activity/scorecards", {"filter": {"reviewMethod": "HAND"}}, 400),
        ("listAnsweredScorecards", "/v2/stats/activity/scorecards", {"filter": {}}, 404),
    ],
)
def test_refusals_of_questions_in_a_body_are_as_specified(
    client: httpx.Client, operation: str, path: str, body: dict, status: int
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == status
    check_answer(operation, answer)


@pytest.mark.parametrize(
    ("method", "body", "said"),
    [
        ("POST", {"filter": {"callIds": ["99999"]}}, "filter.callIds[0]: call 99999 was not found"),
        ("POST", {"filter": {"callIds": []}}, "filter.callIds must have at least 1 item"),
        ("POST", {"filter": {"callIds": ["7", "7"]}}, "filter.callIds[1] is in the list already"),
        ("PUT", access("99999"), "callAccessList[0].callId: call 99999 was not found"),
        ("PUT", {"callAccessList": []}, "callAccessList must have at least 1 item"),
        ("PUT", {"callAccessList": [{"callId": "7"}]}, "callAccessList[0].userIds is required"),
        ("DELETE", access("7", "a@b"), "callAccessList[0].userIds[0] must be an identifier of up to 20 digits"),
        ("DELETE", {**access("7"), "cursor": "2"}, "cursor is not a known field"),
    ],
)
def test_wrong_requests_about_access_are_refused_as_specified(
    client: httpx.Client, method: str, body: dict, said: str
) -> None:
    answer = client.request(method, ACCESS, json=body)
    assert (answer.status_code, answer.json()["errors"]) == (400, [said])
    check_answer(
        {"POST": "getUsersAccessToCalls", "PUT": "addUsersAccessToCalls", "DELETE": "deleteUsersAccessToCalls"}[method],
        answer,
    )


def test_access_is_given_taken_back_and_told_and_an_unknown_user_changes_nothing(client: httpx.Client) -> None:
    call_id, other_id = add_call(client), DEFAULT_USERS[1]["id"]

    def told() -> list[str]:
        (call,) = client.post(ACCESS, json={"filter": {"callIds": [call_id]}}).json()["callAccessList"]
        assert call["callId"] == call_id
        return [user["userId"] for user in call["users"]]

    for _ in range(2):
        assert client.put(ACCESS, json=access(call_id, HOST_ID, other_id)).status_code == 200
        assert told() == [HOST_ID, other_id]
    refused = client.request("DELETE", ACCESS, json=access(call_id, HOST_ID, "99999"))
    assert (refused.status_code, told()) == (400, [HOST_ID, other_id])
    for _ in range(2):
        assert client.request("DELETE", ACCESS, json=access(call_id, HOST_ID)).status_code == 200
        assert told() == [other_id]


def test_every_part_of_a_call_in_full_is_as_specified(client: httpx.Client) -> None:
    posted = full_call()
    # Gong documents the values of CRM fields as objects, and means anything.
    posted["context"][0]["objects"][0]["fields"][0]["value"] = {"text": "Retail"}
    call_id = add_call(client, **posted)
    client.put(f"/v2/calls/{call_id}/media", files=as_media_file(wav_bytes()))
    content = [name for name in SCHEMAS["CallContent"]["properties"] if name != "pointsOfInterest"]
    exposed = {
        "parties": True,
        "media": True,
        "content": dict.fromkeys(content, True),
        "interaction": dict.fromkeys(SCHEMAS["CallInteraction"]["properties"], True),
        "collaboration": {"publicComments": True},
    }
    selector = {"context": "Extended", "contextTiming": ["Now", "TimeOfCall"], "exposedFields": exposed}
    answer = client.post("/v2/calls/extensive", json={"filter": {"callIds": [call_id]}, "contentSelector": selector})
    check_answer("listCallsExtensive", answer)
    (call,) = answer.json()["calls"]
    assert set(call) == {*SCHEMAS["CallData"]["properties"], "addedLater"}
    assert set(call["content"]) >= set(SCHEMAS["ContentDto"]["properties"])
    assert [record["timing"] for record in call["context"][0]["objects"]] == ["Now", "TimeOfCall"]


def test_a_cursor_expires(start_sandbox: Callable[..., Sandbox]) -> None:
    with client_of(start_sandbox(cursor_seconds=0.0)) as client:
        cursor = client.get("/v2/users").json()["records"]["cursor"]
        answer = client.get("/v2/users", params={"cursor": cursor})
        assert (answer.status_code, answer.json()["errors"]) == (400, ["cursor has expired"])
        check_answer("listUsers", answer)


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


def test_calls_of_a_person_are_found_and_erased_however_the_number_is_written(client: httpx.Client) -> None:
    customer = {"phoneNumber": "+1 425-555-0171", "emailAddress": "Customer@example.com"}
    call_id = add_call(client, clientUniqueId="theirs", parties=[{"userId": HOST_ID}, customer])
    another = add_call(client, clientUniqueId="another")
    by_number = send(client, "findAllReferencesToPhoneNumber")
    check_answer("findAllReferencesToPhoneNumber", by_number)
    assert [call["id"] for call in by_number.json()["calls"]] == [call_id]
    assert by_number.json()["emailAddresses"] == ["Customer@example.com"]
    by_address = send(client, "findAllReferencesToEmailAddress")
    check_answer("findAllReferencesToEmailAddress", by_address)
    assert [call["id"] for call in by_address.json()["calls"]] == [call_id]
    assert send(client, "purgePhoneNumber").status_code == 200
    assert [client.get(f"/v2/calls/{one}").status_code for one in (call_id, another)] == [404, 200]


def test_media_for_an_unknown_call_is_refused_as_specified(client: httpx.Client) -> None:
    answer = send(client, "addCallRecording", "99999")
    assert answer.status_code == 400
    check_answer("addCallRecording", answer)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_needs_the_scope_that_the_specification_names(operation: str) -> None:
    assert f"'{SCOPES[operation]}'" in description_of(operation)


def test_media_urls_need_a_scope_of_their_own() -> None:
    assert f"'{MEDIA_URL_SCOPE}'" in description_of("listCallsExtensive")
