"""Calls looked up and users listed: all pages, one at a time, with whatever Gong leaves out or adds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count

import pytest

from gong_bridge.errors import RefusedByGong, ServiceDown
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.pages import CursorLost
from gong_bridge.gong.users import Users
from gong_bridge.model import GongUser
from tests.integration.scripted_gong import Exchange, pages_of_calls, says, talk

NOON = datetime(2025, 3, 4, 12, tzinfo=UTC)
START = "2025-03-04T12:00:00.250-05:00"


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
    ("status", "body", "expected"),
    [
        (200, {"calls": [{"media": {"audioUrl": "https://x.example.com/a"}}]}, True),
        (200, {"calls": [{"media": {"videoUrl": "https://x.example.com/v"}}]}, True),
        (200, {"calls": [{"media": {}}]}, False),
        (200, {"calls": [{}]}, False),
        (200, {"calls": []}, None),
        (404, {"errors": ["none"]}, None),
        (403, {"errors": ["missing scope"]}, None),
        (401, {"errors": ["missing scope"]}, None),
        (405, {"errors": ["no such operation here"]}, None),
    ],
)
def test_R21_media_counts_as_there_only_when_gong_shows_it(status: int, body: dict, expected: bool | None) -> None:
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        assert exchange.json["filter"] == {"callIds": ["7"]}
        exchange.answer(status, body)

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
        users = list(Users(client).everybody())
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
        users: Iterator[GongUser] = Users(client).everybody()
        next(users)
        assert len(gong.requests) == 1


def test_a_user_without_an_id_is_named_by_its_place() -> None:
    script = says(200, {"requestId": "r-5", "users": [{"id": "1"}, {"emailAddress": "agent-201@example.com"}]})
    with talk(script) as (_gong, client), pytest.raises(ServiceDown, match=r"users\.1\.id is missing") as caught:
        list(Users(client).everybody())
    assert "example.com" not in caught.value.message


def test_a_list_goes_on_after_failed_pages_over_hundreds_of_them() -> None:
    """300 pages of one user; the connection breaks before and in the middle of an answer now and then."""
    asked = count(1)

    def script(exchange: Exchange) -> None:
        page, request = int(exchange.query.get("cursor", "0")), next(asked)
        records = {"totalRecords": 300, **({"cursor": str(page + 1)} if page < 299 else {})}
        answer = {"requestId": "r", "records": records, "users": [{"id": 10**19 + page}]}
        if request % 7 == 0:
            exchange.reset()
        elif request % 11 == 0:
            exchange.answer(200, answer, declared_bytes=10_000)
            exchange.close()
        else:
            exchange.answer(200, answer)

    ids, failures = [], 0
    with talk(script) as (_gong, client):
        users = Users(client).list()
        while not users.finished:
            try:
                ids.extend(user.id for user in users.next_rows())
            except ServiceDown:
                failures += 1
    assert ids == [str(10**19 + page) for page in range(300)]
    assert users.total == 300
    assert failures > 50


def test_a_list_goes_on_in_another_process_by_its_cursor() -> None:
    with talk(pages_of_calls) as (gong, client):
        first = Calls(client).list(NOON, NOON)
        assert [call.id for call in first.next_rows()] == ["1", "2"]
        assert first.cursor == "page-2"
        assert [call.id for call in Calls(client).list(NOON, NOON, cursor="page-2")] == ["3", "4"]
        assert [request.query.get("cursor") for request in gong.requests] == [None, "page-2", "page-3"]


@pytest.mark.parametrize("status", [400, 404])
def test_a_cursor_that_gong_no_longer_takes_is_told_apart_from_a_refused_question(status: int) -> None:
    def script(exchange: Exchange) -> None:
        if "cursor" in exchange.query:
            exchange.answer(status, {"requestId": "r", "errors": ["cursor has expired"]})
        else:
            pages_of_calls(exchange)

    with talk(script) as (_gong, client):
        calls = Calls(client).list(NOON, NOON)
        assert [next(calls).id, next(calls).id] == ["1", "2"]
        with pytest.raises(CursorLost):
            next(calls)
    with talk(says(400, {"errors": ["workspaceId is wrong"]})) as (_gong, client), pytest.raises(RefusedByGong):
        next(Calls(client).list(NOON, NOON))


def test_half_a_character_in_an_answer_spoils_neither_the_page_nor_its_neighbours() -> None:
    content = b'{"requestId": "r", "users": [{"id": "1", "title": "\\ud83d and \\ud83d\\ude00"}, {"id": "2"}]}'
    with talk(says(200, content)) as (_gong, client):
        first, second = Users(client).list()
    assert first.title is not None
    assert first.title.endswith("and 😀")
    assert first.model_dump_json()
    assert second.id == "2"


def test_a_time_without_an_offset_is_refused_before_anything_is_asked() -> None:
    with talk(pages_of_calls) as (gong, client):
        with pytest.raises(ValueError, match="without an offset"):
            Calls(client).list(NOON.replace(tzinfo=None), NOON)
        assert gong.requests == []
