"""What a failure means depends on how far the request had come (R21): broken connections on real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest

from gong_bridge.errors import (
    BadCredentials,
    BridgeError,
    RateLimited,
    RefusedByGong,
    ServiceDown,
    Unclear,
)
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.users import Users
from tests.integration.scripted_gong import Exchange, NotedAllowance, Zeros, client_of, talk

DRAFT = {"clientUniqueId": "pbx-17", "primaryUser": "2345"}
LARGE = 50_000_000


def create(client: GongClient) -> None:
    Calls(client).create(DRAFT)


def upload(client: GongClient) -> None:
    Calls(client).put_media("7", lambda: Zeros(LARGE), LARGE, "wav", "audio/wav")


def list_users(client: GongClient) -> None:
    list(Users(client).list())


def closes_after_the_request(exchange: Exchange) -> None:
    exchange.drain()
    exchange.close()


def resets_after_the_request(exchange: Exchange) -> None:
    exchange.drain()
    exchange.reset()


def breaks_off_the_head(exchange: Exchange) -> None:
    exchange.drain()
    exchange.connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Le")
    exchange.close()


def breaks_off_the_answer(exchange: Exchange) -> None:
    exchange.drain()
    exchange.answer(200, b'{"callId":"7"', declared_bytes=500)
    exchange.close()


def speaks_no_http(exchange: Exchange) -> None:
    exchange.drain()
    exchange.connection.sendall(b"220 mail.example.com ESMTP\r\n")
    exchange.close()


def lies_about_compression(exchange: Exchange) -> None:
    exchange.drain()
    exchange.answer(200, b"not gzip at all", headers={"Content-Encoding": "gzip"})


def never_answers(exchange: Exchange) -> None:
    exchange.drain()
    exchange.connection.recv(1)


@pytest.mark.parametrize(
    "script",
    [
        closes_after_the_request,
        resets_after_the_request,
        breaks_off_the_head,
        breaks_off_the_answer,
        speaks_no_http,
        lies_about_compression,
        never_answers,
    ],
)
@pytest.mark.parametrize(("request_of", "expected"), [(create, Unclear), (upload, Unclear), (list_users, ServiceDown)])
def test_R21_after_the_last_byte_an_outcome_is_unclear_unless_nothing_could_happen(
    script: Callable[[Exchange], None], request_of: Callable[[GongClient], None], expected: type[BridgeError]
) -> None:
    allowance = NotedAllowance()
    with talk(script, allowance, read=0.4) as (_gong, client), pytest.raises(BridgeError) as caught:
        request_of(client)
    assert type(caught.value) is expected
    assert allowance.notes == ["take", "depart", "sent"]


def closes_in_the_middle(exchange: Exchange) -> None:
    exchange.read_body(1_000_000)
    exchange.close()


def resets_in_the_middle(exchange: Exchange) -> None:
    exchange.read_body(1_000_000)
    exchange.reset()


def stops_reading(exchange: Exchange) -> None:
    time.sleep(1.5)
    exchange.close()


@pytest.mark.parametrize("script", [closes_in_the_middle, resets_in_the_middle, stops_reading])
def test_R21_before_the_last_byte_it_is_certain_that_gong_has_no_media(script: Callable[[Exchange], None]) -> None:
    with talk(script, write=0.5, read=2) as (_gong, client), pytest.raises(ServiceDown) as caught:
        upload(client)
    assert not caught.value.keeps_attempt


@pytest.mark.parametrize(
    ("status", "expected"),
    [(401, BadCredentials), (413, RefusedByGong), (429, RateLimited), (500, ServiceDown), (201, ServiceDown)],
)
@pytest.mark.parametrize("read_first_bytes", [0, 3_000_000])
def test_an_answer_before_the_whole_upload_is_read_and_counts(
    status: int, expected: type[BridgeError], read_first_bytes: int
) -> None:
    def script(exchange: Exchange) -> None:
        exchange.read_body(read_first_bytes)
        exchange.answer(status, {"requestId": "r-3", "errors": ["early"], "callId": "7"})
        exchange.close()

    with talk(script, write=5, read=5) as (_gong, client), pytest.raises(BridgeError) as caught:
        upload(client)
    assert type(caught.value) is expected
    assert (caught.value.http_status, caught.value.request_id) == (status, "r-3")


@pytest.mark.parametrize(
    ("status", "expected"), [(401, BadCredentials), (429, RateLimited), (409, RefusedByGong), (500, Unclear)]
)
def test_an_error_whose_sentences_are_cut_off_still_counts(status: int, expected: type[BridgeError]) -> None:
    def script(exchange: Exchange) -> None:
        exchange.drain()
        exchange.answer(status, b'{"requestId":"r-3","err', declared_bytes=500)
        exchange.close()

    with talk(script) as (_gong, client), pytest.raises(BridgeError) as caught:
        create(client)
    assert type(caught.value) is expected
    assert caught.value.http_status == status


def test_a_refused_connection_gives_the_attempt_back_and_never_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    allowance = NotedAllowance()
    with client_of(f"http://127.0.0.1:{port}", allowance) as client, pytest.raises(ServiceDown) as caught:
        create(client)
    assert caught.value.keeps_attempt
    assert allowance.notes == ["take"]


def test_an_answer_without_end_is_given_up() -> None:
    def script(exchange: Exchange) -> None:
        exchange.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        while True:
            exchange.connection.sendall(b" " * 1_000_000)

    with talk(script) as (_gong, client), pytest.raises(ServiceDown):
        list_users(client)


def test_R21_a_slow_answer_within_the_time_out_is_waited_for() -> None:
    def script(exchange: Exchange) -> None:
        exchange.drain()
        time.sleep(0.5)
        exchange.answer(201, {"callId": "7"})

    with talk(script, write=0.2, connect=0.2, read=5) as (gong, client):
        upload(client)
        assert len(gong.requests) == 1


# --- connections that are kept ---------------------------------------------------------------------------------------


def test_one_connection_serves_many_requests() -> None:
    with talk(lambda exchange: (exchange.drain(), exchange.answer(200, {"callId": "1"}))) as (gong, client):
        for _ in range(20):
            create(client)
        assert (len(gong.requests), gong.connection_count) == (20, 1)


def test_a_connection_that_gong_closed_while_idle_costs_no_look_up() -> None:
    def script(exchange: Exchange) -> None:
        exchange.drain()
        exchange.answer(200, {"callId": "1"})
        exchange.close()

    with talk(script) as (gong, client):
        for _ in range(5):
            create(client)
            time.sleep(0.05)
        assert gong.connection_count == 5


def test_more_workers_than_kept_connections_all_get_one() -> None:
    barrier = threading.Barrier(24, timeout=10)

    def script(exchange: Exchange) -> None:
        exchange.drain()
        barrier.wait()
        exchange.answer(200, {"callId": "1"})

    with talk(script, pool=5) as (gong, client):
        threads = [threading.Thread(target=create, args=(client,)) for _ in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert gong.connection_count == 24


# --- the second signal -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("script", "expected"), [(never_answers, Unclear), (stops_reading, ServiceDown)])
def test_abort_breaks_off_what_is_under_way_at_once(
    script: Callable[[Exchange], None], expected: type[BridgeError]
) -> None:
    caught: list[BridgeError] = []

    def work(client: GongClient) -> None:
        with pytest.raises(BridgeError) as error:
            upload(client)
        caught.append(error.value)

    with talk(script) as (_gong, client):
        worker = threading.Thread(target=work, args=(client,))
        worker.start()
        time.sleep(0.5)
        started = time.monotonic()
        client.abort()
        worker.join(5)
        assert time.monotonic() - started < 3.0
        assert [type(error) for error in caught] == [expected]
        with pytest.raises(ServiceDown, match="stopping") as later:
            create(client)
    assert later.value.keeps_attempt
