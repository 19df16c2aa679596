"""The sandbox takes uploads as Gong documents them: whole, streamed, recognised by content, or not at all."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import add_call, as_media_file, client_of, put_media, wav_bytes


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


def test_uploaded_media_is_known_by_size_and_hash(client: httpx.Client, sandbox: Sandbox) -> None:
    content = wav_bytes(300_000)
    call_id = add_call(client)
    answer = put_media(client, call_id, content)
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
    put_media(client, call_id, wav_bytes(10))
    put_media(client, call_id, wav_bytes(20))
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
    assert put_media(client, add_call(client), start + bytes(100)).status_code == 201
    media = sandbox.calls[0].media
    assert media is not None
    assert media.kind == kind


@pytest.mark.parametrize("content", [b"", b"OggS" + bytes(50), b"<html>", b"RIFF1234AVI " + bytes(50), b"\xff\xf1\x50"])
def test_what_is_no_supported_media_is_refused_and_not_kept(
    client: httpx.Client, sandbox: Sandbox, content: bytes
) -> None:
    assert put_media(client, add_call(client), content).status_code == 400
    assert sandbox.calls[0].media is None


def test_media_above_the_limit_is_refused(start_sandbox: Callable[..., Sandbox]) -> None:
    sandbox = start_sandbox(largest_media_bytes=1000)
    with client_of(sandbox) as client:
        call_id = add_call(client)
        for content in (wav_bytes(479), wav_bytes(100_000)):
            answer = put_media(client, call_id, content)
            assert answer.status_code == 400
            assert answer.json()["errors"] == ["mediaFile must not be larger than 1000 bytes"]
        assert put_media(client, call_id, wav_bytes(478)).status_code == 201
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
