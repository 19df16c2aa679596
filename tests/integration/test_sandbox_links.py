"""The sandbox fetches media that a call links to, and takes no upload beside it."""

from __future__ import annotations

import hashlib
import http.server
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import add_call, client_of, new_call, put_media, wav_bytes


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with client_of(sandbox) as running:
        yield running


def test_a_call_with_a_link_takes_no_upload_and_shares_its_link_with_none(client: httpx.Client) -> None:
    link = "https://bucket.example.com/a.wav?signature=1"
    call_id = add_call(client, downloadMediaUrl=link)
    assert put_media(client, call_id, wav_bytes()).status_code == 400
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
