"""A real S3 store on this machine (moto's server over HTTP), and a proxy that breaks what passes through it."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.config import Config

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def moto_server() -> Iterator[str]:
    """The base URL of a fresh store."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """The base URL of a store that all tests of a process share: each makes buckets of its own."""
    with moto_server() as url:
        yield url


@pytest.fixture
def store_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's credentials in the environment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def store_client(endpoint_url: str) -> Any:
    """A client of the test's own, to put things in and look at what is there."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


class QuietServer(ThreadingHTTPServer):
    """Clients that hang up are what these servers are for; no traceback each time."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """An HTTP server on this machine that answers by `handler`: its base URL."""
    server = QuietServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Seen:
    """What passed through the proxy: (method, path with query, Range header), and the fault to commit."""

    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    cut_after: Callable[[str, str, str | None], int | None] = lambda method, path, wanted_range: None
    """Bytes of the body to let through before the connection is cut; None lets everything through."""
    answer: Callable[[str, str], tuple[int, bytes] | None] = lambda method, path: None
    """An answer of the proxy's own (status, body) instead of the store's."""


@contextmanager
def breaking_proxy(upstream: str) -> Iterator[tuple[str, Seen]]:
    """A proxy before `upstream`: its base URL, and what passes through it."""
    seen = Seen()
    host = upstream.removeprefix("http://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted_range = self.headers.get("Range")
            seen.requests.append((self.command, self.path, wanted_range))
            own = seen.answer(self.command, self.path)
            if own is not None:
                self.send_response(own[0])
                self.send_header("Content-Length", str(len(own[1])))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(own[1])
                return
            length = int(self.headers.get("Content-Length") or 0)
            upstream_connection = http.client.HTTPConnection(host, timeout=30)
            try:
                # The Host header stays the client's: it is part of what was signed
                upstream_connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    upstream_connection.putheader(name, value)
                upstream_connection.endheaders(self.rfile.read(length) if length else None)
                response = upstream_connection.getresponse()
                body = response.read()
            finally:
                upstream_connection.close()
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            stated = response.getheader("Content-Length")
            self.send_header("Content-Length", stated if self.command == "HEAD" and stated else str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            cut = seen.cut_after(self.command, self.path, wanted_range)
            self.wfile.write(body if cut is None else body[:cut])
            if cut is not None and cut < len(body):
                self.close_connection = True

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as url:
        yield url, seen


LISTING_PAGE = 1000


@contextmanager
def listing_server(keys: int) -> Iterator[str]:
    """A store with so many recordings that answers listings only (ListObjectsV2), page by page."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            token = parse_qs(urlsplit(self.path).query).get("continuation-token", ["0"])[0]
            first = int(token)
            last = min(first + LISTING_PAGE, keys)
            contents = "".join(
                f"<Contents><Key>2026/{number // 1000:04}/call-{number:07}.wav</Key>"
                "<LastModified>2026-11-05T10:00:00.000Z</LastModified>"
                f"<ETag>&quot;{number:032x}&quot;</ETag><Size>{1000 + number}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
                for number in range(first, last)
            )
            more = last < keys
            body = (
                '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>recordings</Name>'
                f"<IsTruncated>{str(more).lower()}</IsTruncated>"
                + (f"<NextContinuationToken>{last}</NextContinuationToken>" if more else "")
                + f"<KeyCount>{last - first}</KeyCount><EncodingType>url</EncodingType>{contents}</ListBucketResult>"
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Handler) as url:
        yield url
