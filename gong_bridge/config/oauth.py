"""How a Gong account is logged in to with OAuth instead of an access key."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, field_validator

from gong_bridge.config.checks import is_this_machine
from gong_bridge.config.options import Options
from gong_bridge.config.secrets import Secret


class OAuthOptions(Options):
    """Log in with OAuth, in place of access_key and access_key_secret; `gong-bridge auth login` begins."""

    client_id: str = Field(min_length=1)
    """The client id that Gong shows for your integration."""
    client_secret: Secret
    """Its secret: env:NAME, file:PATH, credential:NAME (systemd). It also seals the tokens in the ledger."""
    redirect_uri: str = "http://localhost:8322/callback"
    """One of the redirect URIs of your integration. One on this machine is listened to by `auth login`; of any other
    you paste the address to which your browser was sent."""
    log_in_url: str = "https://app.gong.io/oauth2"
    """Where Gong's log-in is."""
    more_scopes: tuple[str, ...] = ()
    """Scopes to ask for besides those that the bridge itself needs, such as api:calls:read:transcript."""

    @field_validator("redirect_uri", "log_in_url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
            raise ValueError("write a whole address without ? and #, such as https://example.com/callback")
        if url.scheme == "http" and not is_this_machine(value):
            raise ValueError("it must begin with https://, because what passes there opens your Gong account")
        return value.rstrip("/")
