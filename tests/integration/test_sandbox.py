"""The sandbox over real HTTP: uploads, faults, limits, pages, repeated ids, and the page for people."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from gong_bridge.sandbox.options import Fault, load_users
from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import HOST_ID, add_call, as_media_file, client_of, new_call, wav_bytes


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


def put(client: httpx.Client, call_id: str, content: bytes) -> httpx.Response:
    return client.put(f"/v2/calls/{call_id}/media", files=as_media_file(content))


# --- uploads ---------------------------------------------------------------------------------------------------------


def test_uploaded_media_is_known_by_size_and_hash(client: httpx.Client, sandbox: Sandbox) -> None:
    content = wav_bytes(300_000)
    call_id = add_call(client)
    answer = put(client, call_id, content)
    assert answer.status_code == 201
    assert answer.json()["callId"] == call_id
    media = sandbox.calls[0].media
    assert media is not None
    assert (media.size_bytes, media.sha256) == (600_044, hashlib.sha256(content).hexdigest())
    assert (media.kind, media.content_type, media.file_name) == ("wav", "audio/wav", "call.wav")


def test_media_that_holds_its_own_boundary_prefix_arrives_unchanged(client: httpx.Client, sandbox: Sandbox) -> None:
    content = wav_bytes(0) + b"\r\n--frontie\r\n--frontier2\r\n-" * 30_000 + b"\r\n--"
    body = (
        b'--frontier\r\nContent-Disposition: form-data; name="mediaFile"; filename="a.wav"\r\n\r\n'
        + content
        + b"\r\n--frontier--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=frontier"}
    call_id = add_call(client)
    assert client.put(f"/v2/calls/{call_id}/media", content=body, headers=headers).status_code == 201
    media = sandbox.calls[0].media
    assert media is not None
    assert media.sha256 == hashlib.sha256(content).hexdigest()


def test_second_put_replaces_the_media_and_counts(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    put(client, call_id, wav_bytes(10))
    put(client, call_id, wav_bytes(20))
    call = sandbox.calls[0]
    assert call.media is not None
    assert (call.media.size_bytes, call.media_puts) == (84, 2)


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "wav"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00\x00\x00", "mp3"),
        (b"\xff\xfb\x90\x64" + bytes(8), "mp3"),
        (b"\x00\x00\x00\x20ftypisom", "mp4"),
        (b"\x1a\x45\xdf\xa3" + bytes(8), "mkv"),
        (b"fLaC\x00\x00\x00\x22" + bytes(4), "flac"),
    ],
)
def test_media_is_recognised_by_its_first_bytes(
    client: httpx.Client, sandbox: Sandbox, start: bytes, kind: str
) -> None:
    assert put(client, add_call(client), start + bytes(100)).status_code == 201
    media = sandbox.calls[0].media
    assert media is not None
    assert media.kind == kind


@pytest.mark.parametrize("content", [b"", b"OggS" + bytes(50), b"<html>", b"RIFF1234AVI " + bytes(50), b"\xff\xf1\x50"])
def test_what_is_no_supported_media_is_refused_and_not_kept(
    client: httpx.Client, sandbox: Sandbox, content: bytes
) -> None:
    assert put(client, add_call(client), content).status_code == 400
    assert sandbox.calls[0].media is None


def test_media_above_the_limit_is_refused(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox(largest_media_bytes=1000)
    with client_of(sandbox) as client:
        call_id = add_call(client)
        for content in (wav_bytes(479), wav_bytes(100_000)):
            answer = put(client, call_id, content)
            assert answer.status_code == 400
            assert answer.json()["errors"] == ["mediaFile must not be larger than 1000 bytes"]
        assert put(client, call_id, wav_bytes(478)).status_code == 201
    assert sandbox.calls[0].media_puts == 1


def test_a_body_of_unknown_length_is_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    request = client.build_request("PUT", f"/v2/calls/{call_id}/media", files=as_media_file(wav_bytes()))
    answer = client.put(
        f"/v2/calls/{call_id}/media",
        content=iter([request.read()]),
        headers={"Content-Type": request.headers["content-type"]},
    )
    assert answer.status_code == 400
    assert "Content-Length" in answer.json()["errors"][0]
    assert sandbox.calls[0].media is None


@pytest.mark.parametrize(
    ("files", "data"),
    [
        ({"file": ("a.wav", wav_bytes())}, {}),
        ({"mediaFile": ("a.wav", wav_bytes())}, {"callId": "1"}),
        ({"mediaFile": (None, wav_bytes())}, {}),
        ({"mediaFile": ("a.wav", wav_bytes(), "text/plain")}, {}),
    ],
    ids=["other name", "two parts", "no file name", "no media type"],
)
def test_a_form_other_than_one_media_file_is_refused(
    client: httpx.Client, sandbox: Sandbox, files: dict[str, object], data: dict[str, str]
) -> None:
    call_id = add_call(client)
    answer = client.put(f"/v2/calls/{call_id}/media", files=files, data=data)  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert sandbox.calls[0].media is None


def test_a_form_without_its_closing_boundary_is_refused(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    body = b'--b\r\nContent-Disposition: form-data; name="mediaFile"; filename="a.wav"\r\n\r\n' + wav_bytes()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.put(f"/v2/calls/{call_id}/media", content=body, headers=headers).status_code == 400
    assert sandbox.calls[0].media is None


def test_a_body_cut_off_half_way_stores_nothing(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    request = client.build_request("PUT", f"/v2/calls/{call_id}/media", files=as_media_file(wav_bytes(500_000)))
    authorization = httpx.BasicAuth("sandbox", "sandbox-secret")._auth_header
    head = f"PUT /v2/calls/{call_id}/media HTTP/1.1\r\nHost: sandbox\r\nAuthorization: {authorization}\r\n"
    head += f"Content-Type: {request.headers['content-type']}\r\n"
    head += f"Content-Length: {request.headers['content-length']}\r\n\r\n"
    with socket.create_connection((request.url.host, request.url.port or 0)) as connection:
        connection.sendall(head.encode() + request.read()[:400_000])
    until = time.monotonic() + 5
    while sandbox.statuses.get("none", 0) == 0 and time.monotonic() < until:
        time.sleep(0.01)
    assert sandbox.statuses == {"200": 1, "none": 1}
    assert sandbox.calls[0].media is None


def test_a_call_with_a_link_takes_no_upload_and_shares_its_link_with_none(client: httpx.Client) -> None:
    link = "https://bucket.example.com/a.wav?signature=1"
    call_id = add_call(client, downloadMediaUrl=link)
    assert put(client, call_id, wav_bytes()).status_code == 400
    again = client.post("/v2/calls", json=new_call(clientUniqueId="call-2", downloadMediaUrl=link))
    assert again.status_code == 400


class MediaServer(http.server.BaseHTTPRequestHandler):
    """Serves a WAV at /call.wav, a web page at /page, and nothing else."""

    def do_GET(self) -> None:
        known = {"/call.wav": ("audio/wav", wav_bytes(10)), "/page": ("text/html", b"<html>")}
        content_type, content = known.get(self.path.partition("?")[0], ("text/plain", b""))
        self.send_response(200 if content else 404)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def media_address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), MediaServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "sha256", "trouble"),
    [
        ("/call.wav?signature=1", hashlib.sha256(wav_bytes(10)).hexdigest(), None),
        ("/expired.wav", None, "The link answers 404"),
        ("/page", None, "The link's content type is none of audio/*, video/*, octet-stream"),
    ],
)
def test_media_behind_a_link_is_fetched_once_the_call_is_answered(
    start_sandbox: Callable[..., Sandbox], media_address: str, path: str, sha256: str | None, trouble: str | None
) -> None:
    sandbox = start_sandbox(fetch_links=True)
    with client_of(sandbox) as client:
        add_call(client, downloadMediaUrl=media_address + path)
    until = time.monotonic() + 5
    while sandbox.calls[0].media is None and sandbox.calls[0].link_trouble is None and time.monotonic() < until:
        time.sleep(0.01)
    media = sandbox.calls[0].media
    assert (None if media is None else media.sha256) == sha256
    assert sandbox.calls[0].link_trouble == trouble


# --- reading back ----------------------------------------------------------------------------------------------------


def test_a_media_url_appears_once_the_media_arrived(client: httpx.Client) -> None:
    call_id = add_call(client)
    question = {"filter": {"callIds": [call_id]}, "contentSelector": {"exposedFields": {"media": True}}}
    before = client.post("/v2/calls/extensive", json=question).json()["calls"][0]
    assert "media" not in before
    put(client, call_id, wav_bytes())
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


# --- repeated ids ----------------------------------------------------------------------------------------------------


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


# --- limits ----------------------------------------------------------------------------------------------------------


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


# --- faults ----------------------------------------------------------------------------------------------------------


def test_a_connection_dropped_before_the_effect_leaves_nothing(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.play(Fault(operation="addCall", kind="drop_before"))
    with pytest.raises(httpx.RemoteProtocolError):
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
    with pytest.raises((httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError)):
        put(client, call_id, wav_bytes(5_000_000))
    assert sandbox.calls[0].media is None
    assert put(client, call_id, wav_bytes()).status_code == 201


def test_an_upload_that_took_effect_without_an_answer_is_kept(client: httpx.Client, sandbox: Sandbox) -> None:
    call_id = add_call(client)
    sandbox.play(Fault(operation="addCallRecording", kind="drop_after"))
    with pytest.raises(httpx.RemoteProtocolError):
        put(client, call_id, wav_bytes())
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
        assert time.monotonic() - begin < 1.0
        asking.join()
        assert len(ended) == 1


# --- what people and tests see ---------------------------------------------------------------------------------------


def test_state_tells_calls_media_and_requests_without_people_in_the_log(client: httpx.Client) -> None:
    call_id = add_call(client)
    put(client, call_id, wav_bytes(10))
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
        put(client, small, wav_bytes(10))
        put(client, large, wav_bytes(100))
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
            put(client, call_id, wav_bytes(10))
    answers = [httpx.get(f"{sandbox.base_url}/media/{call_id}", trust_env=False).status_code for call_id in ids]
    assert answers == [404, 200, 200]
    assert [call.media is not None for call in sandbox.calls] == [True, True, True]


def test_the_page_gets_news_only_when_there_is_some(client: httpx.Client) -> None:
    revision = client.get("/").text.partition('data-revision="')[2].partition('"')[0]
    assert client.get("/news", params={"since": revision}).status_code == 204
    add_call(client)
    assert "call-1" in client.get("/news", params={"since": revision}).text


def test_sandbox_starts_and_stops_quickly() -> None:
    begin = time.monotonic()
    with Sandbox() as running, client_of(running) as client:
        client.get("/v2/users")
    assert time.monotonic() - begin < 0.5


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
