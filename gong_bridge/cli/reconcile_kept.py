"""`gong-bridge reconcile --last`: the receipts that are kept, for people and monitors; asks Gong nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import timedelta

from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import err, out
from gong_bridge.cli.reconcile_shown import row_of, table_of
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import Config
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.receipts import KeptReceipt
from gong_bridge.readable import printable
from gong_bridge.receipt.night_watch import NightWatch
from gong_bridge.web.lacks import lacks_of


def show_kept(ledger: Ledger, options: Config, accounts: Sequence[str | None], *, as_json: bool) -> bool:
    """The last `reconcile.days` days that have a receipt, and every day of the last month that lacks something.

    accounts: those that are asked about. Whether nothing is missing, there twice or late, and there is a receipt.
    """
    now = clock.now()
    watch = NightWatch.of(options)
    seen = watch.look(ledger, now) if watch else []
    nights = [one for one in seen if one.account in map(account_name, accounts)]
    newest = next((one.day for one in ledger.receipts.kept() if one.account in accounts), None)
    lacking = [one for one in ledger.receipts.lacking(now) if one.account in accounts]
    rows: list[KeptReceipt] = []
    if newest is not None:
        since = newest - timedelta(days=options.reconcile.days - 1)
        latest = [one for one in ledger.receipts.kept(since=since) if one.account in accounts]
        rows = sorted([*latest, *(one for one in lacking if one not in latest)], key=lambda one: one.day)
    lacking = [one for one in rows if one.missing or one.doubled]  # also of a day longer ago than it is told of
    if as_json:
        for one in rows:
            sys.stdout.write(json.dumps(_as_json(one), ensure_ascii=False) + "\n")
    else:
        _show(rows, lacking, with_accounts=len(options.all_accounts) > 1)
    for night in nights:
        err.print(Text(printable(night.words), style="magenta" if night.is_late else "dim"), soft_wrap=True)
    is_made = bool(rows) or (bool(nights) and all(night.finished_at is not None for night in nights))
    return is_made and not lacking and not any(night.is_late for night in nights)


def _show(rows: Sequence[KeptReceipt], lacking: Sequence[KeptReceipt], *, with_accounts: bool) -> None:
    if not rows:
        out.print(Text("no receipt is kept; gong-bridge reconcile --from yesterday --to yesterday makes one"))
        return
    table = [
        row_of(str(one.day), account_name(one.account) if with_accounts else None, one.source, one.counts)
        for one in rows
    ]
    out.print(table_of(table))
    out.print(Text(f"made {max(one.made_at for one in rows).astimezone():%Y-%m-%d %H:%M %Z}", style="dim"))
    for one in lacks_of(lacking):
        out.print(Text(f"{one.words} ({one.command})", style="magenta"), soft_wrap=True)
    if not lacking:
        out.print(Text("nothing is missing or there twice", style="green"))


def _as_json(one: KeptReceipt) -> dict[str, object]:
    return {
        "day": one.day.isoformat(),
        "account": account_name(one.account),
        "source": one.source or None,
        **one.counts,
        "made_at": one.made_at.isoformat(),
    }
