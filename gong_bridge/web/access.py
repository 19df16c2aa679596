"""Who may read the pages: this machine alone, or whoever knows the token; and what browsers may do with them."""

from __future__ import annotations

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gong_bridge.config.secrets import Secret

COOKIE = "gong_bridge_pages"
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Access:
    """ASGI middleware. Without a token only requests that name this machine as their host are answered.

    The check of the Host header keeps other web sites out: a page that has its own name resolve to 127.0.0.1 (DNS
    rebinding) still sends that name. With a token: `Authorization: Bearer TOKEN`, or `?token=TOKEN` once, which is
    exchanged for a cookie and leaves the address bar.
    """

    def __init__(self, app: ASGIApp, token: Secret | None) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand the request on."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope) if self._token is None else self._without_token(scope, self._token)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await (refusal or self._app)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        host = Headers(scope=scope).get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name in _OWN_NAMES:
            return None
        return PlainTextResponse(
            "This page answers on 127.0.0.1 and localhost only. To reach it by another name, set web.token.\n", 421
        )

    def _without_token(self, scope: Scope, token: Secret) -> Response | None:
        headers = Headers(scope=scope)
        scheme, _, sent = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(sent.strip(), token.reveal()):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == "token"]
        if tokens:
            return self._exchange(scope, token, query) if _same(tokens[0], token.reveal()) else _ask_for_token()
        if _same(_cookie(headers), _cookie_value(token)):
            return None
        return _ask_for_token()

    def _exchange(self, scope: Scope, token: Secret, query: list[tuple[str, str]]) -> Response:
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/")  # never "//host", which would lead away
        answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(
            COOKIE, _cookie_value(token), httponly=True, samesite="strict", secure=scope["scheme"] == "https"
        )
        return answer


def _ask_for_token() -> Response:
    return PlainTextResponse(
        "Add ?token=TOKEN to the address once, or send the header Authorization: Bearer TOKEN. "
        "The token is web.token of bridge.yaml.\n",
        401,
        {"WWW-Authenticate": "Bearer"},
    )


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _cookie_value(token: Secret) -> str:
    """Derived, so that whoever sees the browser's cookies does not see the token that monitors use."""
    return hmac.new(token.reveal().encode("utf-8"), b"gong-bridge pages", hashlib.sha256).hexdigest()


def _same(sent: str, expected: str) -> bool:
    return hmac.compare_digest(sent.encode("utf-8", "replace"), expected.encode("utf-8"))
