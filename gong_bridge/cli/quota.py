"""The part of `status` about Gong's allowance: what is used, how long the rest will take, what others leave."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.config.schema import BucketSource, Config
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.quota import CALLS_BY_LINK, CALLS_BY_UPLOAD, forecast, in_words, learned_in_words
from gong_bridge.web.pages import size


def gather(ledger: Ledger, options: Config, now: datetime) -> dict[str, Any]:
    """`allowance` and `quota` of `status --json`."""
    allowance = allowance_of(ledger, options.gong.limits).state(now)
    waiting = ledger.views.waiting()
    by_link = any(isinstance(source, BucketSource) for source in options.sources)
    ways = {"upload": CALLS_BY_UPLOAD, "link": CALLS_BY_LINK} if by_link else {"upload": CALLS_BY_UPLOAD}
    forecasts = {way: forecast(waiting, calls_each, allowance, now) for way, calls_each in ways.items()}
    return {
        "allowance": {
            "used_24h": allowance.used_24h, "used_for_backlog_24h": allowance.backlog_24h,
            "calls_per_day": allowance.calls_per_day, "calls_per_second": allowance.calls_per_second,
            "company_calls_per_day": options.gong.limits.calls_per_day, "left_for_backlog": allowance.backlog_left,
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
    """The lines of `status`."""
    allowance, quota = facts["allowance"], facts["quota"]
    used, limit = allowance["used_24h"], allowance["calls_per_day"]
    others = allowance["company_calls_per_day"] - limit
    kept = f"; {others:,} more are left to other integrations" if others else ""
    out.print(Text(f"Gong calls in the last 24 hours: {used:,} of {limit:,}, {max(0, limit - used):,} left{kept}"))
    if quota["summary"]:
        done_at = quota["upload"]["done_at"].astimezone()
        line = f"{quota['summary']} ({size(quota['size_bytes'])}); by upload done about {done_at:%a %d %b %H:%M}"
        out.print(Text(line), soft_wrap=True)
    if allowance["learned"]:
        out.print(Text(allowance["learned"], style="yellow"), soft_wrap=True)
