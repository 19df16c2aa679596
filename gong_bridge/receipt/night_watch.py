"""Whether the nightly receipts are made, in words for status and page; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import Config
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.nights import Night
from gong_bridge.receipt.night_times import due_at, latest_night

LATE_AFTER = timedelta(hours=1)
"""A receipt that is not there so long after it was due is told of as trouble."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NightSeen:
    """How the nightly receipt of one account is doing. finished_at: of the last one that is whole; None: none yet.

    is_late: it should be there and is not.
    """

    account: str
    words: str
    is_late: bool
    finished_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NightWatch:
    """What bridge.yaml wants: when, in which zone, for which accounts."""

    at: time
    zone: ZoneInfo
    accounts: tuple[str | None, ...]

    @classmethod
    def of(cls, config: Config) -> NightWatch | None:
        """None when no nightly receipt is wanted."""
        if config.reconcile.at is None:
            return None
        zone = ZoneInfo(config.company.time_zone)
        return cls(at=config.reconcile.at, zone=zone, accounts=tuple(config.all_accounts))

    def look(self, ledger: Ledger, now: datetime) -> list[NightSeen]:
        """One for each account, the one under `gong` first."""
        return [self._seen(account, ledger.nights.get(account), now) for account in self.accounts]

    def _seen(self, account: str | None, night: Night | None, now: datetime) -> NightSeen:
        latest = latest_night(now, self.at, self.zone)
        is_there = night is not None and night.night >= latest and night.finished_at is not None
        is_late = night is not None and not is_there and now - due_at(latest, self.at, self.zone) > LATE_AFTER
        finished_at = None if night is None else night.finished_at or night.earlier_at
        of = f"nightly receipt of {account_name(account)}" if len(self.accounts) > 1 else "nightly receipt"
        return NightSeen(
            account=account_name(account),
            words=f"{of}: {self._words(night, is_late=is_late, is_there=is_there)}",
            is_late=is_late,
            finished_at=finished_at,
        )

    def _words(self, night: Night | None, *, is_late: bool, is_there: bool) -> str:
        if night is None:
            return f"none yet; a running service makes it at {self.at:%H:%M} ({self.zone.key})"
        days = str(night.last) if night.first == night.last else f"{night.first} to {night.last}"
        if is_there and night.finished_at is not None:
            return f"{days}, made {night.finished_at.astimezone():%Y-%m-%d %H:%M %Z}"
        missing = f"that of {self.at:%H:%M} is not there"
        if night.trouble is not None:
            return f"{missing}: {night.trouble}; it is tried again every few minutes, from {night.next_day} on"
        if is_late:
            return f"{missing}; does the service run? It goes on from {night.next_day} on"
        return f"being made, from {night.next_day} on"
