"""Who erased whom, when, and what came of it: the audit, which names no person but those who acted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from gong_bridge.ledger.database import Database
from gong_bridge.ledger.rows import clean, maybe_moment, micros, moment, to_json
from gong_bridge.ledger.schema import privacy_acts

BEGUN = "begun"
"""Outcome of an act that was never ended: it goes on, or it was killed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivacyAct:
    """One row of the audit. act: "erase" or "allow". person: the beginning of a keyed hash; "" for many.

    actor: the operating system's user. outcome: "begun", "done", or what was left undone, in fixed words.
    """

    id: int
    act: str
    person: str
    kind: str
    actor: str
    host: str
    begun_at: datetime
    ended_at: datetime | None
    outcome: str
    counts: Mapping[str, int]


class PrivacyActs:
    """The verbs of the audit; nothing takes a row away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, act: str, *, person: str, kind: str, actor: str, host: str, now: datetime) -> int:
        """Write down that an act begins; its number."""
        row = {
            "act": act, "person": person, "kind": kind, "actor": clean(actor), "host": clean(host),
            "begun_at": micros(now), "ended_at": None, "outcome": BEGUN, "counts": "{}",
        }  # fmt: skip
        with self._database.write() as connection:
            return int(connection.execute(privacy_acts.insert().returning(privacy_acts.c.id), row).scalar_one())

    def end(self, act_id: int, *, outcome: str, counts: Mapping[str, int], now: datetime) -> None:
        """Write down what came of it."""
        mine = update(privacy_acts).where(privacy_acts.c.id == act_id)
        with self._database.write() as connection:
            connection.execute(mine.values(ended_at=micros(now), outcome=outcome, counts=to_json(dict(counts))))

    def latest(self, most: int) -> list[PrivacyAct]:
        """The latest acts, the newest first."""
        statement = select(privacy_acts).order_by(privacy_acts.c.id.desc()).limit(most)
        with self._database.read() as connection:
            return [
                PrivacyAct(
                    id=row.id, act=row.act, person=row.person, kind=row.kind, actor=row.actor, host=row.host,
                    begun_at=moment(row.begun_at), ended_at=maybe_moment(row.ended_at), outcome=row.outcome,
                    counts=json.loads(row.counts),
                )
                for row in connection.execute(statement)
            ]  # fmt: skip
