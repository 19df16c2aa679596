"""Which folders of a bucket the recordings of some days lie in, when their names hold the date: pure."""

from __future__ import annotations

from datetime import datetime, timedelta

_AHEAD = timedelta(days=1)
"""The recorder's clock or zone may be ahead of ours."""


def dated_prefixes(layout: str, now: datetime, look_back_seconds: float) -> list[str]:
    """What `layout` gives for each day (each hour, when it names hours) from the look-back to tomorrow, once each.

    `layout`: folders with {Y}, {m}, {d} and {H} in place of year, month, day and hour, such as `{Y}/{m}/{d}/`.
    """
    step = timedelta(hours=1) if "{H}" in layout else timedelta(days=1)
    # From the beginning of the first day, whatever the recorder's zone
    at = (now - timedelta(seconds=look_back_seconds)).replace(hour=0, minute=0, second=0, microsecond=0)
    prefixes: dict[str, None] = {}
    while at <= now + _AHEAD:
        names = {"{Y}": f"{at.year:04}", "{m}": f"{at.month:02}", "{d}": f"{at.day:02}", "{H}": f"{at.hour:02}"}
        prefix = layout
        for name, value in names.items():
            prefix = prefix.replace(name, value)
        prefixes[prefix] = None
        at += step
    return list(prefixes)
