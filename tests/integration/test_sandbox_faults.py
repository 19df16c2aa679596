"""The sandbox plays faults on demand: statuses, real drops before and after the effect, slow and broken answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import HOST_ID, add_call, client_of, new_call, put_media, wav_bytes


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


DROPPED = (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)
"""A dropped connection is reset when something of the request was still unread, else closed."""


def test_a_connection_dropped_before_the_effect_leaves_nothing(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="drop_before"))
    with pytest.raises(DROPPED):
        client.post("/v2/calls", json=new_call())
    assert sandbox.calls == []
    add_call(client)


def test_a_connection_dropped_after_the_effect_leaves_the_call(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="drop_after"))
    with pytest.raises(httpx.RemoteProtocolError):
        client.post("/v2/calls", json=new_call())
    assert [call.client_unique_id for call in sandbox.calls] == ["call-1"]
    assert sandbox.statuses == {"none": 1}


def test_a_connection_dropped_amid_an_upload_is_a_real_drop(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    sandbox.play(Fault(operation="addCallRecording", kind="drop_before", after_bytes=1_000_000))
    with pytest.raises(DROPPED):
        put_media(client, call_id, wav_bytes(5_000_000))
    assert sandbox.calls[0].media is None
    assert put_media(client, call_id, wav_bytes()).status_code == 201


def test_an_upload_that_took_effect_without_an_answer_is_kept(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    sandbox.play(Fault(operation="addCallRecording", kind="drop_after"))
    with pytest.raises(httpx.RemoteProtocolError):
        put_media(client, call_id, wav_bytes())
    assert sandbox.calls[0].media_puts == 1


def test_a_status_on_demand_has_no_effect_and_says_when_to_come_back(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="*", kind="status", status=503, retry_after="7", times=2))
    answers = [client.post("/v2/calls", json=new_call()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_a_status_after_the_effect_leaves_the_call(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="status_after", status=504))
    assert client.post("/v2/calls", json=new_call()).status_code == 504
    assert len(sandbox.calls) == 1


def test_a_slow_answer_comes_after_the_effect(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="slow", seconds=30))
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v2/calls", json=new_call(), timeout=0.3)
    assert len(sandbox.calls) == 1


def test_garbage_and_half_answers_are_no_json(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="garbage"), Fault(operation="addCall", kind="truncated"))
    for number in range(2):
        answer = client.post("/v2/calls", json=new_call(clientUniqueId=str(number)))
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()


def test_an_answer_can_break_off_within_its_body(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="listUsers", kind="truncated", after_bytes=10))
    with pytest.raises(httpx.RemoteProtocolError, match="received 10 bytes"):
        client.get("/v2/users")


def test_a_fault_waits_for_its_turn(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="listUsers", kind="status", status=500, skip=1, times=1))
    assert [client.get("/v2/users").status_code for _ in range(3)] == [200, 500, 200]


def test_faults_can_be_set_and_cleared_over_http(client: httpx.Client) -> None:
    rule = {"operation": "getUser", "kind": "status", "status": 502, "times": None}
    assert client.post("/_sandbox/faults", json={"faults": [rule]}).json()["faults"][0]["status"] == 502
    assert client.get(f"/v2/users/{HOST_ID}").status_code == 502
    client.delete("/_sandbox/faults")
    assert client.get(f"/v2/users/{HOST_ID}").status_code == 200
    wrong = client.post("/_sandbox/faults", json=[{"operation": "getUser", "kind": "explode"}])
    assert wrong.status_code == 400
    assert "status_after" in wrong.json()["errors"][0]
    wrong = client.post("/_sandbox/faults", json=[{"operation": "getUser", "kind": "slow", "seconds": "2"}])
    assert wrong.json()["errors"] == ["seconds must be a number"]


def test_stopping_does_not_wait_for_a_slow_answer() -> None:
    running = Sandbox()
    running.start()
    running.play(Fault(operation="listUsers", kind="slow", seconds=60))
    with client_of(running) as client:
        ended: list[Exception] = []

        def ask() -> None:
            try:
                client.get("/v2/users", timeout=30)
            except httpx.TransportError as error:
                ended.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.2)
        begin = time.monotonic()
        running.stop()
        assert time.monotonic() - begin < 5.0
        asking.join()
        assert len(ended) == 1
