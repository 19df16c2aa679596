"""`--from` and `--to` as people write them, in the company's time zone; pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gong_bridge.config.units import parse_day
from gong_bridge.errors import ConfigError
from gong_bridge.receive.windows import Window

_DAYS_AGO = re.compile(r"(\d{1,5})d")


def period_of(from_text: str, to_text: str | None, *, zone: ZoneInfo, now: datetime) -> Window:
    """The time between: a day as --to is meant with its end, a time is not included; without --to until now.

    Raises ConfigError with the option and the cure.
    """
    begin = _moment("--from", from_text, zone, now, is_end=False)
    end = now if to_text is None else _moment("--to", to_text, zone, now, is_end=True)
    _check_order(begin, end, from_text, to_text)
    if begin >= now:
        raise ConfigError(f"--from {from_text} is still to come")
    if end.microsecond:  # Gong's times have whole seconds; what began in this one is wanted too
        end = end.replace(microsecond=0) + timedelta(seconds=1)
    return Window(from_time=begin.replace(microsecond=0), to_time=end)


def days_of(from_text: str, to_text: str | None, *, zone: ZoneInfo, now: datetime) -> tuple[date, date]:
    """The first day and the day after the last one, for statistics, which Gong has until yesterday.

    Raises ConfigError with the option and the cure.
    """
    today = now.astimezone(zone).date()
    begin = _day("--from", from_text, today)
    end = today if to_text is None else min(_day("--to", to_text, today) + timedelta(days=1), today)
    _check_order(begin, end, from_text, to_text)
    if begin >= today:
        raise ConfigError(f"--from {from_text}: Gong has statistics until yesterday ({today - timedelta(days=1)})")
    return begin, end


def _check_order(begin: date, end: date, from_text: str, to_text: str | None) -> None:
    if to_text is not None and end <= begin:
        raise ConfigError(f"--to {to_text} is before --from {from_text}")


def _day(option: str, text: str, today: date) -> date:
    ago = _DAYS_AGO.fullmatch(text)
    if ago or text in _WORDS:
        return today - timedelta(days=int(ago[1]) if ago else _WORDS[text])
    try:
        return parse_day(text)
    except ValueError as problem:
        raise ConfigError(f"{option}: {problem}, today, yesterday or 7d (seven days ago)") from None


_WORDS = {"today": 0, "yesterday": 1}


def _moment(option: str, text: str, zone: ZoneInfo, now: datetime, *, is_end: bool) -> datetime:
    text = text.strip()
    if "T" not in text and ":" not in text:
        try:
            day = _day(option, text, now.astimezone(zone).date()) + timedelta(days=1 if is_end else 0)
        except OverflowError:
            raise ConfigError(f"{option}: {text} is too far away") from None
        return datetime.combine(day, time(), zone).astimezone(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{option}: {text!r} is no time; write 2026-01-31T08:30, with +02:00 or Z behind it when it is not in "
            f"{zone.key}"
        ) from None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    if moment.replace(tzinfo=zone).utcoffset() != moment.replace(tzinfo=zone, fold=1).utcoffset():
        raise ConfigError(
            f"{option}: {text} is there twice or not at all in {zone.key}, where clocks change; give its offset, such "
            f"as {text}+00:00"
        )
    return moment.replace(tzinfo=zone).astimezone(UTC)
