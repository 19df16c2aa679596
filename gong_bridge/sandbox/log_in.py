"""The sandbox's OAuth log-in: /oauth2/authorize and /oauth2/generate-customer-token, as Gong's OAuth guide tells."""

from __future__ import annotations

import asyncio
import base64
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gong_bridge import clock
from gong_bridge.sandbox.answers import new_request_id
from gong_bridge.sandbox.faults import ConnectionCut, FaultBook, drop, play
from gong_bridge.sandbox.options import LOG_IN, SandboxOptions

_CODE_SECONDS = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class _Code:
    redirect_uri: str
    scopes: frozenset[str]
    ends_at: datetime


class IssuedTokens:
    """Codes and tokens that were given out; each code and each refresh token is good for one use."""

    def __init__(self, life_seconds: float) -> None:
        self.life_seconds = life_seconds
        self._lock = threading.Lock()
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, tuple[frozenset[str], datetime]] = {}
        self._refresh: dict[str, frozenset[str]] = {}

    def new_code(self, redirect_uri: str, scopes: frozenset[str], now: datetime) -> str:
        """A code for one exchange, to be used within ten minutes."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            ends_at = now + timedelta(seconds=_CODE_SECONDS)
            self._codes[code] = _Code(redirect_uri=redirect_uri, scopes=scopes, ends_at=ends_at)
        return code

    def spend_code(self, code: str, redirect_uri: str, now: datetime) -> frozenset[str] | None:
        """The scopes that were allowed with it; None: no such code (any more)."""
        with self._lock:
            found = self._codes.pop(code, None)
        return found.scopes if found and found.redirect_uri == redirect_uri and now < found.ends_at else None

    def spend_refresh_token(self, token: str) -> frozenset[str] | None:
        """Its scopes; None: no such token (any more)."""
        with self._lock:
            return self._refresh.pop(token, None)

    def new_pair(self, scopes: frozenset[str], now: datetime) -> tuple[str, str]:
        """An access token and its refresh token."""
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._lock:
            self._access[access] = (scopes, now + timedelta(seconds=self.life_seconds))
            self._refresh[refresh] = scopes
        return access, refresh

    def scopes_of(self, access_token: str, now: datetime) -> frozenset[str] | None:
        """What this access token allows; None: nothing, it is unknown or has ended."""
        with self._lock:
            scopes, ends_at = self._access.get(access_token, (None, now))
        return scopes if now < ends_at else None


class LogIn:
    """The two addresses of the log-in. `tokens`: what was given out."""

    def __init__(self, options: SandboxOptions, faults: FaultBook, stopping: asyncio.Event) -> None:
        self.tokens = IssuedTokens(options.token_seconds)
        self._options = options
        self._faults = faults
        self._stopping = stopping
        keys = f"{options.client_id}:{options.client_secret}".encode()
        self._credentials = base64.b64encode(keys)

    def routes(self) -> list[Route]:
        """They need no key, and use up no allowance."""
        return [
            Route("/oauth2/authorize", self._authorize, methods=["GET"]),
            Route("/oauth2/generate-customer-token", self._generate, methods=["POST"]),
        ]

    async def _authorize(self, request: Request) -> Response:
        """The administrator of the sandbox allows everything at once."""
        query = dict(request.query_params)
        scopes = frozenset(query.get("scope", "").split())
        mistake = self._mistake_in_authorize(query, scopes)
        if mistake:
            return JSONResponse({"error": "invalid_request", "error_description": mistake}, status_code=400)
        code = self.tokens.new_code(query["redirect_uri"], scopes, clock.now())
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}", 302)

    def _mistake_in_authorize(self, query: Mapping[str, str], scopes: frozenset[str]) -> str | None:
        wanted = {"client_id", "response_type", "scope", "redirect_uri", "state"}
        if set(query) != wanted:
            return f"the parameters are {', '.join(sorted(wanted))}"
        if query["client_id"] != self._options.client_id:
            return "the client_id is unknown"
        if query["response_type"] != "code" or not query["state"] or not query["redirect_uri"].startswith("http"):
            return "response_type is code; state and redirect_uri are not empty"
        if not scopes or not all(scope.startswith("api:") for scope in scopes):
            return "scope names scopes of the API, with a space between them"
        return None

    async def _generate(self, request: Request) -> Response:
        request.state.request_id = new_request_id()
        fault = self._faults.take(LOG_IN)
        try:
            if fault is None:
                return await self._exchange(request)
            return await play(fault, self._exchange, request, self._stopping)
        except ConnectionCut:
            await drop(request)
            return Response(status_code=500)  # nobody hears it: the connection is cut

    async def _exchange(self, request: Request) -> Response:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        right = secrets.compare_digest(credentials.strip().encode(), self._credentials)
        if scheme.lower() != "basic" or not right:
            return _refused(401, "invalid_client")
        query, now = dict(request.query_params), clock.now()
        scopes: frozenset[str] | None = None
        if set(query) == {"grant_type", "code", "client_id", "redirect_uri"}:
            if query["grant_type"] != "authorization_code" or query["client_id"] != self._options.client_id:
                return _refused(400, "invalid_request")
            scopes = self.tokens.spend_code(query["code"], query["redirect_uri"], now)
        elif set(query) == {"grant_type", "refresh_token"} and query["grant_type"] == "refresh_token":
            scopes = self.tokens.spend_refresh_token(query["refresh_token"])
        else:
            return _refused(400, "invalid_request")
        if scopes is None:
            return _refused(400, "invalid_grant")
        access, refresh = self.tokens.new_pair(scopes, now)
        return JSONResponse(
            {
                "access_token": access,
                "refresh_token": refresh,
                "token_type": "Bearer",
                "expires_in": self.tokens.life_seconds,
                "scope": " ".join(sorted(scopes)),
                "api_base_url_for_customer": str(request.base_url).rstrip("/"),
                "addedLater": {"by": "fields may come at any time"},
            }
        )


def _refused(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status_code=status)
