"""Who we are to Gong: with what and where a request is sent, and what happens when Gong does not know us any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from gong_bridge import clock
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import BadCredentials, ServiceDown
from gong_bridge.tokens import Tokens

LOG_IN_COMMAND = "gong-bridge auth login"
LOG_IN_CURE = f"Cure: {LOG_IN_COMMAND}"
EARLY_SECONDS = 600.0
"""A token is renewed so long before its end, or after nine tenths of its life where that is later."""
LOOK_AGAIN_SECONDS = 0.3
LONGEST_WAIT_SECONDS = 60.0
"""How long a request waits for another bridge that is renewing the tokens."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """What one request is sent with. base_url: without a slash at its end. auth: sets the Authorization header."""

    base_url: str
    auth: httpx.Auth


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownAs:
    """For the messages of a 401 and a 403: what Gong does not accept, and what a person does then.

    cure: when it is not known. not_allowed: when something is not allowed to it, with a place for the `{scope}`.
    """

    what: str
    cure: str
    not_allowed: str


ACCESS_KEY = KnownAs(
    what="the access key",
    cure="Cure: create a key on Gong's API page (technical administrators), and set access_key and access_key_secret "
    "in bridge.yaml.",
    not_allowed="Cure: let a technical administrator of Gong allow it, or create a key that may.",
)
OAUTH_TOKEN = KnownAs(
    what="the OAuth token",
    cure=f"It is renewed by itself once; when that does not help: {LOG_IN_COMMAND}",
    not_allowed="Cure: write {scope} below more_scopes of oauth in bridge.yaml, unless `gong-bridge auth status` lists "
    f"it; then {LOG_IN_COMMAND}",
)


class LogIn(Protocol):
    """A way to be known to Gong. address: of the API as far as it is known beforehand, else empty."""

    address: str
    known_as: KnownAs

    def access(self) -> Access:
        """For the next request. May renew what is about to end. Raises BadCredentials, ServiceDown."""

    def refused(self, access: Access) -> None:
        """Gong answered 401 to it."""


class AccessKeys:
    """An access key and its secret (HTTP Basic): the same for ever."""

    known_as = ACCESS_KEY

    def __init__(self, base_url: str, access_key: Secret, access_key_secret: Secret) -> None:
        auth = httpx.BasicAuth(access_key.reveal(), access_key_secret.reveal())
        self.address = base_url.rstrip("/")
        self._access = Access(base_url=self.address, auth=auth)

    def access(self) -> Access:
        """Always the same."""
        return self._access

    def refused(self, access: Access) -> None:
        """Nothing can be done here; a person has to."""


class TokenStore(Protocol):
    """Where all bridges of one ledger keep the tokens of one account."""

    def read(self) -> Tokens | None:
        """The latest pair. Raises BadCredentials when it cannot be read."""

    def write(self, tokens: Tokens) -> None:
        """Keep this pair in place of the former; on the disk when it returns."""

    def take_turn(self) -> bool:
        """Whether this bridge may renew now; at most one may."""

    def give_turn_back(self) -> None:
        """The renewal is over."""


class BearerTokens:
    """OAuth tokens that renew themselves, once for all bridges that share a store. Thread-safe.

    renew: spends a refresh token for the next pair. Raises BadCredentials (spent or revoked), ServiceDown.
    """

    address = ""
    known_as = OAUTH_TOKEN

    def __init__(self, store: TokenStore, renew: Callable[[Tokens], Tokens], stop: threading.Event) -> None:
        self._store = store
        self._renew = renew
        self._stop = stop
        self._lock = threading.Lock()
        self._held: Tokens | None = None
        self._refused_token = ""

    def access(self) -> Access:
        """With the latest token. Raises BadCredentials when a person must log in, ServiceDown when Gong is away."""
        held = self._held
        if held is None or not self._is_good(held, clock.now()):
            with self._lock:
                held = self._held = self._latest()
        return Access(base_url=held.base_url, auth=_Bearer(held.access_token))

    def refused(self, access: Access) -> None:
        """The next request renews it, unless another bridge has done so already."""
        if isinstance(access.auth, _Bearer):
            self._refused_token = access.auth.token

    def _is_good(self, tokens: Tokens, now: datetime) -> bool:
        life = tokens.expires_at - tokens.got_at
        early = min(timedelta(seconds=EARLY_SECONDS), life / 10)
        return tokens.access_token != self._refused_token and now < tokens.expires_at - early

    def _latest(self) -> Tokens:
        give_up = clock.monotonic_seconds() + LONGEST_WAIT_SECONDS
        while True:
            stored = self._stored()
            if self._is_good(stored, clock.now()):
                return stored
            if self._store.take_turn():
                return self._renewed()
            if clock.now() < stored.expires_at and stored.access_token != self._refused_token:
                return stored  # another bridge is renewing it; this one is good for some minutes more
            if clock.monotonic_seconds() > give_up or clock.wait(self._stop, LOOK_AGAIN_SECONDS):
                raise ServiceDown("another bridge is renewing the log-in to Gong and has not finished", reached=False)

    def _renewed(self) -> Tokens:
        try:
            stored = self._stored()  # it may have been renewed before this turn began
            if self._is_good(stored, clock.now()):
                return stored
            fresh = self._renew(stored)
            self._store.write(fresh)  # before it is used: a crash from here on loses nothing
            return fresh
        finally:
            self._store.give_turn_back()

    def _stored(self) -> Tokens:
        tokens = self._store.read()
        if tokens is None:
            raise BadCredentials(f"nobody has logged in to Gong for this account yet. {LOG_IN_CURE}")
        return tokens


class _Bearer(httpx.Auth):
    def __init__(self, token: str) -> None:
        self.token = token

    def auth_flow(self, request: httpx.Request):  # type: ignore[no-untyped-def]
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request
