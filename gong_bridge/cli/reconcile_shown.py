"""How `gong-bridge reconcile` shows receipts: a table, what to look at one by one, or JSON lines."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.config.accounts import account_name
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.readable import printable
from gong_bridge.receipt.reconciling import DayReceipt
from gong_bridge.receipt.settling import NOT_OURS, Settled, SourceReceipt

MOST_SHOWN = 20
"""Of each kind, in the table; --json has all."""
_LISTED = {
    "missing": "missing in Gong", "doubled": "in Gong more than once", "unknown": "of others, unknown to us",
}  # fmt: skip
_TEXTS = ("day", "account", "source")
_COLUMNS = {
    "day": "day", "account": "account", "source": "source", "recorded": "recorded", "in_gong": "in Gong",
    "waiting": "waiting", "skipped": "skipped", "held": "held", "missing": "missing", "doubled": "twice",
    "unknown": "others",
}  # fmt: skip


def print_json(receipt: DayReceipt) -> None:
    """One object a line for each source, with every call in it."""
    for source, one in receipt.by_source.items():
        row = {
            "day": receipt.day.day.isoformat(),
            "whole_day": receipt.day.is_whole,
            "account": account_name(receipt.account),
            "source": source or None,
            **one.counts(),
            "calls": {kind: [asdict(call) for call in getattr(one, kind)] for kind in ("in_gong", *_LISTED)},
        }
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


@dataclass(kw_only=True)
class Sheet:
    """Takes receipts in, keeps what is to be shown of them, and shows it at the end."""

    with_accounts: bool
    rows: list[dict[str, Any]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    held: int = 0
    own: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    listed: dict[str, list[Settled]] = field(default_factory=lambda: {kind: [] for kind in _LISTED})

    def add(self, receipt: DayReceipt) -> None:
        """Take in a day."""
        for source, one in receipt.by_source.items():
            self.rows.append(self._row(receipt, source, one))
            self.skipped += one.skipped
            self.held += one.held
            self.own += one.own
            for kind, kept in self.listed.items():
                found: Sequence[Settled] = getattr(one, kind)
                self.counts[kind] += len(found)
                kept += found[: MOST_SHOWN - len(kept)]

    def show(self, ledger: Ledger) -> None:
        """The table, and below it each kind of trouble with its calls."""
        out.print(table_of(self.rows) if self.rows else Text("nothing was recorded, and Gong has no call", style="dim"))
        if any(row["day"].endswith("*") for row in self.rows):
            out.print(Text("* a part of the day", style="dim"))
        if self.rows:
            out.print(Text("recorded: what the bridge has seen, whether or not it lies in its source now", style="dim"))
        if self.skipped:
            reasons = ", ".join(f"{count:,} {code}" for code, count in self.skipped.most_common())
            out.print(Text(f"skipped: {reasons}", style="dim"))
        if self.own:
            out.print(Text(f"Gong's own calls, without any clientUniqueId: {self.own:,}", style="dim"))
        if self.held:
            out.print(Text(f"held: {self.held:,} (gong-bridge ledger list --state held --state rejected)"))
        for kind, words in _LISTED.items():
            self._show_calls(ledger, kind, words)
        if not (self.held or self.counts["missing"] or self.counts["doubled"]):
            out.print(Text("all accounted for", style="green"))

    def _show_calls(self, ledger: Ledger, kind: str, words: str) -> None:
        if not self.counts[kind]:
            return
        style = "" if kind == "unknown" else "magenta"
        out.print(Text(f"{words}: {self.counts[kind]:,}", style=style))
        for call in self.listed[kind]:
            entry = None if call.entry_id is None else ledger.views.get(call.entry_id)
            place = "" if entry is None else f"entry {entry.id} ({entry.source}) {printable(entry.key)}, "
            url = f"  {printable(call.url)}" if call.url else ""
            out.print(Text(f"  {place}call {printable(call.call_id or 'none')}{url}"), soft_wrap=True)
        if self.counts[kind] > len(self.listed[kind]):
            out.print(Text(f"  ... and {self.counts[kind] - len(self.listed[kind]):,} more (--json)", style="dim"))

    def _row(self, receipt: DayReceipt, source: str, one: SourceReceipt) -> dict[str, Any]:
        return row_of(
            receipt.day.day.isoformat() + ("" if receipt.day.is_whole else "*"),
            account_name(receipt.account) if self.with_accounts else None,
            source,
            one.counts(),
        )


def row_of(day: str, account: str | None, source: str, counts: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table. counts: as they are kept."""
    return {
        **counts,
        "skipped": sum(counts["skipped"].values()),
        "day": day,
        "account": account,
        "source": printable(source) if source != NOT_OURS else "(others)",
    }


def table_of(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Without the columns in which there is nothing: all of it in 80 columns."""
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    told = [name for name in _COLUMNS if any(row[name] for row in rows)]
    for name in told:
        justify: JustifyMethod = "left" if name in _TEXTS else "right"
        table.add_column(_COLUMNS[name], justify=justify, no_wrap=name != "source", overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[name] or "")) for name in told))
    return table
