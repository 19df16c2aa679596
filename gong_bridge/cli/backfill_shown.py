"""What `status` and `backfill` tell of the orders to bring in old recordings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import BucketSource, Config
from gong_bridge.ledger.backfill_words import order_in_words
from gong_bridge.ledger.backfills import OPEN_ORDERS, BackfillOrder, OrderState
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger


def gather(ledger: Ledger, options: Config, now: datetime, orders: list[BackfillOrder]) -> list[dict[str, Any]]:
    """Each order, JSON-able, with a sentence of how far it is."""
    if not orders:
        return []
    allowances = {
        name: allowance_of(ledger, account.limits, name=account_name(name)).state(now)
        for name, account in options.all_accounts.items()
    }
    account_of = {one.name: one.account for one in options.sources}
    linkable = {one.name for one in options.sources if isinstance(one, BucketSource) and one.delivery != "upload"}
    return [
        {
            "source": one.lane.source, "reach": one.lane.reach, "since": one.first_day, "until": one.last_day,
            "state": str(one.state), "taken": one.taken, "to_come": one.to_come, "taken_today": one.taken_today(now),
            "max_per_day": one.most_per_day, "ordered_at": one.ordered_at, "message": one.message or None,
            "summary": order_in_words(
                one, allowances[account_of.get(one.lane.source)], with_link=one.lane.source in linkable, now=now
            ),
        }
        for one in orders
    ]  # fmt: skip


def gather_open(ledger: Ledger, options: Config, now: datetime) -> dict[str, Any]:
    """What `gong-bridge status` tells: orders that are not over, and what the service leaves to backfill."""
    orders = [one for one in ledger.backfills.all() if one.state in OPEN_ORDERS]
    return {
        "backfills": gather(ledger, options, now, orders),
        "left_for_backfill": {one.name: one.since for one in options.sources if one.since is not None},
    }


def show_open(facts: dict[str, Any]) -> None:
    """The lines of `status`."""
    show(facts["backfills"])
    if facts["backfills"]:
        line = (
            "the time for what waits counts what a backfill has taken; what it has still to take or list comes on top"
        )
        out.print(Text(line, style="dim"), soft_wrap=True)
    for source, since in facts["left_for_backfill"].items():
        line = f"source {source}: recordings last changed before {since} are left for backfill"
        out.print(Text(line, style="dim"), soft_wrap=True)


def show(told: list[dict[str, Any]]) -> None:
    """A line for each order."""
    for one in told:
        style = "yellow" if one["state"] == OrderState.PAUSED or one["message"] else ""
        out.print(Text(one["summary"], style=style), soft_wrap=True)
