"""Compares a recorder's local time with an epoch beside it, which proves the zone that its clock runs in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

LARGEST_GAP_SECONDS = 1500.0
"""Queues and long ringing put minutes between the two times; a wrong zone puts at least half an hour."""
_NAMEABLE_SECONDS = 600.0
_WELL_KNOWN = (
    "UTC", "Europe/London", "Europe/Berlin", "Europe/Athens", "Europe/Moscow", "Asia/Dubai", "Asia/Tehran",
    "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Jakarta", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Adelaide", "Australia/Darwin", "Australia/Brisbane", "Australia/Sydney",
    "Pacific/Auckland", "Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Phoenix",
    "America/Denver", "America/Chicago", "America/New_York", "America/Bogota", "America/Halifax", "America/St_Johns",
    "America/Sao_Paulo",
)  # fmt: skip
"""One place for each offset in use, so that a remark can name it."""


def zone_remark(local: datetime, moment: datetime, zone: ZoneInfo) -> str | None:
    """What to say when `local`, read in `zone`, is not `moment`; None when both agree.

    local: naive, or aware when the recorder wrote an offset. moment: aware, known without a zone.
    """
    readings = [local] if local.tzinfo else [local.replace(tzinfo=zone, fold=fold) for fold in (0, 1)]
    gap = min((abs((reading.astimezone(UTC) - moment).total_seconds()) for reading in readings), default=0.0)
    if gap <= LARGEST_GAP_SECONDS:
        return None
    written = f"{local:%Y-%m-%d %H:%M:%S%z}"
    beside = f"the epoch beside it says {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    ahead = local.replace(tzinfo=UTC) - moment
    nearest = min((_at(name, moment) for name in _WELL_KNOWN), key=lambda found: abs(found[1] - ahead))
    if local.tzinfo is None and abs((nearest[1] - ahead).total_seconds()) <= _NAMEABLE_SECONDS:
        return (
            f"the recorder wrote the local time {written} and {beside}: its clock runs at {_offset(nearest[1])} (as in "
            f"{nearest[0]}), but time_zone is {zone.key} ({_offset(_at(zone.key, moment)[1])}); correct time_zone of "
            "the source. The epoch was used"
        )
    return (
        f"the recorder wrote the time {written} and {beside}, {round(gap / 60)} minutes apart; check the recorder's "
        "clock and time_zone of the source. The epoch was used"
    )


def _at(name: str, moment: datetime) -> tuple[str, timedelta]:
    """The zone and its offset at `moment`."""
    return name, moment.astimezone(_zone(name)).utcoffset() or timedelta()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    """ZoneInfo itself keeps only eight, and reads the others from disk again."""
    return ZoneInfo(name)


def _offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
