"""Gong's OAuth: where a person allows the bridge in, and how codes and refresh tokens become tokens (RFC 6749).

Source: https://help.gong.io/docs/create-an-app-for-gong (authorisation code; the parameters of generate-customer-token
stand in the query, client id and secret in an HTTP Basic header; refresh tokens are good for one use).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from gong_bridge import __version__, clock
from gong_bridge.config.checks import check_base_url
from gong_bridge.config.oauth import OAuthOptions
from gong_bridge.errors import BadCredentials, BridgeError, ServiceDown
from gong_bridge.gong.log_in import LOG_IN_CURE
from gong_bridge.tokens import Tokens

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_SHORTEST_LIFE_SECONDS = 1
_DEFAULT_LIFE_SECONDS = 86_400
"""Gong's documentation shows a day."""


class OAuth:
    """The log-in of one integration."""

    def __init__(self, options: OAuthOptions, transport: httpx.BaseTransport | None = None) -> None:
        self._options = options
        self._transport = transport

    def address(self, scopes: tuple[str, ...], state: str) -> str:
        """Where a technical administrator allows these scopes; Gong sends the browser back with a code and `state`."""
        query = {
            "client_id": self._options.client_id,
            "response_type": "code",
            "scope": " ".join(scopes),
            "redirect_uri": self._options.redirect_uri,
            "state": state,
        }
        return f"{self._options.log_in_url}/authorize?{urlencode(query)}"

    def redeem(self, code: str) -> Tokens:
        """The first tokens, for the code that Gong sent the browser back with.

        Raises BadCredentials (an old or foreign code, a wrong client), ServiceDown.
        """
        wanted = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self._options.client_id,
            "redirect_uri": self._options.redirect_uri,
        }
        return self._tokens(self._ask(wanted, "the code"), None)

    def renew(self, tokens: Tokens) -> Tokens:
        """The next tokens for these; their refresh token is spent then.

        Raises BadCredentials (spent, revoked, a wrong client), ServiceDown: then the same may be tried again.
        """
        wanted = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return self._tokens(self._ask(wanted, "the refresh token"), tokens)

    def _ask(self, query: Mapping[str, str], what: str) -> dict[str, Any]:
        options = self._options
        try:
            with httpx.Client(timeout=_TIMEOUT, transport=self._transport, follow_redirects=False) as http:
                answer = http.post(
                    f"{options.log_in_url}/generate-customer-token",
                    params=query,
                    auth=httpx.BasicAuth(options.client_id, options.client_secret.reveal()),
                    headers={"Accept": "application/json", "User-Agent": f"gong-bridge/{__version__}"},
                )
        except httpx.HTTPError as error:
            # `from None`: the request inside httpx's error holds the token.
            raise ServiceDown(
                f"Gong's log-in cannot be reached ({type(error).__name__}); it is tried again", reached=False
            ) from None
        if not answer.is_success:
            raise _refusal(answer, what)
        body = _json(answer)
        if body is None:
            raise ServiceDown("Gong's log-in did not answer with JSON", http_status=answer.status_code)
        return body

    def _tokens(self, body: Mapping[str, Any], before: Tokens | None) -> Tokens:
        now = clock.now()
        access, refresh = body.get("access_token"), body.get("refresh_token")
        base_url = body.get("api_base_url_for_customer") or (before.base_url if before else None)
        scope = body.get("scope")
        if not (isinstance(access, str) and access and isinstance(refresh, str) and refresh):
            raise ServiceDown("Gong's log-in answered without both tokens")
        if not isinstance(base_url, str):
            raise ServiceDown("Gong's log-in did not say where the company's API is (api_base_url_for_customer)")
        try:
            address = check_base_url(base_url)
        except ValueError:
            raise ServiceDown("Gong's log-in named an address that cannot be that of its API") from None
        if not address.startswith("https://") and not self._options.log_in_url.startswith("http://"):
            raise ServiceDown("Gong's log-in named an API address without TLS, where no token is sent")
        scopes = tuple(sorted(set(scope.split()))) if isinstance(scope, str) and scope.strip() else None
        return Tokens(
            access_token=access,
            refresh_token=refresh,
            got_at=now,
            expires_at=now + timedelta(seconds=_life_seconds(body.get("expires_in"))),
            scopes=scopes if scopes is not None else (before.scopes if before else ()),
            base_url=address,
        )


def _life_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return _DEFAULT_LIFE_SECONDS
    try:
        return max(float(value), _SHORTEST_LIFE_SECONDS)
    except ValueError:
        return _DEFAULT_LIFE_SECONDS


def _json(answer: httpx.Response) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _refusal(answer: httpx.Response, what: str) -> BridgeError:
    status = answer.status_code
    if status == 429 or status >= 500 or 300 <= status < 400:
        return ServiceDown(f"Gong's log-in answered {status}; it is tried again", http_status=status)
    said = (_json(answer) or {}).get("error")
    if said == "invalid_client" or (status == 401 and said != "invalid_grant"):
        return BadCredentials(
            f"Gong's log-in does not know this client_id and client_secret ({status}). Cure: compare them with the "
            "integration on Gong's API page.",
            http_status=status,
        )
    return BadCredentials(
        f"Gong's log-in does not take {what} ({status}): it was spent, revoked or belongs to another integration. "
        f"{LOG_IN_CURE}",
        http_status=status,
    )
