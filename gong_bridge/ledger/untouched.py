"""Reads Gong's users from a ledger that must not be touched: no migration, no lock, no file beside it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, create_engine, select
from sqlalchemy.exc import SQLAlchemyError

from gong_bridge.config.secrets import Secret
from gong_bridge.ledger.open import ledger_exists, parse_url
from gong_bridge.ledger.schema import gong_users
from gong_bridge.model import GongUser


def users_untouched(url: str, password: Secret | None = None) -> dict[str | None, list[GongUser]]:
    """Gong's users that the ledger knows, by account; none when it cannot be read just like that."""
    if not ledger_exists(url):
        return {}
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(_read_only(Path(parsed.database or "")))
    else:
        if password is not None:
            parsed = parsed.set(password=password.reveal())
        options = {"connect_timeout": 10, "options": "-c default_transaction_read_only=on"}
        engine = create_engine(parsed, connect_args=options)
    found: dict[str | None, list[GongUser]] = {}
    try:
        with engine.connect() as connection:
            for row in connection.execute(select(gong_users).order_by(gong_users.c.id)):
                fields = {**row._mapping, "aliases": tuple(json.loads(row.aliases))}
                account = fields.pop("account")
                found.setdefault(account or None, []).append(GongUser(**fields))
    except SQLAlchemyError:  # away, or of another version: whoever asks goes on without
        return {}
    finally:
        engine.dispose()
    return found


def _read_only(path: Path) -> URL:
    """A reader must not make SQLite's -wal and -shm: made by root, the service's own user could not write them.

    Where they are not there, nobody has the ledger open, and it can be read as a file that does not change.
    """
    is_open = path.with_name(path.name + "-wal").exists()
    query = {"mode": "ro", "uri": "true", **({} if is_open else {"immutable": "1"})}
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query=query)
