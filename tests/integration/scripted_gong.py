"""A Gong on a raw socket that misbehaves on request (drops, breaks off, answers early, waits), and a client for it."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from gong_bridge.config.schema import Timeouts
from gong_bridge.config.secrets import Secret
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.log_in import AccessKeys

ACCESS_KEY = "ACCESSKEYOFTESTS"
ACCESS_KEY_SECRET = "secret-of-tests"


class Zeros(io.RawIOBase):
    """Silence of a given length, without memory."""

    def __init__(self, size_bytes: int) -> None:
        self._left = self._size = size_bytes

    def tell(self) -> int:
        return self._size - self._left

    def readinto(self, buffer) -> int:
        count = min(len(buffer), self._left)
        self._left -= count
        return count


class NotedAllowance:
    """No limits; writes down what was asked of it, in order."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def take(self, stop: threading.Event) -> None:
        self.notes.append("take")

    def depart(self, stop: threading.Event) -> None:
        self.notes.append("depart")

    def sent(self) -> None:
        self.notes.append("sent")

    def answered(self) -> None:
        pass

    def pause(self, wait_seconds: float, *, too_many: bool) -> None:
        self.notes.append(f"{'too many, ' if too_many else ''}pause {wait_seconds:g}")


def client_of(
    base_url: str,
    allowance: NotedAllowance | None = None,
    *,
    keys: tuple[str, str] = (ACCESS_KEY, ACCESS_KEY_SECRET),
    **timeouts: float,
) -> GongClient:
    """A client with the tests' keys; time-outs in seconds by phase."""
    return GongClient(
        AccessKeys(base_url, Secret(keys[0]), Secret(keys[1])),
        Timeouts(**timeouts),
        allowance or NotedAllowance(),
        threading.Event(),
    )


class Exchange:
    """One request as it arrives, and the socket to answer on."""

    def __init__(self, connection: socket.socket, head: bytes, first: bytes) -> None:
        self.connection = connection
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        self.path = unquote(urlsplit(self.target).path)
        self.query = {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}
        self.body = bytearray(first)
        self.body_bytes_declared = int(self.headers.get("content-length", "0"))
        self.keep_alive = True

    def read_body(self, most_bytes: int | None = None) -> bytes:
        """The body, or its beginning; shorter when the client broke off."""
        wanted = self.body_bytes_declared if most_bytes is None else most_bytes
        while len(self.body) < wanted:
            part = self.connection.recv(min(1 << 20, wanted - len(self.body)))
            if not part:
                break
            self.body += part
        return bytes(self.body)

    def drain(self) -> tuple[int, str]:
        """Read the whole body without keeping it: its size and SHA-256."""
        digest, size_bytes = hashlib.sha256(self.body), len(self.body)
        buffer = bytearray(1 << 20)
        while size_bytes < self.body_bytes_declared:
            received = self.connection.recv_into(buffer)
            if not received:
                break
            digest.update(memoryview(buffer)[:received])
            size_bytes += received
        return size_bytes, digest.hexdigest()

    def discard(self) -> int:
        """Read the whole body as fast as it comes: its size."""
        size_bytes, buffer = len(self.body), bytearray(1 << 20)
        while size_bytes < self.body_bytes_declared:
            received = self.connection.recv_into(buffer)
            if not received:
                break
            size_bytes += received
        return size_bytes

    @property
    def json(self) -> dict:
        return json.loads(self.read_body())

    def answer(
        self,
        status: int,
        body: object = None,
        *,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
        declared_bytes: int | None = None,
    ) -> None:
        """Send an answer; `declared_bytes` may promise more than is sent."""
        content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        fields = {
            "Content-Type": content_type,
            "Content-Length": str(len(content) if declared_bytes is None else declared_bytes),
            **(headers or {}),
        }
        head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.connection.sendall(head.encode("latin-1") + b"\r\n" + content)

    def close(self) -> None:
        """Close in order: the client sees the end of the stream."""
        self.keep_alive = False

    def reset(self) -> None:
        """Close with a reset."""
        self.keep_alive = False
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


Script = Callable[[Exchange], None]


class ScriptedGong:
    """A server that hands each request to `script` and remembers it; a thread per connection."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.requests: list[Exchange] = []
        self.connection_count = 0
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ScriptedGong:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join(5)
        for connection in self._connections:
            connection.close()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connection_count += 1
            self._connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._connections.append(connection)
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    part = connection.recv(65536)
                    if not part:
                        return
                    rest += part
                head, _, first = rest.partition(b"\r\n\r\n")
                exchange = Exchange(connection, head, first)
                self.requests.append(exchange)
                self._script(exchange)
                if not exchange.keep_alive:
                    connection.close()
                    return
                rest = b""
        except OSError:
            return


def says(status: int, body: object = None, **headers: str) -> Script:
    """A Gong that reads every request and always answers so."""

    def script(exchange: Exchange) -> None:
        exchange.drain()
        exchange.answer(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return script


def pages_of_calls(exchange: Exchange) -> None:
    """Three pages; the wanted call is on the second, a near miss on the first."""
    rows = {
        None: ([{"id": "1", "clientUniqueId": "PBX-17"}, {"id": "2"}], "page-2"),
        "page-2": ([{"id": "3", "clientUniqueId": "pbx-17", "url": "https://gong.example.com/call?id=3"}], "page-3"),
        "page-3": ([{"id": "4", "clientUniqueId": "pbx-18"}], None),
    }
    calls, cursor = rows[exchange.query.get("cursor")]
    records = {"totalRecords": 4, "currentPageSize": len(calls), "cursor": cursor, "more": 1}
    exchange.answer(200, {"requestId": "r", "records": records, "calls": calls})


@contextmanager
def talk(
    script: Script, allowance: NotedAllowance | None = None, **timeouts: float
) -> Iterator[tuple[ScriptedGong, GongClient]]:
    """A scripted Gong and a client that speaks to it."""
    with ScriptedGong(script) as gong, client_of(gong.base_url, allowance, **timeouts) as client:
        yield gong, client
