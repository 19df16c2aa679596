"""From a broken HTTP exchange to what happens next: one table over how far the request had come, pure (R21)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from enum import Enum

import httpx

from gong_bridge.errors import BridgeError, ServiceDown, Unclear, WrongBaseUrl
from gong_bridge.gong.wire import Operation


class Phase(Enum):
    """How far a request came."""

    CONNECTING = "connecting"  # nothing has left
    SENDING = "sending"  # something may have left, but not all of it
    SENT = "sent"  # everything was handed to the operating system


def broken(operation: Operation, phase: Phase, host: str, error: BaseException) -> BridgeError:
    """The error for an exchange that broke at `phase`.

    WrongBaseUrl when the host does not exist; ServiceDown(reached=False) when nothing was sent; ServiceDown when Gong
    cannot have the whole request; after that Unclear for whatever changes something at Gong.
    """
    how = _how(error)
    if phase is Phase.CONNECTING:
        if _has_cause(error, socket.gaierror):
            return WrongBaseUrl(
                f"the name {host} cannot be looked up. Cure: correct base_url (Gong's API page shows yours), or "
                "this machine's name server."
            )
        return ServiceDown(f"no connection to Gong at {host}: {how}", reached=False)
    if phase is Phase.SENDING:
        return ServiceDown(f"the connection to Gong broke while sending, so it has not all: {how}")
    if operation.changes_gong:
        return Unclear(f"no answer to the attempt to {operation.doing}: {how}; Gong is asked before anything is sent")
    return ServiceDown(f"no answer to the attempt to {operation.doing}: {how}")


def _how(error: BaseException) -> str:
    if _has_cause(error, ssl.SSLCertVerificationError):
        return (
            "its certificate is not trusted. Cure: if a company proxy opens TLS, name the proxy's certificate in "
            "SSL_CERT_FILE; verification cannot be turned off"
        )
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    return "the exchange was aborted"


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (httpx.ConnectTimeout, "connecting took too long"),
    (httpx.WriteTimeout, "it stopped taking data"),
    (httpx.ReadTimeout, "the answer took too long"),
    (httpx.PoolTimeout, "all connections are in use"),
    (httpx.ProxyError, "the HTTP proxy refused (see HTTPS_PROXY and NO_PROXY)"),
    (httpx.ConnectError, "it is refused or not reachable"),
    (httpx.ReadError, "the connection was reset"),
    (httpx.WriteError, "the connection was reset"),
    (httpx.RemoteProtocolError, "the answer broke off or is no HTTP"),
    (httpx.DecodingError, "the answer's compression is broken"),
    (httpx.HTTPError, "the exchange failed"),
)


def _has_cause(error: BaseException, kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(16):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__
