"""What the sandbox shows of what arrived: its state as JSON, and a page for people."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import HOST_ID, add_call, client_of, new_call, put_media, wav_bytes


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


def test_state_tells_calls_media_and_requests_without_people_in_the_log(client: httpx.Client) -> None:
    call_id = add_call(client)
    put_media(client, call_id, wav_bytes(10))
    client.get("/v2/users", params={"agent": "agent-201@example.com"})
    state = client.get("/_sandbox/state").json()
    assert state["calls"][0]["id"] == call_id
    assert state["calls"][0]["body"] == new_call()
    assert state["calls"][0]["media"]["size"] == 64
    assert state["calls"][0]["media"]["puts"] == 1
    assert state["statuses"] == {"200": 1, "201": 1, "400": 1}
    assert [(seen["method"], seen["path"], seen["status"]) for seen in state["requests"]] == [
        ("POST", "/v2/calls", 200),
        ("PUT", f"/v2/calls/{call_id}/media", 201),
        ("GET", "/v2/users", 400),
    ]
    assert "example.com" not in json.dumps(state["requests"])
    assert client.post("/_sandbox/forget").status_code == 200
    assert client.get("/_sandbox/state").json()["calls"] == []


def test_the_page_escapes_what_callers_sent(client: httpx.Client) -> None:
    hostile = "<script>alert(1)</script>\"'&"
    parties = [{"userId": HOST_ID}, {"name": hostile, "phoneNumber": hostile}]
    add_call(client, title=hostile, clientUniqueId=hostile, parties=parties)
    for path in ("/", "/news"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.text.count("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;") == 3
        assert "<script>alert" not in answer.text
        assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_text_that_is_no_unicode_is_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    for text in ("\ud800", "call-\udcff.wav"):
        body = json.dumps(new_call(title=text))
        answer = client.post("/v2/calls", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert "not JSON" in answer.json()["errors"][0]
    assert sandbox.calls == []
    emoji = json.dumps(new_call(title="\U0001f4de"))
    assert client.post("/v2/calls", content=emoji, headers={"Content-Type": "application/json"}).status_code == 200
    assert sandbox.calls[0].body["title"] == "\U0001f4de"


def test_control_answers_this_machine_only() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only picks the address that others would see
        except OSError:
            pytest.skip("this machine has no address besides 127.0.0.1")
        address = probe.getsockname()[0]
    with Sandbox(host="0.0.0.0") as running:
        port = httpx.URL(running.base_url).port
        assert httpx.get(f"http://127.0.0.1:{port}/_sandbox/state", trust_env=False).status_code == 200
        forwarded = {"X-Forwarded-For": "127.0.0.1"}
        answer = httpx.get(f"http://{address}:{port}/_sandbox/state", headers=forwarded, trust_env=False)
        assert answer.status_code == 403


def test_the_page_asks_for_no_key_and_offers_small_media_only(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox(keep_media_bytes=100)
    with client_of(sandbox) as client:
        small = add_call(client, clientUniqueId="small")
        large = add_call(client, clientUniqueId="large")
        put_media(client, small, wav_bytes(10))
        put_media(client, large, wav_bytes(100))
    page = httpx.get(sandbox.base_url, trust_env=False).text
    assert f'src="media/{small}#1"' in page
    assert f'src="media/{large}' not in page
    assert httpx.get(f"{sandbox.base_url}/media/{small}", trust_env=False).content == wav_bytes(10)
    assert httpx.get(f"{sandbox.base_url}/media/{large}", trust_env=False).status_code == 404


def test_media_kept_for_listening_has_a_budget_and_the_oldest_goes_first(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox(keep_media_total_bytes=150)
    with client_of(sandbox) as client:
        ids = [add_call(client, clientUniqueId=str(number)) for number in range(3)]
        for call_id in ids:
            put_media(client, call_id, wav_bytes(10))
    answers = [httpx.get(f"{sandbox.base_url}/media/{call_id}", trust_env=False).status_code for call_id in ids]
    assert answers == [404, 200, 200]
    assert [call.media is not None for call in sandbox.calls] == [True, True, True]


def test_the_page_shows_with_whom_a_call_is_shared_and_that_is_news(client: httpx.Client) -> None:
    call_id = add_call(client)
    assert "Shared with" not in client.get("/").text
    before = client.get("/news").text.partition('data-version="')[2].partition('"')[0]
    access = {"callAccessList": [{"callId": call_id, "userIds": [HOST_ID]}]}
    assert client.put("/v2/calls/users-access", json=access).status_code == 200
    page = client.get("/news").text
    assert '<p class="shared">Shared with agent-201@example.com</p>' in page
    assert f'data-version="{before}"' not in page


def test_the_page_gets_news_only_when_there_is_some(client: httpx.Client) -> None:
    revision = client.get("/").text.partition('data-revision="')[2].partition('"')[0]
    assert client.get("/news", params={"since": revision}).status_code == 204
    add_call(client)
    assert "call-1" in client.get("/news", params={"since": revision}).text


def test_sandbox_starts_and_stops_quickly() -> None:
    begin = time.monotonic()
    with Sandbox() as running, client_of(running) as client:
        client.get("/v2/users")
    assert time.monotonic() - begin < 3.0


def test_serve_ends_normally_when_told_to(tmp_path: Path) -> None:
    program = (
        "from gong_bridge.sandbox.server import serve; "
        "serve('127.0.0.1', 0, announce=lambda url: print(url, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        assert httpx.get(base_url, trust_env=False).status_code == 200
        os.kill(process.pid, signal.SIGTERM)
        assert process.wait(10) == 0


def test_the_page_brings_its_own_style_and_script_and_nothing_from_elsewhere(client: httpx.Client) -> None:
    assert client.get("/page.css").headers["content-type"].startswith("text/css")
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")
    for path in ("/", "/page.css", "/page.js"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "//" not in answer.text.replace("// Asks", "").replace("// escaped", "").replace("// Calls", "")
