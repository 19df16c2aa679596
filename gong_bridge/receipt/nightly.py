"""Makes the receipt of the last days every night: one bridge of all on the ledger, behind new recordings."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from gong_bridge import clock, notify
from gong_bridge.config.accounts import GongOptions, account_name
from gong_bridge.config.schema import Config, ReconcileOptions
from gong_bridge.errors import BridgeError, LedgerReadOnly
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.nights import Night
from gong_bridge.ledger.receipts import DOUBLED, MISSING
from gong_bridge.logs import get_logger
from gong_bridge.receipt.days import whole_day
from gong_bridge.receipt.night_times import latest_night, night_to_settle
from gong_bridge.receipt.reconciling import Reconciling
from gong_bridge.receive.opening import opened_behind_live
from gong_bridge.receive.patience import Patience

LOOK_SECONDS = 5.0
"""How often the clock is looked at; the ledger only when a receipt is due."""
AGAIN_SECONDS = 300.0
"""After Gong did not answer, or refused, it is left in peace so long."""

log = get_logger(__name__)


class Nightly:
    """One bridge's share of the nightly receipts. `run` has a thread for each Gong account."""

    def __init__(
        self,
        options: ReconcileOptions,
        *,
        ledger: Ledger,
        zone: ZoneInfo,
        accounts: Mapping[str | None, GongOptions],
        of_sources: Mapping[str, str | None],
        owner: str,
        lease_seconds: float,
    ) -> None:
        """of_sources: source -> where its new calls go. owner, lease_seconds: of this bridge on the ledger."""
        assert options.at is not None
        self._at = options.at
        self._options = options
        self._ledger = ledger
        self._zone = zone
        self._accounts = accounts
        self._of_sources = of_sources
        self._owner = owner
        self._lease_seconds = lease_seconds
        self._held: set[str] = set()

    @classmethod
    def of(cls, config: Config, ledger: Ledger, owner: str) -> Nightly | None:
        """As bridge.yaml has it; None when it has no `reconcile.at`."""
        if config.reconcile.at is None:
            return None
        return cls(
            config.reconcile,
            ledger=ledger,
            zone=ZoneInfo(config.company.time_zone),
            accounts=config.all_accounts,
            of_sources={source.name: source.account for source in config.sources},
            owner=owner,
            lease_seconds=config.ledger.lease,
        )

    def run(self, account: str | None, stop: threading.Event) -> None:
        """Make each night's receipt of one account when it is due, until stopped."""
        told, finished = "", None
        not_before = clock.monotonic_seconds()
        while not clock.wait(stop, LOOK_SECONDS):
            night = latest_night(clock.now(), self._at, self._zone)
            if night == finished or clock.monotonic_seconds() < not_before:
                continue
            try:
                if self.look(account, stop):
                    told, finished = "", night
            except BridgeError as error:
                not_before = clock.monotonic_seconds() + AGAIN_SECONDS
                if error.code != told and not stop.is_set():
                    log.warning("receipt failed, it is tried again", code=error.code, account=account_name(account))
                    told = error.code

    def look(self, account: str | None, stop: threading.Event) -> bool:
        """Make the receipt that is due, if nobody else does; whether it is there.

        Raises what `Reconciling.settle` raises, having written down why it could not go on.
        """
        night = self._due(account)
        if night.finished_at is not None:
            return True
        turn = f"receipt of {account_name(account)}"
        if not self._ledger.turns.take(turn, self._owner, clock.now(), self._lease_seconds):
            return False
        self._held.add(turn)
        try:
            night = self._due(account)  # another bridge may have gone on with it meanwhile
            return night.finished_at is not None or self._settle(account, night, stop)
        finally:
            self._held.discard(turn)
            self._ledger.turns.give_back(turn, self._owner)

    def keep_turns(self) -> None:
        """A day may take longer than a turn; called more often than one ends. Raises LedgerReadOnly."""
        for turn in self._held.copy():
            self._ledger.turns.take(turn, self._owner, clock.now(), self._lease_seconds)

    def _due(self, account: str | None) -> Night:
        night = latest_night(clock.now(), self._at, self._zone)
        return night_to_settle(night, self._options.days, self._ledger.nights.get(account))

    def _settle(self, account: str | None, night: Night, stop: threading.Event) -> bool:
        """The rest of the night's days; False when stopped before all are there."""
        try:
            with opened_behind_live(
                account, self._accounts[account], ledger=self._ledger, owner=self._owner,
                lease_seconds=self._lease_seconds, stop=stop, told=lambda _why: None,
            ) as gong:  # fmt: skip
                reconciling = Reconciling(
                    ledger=self._ledger,
                    calls={account: gong.calls},
                    of_sources=self._of_sources,
                    patience=Patience(stop, lambda _why, _seconds: None),
                )
                while night.next_day <= night.last:
                    if stop.is_set():
                        return False
                    for receipt in reconciling.settle(whole_day(night.next_day, self._zone)):
                        reconciling.keep(receipt)
                    night = dataclasses.replace(night, next_day=night.next_day + timedelta(days=1), trouble=None)
                    self._ledger.nights.put(account, night)
        except LedgerReadOnly:
            raise
        except BridgeError as error:
            if not stop.is_set():
                self._ledger.nights.put(account, dataclasses.replace(night, trouble=error.message))
            raise
        self._finish(account, night)
        return True

    def _finish(self, account: str | None, night: Night) -> None:
        now = clock.now()
        self._ledger.receipts.forget(now - timedelta(seconds=self._options.keep))
        self._ledger.nights.put(account, dataclasses.replace(night, finished_at=now, trouble=None))
        lacking = [one for one in self._ledger.receipts.lacking(now) if one.account == account]
        told = {"account": account_name(account), "first": str(night.first), "last": str(night.last)}
        missing, doubled = sum(one.missing for one in lacking), sum(one.doubled for one in lacking)
        if missing or doubled:
            code = MISSING if missing else DOUBLED
            notify.status(f"{missing} missing in Gong, {doubled} too many; gong-bridge status says of which days")
            log.warning("receipt", code=code, missing=missing, doubled=doubled, **told)
        else:
            notify.status(f"nothing that was delivered is missing in Gong (receipt until {night.last})")
            log.info("receipt", missing=0, doubled=0, **told)
