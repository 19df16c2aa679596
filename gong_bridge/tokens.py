"""What Gong gives at an OAuth log-in: the tokens, what they allow, where the company's API is. Never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Tokens:
    """One pair of tokens. The refresh token is good for one use: whoever spends it stores the next pair first (G7).

    base_url: of the company's API (`api_base_url_for_customer`). scopes: what Gong granted, sorted.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    got_at: datetime
    expires_at: datetime
    scopes: tuple[str, ...]
    base_url: str
