"""How far the nightly receipt of each Gong account is: so that a restart, or another bridge, goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gong_bridge.ledger.notes import Notes, of_account

_NOTE = "nightly-receipt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Night:
    """The receipt that is made on the morning of `night`, of the days from `first` to `last`.

    next_day: the first that is not settled yet; behind `last` when all are. finished_at: None while it goes on.
    trouble: why it could not go on when it was last tried. earlier_at: when the one before this was finished.
    """

    night: date
    first: date
    last: date
    next_day: date
    finished_at: datetime | None = None
    trouble: str | None = None
    earlier_at: datetime | None = None


class Nights:
    """The last night of each account. Only the bridge whose turn it is writes."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def get(self, account: str | None) -> Night | None:
        """None: there was none yet."""
        value = self._notes.get_note(of_account(_NOTE, account))
        return None if value is None else _night(value)

    def put(self, account: str | None, night: Night) -> None:
        """Write down how far it is. Raises LedgerReadOnly."""
        value = {
            **{name: getattr(night, name).isoformat() for name in _DAYS},
            **{name: None if (at := getattr(night, name)) is None else at.isoformat() for name in _MOMENTS},
            "trouble": night.trouble,
        }
        self._notes.set_note(of_account(_NOTE, account), value)


_DAYS = ("night", "first", "last", "next_day")
_MOMENTS = ("finished_at", "earlier_at")


def _night(value: Mapping[str, Any]) -> Night:
    told: dict[str, Any] = {name: date.fromisoformat(value[name]) for name in _DAYS}
    told.update({name: datetime.fromisoformat(value[name]) for name in _MOMENTS if value[name] is not None})
    return Night(**told, trouble=value["trouble"])
