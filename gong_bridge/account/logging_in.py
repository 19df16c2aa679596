"""How a Gong account is logged in to: with its access key, or with the OAuth tokens that the ledger keeps."""

from __future__ import annotations

import threading

from gong_bridge.config.accounts import GongOptions
from gong_bridge.config.oauth import OAuthOptions
from gong_bridge.errors import ConfigError
from gong_bridge.gong.log_in import AccessKeys, BearerTokens, LogIn
from gong_bridge.gong.oauth import OAuth
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.sealed_tokens import SealedTokens


def log_in_of(account: str | None, options: GongOptions, *, ledger: Ledger, owner: str, stop: threading.Event) -> LogIn:
    """The account's way in. `owner` names this process; `stop` ends waits for another one that renews the tokens."""
    if options.oauth is not None:
        tokens = tokens_of(account, options.oauth, ledger=ledger, owner=owner)
        return BearerTokens(tokens, OAuth(options.oauth).renew, stop)
    if options.access_key is None or options.access_key_secret is None:
        raise ConfigError("access_key and access_key_secret are missing")  # the schema has refused it before
    return AccessKeys(options.base_url, options.access_key, options.access_key_secret)


def tokens_of(account: str | None, options: OAuthOptions, *, ledger: Ledger, owner: str) -> SealedTokens:
    """Where the account's tokens are kept."""
    return SealedTokens(ledger.database, account=account or "", client_secret=options.client_secret, holder=owner)
