"""A server that fails in every way and repeats in its answers whatever it was sent: the worst case for a log."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

USER = {
    "id": "5860000000000000201", "emailAddress": "agent-201@example.com", "active": True, "firstName": "Visible",
    "lastName": "Person", "extension": "201", "settings": {"telephonyCallsImported": True},
}  # fmt: skip


ACCESS_TOKEN, REFRESH_TOKEN = "oauth-access-VALUE-", "oauth-refresh-VALUE-"
"""How the tokens begin that it gives; a number follows."""


class _Mirror(BaseHTTPRequestHandler):
    """Plays Gong below /v2, a store everywhere else. Every second request of users succeeds, or nothing would start."""

    protocol_version = "HTTP/1.1"
    turns: Iterator[int]

    def _any(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)[:2000].decode("utf-8", "replace")
        seen = f"{self.command} {self.path} {dict(self.headers)} {body}"
        turn = next(self.turns)
        if self.path.startswith("/oauth2/"):
            self._play_log_in(turn, seen)
        elif self.path.startswith("/v2/users") and turn % 2:
            self._answer(200, json.dumps({"requestId": "r", "records": {}, "users": [USER]}))
        elif self.path.startswith("/v2/"):
            self._play_gong(turn, seen)
        else:
            self._play_store(turn, seen)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _any

    def _play_log_in(self, turn: int, seen: str) -> None:
        """New tokens now and then, good for a minute; else what was sent, also the refresh token."""
        if turn % 3 == 0:
            api = f"http://{self.headers['Host']}"
            given = {"access_token": f"{ACCESS_TOKEN}{turn}", "refresh_token": f"{REFRESH_TOKEN}{turn}"}
            self._answer(200, json.dumps({**given, "expires_in": 60, "api_base_url_for_customer": api}))
        else:
            status = (500, 503, 400, 302)[turn % 4]
            self._answer(status, json.dumps({"error": seen[:300], "error_description": seen}), {"Retry-After": "0"})

    def _play_gong(self, turn: int, seen: str) -> None:
        told = json.dumps({"requestId": seen[:300], "errors": [seen[:3000]]})
        status = (500, 400, 500, 409, 500, 422, 500, 400, 503, 500)[turn % 10]
        if turn % 197 == 0:
            self._answer(302, told, {"Location": f"https://key:secret@example.com{self.path}"})
        elif turn % 211 == 0:
            self._answer(401, told)
        elif turn % 13 == 0:
            self.connection.close()
        elif turn % 173 == 0:
            self._answer(200, f"<html>{escape(seen)}</html>", {"Content-Type": "text/html"})
        elif turn % 7 == 0:
            self._answer(200, told[: len(told) // 2])
        else:
            self._answer(status, told, {"Retry-After": "0"})

    def _play_store(self, turn: int, seen: str) -> None:
        code = ("InternalError", "SignatureDoesNotMatch", "SlowDown", "AccessDenied", "Strange" + seen[:80])[turn % 5]
        xml = f"<?xml version='1.0'?><Error><Code>{escape(code)}</Code><Message>{escape(seen)}</Message></Error>"
        if turn % 13 == 0:
            self.connection.close()
        elif turn % 7 == 0:
            self._answer(200, f"<{escape(seen)}")
        else:
            self._answer((500, 403, 503, 403, 400)[turn % 5], xml, {"Content-Type": "application/xml"})

    def _answer(self, status: int, body: str, headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Connections that break are what it is for."""


@contextmanager
def mirror() -> Iterator[str]:
    """The address of a running mirror."""
    handler = type("Mirror", (_Mirror,), {"turns": itertools.count(1)})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def host_of(url: str) -> str:
    """host:port of a URL."""
    return urlsplit(url).netloc
