"""The part of `status` about Gong's allowance: what is used, how long the rest will take, what others leave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import BucketSource, Config
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.quota import CALLS_BY_LINK, CALLS_BY_UPLOAD, forecast, in_words, learned_in_words
from gong_bridge.readable import printable, size


def gather(ledger: Ledger, options: Config, now: datetime) -> dict[str, Any]:
    """`allowance` and `quota` of `status --json`; and `accounts`, each with its own, where there are several."""
    unwritable = ledger.upkeep.trouble(now)
    told = {account: _of_account(ledger, options, account, now, unwritable) for account in options.all_accounts}
    if len(told) == 1:
        return told[None]
    return {**told[None], "accounts": {account_name(account): facts for account, facts in told.items()}}


def _of_account(
    ledger: Ledger, options: Config, account: str | None, now: datetime, unwritable: LedgerReadOnly | None
) -> dict[str, Any]:
    limits = options.all_accounts[account].limits
    allowance = allowance_of(ledger, limits, name=account_name(account)).state(now)
    sources = [source for source in options.sources if source.account == account]
    waiting = ledger.views.waiting([source.name for source in sources] if options.accounts else None)
    by_link = any(isinstance(source, BucketSource) for source in sources)
    pause = unwritable or ledger.notes.pause_state(account)
    reason = pause.message if isinstance(pause, LedgerReadOnly) else pause and pause.reason
    ways = {"upload": CALLS_BY_UPLOAD, "link": CALLS_BY_LINK} if by_link else {"upload": CALLS_BY_UPLOAD}
    forecasts = {way: forecast(waiting, calls_each, allowance, now) for way, calls_each in ways.items()}
    return {
        "paused": None if pause is None else {"code": pause.code, "reason": reason},
        "allowance": {
            "used_24h": allowance.used_24h, "used_for_backlog_24h": allowance.backlog_24h,
            "calls_per_day": allowance.calls_per_day, "calls_per_second": allowance.calls_per_second,
            "company_calls_per_day": limits.calls_per_day, "left_for_backlog": allowance.backlog_left,
            "keeps_to_calls_per_second": round(allowance.rate, 3), "refused_1h": allowance.refused_1h,
            "day_refused_since": allowance.day_refused_since, "paused_until": allowance.paused_until,
            "learned": learned_in_words(allowance) or None,
        },
        "quota": {
            "waiting": waiting.count, "size_bytes": waiting.size_bytes,
            "summary": in_words(waiting, allowance, with_link=by_link, now=now) or None,
            **{
                way: {"calls": one.calls, "days": round(one.days, 2), "done_at": one.done_at}
                for way, one in forecasts.items()
            },
        },
    }  # fmt: skip


def show(facts: dict[str, Any]) -> None:
    """The lines of `status`: of each account, by its name where there are several."""
    for name, told in facts.get("accounts", {"": facts}).items():
        _show_account(f"{name}: " if name else "", told)


def pauses(facts: dict[str, Any]) -> dict[str, str]:
    """Account ("" where there is one) -> why nothing can be delivered to it, for those where that is so."""
    accounts = facts.get("accounts", {"": facts})
    return {name: told["paused"]["reason"] for name, told in accounts.items() if told["paused"]}


def show_pauses(facts: dict[str, Any], by_hand: list[str]) -> None:
    """What keeps everything, or much, from being delivered; first of all."""
    for name, reason in pauses(facts).items():
        what = f"PAUSED, account {name}: " if name else "PAUSED: "
        out.print(Text(f"{what}{reason}", style="bold red"), soft_wrap=True)
    for line in by_hand:
        out.print(Text(printable(line), style="bold yellow"), soft_wrap=True)


def _show_account(of: str, told: dict[str, Any]) -> None:
    allowance, quota = told["allowance"], told["quota"]
    used, limit = allowance["used_24h"], allowance["calls_per_day"]
    others = allowance["company_calls_per_day"] - limit
    kept = f"; {others:,} more are left to other integrations" if others else ""
    out.print(Text(f"{of}Gong calls in the last 24 hours: {used:,} of {limit:,}, {max(0, limit - used):,} left{kept}"))
    if quota["summary"]:
        done_at = quota["upload"]["done_at"].astimezone()
        when = "once it goes on" if told["paused"] else f"by upload done about {done_at:%a %d %b %H:%M}"
        out.print(Text(f"{of}{quota['summary']} ({size(quota['size_bytes'])}); {when}"), soft_wrap=True)
    if allowance["learned"]:
        out.print(Text(f"{of}{allowance['learned']}", style="yellow"), soft_wrap=True)
