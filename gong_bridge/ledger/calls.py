"""Whose call it is: one entry owns a clientUniqueId; drafts claim it, better recordings take it over."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from gong_bridge.errors import BridgeError
from gong_bridge.ledger.changes import NO_LEASE, NO_REASON, event_values, write_events, write_leased
from gong_bridge.ledger.database import Database, again_when_clashed
from gong_bridge.ledger.rows import ENTRY_COLUMNS, encoded, entry_of
from gong_bridge.ledger.schema import OWNS_CALL, entries
from gong_bridge.model import Entry, State

NOTHING_TOLD: Mapping[str, Any] = MappingProxyType({})
SUPERSEDED = "superseded"
"""Code of a skip because another recording took over the call."""

_OWNER = select(*ENTRY_COLUMNS).where(
    entries.c.client_unique_id == bindparam("call"), entries.c.account == bindparam("of_account"), OWNS_CALL
)


class DuplicateCall(BridgeError):
    """Another entry owns this clientUniqueId; `owner` is that entry (R12: an outcome, not a failure)."""

    code = "duplicate"

    def __init__(self, owner: Entry) -> None:
        super().__init__(f"entry {owner.id} has this clientUniqueId already; see `gong-bridge ledger show {owner.id}`")
        self.owner = owner


class Ownership:
    """The verbs about drafts and calls. All need the lease of `entry` and raise LeaseLost without it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owner_of(self, client_unique_id: str, account: str | None = None) -> Entry | None:
        """The entry that owns this clientUniqueId in this Gong account."""
        with self._database.read() as connection:
            return _owner(connection, client_unique_id, account)

    @again_when_clashed
    def save_draft(
        self,
        entry: Entry,
        now: datetime,
        draft: dict[str, Any],
        client_unique_id: str,
        media: dict[str, Any],
        told: Mapping[str, Any] = NOTHING_TOLD,
        account: str | None = None,
    ) -> Entry:
        """Record the request that will be sent, and own its clientUniqueId. Raises DuplicateCall when another does.

        `account`: the Gong account that it is for. `told`: further fields of model.Entry (sidecar_key, sidecar_digest,
        remark, share_with, reason_code, reason).
        """
        changes = {
            **NO_REASON,
            **told,
            "state": State.DRAFTED,
            "draft": draft,
            "client_unique_id": client_unique_id,
            "media": media,
            "owns_call": True,
            "account": account,
        }
        if entry.state not in (State.FOUND, State.DRAFTED) or entry.intent is not None:
            raise ValueError(f"entry {entry.id} is {entry.state}; its draft may have been sent and cannot be changed")
        try:
            with self._database.write() as connection:
                owner = _owner(connection, client_unique_id, account)
                if owner is not None and owner.id != entry.id:
                    raise DuplicateCall(owner)
                return write_leased(connection, entry, now, changes)
        except IntegrityError:  # PostgreSQL: another worker saved the same call between our look and our write
            owner = self.owner_of(client_unique_id, account)
            if owner is None:
                raise
            raise DuplicateCall(owner) from None

    @again_when_clashed
    def take_over_call(
        self,
        entry: Entry,
        owner_entry: Entry,
        now: datetime,
        draft: dict[str, Any] | None = None,
        media: dict[str, Any] | None = None,
        share_with: tuple[str, ...] = (),
    ) -> Entry:
        """`entry` goes on with the call of `owner_entry`, which ends as skipped with a link to it.

        The call id, an intent under way, and the draft (unless `draft` is given and nothing was sent) move over; the
        state is created when there is a call, else drafted. A worker that holds the owner gets LeaseLost at its next
        write. Where `owner_entry` is itself only new media for the call of a third entry, that one stays the owner.
        Raises DuplicateCall when yet another entry has become the owner meanwhile.
        """
        with self._database.write() as connection:
            statement = select(*ENTRY_COLUMNS).where(entries.c.id == owner_entry.id).with_for_update()
            owner = entry_of(connection.execute(statement).one())
            if owner.client_unique_id is None or owner.id == entry.id:
                raise ValueError(f"entry {owner.id} has no call that entry {entry.id} could take over")
            present = _owner(connection, owner.client_unique_id, owner.account)
            owns_call = present is None or present.id in (owner.id, entry.id)
            if present is not None and not owns_call and (owner.call_id is None or owner.call_id != present.call_id):
                raise DuplicateCall(present)
            _supersede(connection, owner, entry, now)
            sent = owner.call_id is not None or owner.intent is not None
            changes = {
                **NO_REASON,
                "state": State.DRAFTED if owner.call_id is None else State.CREATED,
                "call_id": owner.call_id,
                "client_unique_id": owner.client_unique_id,
                "draft": owner.draft if sent or draft is None else draft,
                "media": entry.media if media is None else media,
                "intent": owner.intent if owner.call_id is None else None,
                "owns_call": owns_call,
                "account": owner.account,
                "share_with": share_with,
            }
            return write_leased(connection, entry, now, changes)

    @again_when_clashed
    def adopt_call(
        self,
        entry: Entry,
        predecessor: Entry,
        now: datetime,
        draft: dict[str, Any] | None,
        media: dict[str, Any] | None,
        share_with: tuple[str, ...] = (),
    ) -> Entry:
        """`entry` is new media for the call of `predecessor`, which keeps the ownership: state created, same call.

        `draft` None takes the predecessor's. Raises ValueError when there is no call to adopt.
        """
        if predecessor.call_id is None:
            raise ValueError(f"entry {predecessor.id} has no call that entry {entry.id} could adopt")
        changes = {
            **NO_REASON,
            "state": State.CREATED,
            "call_id": predecessor.call_id,
            "client_unique_id": predecessor.client_unique_id,
            "draft": predecessor.draft if draft is None else draft,
            "media": media,
            "intent": None,
            "account": predecessor.account,
            "share_with": share_with,
        }
        with self._database.write() as connection:
            return write_leased(connection, entry, now, changes)


def _owner(connection: Connection, client_unique_id: str, account: str | None) -> Entry | None:
    row = connection.execute(_OWNER, {"call": client_unique_id, "of_account": account or ""}).one_or_none()
    return None if row is None else entry_of(row)


def _supersede(connection: Connection, owner: Entry, entry: Entry, now: datetime) -> None:
    changes = {
        **NO_REASON,
        **NO_LEASE,
        "state": State.SKIPPED,
        "held_from": owner.held_from or (owner.state if owner.state is not State.DONE else State.DELIVERED),
        "reason_code": SUPERSEDED,
        "reason": f"entry {entry.id} is a better recording of the same call and goes on with it",
        "duplicate_of": entry.id,
        "call_id": None,
        "intent": None,
        "owns_call": False,
        "updated_at": now,
    }
    connection.execute(update(entries).where(entries.c.id == owner.id).values(encoded(changes)))
    write_events(connection, [event_values(dataclasses.replace(owner, **changes), owner.state, now)])
