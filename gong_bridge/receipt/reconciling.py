"""Settles days of the ledger against the Gong accounts they belong to, one day in memory at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from gong_bridge import clock
from gong_bridge.gong.calls import Calls
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.receipts import RecordedFile
from gong_bridge.receipt.asking import receipt_of
from gong_bridge.receipt.days import LocalDay
from gong_bridge.receipt.settling import SourceReceipt
from gong_bridge.receive.patience import Patience


@dataclass(frozen=True, kw_only=True, slots=True)
class DayReceipt:
    """What became of one day's recordings in one Gong account (None: the one under `gong`), by source."""

    day: LocalDay
    account: str | None
    by_source: Mapping[str, SourceReceipt]


@dataclass(kw_only=True)
class Reconciling:
    """calls: of each account that is asked. of_sources: source -> where its new calls go."""

    ledger: Ledger
    calls: Mapping[str | None, Calls]
    of_sources: Mapping[str, str | None]
    patience: Patience
    left_out: Counter[str] = field(default_factory=Counter)
    """Recordings whose Gong account was not asked, by the account's name."""

    def settle(self, day: LocalDay) -> list[DayReceipt]:
        """The day's receipts, an account each. Raises what `receipt_of` raises."""
        of_account: dict[str | None, list[RecordedFile]] = {name: [] for name in self.calls}
        for one in self.ledger.receipts.recorded(day.begin, day.end):
            account = self._account_of(one)
            if account in of_account:
                of_account[account].append(one)
            else:
                self.left_out[account or "gong"] += 1
        return [
            DayReceipt(
                day=day,
                account=account,
                by_source=receipt_of(
                    day, account, files, ledger=self.ledger, calls=self.calls[account], patience=self.patience,
                    now=clock.now,
                ),
            )
            for account, files in of_account.items()
        ]  # fmt: skip

    def keep(self, receipt: DayReceipt) -> None:
        """Write a whole day's receipt down; a part of a day is not kept. Raises LedgerReadOnly."""
        if receipt.day.is_whole and clock.now() >= receipt.day.end:
            kept = {source: one.kept() for source, one in receipt.by_source.items()}
            self.ledger.receipts.keep(receipt.day.day, receipt.account, kept, clock.now())

    def _account_of(self, one: RecordedFile) -> str | None:
        return one.account if one.is_bound else self.of_sources.get(one.source, one.account)
