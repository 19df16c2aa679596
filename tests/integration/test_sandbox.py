"""The sandbox gives back what it took, in pages, within limits, and knows a repeated id."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from gong_bridge.sandbox.options import load_users
from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import add_call, client_of, new_call, put_media, wav_bytes


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


def test_a_media_url_appears_once_the_media_arrived(client: httpx.Client) -> None:
    call_id = add_call(client)
    question = {"filter": {"callIds": [call_id]}, "contentSelector": {"exposedFields": {"media": True}}}
    before = client.post("/v2/calls/extensive", json=question).json()["calls"][0]
    assert "media" not in before
    put_media(client, call_id, wav_bytes())
    after = client.post("/v2/calls/extensive", json=question).json()["calls"][0]
    heard = httpx.get(after["media"]["audioUrl"], headers={"Range": "bytes=0-3"}, trust_env=False)
    assert (heard.status_code, heard.content) == (206, b"RIFF")
    assert "media" not in client.post("/v2/calls/extensive", json={"filter": {"callIds": [call_id]}}).json()["calls"][0]


def test_calls_are_listed_from_included_to_excluded(client: httpx.Client) -> None:
    call_id = add_call(client, actualStart="2024-03-01T10:00:00+01:00")
    period = {"fromDateTime": "2024-03-01T09:00:00Z", "toDateTime": "2024-03-01T09:00:01Z"}
    found = client.get("/v2/calls", params=period).json()["calls"]
    assert [(call["id"], call["clientUniqueId"]) for call in found] == [(call_id, "call-1")]
    earlier = {"fromDateTime": "2024-03-01T08:00:00Z", "toDateTime": "2024-03-01T09:00:00Z"}
    assert client.get("/v2/calls", params=earlier).status_code == 404


def test_calls_of_a_workspace_are_listed_alone(client: httpx.Client) -> None:
    add_call(client, clientUniqueId="a", workspaceId="77")
    add_call(client, clientUniqueId="b")
    period = {"fromDateTime": "2024-03-01T00:00:00Z", "toDateTime": "2024-03-02T00:00:00Z"}
    found = client.get("/v2/calls", params={**period, "workspaceId": "77"}).json()["calls"]
    assert [call["clientUniqueId"] for call in found] == ["a"]


def test_cursors_lead_through_every_page_and_belong_to_one_question(client: httpx.Client) -> None:
    for number in range(7):
        add_call(client, clientUniqueId=str(number), actualStart=f"2024-03-01T10:00:0{6 - number}Z")
    query = {"fromDateTime": "2024-03-01T00:00:00Z", "toDateTime": "2024-03-02T00:00:00Z"}
    first = client.get("/v2/calls", params=query).json()
    assert first["records"]["totalRecords"] == 7
    seen = [call["clientUniqueId"] for call in first["calls"]]
    page = first
    while "cursor" in page["records"]:
        page = client.get("/v2/calls", params={**query, "cursor": page["records"]["cursor"]}).json()
        seen += [call["clientUniqueId"] for call in page["calls"]]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]
    assert page["records"]["currentPageNumber"] == 2
    other = {**query, "toDateTime": "2024-03-03T00:00:00Z", "cursor": first["records"]["cursor"]}
    assert client.get("/v2/calls", params=other).status_code == 400


def test_users_come_in_pages_with_aliases_inactive_and_not_importing_ones(client: httpx.Client) -> None:
    users, cursor = [], ""
    while True:
        page = client.get("/v2/users", params={"cursor": cursor} if cursor else {}).json()
        users += page["users"]
        cursor = page["records"].get("cursor", "")
        if not cursor:
            break
    assert [user["extension"] for user in users] == ["201", "202", "203", "204", "205", "206", "207"]
    assert [user["extension"] for user in users if not user["active"]] == ["206"]
    assert [user["extension"] for user in users if not user["settings"]["telephonyCallsImported"]] == ["207"]
    assert users[1]["emailAliases"] == ["sales-202@example.com"]


def test_users_can_come_from_a_file(tmp_path: Path, start_sandbox: Callable[..., Sandbox]) -> None:
    file = tmp_path / "users.json"
    file.write_text(json.dumps({"users": [{"id": "55", "emailAddress": "host@example.com"}]}))
    with client_of(start_sandbox(users=load_users(file))) as client:
        assert client.get("/v2/users/55").json()["user"]["emailAddress"] == "host@example.com"
        add_call(client, primaryUser="55", parties=[{"userId": "55"}])


def test_a_users_file_with_a_mistake_is_named(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_text('[{"id": "55"}]')
    with pytest.raises(ValueError, match=r"users\.json: user 1 needs an id of digits"):
        load_users(file)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v2/flows", 404), ("DELETE", "/v2/calls/1", 405), ("HEAD", "/v2/users", 405), ("GET", "/v2/users/", 404)],
)
def test_unknown_paths_and_methods_are_refused(client: httpx.Client, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    if method != "HEAD":
        assert set(answer.json()) >= {"requestId", "errors"}


@pytest.mark.parametrize(("repeated_id", "status"), [("conflict", 409), ("bad_request", 400), ("same_id", 200)])
def test_a_repeated_id_makes_no_second_call(
    start_sandbox: Callable[..., Sandbox], repeated_id: str, status: int
) -> None:
    sandbox = start_sandbox(repeated_id=repeated_id)
    with client_of(sandbox) as client:
        call_id = add_call(client)
        answer = client.post("/v2/calls", json=new_call(title="again"))
    assert answer.status_code == status
    assert answer.json().get("callId", call_id) == call_id
    assert [call.body.get("title") for call in sandbox.calls] == [None]


def test_more_than_the_limit_within_one_second_is_refused(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox(calls_per_second=3)
    with client_of(sandbox) as client:
        answers = [client.get("/v2/users") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == "1"
        time.sleep(1.05)
        assert client.get("/v2/users").status_code == 200
    assert sandbox.statuses == {"200": 4, "429": 2}
    assert sandbox.busiest_second == 5


def test_the_wait_can_be_told_as_a_date(start_sandbox: Callable[..., Sandbox]) -> None:
    with client_of(start_sandbox(calls_per_second=1, retry_after="date")) as client:
        client.get("/v2/users")
        answer = client.get("/v2/users")
        until = parsedate_to_datetime(answer.headers["retry-after"]).timestamp()
        assert 1 <= until - time.time() <= 3


def test_a_day_has_its_own_limit(start_sandbox: Callable[..., Sandbox]) -> None:
    with client_of(start_sandbox(calls_per_day=2)) as client:
        answers = [client.get("/v2/users") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 86_400
