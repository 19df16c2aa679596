"""What each HTTP status means, and how long Gong wants to be left alone (R27)."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gong_bridge.errors import (
    BadCredentials,
    BridgeError,
    BusyAndUnclear,
    RateLimited,
    RefusedByGong,
    ServiceDown,
    Unclear,
    WrongBaseUrl,
)
from gong_bridge.gong import calls, users
from gong_bridge.gong.answers import RawAnswer, pause_seconds, understand
from gong_bridge.gong.log_in import ACCESS_KEY, OAUTH_TOKEN
from gong_bridge.gong.sentences import without_log_in
from gong_bridge.gong.wire import Operation

NOW = datetime(2025, 3, 4, 12, 0, 0, tzinfo=UTC)
JSON = "application/json;charset=utf-8"
HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"


def answer(
    operation: Operation,
    status: int,
    content: bytes = b'{"requestId":"r-1","errors":["reason of Gong"]}',
    *,
    content_type: str = JSON,
    whole_request: bool = True,
    **headers: str,
) -> RawAnswer:
    return RawAnswer(
        operation=operation,
        host="gong.example.com",
        http_status=status,
        headers={"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}},
        content=content,
        whole_request=whole_request,
        about="",
        now=NOW,
        known_as=ACCESS_KEY,
    )


def error_of(raw: RawAnswer) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        understand(raw)
    return caught.value


@pytest.mark.parametrize(
    ("status", "creating", "delivering", "listing"),
    [
        (301, WrongBaseUrl, WrongBaseUrl, WrongBaseUrl),
        (302, WrongBaseUrl, WrongBaseUrl, WrongBaseUrl),
        (307, WrongBaseUrl, WrongBaseUrl, WrongBaseUrl),
        (400, RefusedByGong, RefusedByGong, RefusedByGong),
        (401, BadCredentials, BadCredentials, BadCredentials),
        (403, BadCredentials, BadCredentials, BadCredentials),
        (404, WrongBaseUrl, RefusedByGong, None),
        (405, WrongBaseUrl, WrongBaseUrl, WrongBaseUrl),
        (407, WrongBaseUrl, WrongBaseUrl, WrongBaseUrl),
        (408, ServiceDown, ServiceDown, ServiceDown),
        (409, RefusedByGong, RefusedByGong, RefusedByGong),
        (413, RefusedByGong, RefusedByGong, RefusedByGong),
        (415, RefusedByGong, RefusedByGong, RefusedByGong),
        (422, RefusedByGong, RefusedByGong, RefusedByGong),
        (429, RateLimited, RateLimited, RateLimited),
        (500, Unclear, Unclear, ServiceDown),
        (502, Unclear, Unclear, ServiceDown),
        (503, BusyAndUnclear, BusyAndUnclear, RateLimited),
        (504, Unclear, Unclear, ServiceDown),
        (520, Unclear, Unclear, ServiceDown),
        (999, WrongBaseUrl, WrongBaseUrl, WrongBaseUrl),
    ],
)
def test_every_status_has_one_meaning_for_each_kind_of_operation(
    status: int, creating: type[BridgeError], delivering: type[BridgeError], listing: type[BridgeError] | None
) -> None:
    assert type(error_of(answer(calls.ADD, status))) is creating
    assert type(error_of(answer(calls.ADD_RECORDING, status))) is delivering
    if listing is None:
        assert not understand(answer(calls.LIST, status)).found
    else:
        assert type(error_of(answer(calls.LIST, status))) is listing


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_G2_any_2xx_is_success(status: int) -> None:
    understood = understand(answer(calls.ADD, status, b'{"requestId":"r-2","callId":"7","new":{}}'))
    assert (understood.http_status, understood.request_id, understood.body["callId"]) == (status, "r-2", "7")


@pytest.mark.parametrize("content", [b"", b"OK", b"[]", b"null", b'{"callId":', b"\xff\xfe", b"[" * 100_000])
def test_a_2xx_that_is_no_json_object_leaves_a_creation_unclear(content: bytes) -> None:
    assert type(error_of(answer(calls.ADD, 200, content))) is Unclear
    assert type(error_of(answer(calls.LIST, 200, content))) is ServiceDown


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/json"])
@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_web_page_is_not_gong(status: int, content_type: str) -> None:
    error = error_of(answer(calls.ADD, status, HTML, content_type=content_type))
    assert type(error) is WrongBaseUrl
    assert "base_url" in error.message


def test_a_web_page_with_a_server_error_is_gongs_trouble() -> None:
    assert type(error_of(answer(calls.LIST, 502, HTML, content_type="text/html"))) is ServiceDown


def test_a_success_before_the_whole_request_was_sent_is_none() -> None:
    assert type(error_of(answer(calls.ADD_RECORDING, 201, b'{"callId":"7"}', whole_request=False))) is ServiceDown


def test_a_server_error_before_the_whole_request_was_sent_is_certain() -> None:
    assert type(error_of(answer(calls.ADD_RECORDING, 500, whole_request=False))) is ServiceDown
    assert type(error_of(answer(calls.ADD_RECORDING, 503, whole_request=False))) is RateLimited


@pytest.mark.parametrize("status", [400, 401, 403, 409, 413, 429, 500, 503])
def test_G8_every_error_keeps_gongs_request_id_and_status(status: int) -> None:
    error = error_of(answer(calls.ADD, status))
    assert (error.http_status, error.request_id) == (status, "r-1")


def test_a_missing_permission_names_the_operation_and_the_scope() -> None:
    message = error_of(answer(users.LIST, 403)).message
    assert "listUsers" in message
    assert "api:users:read" in message
    assert "technical administrator" in message


def test_with_oauth_a_missing_permission_says_where_its_scope_is_written() -> None:
    refused = replace(answer(users.LIST, 403), known_as=OAUTH_TOKEN)
    assert error_of(refused).message.endswith(
        "Cure: write api:users:read below more_scopes of oauth in bridge.yaml, unless `gong-bridge auth status` lists "
        "it; then gong-bridge auth login"
    )


def test_a_refusal_carries_gongs_words() -> None:
    assert "reason of Gong" in error_of(answer(calls.ADD, 400)).message


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "7", 7.0),
        (429, " 7 ", 7.0),
        (429, "0.5", 1.0),
        (429, "0", 1.0),
        (429, "-3", 1.0),
        (429, "86400", 3600.0),
        (429, "inf", 3600.0),
        (429, "nan", 3600.0),
        (429, "Tue, 04 Mar 2025 12:00:42 GMT", 42.0),
        (429, "Tuesday, 04-Mar-25 12:00:42 GMT", 42.0),
        (429, "Tue, 04 Mar 2025 11:59:00 GMT", 1.0),
        (429, "Wed, 05 Mar 2025 12:00:00 GMT", 3600.0),
        (429, None, 1.0),
        (429, "soon", 1.0),
        (503, None, 30.0),
        (503, "", 30.0),
        (503, "5", 5.0),
    ],
)
def test_R27_retry_after_is_read_in_seconds_and_as_a_date_and_capped(
    status: int, retry_after: str | None, seconds: float
) -> None:
    assert pause_seconds(http_status=status, retry_after=retry_after, now=NOW) == seconds


@pytest.mark.parametrize(("status", "seconds"), [(429, 9.0), (503, 9.0)])
def test_R27_a_limit_gives_the_attempt_back(status: int, seconds: float) -> None:
    error = error_of(answer(calls.ADD_RECORDING, status, retry_after="9"))
    assert isinstance(error, RateLimited)
    assert error.keeps_attempt
    assert error.wait_seconds == seconds


def test_gongs_words_are_written_down_without_links_control_characters_or_length() -> None:
    link = "https://b.s3.amazonaws.com/a.wav?X-Amz-Signature=5d41402a&X-Amz-Expires=900"
    content = json.dumps({"requestId": f"r {link}", "errors": [f"cannot fetch\n{link} \x1b[31m"]}).encode()
    failed = error_of(answer(calls.ADD, 500, content))
    assert "cannot fetch https://b.s3.amazonaws.com/a.wav?… [31m" in failed.message
    assert "5d41402a" not in failed.message + str(failed.request_id)


@pytest.mark.parametrize(
    ("authorization", "echo"),
    [
        ("Basic a2V5LW9mLWdvbmc6c2VjcmV0L29mL2dvbmc=", b"you sent Basic a2V5LW9mLWdvbmc6c2VjcmV0L29mL2dvbmc="),
        ("Basic a2V5LW9mLWdvbmc6c2VjcmV0L29mL2dvbmc=", b"user key-of-gong, password secret/of/gong"),
        ("Basic a2V5LW9mLWdvbmc6c2VjcmV0L29mL2dvbmc=", rb'{"password": "secret\/of\/gong"}'),
        ("Basic a2V5LW9mLWdvbmc6c2VjcmV0L29mL2dvbmc=", b"?password=secret%2Fof%2Fgong"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", b"token eyJhbGciOiJIUzI1NiJ9.e30.x is old"),
    ],
)
def test_an_answer_that_repeats_the_log_in_is_read_without_it(authorization: str, echo: bytes) -> None:
    masked = without_log_in(echo, authorization)
    assert b"********" in masked
    for secret in (b"a2V5", b"key-of-gong", b"secret", b"eyJ"):
        assert secret not in masked
    assert without_log_in(b'{"calls": []}', authorization) == b'{"calls": []}'
