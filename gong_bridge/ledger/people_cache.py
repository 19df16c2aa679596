"""Gong's users as last fetched, so that deciding about a recording needs no API call."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, select

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.notes import of_account, read_note, write_note
from gong_bridge.ledger.rows import to_json
from gong_bridge.ledger.schema import gong_users
from gong_bridge.model import GongUser


class People:
    """The cache of Gong users, of each account apart; None is the account that needs no name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def replace_users(self, users: Iterable[GongUser], now: datetime, account: str | None = None) -> None:
        """All users of the account as told at `now`, in place of the former; of two with one id the last counts."""
        rows = {
            user.id: {
                "account": account or "",
                "id": user.id,
                "email": user.email,
                "aliases": to_json(list(user.aliases)),
                "name": user.name,
                "extension": user.extension,
                "phone_number": user.phone_number,
                "active": user.active,
                "telephony_calls_imported": user.telephony_calls_imported,
            }
            for user in users
        }
        with self._database.write() as connection:
            connection.execute(delete(gong_users).where(gong_users.c.account == (account or "")))
            if rows:
                connection.execute(gong_users.insert(), list(rows.values()))
            write_note(self._database, connection, _fetched_at(account), now.isoformat())

    def users(self, account: str | None = None) -> list[GongUser]:
        """All users of the account, by id."""
        mine = gong_users.c.account == (account or "")
        with self._database.read() as connection:
            rows = connection.execute(select(gong_users).where(mine).order_by(gong_users.c.id)).all()
        return [
            GongUser(
                id=row.id,
                email=row.email,
                aliases=tuple(json.loads(row.aliases)),
                name=row.name,
                extension=row.extension,
                phone_number=row.phone_number,
                active=bool(row.active),
                telephony_calls_imported=bool(row.telephony_calls_imported),
            )
            for row in rows
        ]

    def users_fetched_at(self, account: str | None = None) -> datetime | None:
        """When `replace_users` was last told of this account; None: never."""
        with self._database.read() as connection:
            value = read_note(connection, _fetched_at(account))
        return None if value is None else datetime.fromisoformat(value)


def _fetched_at(account: str | None) -> str:
    return of_account("gong-users-fetched-at", account)
