"""The OAuth tokens of one Gong account, for all bridges of the ledger; sealed.

A copy of the ledger opens nothing: the seal is Fernet (AES and HMAC); its key comes from the client secret,
which the ledger never sees.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from gong_bridge import clock
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import BadCredentials
from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import micros
from gong_bridge.ledger.schema import oauth_tokens
from gong_bridge.ledger.turns import Turns
from gong_bridge.tokens import Tokens

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

TURN_SECONDS = 90.0
"""Longer than one exchange with Gong's log-in may take."""


class SealedTokens:
    """A store of tokens as gong/log_in.py wants it. account: "" is the one under `gong`. holder: this process."""

    def __init__(self, database: Database, *, account: str, client_secret: Secret, holder: str) -> None:
        self._database = database
        self._account = account
        self._client_secret = client_secret
        self._holder = holder
        self._turns = Turns(database)

    def read(self) -> Tokens | None:
        """The latest pair. Raises BadCredentials when it was sealed with another client secret."""
        mine = select(oauth_tokens.c.sealed).where(oauth_tokens.c.account == self._account)
        with self._database.read() as connection:
            sealed = connection.execute(mine).scalar()
        return None if sealed is None else self._opened(sealed)

    def write(self, tokens: Tokens) -> None:
        """Keep this pair in place of the former; on the disk when it returns."""
        row = {"account": self._account, "sealed": self._sealed(tokens), "got_at": micros(tokens.got_at)}
        insert = self._database.insert(oauth_tokens)
        values = {"sealed": insert.excluded.sealed, "got_at": insert.excluded.got_at}
        with self._database.write() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["account"], set_=values), row)

    def forget(self) -> bool:
        """Whether there was a pair; now there is none."""
        with self._database.write() as connection:
            gone = connection.execute(delete(oauth_tokens).where(oauth_tokens.c.account == self._account))
        return bool(gone.rowcount)

    def take_turn(self) -> bool:
        """Whether this process may renew now."""
        return self._turns.take(self._turn, self._holder, clock.now(), TURN_SECONDS)

    def give_turn_back(self) -> None:
        """The renewal is over."""
        self._turns.give_back(self._turn, self._holder)

    @property
    def _turn(self) -> str:
        return f"oauth {self._account}".strip()

    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet  # slow to load, and few log in with OAuth
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"gong-bridge oauth tokens")
        return Fernet(base64.urlsafe_b64encode(derive.derive(self._client_secret.reveal().encode())))

    def _sealed(self, tokens: Tokens) -> str:
        plain = {
            "account": self._account,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "got_at": tokens.got_at.isoformat(),
            "expires_at": tokens.expires_at.isoformat(),
            "scopes": list(tokens.scopes),
            "base_url": tokens.base_url,
        }
        return self._fernet().encrypt(json.dumps(plain).encode()).decode("ascii")

    def _opened(self, sealed: str) -> Tokens:
        from cryptography.fernet import InvalidToken

        try:
            plain = json.loads(self._fernet().decrypt(sealed.encode("ascii")))
        except (InvalidToken, ValueError):
            plain = {}
        if plain.get("account") != self._account:
            raise BadCredentials(
                "the tokens in the ledger were stored with another client_secret. Cure: put that one back, or log in "
                "again: gong-bridge auth login"
            )
        return Tokens(
            access_token=plain["access_token"],
            refresh_token=plain["refresh_token"],
            got_at=datetime.fromisoformat(plain["got_at"]),
            expires_at=datetime.fromisoformat(plain["expires_at"]),
            scopes=tuple(plain["scopes"]),
            base_url=plain["base_url"],
        )
