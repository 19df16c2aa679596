"""Where a Gong account is and how to log in: the options below `gong`, and below each name of `accounts`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from pydantic import field_validator, model_validator

from gong_bridge.config.checks import check_base_url, is_this_machine
from gong_bridge.config.limits import Limits
from gong_bridge.config.oauth import OAuthOptions
from gong_bridge.config.options import Options
from gong_bridge.config.secrets import Secret
from gong_bridge.config.units import Duration
from gong_bridge.strict_yaml import MistakeAt

DEFAULT_ACCOUNT = "gong"
"""What the account under `gong` is called where accounts are named."""


class Timeouts(Options):
    """Time-outs of one HTTP exchange, by phase (R21)."""

    connect: Duration = 10.0
    """To open a connection."""
    write: Duration = 60.0
    """For one chunk of the body to be taken."""
    read: Duration = 300.0
    """For an answer to begin after the last byte was sent; Gong stores the media first."""
    pool: Duration = 60.0
    """To get a free connection."""


class GongOptions(Options):
    """Where Gong is and how to log in."""

    base_url: str = ""
    """The base URL that Gong's API page shows for your company, such as https://us-12345.api.gong.io; needed unless
    `oauth` is used, where Gong tells it at the log-in."""
    access_key: Secret | None = None
    """env:NAME, file:PATH, credential:NAME (systemd) or the key itself."""
    access_key_secret: Secret | None = None
    """env:NAME, file:PATH, credential:NAME (systemd) or the secret itself."""
    oauth: OAuthOptions | None = None
    """OAuth in place of an access key."""
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    allow_http: bool = False
    """Allow http:// to a host that is not this machine. Recordings and keys then travel readable."""

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: str) -> str:
        return check_base_url(value)

    @model_validator(mode="after")
    def _check_log_in(self) -> GongOptions:
        keys = {"access_key": self.access_key, "access_key_secret": self.access_key_secret}
        if self.oauth is not None:
            for key, value in {**keys, "base_url": self.base_url or None}.items():
                if value is not None:
                    raise MistakeAt(f"{key} is not used with oauth; remove one of the two", key)
            return self
        missing = [key for key, value in {"base_url": self.base_url or None, **keys}.items() if value is None]
        if missing:
            what = "this key is missing" if len(missing) == 1 else "these keys are missing"
            keys_named = " and ".join(map(repr, missing))
            raise MistakeAt(f"{what}; add {keys_named} here (or `oauth` in place of an access key)")
        return self

    @model_validator(mode="after")
    def _check_http(self) -> GongOptions:
        if self.base_url.startswith("http://") and not self.allow_http and not is_this_machine(self.base_url):
            what = "base_url uses http:// to another machine; use https://, or set allow_http: true beside it"
            raise MistakeAt(what, "base_url")
        return self


def account_name(account: str | None) -> str:
    """What an account is called on screen and in metrics."""
    return DEFAULT_ACCOUNT if account is None else account


def wrong_account_name(name: str) -> str:
    """The sentence for a name that an account may not have; empty: it may."""
    if name == DEFAULT_ACCOUNT:
        return f"{name!r} is the account under `{DEFAULT_ACCOUNT}:` itself; choose another name"
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", name) is None:
        return f"{name!r} cannot be an account's name; write letters, digits and - _ . such as emea"
    return ""


def account_is_unknown(account: str, known: Iterable[str]) -> str:
    """The sentence for a source whose account is not there."""
    names = sorted(known)
    near = difflib.get_close_matches(account, names, n=1, cutoff=0.6)
    if near:
        return f"there is no account {account!r}; did you mean {near[0]}?"
    there = f"there are {', '.join(names)} and {DEFAULT_ACCOUNT}" if names else "there is only the one under `gong:`"
    return f"there is no account {account!r} ({there}); add it under `accounts:`, or correct the name"
