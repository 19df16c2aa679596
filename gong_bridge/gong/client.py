"""One HTTP client for all of Gong: log-in, allowance, time-outs, and every failure as an error of ours."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import httpx

from gong_bridge import __version__, clock
from gong_bridge.config.schema import Timeouts
from gong_bridge.errors import BadCredentials, RateLimited, ServiceDown
from gong_bridge.gong.answers import RawAnswer, understand
from gong_bridge.gong.bodies import Body, NoBody
from gong_bridge.gong.breakdowns import Phase, broken
from gong_bridge.gong.log_in import Access, LogIn
from gong_bridge.gong.sentences import without_log_in
from gong_bridge.gong.wire import Answer, Operation
from gong_bridge.kill_points import Point, reached

LARGEST_ANSWER_BYTES = 64 * 1024 * 1024
"""An answer above this is no answer of Gong; reading on would cost memory."""

_UNKNOWN = 401
_TOO_MANY = 429
_SENT = {
    "addCall": Point.POST_SENT, "addCallRecording": Point.MEDIA_SENT, "addUsersAccessToCalls": Point.SHARE_SENT,
}  # fmt: skip
_ANSWERED = {"addCall": Point.POST_ANSWERED, "addCallRecording": Point.MEDIA_ANSWERED}
_MOST_CONNECTIONS = 128
_KEEP_IDLE_SECONDS = 5.0
"""Idle connections are given up early: one that Gong closes while we write costs a look-up (Unclear)."""


class Allowance(Protocol):
    """Gong's limits, shared by everything that uses one ledger (R26, R27).

    For each request the client calls `take` once, before the body is opened; `depart` once, when the connection stands
    and the headers would leave; `sent` when they have left this machine (never when they could not); `answered` when
    the answer begins; `pause` when Gong said 429 or 503.
    """

    def take(self, stop: threading.Event) -> None:
        """Wait for a slot. Raises RateLimited when the wait is long or `stop` is set."""

    def depart(self, stop: threading.Event) -> None:
        """Wait until the request of this thread's last `take` may leave. Raises RateLimited as `take` does."""

    def sent(self) -> None:
        """That request has left."""

    def answered(self) -> None:
        """The answer to this thread's last request has begun."""

    def pause(self, wait_seconds: float, *, too_many: bool) -> None:
        """Nobody sends anything for so long; too_many: because of a 429."""


class GongClient:
    """A company's Gong. Thread-safe; one for all workers. Resources (`Calls`, `Users`) are built on it.

    transport: for tests and drills; it reports httpcore's trace events as httpx.HTTPTransport does. TLS is always
    verified (SSL_CERT_FILE is honoured), HTTPS_PROXY and NO_PROXY are honoured, .netrc and redirects never.
    """

    def __init__(
        self,
        log_in: LogIn,
        timeouts: Timeouts,
        allowance: Allowance,
        stop: threading.Event,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        # Both print whole URLs with their queries (httpx at info, httpcore at debug); our log has its own words.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._log_in = log_in
        self._allowance = allowance
        self._stop = stop
        self._aborted = threading.Event()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._sockets_lock = threading.Lock()
        self._http = httpx.Client(
            headers={"Accept": "application/json", "User-Agent": f"gong-bridge/{__version__}"},
            timeout=httpx.Timeout(
                connect=timeouts.connect, write=timeouts.write, read=timeouts.read, pool=timeouts.pool
            ),
            limits=httpx.Limits(max_connections=_MOST_CONNECTIONS, keepalive_expiry=_KEEP_IDLE_SECONDS),
            verify=_trust(log_in.address),
            follow_redirects=False,
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"GongClient({urlsplit(self._log_in.address).netloc})"

    def send(
        self,
        operation: Operation,
        *,
        path_ids: Mapping[str, str] | None = None,
        query: Mapping[str, str | Sequence[str]] | None = None,
        body: Body | None = None,
        about: str = "",
    ) -> Answer:
        """One request, one attempt; nothing is repeated here.

        `about` names by Gong's id whom it is about, for messages; several values of one parameter of `query` are
        written one after the other. Raises RateLimited, ServiceDown, Unclear,
        RefusedByGong, BadCredentials, WrongBaseUrl, and whatever reading the body raises (SourceChanged ...).
        """
        body = body or NoBody()
        access = self._log_in.access()
        host = urlsplit(access.base_url).netloc
        self._allowance.take(self._stop)
        with body.opened() as content:
            flight = _Flight(self, _SENT.get(operation.operation_id))
            request = self._http.build_request(
                operation.method,
                _url(access.base_url, operation, path_ids or {}),
                params=dict(query or {}),
                headers=dict(body.headers),
                content=content,
                extensions={"trace": flight.trace},
            )
            response, answer = self._exchange(operation, request, flight, access)
        raw = RawAnswer(
            operation=operation,
            host=host,
            http_status=response.status_code,
            headers={name.lower(): value for name, value in response.headers.items()},
            content=without_log_in(answer, response.request.headers.get("authorization", "")),
            whole_request=flight.phase is not Phase.SENDING,
            about=about,
            now=clock.now(),
            known_as=self._log_in.known_as,
        )
        try:
            return understand(raw)
        except RateLimited as limited:
            self._allowance.pause(limited.wait_seconds or 0.0, too_many=limited.http_status == _TOO_MANY)
            raise
        except BadCredentials as refused:
            if refused.http_status == _UNKNOWN:
                self._log_in.refused(access)
            raise

    def _exchange(
        self, operation: Operation, request: httpx.Request, flight: _Flight, access: Access
    ) -> tuple[httpx.Response, bytes]:
        if self._aborted.is_set():
            raise ServiceDown("the bridge is stopping", reached=False)
        try:
            response = self._http.send(request, auth=access.auth, stream=True)
            self._allowance.answered()
            if operation.operation_id in _ANSWERED:
                reached(_ANSWERED[operation.operation_id])
            try:
                return response, _read_all(response)
            finally:
                response.close()
        except httpx.HTTPError as error:
            # `from None`: the request inside httpx's error holds the log-in.
            raise broken(operation, flight.phase, request.url.netloc.decode("ascii"), error) from None

    def abort(self) -> None:
        """Break off every request at once, from any thread; later ones raise ServiceDown (the second signal)."""
        self._aborted.set()
        with self._sockets_lock:
            for connected in list(self._sockets):
                _shut(connected)

    def close(self) -> None:
        """Give up idle connections; call when no request is under way."""
        self._http.close()

    def __enter__(self) -> GongClient:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _connected(self, connected: socket.socket) -> None:
        with self._sockets_lock:
            self._sockets.add(connected)
        if self._aborted.is_set():
            _shut(connected)


def _url(base_url: str, operation: Operation, path_ids: Mapping[str, str]) -> str:
    return base_url + operation.path.format(**{name: quote(value, safe="") for name, value in path_ids.items()})


def _trust(address: str) -> ssl.SSLContext | bool:
    if urlsplit(address).scheme != "http":
        return True
    # Plain HTTP needs no certificates, and reading them all takes 50 ms; this context verifies, and trusts nobody.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _read_all(response: httpx.Response) -> bytes:
    content = bytearray()
    try:
        for part in response.iter_bytes():
            content += part
            if len(content) > LARGEST_ANSWER_BYTES:
                raise httpx.RemoteProtocolError("the answer is too large", request=response.request)
    except httpx.HTTPError:
        # A server that refuses early often cuts off its own sentences; the status alone says enough.
        if response.is_success:
            raise
    return bytes(content)


def _shut(connected: socket.socket) -> None:
    # Closing would not wake a thread that waits in send() or recv(); the plain socket's method, because SSLSocket's
    # would first drop its encryption while another thread may still be writing.
    try:
        socket.socket.shutdown(connected, socket.SHUT_RDWR)
    except OSError:
        return


class _Flight:
    """Follows one request by httpcore's trace events: how far it came decides what a failure means."""

    def __init__(self, client: GongClient, when_sent: Point | None) -> None:
        self._client = client
        self._when_sent = when_sent
        self._in_tunnel_request = False
        self.phase = Phase.CONNECTING

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            connected = info["return_value"].get_extra_info("socket")
            if isinstance(connected, socket.socket):
                self._client._connected(connected)
        elif event == "http11.send_request_headers.started":
            # A proxy's CONNECT is traced under the same names, and is not our request.
            self._in_tunnel_request = info["request"].method == b"CONNECT"
            if not self._in_tunnel_request:
                # Only now: a recording that opens slowly, or a handshake, would hold a place that others could use.
                self._client._allowance.depart(self._client._stop)
                self.phase = Phase.SENDING
        elif self._in_tunnel_request:
            return
        elif event == "http11.send_request_headers.complete":
            self._client._allowance.sent()
        elif event == "http11.send_request_body.complete":
            self.phase = Phase.SENT
            if self._when_sent is not None:
                reached(self._when_sent)
