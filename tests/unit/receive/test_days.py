"""--from and --to: days are whole days of the company's zone, times are moments, nonsense is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gong_bridge.errors import ConfigError
from gong_bridge.receive.days import days_of, period_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 18, 30, 15, 250, tzinfo=UTC)


@pytest.mark.parametrize(
    ("from_text", "to_text", "begin", "end"),
    [
        ("2026-11-01", "2026-11-01", "2026-10-31T23:00:00", "2026-11-01T23:00:00"),
        ("2026-10-25", "2026-10-25", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),  # 25 hours: clocks are set back
        ("2026-11-01T08:30", "2026-11-01T09:00", "2026-11-01T07:30:00", "2026-11-01T08:00:00"),
        ("2026-11-01T08:30-05:00", "2026-11-01T14:00Z", "2026-11-01T13:30:00", "2026-11-01T14:00:00"),
        ("yesterday", "yesterday", "2026-11-20T23:00:00", "2026-11-21T23:00:00"),
        ("7d", None, "2026-11-14T23:00:00", "2026-11-22T18:30:16"),
        ("today", "2027-01-01", "2026-11-21T23:00:00", "2027-01-01T23:00:00"),
    ],
)
def test_a_period_is_read_in_the_company_s_zone(from_text: str, to_text: str | None, begin: str, end: str) -> None:
    period = period_of(from_text, to_text, zone=BERLIN, now=NOW)
    assert (period.from_time.isoformat(), period.to_time.isoformat()) == (f"{begin}+00:00", f"{end}+00:00")


@pytest.mark.parametrize(
    ("from_text", "to_text", "message"),
    [
        ("2026-13-01", None, "--from: '2026-13-01' is no day"),
        ("last week", None, "--from: 'last week' is no day"),
        ("2026-11-01T25:00", None, "--from: '2026-11-01T25:00' is no time; write 2026-01-31T08:30"),
        ("2026-11-01", "2026-10-31", "--to 2026-10-31 is before --from 2026-11-01"),
        ("2026-11-01T08:00", "2026-11-01T08:00", "is before --from"),
        ("2026-11-23", None, "--from 2026-11-23 is still to come"),
        ("2026-10-25T02:30", None, "is there twice or not at all in Europe/Berlin"),
        ("9999-12-31", "9999-12-31", "--to: 9999-12-31 is too far away"),
    ],
)
def test_what_is_no_period_is_named_with_its_option(from_text: str, to_text: str | None, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        period_of(from_text, to_text, zone=BERLIN, now=NOW)
    assert message in str(caught.value)


def test_statistics_end_with_yesterday_however_far_is_asked_for() -> None:
    assert days_of("2026-11-01", "2026-11-07", zone=BERLIN, now=NOW) == (date(2026, 11, 1), date(2026, 11, 8))
    assert days_of("2026-11-01", "2026-11-22", zone=BERLIN, now=NOW) == (date(2026, 11, 1), date(2026, 11, 22))
    assert days_of("7d", None, zone=BERLIN, now=NOW) == (date(2026, 11, 15), date(2026, 11, 22))
    with pytest.raises(ConfigError, match="Gong has statistics until yesterday"):
        days_of("today", None, zone=BERLIN, now=NOW)
