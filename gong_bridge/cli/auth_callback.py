"""Listens on this machine for the one request with which Gong sends the browser back from the log-in."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

from gong_bridge import clock

_PAGE = b"<!doctype html><meta charset=utf-8><title>gong-bridge</title><p>Thank you. You can close this page.</p>"


def wait_for_callback(redirect_uri: str, seconds: float) -> str:
    """The whole address that was asked for at `redirect_uri`. Raises OSError (the port is taken), TimeoutError."""
    wanted = urlsplit(redirect_uri)
    came: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path != (wanted.path or "/") or not asked.query:
                self.send_error(404)
                return
            came.append(f"{wanted.scheme}://{wanted.netloc}{self.path}")
            self.send_response(200)
            for name, value in (
                ("Content-Type", "text/html; charset=utf-8"),
                ("Content-Length", str(len(_PAGE))),
                ("Referrer-Policy", "no-referrer"),
                ("Connection", "close"),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(_PAGE)

        def log_message(self, *_: object) -> None:
            """Addresses with codes are not written anywhere."""

    give_up = clock.monotonic_seconds() + seconds
    with HTTPServer((wanted.hostname or "localhost", wanted.port or 80), Handler) as server:
        server.timeout = 0.5
        while not came:
            if clock.monotonic_seconds() > give_up:
                raise TimeoutError
            server.handle_request()
    return came[0]
