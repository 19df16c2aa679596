"""The client against real sockets: what is sent, what is understood, what never leaks."""

from __future__ import annotations

import base64
import logging
import os
from pathlib import Path

import pytest

from gong_bridge.errors import (
    BadCredentials,
    BadMetadata,
    BridgeError,
    RateLimited,
    RefusedByGong,
    Unclear,
    WrongBaseUrl,
)
from gong_bridge.gong.calls import Calls, CreatedCall
from gong_bridge.gong.refusals import AlreadyKnown, NotEnabled
from gong_bridge.gong.users import Users
from tests.integration.scripted_gong import (
    ACCESS_KEY,
    ACCESS_KEY_SECRET,
    Exchange,
    NotedAllowance,
    ScriptedGong,
    client_of,
    pages_of_calls,
    says,
    talk,
)

DRAFT = {"clientUniqueId": "pbx-17", "primaryUser": "2345", "actualStart": "2025-03-04T12:00:00-05:00"}
START = "2025-03-04T12:00:00.250-05:00"


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
    assert allowance.notes == ["take", "depart", "sent", "take", "depart", "sent"]


@pytest.mark.parametrize(
    ("status", "headers", "note"),
    [(429, {"Retry_After": "7"}, "too many, pause 7"), (429, {}, "too many, pause 1"), (503, {}, "pause 30")],
)
def test_R27_a_limit_pauses_everybody(status: int, headers: dict[str, str], note: str) -> None:
    allowance = NotedAllowance()
    body = {"requestId": "r-4", "errors": ["limit exceeded"]}
    with talk(says(status, body, **headers), allowance) as (_gong, client), pytest.raises(RateLimited) as caught:
        Calls(client).create(DRAFT)
    assert allowance.notes == ["take", "depart", "sent", note]
    assert caught.value.keeps_attempt
    assert caught.value.request_id == "r-4"


def test_R27_a_wait_until_a_date_long_ago_or_far_away_is_bounded() -> None:
    allowance = NotedAllowance()
    for date in ("Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2999 00:00:00 GMT"):
        script = says(429, {}, Retry_After=date)
        with talk(script, allowance) as (_gong, client), pytest.raises(RateLimited):
            Calls(client).create(DRAFT)
    assert allowance.notes == [
        "take",
        "depart",
        "sent",
        "too many, pause 1",
        "take",
        "depart",
        "sent",
        "too many, pause 3600",
    ]


def test_R26_an_allowance_that_refuses_sends_nothing() -> None:
    class Spent(NotedAllowance):
        def take(self, stop: object) -> None:
            raise RateLimited("today's calls are used up", wait_seconds=600)

    with talk(says(200), Spent()) as (gong, client), pytest.raises(RateLimited, match="used up"):
        Calls(client).create(DRAFT)
    assert gong.requests == []


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
