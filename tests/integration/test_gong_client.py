"""The client against real sockets: what is sent, what is understood, what never leaks."""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge.errors import (
    BadCredentials,
    BadMetadata,
    BridgeError,
    RateLimited,
    RefusedByGong,
    ServiceDown,
    Unclear,
    WrongBaseUrl,
)
from gong_bridge.gong.calls import Calls, CreatedCall
from gong_bridge.gong.refusals import AlreadyKnown, NotEnabled
from gong_bridge.gong.users import Users
from gong_bridge.model import GongUser
from tests.integration.scripted_gong import (
    ACCESS_KEY,
    ACCESS_KEY_SECRET,
    Exchange,
    NotedAllowance,
    Script,
    ScriptedGong,
    client_of,
    talk,
)

DRAFT = {"clientUniqueId": "pbx-17", "primaryUser": "2345", "actualStart": "2025-03-04T12:00:00-05:00"}
START = "2025-03-04T12:00:00.250-05:00"


def says(status: int, body: object = None, **headers: str) -> Script:
    """A Gong that reads every request and always answers so."""

    def script(exchange: Exchange) -> None:
        exchange.drain()
        exchange.answer(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return script


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


# --- creating a call -------------------------------------------------------------------------------------------------


def test_a_created_call_has_gongs_id_as_text_and_its_request_id() -> None:
    answer = {"requestId": "r-1", "callId": "77823422740259378951", "added": {"later": True}}
    with talk(says(200, answer)) as (_gong, client):
        created = Calls(client).create(DRAFT)
    assert created == CreatedCall(call_id="77823422740259378951", request_id="r-1", http_status=200)


def test_a_numeric_id_keeps_all_its_digits() -> None:
    with talk(says(201, b'{"callId":77823422740259378951}')) as (_gong, client):
        assert Calls(client).create(DRAFT).call_id == "77823422740259378951"


def test_the_draft_arrives_as_it_was_written_with_basic_log_in() -> None:
    seen: list[dict] = []

    def script(exchange: Exchange) -> None:
        seen.append(exchange.json)
        exchange.answer(200, {"callId": "1"})

    with ScriptedGong(script) as gong, client_of(gong.base_url + "/") as client:
        Calls(client).create(DRAFT | {"title": 'Müller ☎ "x"'})
        request = gong.requests[0]
    assert seen == [DRAFT | {"title": 'Müller ☎ "x"'}]
    assert (request.method, request.target) == ("POST", "/v2/calls")
    token = base64.b64encode(f"{ACCESS_KEY}:{ACCESS_KEY_SECRET}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {token}"


@pytest.mark.parametrize("body", [{"requestId": "r"}, {"callId": None}, {"callId": ""}, {"callId": ["1"]}])
def test_R21_a_success_without_a_call_id_is_unclear(body: dict) -> None:
    with talk(says(200, body)) as (_gong, client), pytest.raises(Unclear):
        Calls(client).create(DRAFT)


@pytest.mark.parametrize("status", [400, 409])
def test_R23_a_known_client_unique_id_is_already_known(status: int) -> None:
    body = {"requestId": "r-9", "errors": ["A call with this clientUniqueId already exists"]}
    with talk(says(status, body)) as (_gong, client), pytest.raises(AlreadyKnown) as caught:
        Calls(client).create(DRAFT)
    assert (caught.value.http_status, caught.value.request_id) == (status, "r-9")


def test_R23_not_enabled_names_the_user_by_gongs_id() -> None:
    body = {"requestId": "r-9", "errors": ["Recording is not enabled for the primary user"]}
    with talk(says(409, body)) as (_gong, client), pytest.raises(NotEnabled, match="for Gong user 2345") as caught:
        Calls(client).create(DRAFT)
    assert caught.value.code == "not-enabled"


def test_R23_an_unknown_conflict_is_held_with_gongs_words() -> None:
    body = {"requestId": "r-9", "errors": ["the moon is full"]}
    with talk(says(409, body)) as (_gong, client), pytest.raises(RefusedByGong, match="the moon is full") as caught:
        Calls(client).create(DRAFT)
    assert type(caught.value) is RefusedByGong


def test_bytes_that_are_no_text_are_named_before_any_request() -> None:
    allowance = NotedAllowance()
    with talk(says(200), allowance) as (gong, client), pytest.raises(BadMetadata):
        Calls(client).create(DRAFT | {"title": "broken \udcff"})
    assert (gong.requests, allowance.notes) == ([], [])


# --- limits ----------------------------------------------------------------------------------------------------------


def test_R26_each_request_takes_one_slot_and_says_when_it_left() -> None:
    allowance = NotedAllowance()
    with talk(says(200, {"callId": "1"}), allowance) as (_gong, client):
        Calls(client).create(DRAFT)
        Calls(client).create(DRAFT)
    assert allowance.notes == ["take", "sent", "take", "sent"]


@pytest.mark.parametrize(
    ("status", "headers", "note"),
    [(429, {"Retry_After": "7"}, "pause 7"), (429, {}, "pause 1"), (503, {}, "pause 30")],
)
def test_R27_a_limit_pauses_everybody(status: int, headers: dict[str, str], note: str) -> None:
    allowance = NotedAllowance()
    body = {"requestId": "r-4", "errors": ["limit exceeded"]}
    with talk(says(status, body, **headers), allowance) as (_gong, client), pytest.raises(RateLimited) as caught:
        Calls(client).create(DRAFT)
    assert allowance.notes == ["take", "sent", note]
    assert caught.value.keeps_attempt
    assert caught.value.request_id == "r-4"


def test_R27_a_wait_until_a_date_long_ago_or_far_away_is_bounded() -> None:
    allowance = NotedAllowance()
    for date in ("Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2999 00:00:00 GMT"):
        script = says(429, {}, Retry_After=date)
        with talk(script, allowance) as (_gong, client), pytest.raises(RateLimited):
            Calls(client).create(DRAFT)
    assert allowance.notes == ["take", "sent", "pause 1", "take", "sent", "pause 3600"]


def test_R26_an_allowance_that_refuses_sends_nothing() -> None:
    class Spent(NotedAllowance):
        def take(self, stop: object) -> None:
            raise RateLimited("today's calls are used up", wait_seconds=600)

    with talk(says(200), Spent()) as (gong, client), pytest.raises(RateLimited, match="used up"):
        Calls(client).create(DRAFT)
    assert gong.requests == []


# --- looking up ------------------------------------------------------------------------------------------------------


def pages_of_calls(exchange: Exchange) -> None:
    """Three pages; the wanted call is on the second, a near miss on the first."""
    rows = {
        None: ([{"id": "1", "clientUniqueId": "PBX-17"}, {"id": "2"}], "page-2"),
        "page-2": ([{"id": "3", "clientUniqueId": "pbx-17", "url": "https://gong.example.com/call?id=3"}], "page-3"),
        "page-3": ([{"id": "4", "clientUniqueId": "pbx-18"}], None),
    }
    calls, cursor = rows[exchange.query.get("cursor")]
    records = {"totalRecords": 4, "currentPageSize": len(calls), "cursor": cursor, "more": 1}
    exchange.answer(200, {"requestId": "r", "records": records, "calls": calls})


def test_R22_a_call_is_found_by_its_exact_client_unique_id_on_a_later_page() -> None:
    with talk(pages_of_calls) as (gong, client):
        found = Calls(client).find("pbx-17", START, workspace_id="99")
        first, second = gong.requests
    assert found is not None
    assert (found.id, found.url) == ("3", "https://gong.example.com/call?id=3")
    period = {"fromDateTime": "2025-03-04T16:50:00Z", "toDateTime": "2025-03-04T17:10:00Z", "workspaceId": "99"}
    assert first.query == period
    assert second.query == period | {"cursor": "page-2"}


def test_R22_no_page_has_it_means_there_is_none() -> None:
    with talk(pages_of_calls) as (gong, client):
        assert Calls(client).find("pbx-19", START) is None
        assert len(gong.requests) == 3


def test_G2_a_404_means_no_calls_in_that_period() -> None:
    body = {"requestId": "r", "errors": ["No calls found corresponding to the provided filters"]}
    with talk(says(404, body)) as (_gong, client):
        assert Calls(client).find("pbx-17", START) is None


def test_a_cursor_that_comes_back_does_not_loop_for_ever() -> None:
    body = {"records": {"cursor": "again"}, "calls": []}
    with talk(says(200, body)) as (gong, client), pytest.raises(ServiceDown, match="circles"):
        Calls(client).find("pbx-17", START)
    assert len(gong.requests) == 2


@pytest.mark.parametrize("calls", [{}, {"calls": None}, {"calls": []}, {"records": None}])
def test_a_page_without_rows_or_records_is_an_empty_one(calls: dict) -> None:
    with talk(says(200, calls)) as (_gong, client):
        assert Calls(client).find("pbx-17", START) is None


def test_one_call_is_shown_and_an_unknown_one_is_none() -> None:
    def script(exchange: Exchange) -> None:
        if exchange.path == "/v2/calls/7":
            exchange.answer(200, {"call": {"id": "7", "media": "Audio", "new": []}})
        else:
            exchange.answer(404, {"errors": ["not found"]})

    with talk(script) as (gong, client):
        shown = Calls(client).get("7")
        assert Calls(client).get("8") is None
        assert Calls(client).get("../users?x=1") is None
        assert gong.requests[2].target == "/v2/calls/..%2Fusers%3Fx%3D1"
    assert shown is not None
    assert shown.media == "Audio"


@pytest.mark.parametrize(
    ("media_kind", "extensive_status", "extensive_body", "expected"),
    [
        (None, 200, {"calls": [{"media": {"audioUrl": "https://x.example.com/a"}}]}, False),
        ("Audio", 200, {"calls": [{"media": {"audioUrl": "https://x.example.com/a"}}]}, True),
        ("Video", 200, {"calls": [{"media": {"videoUrl": "https://x.example.com/v"}}]}, True),
        ("Audio", 200, {"calls": [{"media": {}}]}, False),
        ("Audio", 200, {"calls": [{}]}, False),
        ("Audio", 200, {"calls": []}, False),
        ("Audio", 404, {"errors": ["none"]}, False),
        ("Audio", 403, {"errors": ["missing scope"]}, False),
        ("Audio", 401, {"errors": ["missing scope"]}, False),
    ],
)
def test_R21_media_counts_as_there_only_when_gong_shows_it(
    media_kind: str | None, extensive_status: int, extensive_body: dict, expected: bool
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        if exchange.method == "GET":
            exchange.answer(200, {"call": {"id": "7", "media": media_kind}})
        else:
            assert exchange.json["filter"] == {"callIds": ["7"]}
            exchange.answer(extensive_status, extensive_body)

    with talk(script) as (_gong, client):
        assert Calls(client).has_media("7") is expected


# --- users -----------------------------------------------------------------------------------------------------------


def pages_of_users(exchange: Exchange) -> None:
    if "cursor" not in exchange.query:
        user = {
            "id": "77823422740259378951",
            "emailAddress": "agent-202@example.com",
            "emailAliases": ["sales-202@example.com"],
            "firstName": "Agent",
            "lastName": "202",
            "extension": "202",
            "phoneNumber": "+15550102",
            "active": True,
            "settings": {"telephonyCallsImported": True, "new": {}},
            "spokenLanguages": [{}],
        }
        exchange.answer(200, {"records": {"cursor": "2"}, "users": [user, {"id": "2"}, {"id": "3", "settings": None}]})
    else:
        last = [
            {"id": "4", "active": False},
            {"id": "5", "settings": {"telephonyCallsImported": False}},
            {"id": "6", "settings": {"telephonyCallsImported": None}, "emailAliases": None, "active": None},
        ]
        exchange.answer(200, {"records": {}, "users": last})


def test_users_of_all_pages_are_read_and_absent_settings_forbid_nothing() -> None:
    with talk(pages_of_users) as (_gong, client):
        users = list(Users(client).list())
    assert users[0] == GongUser(
        id="77823422740259378951",
        email="agent-202@example.com",
        aliases=("sales-202@example.com",),
        name="Agent 202",
        extension="202",
        phone_number="+15550102",
        active=True,
        telephony_calls_imported=True,
    )
    assert [(user.id, user.active, user.telephony_calls_imported) for user in users[1:]] == [
        ("2", True, True),
        ("3", True, True),
        ("4", False, True),
        ("5", True, False),
        ("6", True, True),
    ]


def test_users_are_asked_for_page_by_page() -> None:
    with talk(pages_of_users) as (gong, client):
        users: Iterator[GongUser] = Users(client).list()
        next(users)
        assert len(gong.requests) == 1


def test_a_user_without_an_id_is_named_by_its_place() -> None:
    script = says(200, {"requestId": "r-5", "users": [{"id": "1"}, {"emailAddress": "agent-201@example.com"}]})
    with talk(script) as (_gong, client), pytest.raises(ServiceDown, match=r"users\.1\.id is missing") as caught:
        list(Users(client).list())
    assert "example.com" not in caught.value.message


# --- the wrong place -------------------------------------------------------------------------------------------------


def test_a_redirect_is_refused_and_not_followed() -> None:
    with ScriptedGong(says(200, {"users": []})) as elsewhere:
        moved = says(302, {}, Location=elsewhere.base_url + "/v2/users")
        with talk(moved) as (_gong, client), pytest.raises(WrongBaseUrl, match="redirect"):
            list(Users(client).list())
        assert elsewhere.requests == []


def test_a_log_in_page_is_not_gong() -> None:
    def script(exchange: Exchange) -> None:
        exchange.answer(200, b"<!doctype html><title>Sign in</title>", content_type="text/html")

    with talk(script) as (_gong, client), pytest.raises(WrongBaseUrl):
        list(Users(client).list())


def test_an_unknown_host_is_a_wrong_base_url() -> None:
    with client_of("http://gong.invalid") as client, pytest.raises(WrongBaseUrl, match=r"gong\.invalid"):
        list(Users(client).list())


def test_a_base_url_with_a_path_is_kept() -> None:
    with ScriptedGong(says(200, {"users": []})) as gong, client_of(gong.base_url + "/gong/") as client:
        list(Users(client).list())
        assert gong.requests[0].path == "/gong/v2/users"


@pytest.mark.parametrize("status", [401, 403])
def test_R29_wrong_keys_pause_with_a_cure(status: int) -> None:
    with (
        talk(says(status, {"requestId": "r", "errors": ["no"]})) as (_gong, client),
        pytest.raises(BadCredentials, match=r"Cure: .*technical administrator"),
    ):
        list(Users(client).list())


# --- what never leaks ------------------------------------------------------------------------------------------------


def test_neither_keys_nor_queries_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with talk(pages_of_calls) as (_gong, client):
        Calls(client).find("pbx-17", START)
        shown = repr(client) + str(vars(Calls(client)))
    token = base64.b64encode(f"{ACCESS_KEY}:{ACCESS_KEY_SECRET}".encode()).decode()
    for secret in (ACCESS_KEY, ACCESS_KEY_SECRET, token, "fromDateTime", "v2/calls"):
        assert secret not in caplog.text
        assert secret not in shown


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 409, 429, 500, 503])
def test_no_error_shows_the_keys(status: int) -> None:
    with talk(says(status, {"errors": ["no"]})) as (_gong, client), pytest.raises(BridgeError) as caught:
        Calls(client).create(DRAFT)
    assert ACCESS_KEY not in repr(caught.value)
    assert ACCESS_KEY_SECRET not in repr(caught.value)


def test_a_netrc_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login other password other\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert os.path.expanduser("~/.netrc") == str(netrc)
    with talk(says(200, {"users": []})) as (gong, client):
        list(Users(client).list())
        token = base64.b64encode(f"{ACCESS_KEY}:{ACCESS_KEY_SECRET}".encode()).decode()
        assert gong.requests[0].headers["authorization"] == f"Basic {token}"
