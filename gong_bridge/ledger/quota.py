"""How long what waits will take: days of the allowance by upload and by link, and when it will be done; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gong_bridge.ledger.allowance_rows import AllowanceState

CALLS_BY_UPLOAD = 2
"""Create the call, send its media."""
CALLS_BY_LINK = 1
"""Create the call; Gong fetches the media."""
_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Open entries: `to_create` have no call yet, `to_deliver` have one without media. size_bytes: of both."""

    to_create: int = 0
    to_deliver: int = 0
    size_bytes: int = 0

    @property
    def count(self) -> int:
        """Recordings for which Gong must be called."""
        return self.to_create + self.to_deliver

    def calls(self, calls_each: int) -> int:
        """API calls that they take, when a new one takes so many."""
        return self.to_create * calls_each + self.to_deliver


@dataclass(frozen=True, kw_only=True, slots=True)
class Forecast:
    """calls: to Gong. days: how many days' allowances that is. done_at: when, if new calls keep coming as they do."""

    calls: int
    days: float
    done_at: datetime


def forecast(waiting: Waiting, calls_each: int, allowance: AllowanceState, now: datetime) -> Forecast:
    """What the waiting recordings take by one way of delivery.

    Now as many calls are made as the day has left, as fast as the rate allows; after that only what a day brings,
    less what new calls took of the last one.
    """
    calls = waiting.calls(calls_each)
    by_rate = calls / allowance.rate
    a_day = max(allowance.calls_per_day - allowance.live_24h, allowance.calls_per_day * _LEAST_SHARE)
    by_day = max(0, calls - _usable(waiting, calls_each, allowance)) / a_day * _DAY_SECONDS
    start = max(now, allowance.paused_until or now)
    return Forecast(
        calls=calls,
        days=calls / allowance.calls_per_day,
        done_at=start + timedelta(seconds=min(max(by_rate, by_day), _LONGEST_SECONDS)),
    )


def _usable(waiting: Waiting, calls_each: int, allowance: AllowanceState) -> int:
    """What of the calls that are left today these take: those that are owed first, then whole recordings only."""
    for_new = max(0, allowance.left_24h - waiting.to_deliver)
    return allowance.left_24h - for_new % calls_each


_LEAST_SHARE = 0.05
"""When new calls take the whole day, the forecast still ends."""
_LONGEST_SECONDS = 3650 * _DAY_SECONDS


def in_words(waiting: Waiting, allowance: AllowanceState, *, with_link: bool, now: datetime) -> str:
    """`14,200 waiting = 2.8 days by upload, 1.4 by link`, in hours or minutes when it is less; empty: none waits."""
    if not waiting.count:
        return ""
    return f"{waiting.count:,} waiting = {spans_in_words(waiting, allowance, with_link=with_link, now=now)}"


def spans_in_words(waiting: Waiting, allowance: AllowanceState, *, with_link: bool, now: datetime) -> str:
    """`2.8 days by upload, 1.4 by link`."""
    ways = [("upload", CALLS_BY_UPLOAD), ("link", CALLS_BY_LINK)][: 2 if with_link else 1]
    spans = [_span(forecast(waiting, calls_each, allowance, now), allowance) for _, calls_each in ways]
    return ", ".join(f"{span} by {way}" for span, (way, _) in zip(spans, ways, strict=True))


def _span(one: Forecast, allowance: AllowanceState) -> str:
    if one.calls > allowance.left_24h:
        return f"{one.days:.1f} days" if one.days >= 0.1 else f"{one.calls} calls"
    seconds = one.calls / allowance.rate
    for unit, length in (("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{max(1, round(seconds))} s"


def learned_in_words(allowance: AllowanceState) -> str:
    """What Gong's refusals say of the other integrations; empty when there were none and nothing is held back."""
    if allowance.day_refused_since is not None:
        return (
            "Gong refuses every call: other integrations seem to have used up the day; it is asked again now and then"
        )
    is_slow = allowance.rate < 0.995 * allowance.calls_per_second
    if not is_slow and not allowance.refused_1h:
        return ""
    times = "once" if allowance.refused_1h == 1 else f"{allowance.refused_1h} times"
    said = f"Gong said 'too many' {times} in the last hour"
    if not is_slow:
        return said
    company = max(allowance.company_calls_per_second, allowance.calls_per_second)
    return (
        f"{said}: other integrations use about {company - allowance.rate:.1f} of {company:g} calls a second; "
        f"the bridge keeps to {allowance.rate:.1f}"
    )
