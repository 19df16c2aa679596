"""Times are read as the recorder wrote them, and a local hour that cannot be known is never guessed (R25)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gong_bridge.mapping.times import check_format, read_time

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("1697007417", ["epoch"], "2023-10-11T06:56:57+00:00"),
        ("1515666344.534", ["epoch"], "2018-01-11T10:25:44.534000+00:00"),
        (1787158716092, ["epoch_ms"], "2026-08-19T16:58:36.092000+00:00"),
        ("1515666344534355", ["epoch_us"], "2018-01-11T10:25:44.534355+00:00"),
        ("6526493b", ["epoch_hex"], "2023-10-11T07:05:31+00:00"),
        ("2023-08-29T23:19:04.873+0000", ["iso"], "2023-08-29T23:19:04.873000+00:00"),
        ("1768383000123456789", ["epoch_ns"], "2026-01-14T09:30:00.123456+00:00"),
        ("20260114T093000Z", ["iso"], "2026-01-14T09:30:00+00:00"),
        ("2026-01-14 09:30:00 UTC", ["iso"], "2026-01-14T09:30:00+00:00"),
        ("2026-01-14T09:30:00.1234567 +0200", ["iso"], "2026-01-14T09:30:00.123456+02:00"),
        ("Tue, 25 Sept 2018 23:00:00 +0000", ["rfc2822"], "2018-09-25T23:00:00+00:00"),
        ("25 Sep 18 23:00 GMT", ["rfc2822"], "2018-09-25T23:00:00+00:00"),
        ("Tue, 25 Sep 2018 23:00:00 -0000", ["rfc2822"], "2018-09-25T23:00:00+00:00"),
        ("/Date(1600000000000+0200)/", ["dotnet"], "2020-09-13T12:26:40+00:00"),
        ("46036.4375", ["excel_days"], "2026-01-14T10:30:00-05:00"),
        ("46036,4375", ["excel_days"], "2026-01-14T10:30:00-05:00"),
        (45725.5, ["excel_days"], "2025-03-09T12:00:00-04:00"),  # noon, though the clocks changed that night
        ("14-Sept-25 9.32.05 p.m.", ["%d-%b-%y %I.%M.%S %p"], "2025-09-14T21:32:05-04:00"),
        ("1_14_2026 12_00_05 AM", ["%m_%d_%Y %I_%M_%S %p"], "2026-01-14T00:00:05-05:00"),
        ("14.01.26 10:30:00,1234567", ["%d.%m.%y %H:%M:%S,%f"], "2026-01-14T10:30:00.123456-05:00"),
        ("20260114103000", ["%Y%m%d%H%M%S.%f", "%Y%m%d%H%M%S"], "2026-01-14T10:30:00-05:00"),
        ("2022-01-05T17:12:59Z", [], "2022-01-05T17:12:59+00:00"),
        ("2019-01-13T14:48:35-05:00", ["iso"], "2019-01-13T14:48:35-05:00"),
        ("20240312-101500", ["%Y%m%d-%H%M%S"], "2024-03-12T10:15:00-04:00"),
        ("2024-01-12 10:15:00", ["%d.%m.%Y", "%Y-%m-%d %H:%M:%S"], "2024-01-12T10:15:00-05:00"),
    ],
)
def test_a_time_is_read_by_the_first_format_that_fits(text: object, formats: list[str], expected: str) -> None:
    assert read_time(text, formats, NEW_YORK).isoformat() == expected


def test_R25_an_hour_that_happened_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="happened twice in America/New_York because the clocks changed"):
        read_time("20251102-013000", ["%Y%m%d-%H%M%S"], NEW_YORK)


def test_R25_an_hour_that_never_happened_is_refused() -> None:
    with pytest.raises(ValueError, match="happened never in America/New_York"):
        read_time("20260308-023000", ["%Y%m%d-%H%M%S"], NEW_YORK)


@pytest.mark.parametrize(
    ("text", "choice", "expected"),
    [
        ("20251102-013000", "earlier", datetime(2025, 11, 2, 5, 30, tzinfo=UTC)),
        ("20251102-013000", "later", datetime(2025, 11, 2, 6, 30, tzinfo=UTC)),
        ("20260308-023000", "earlier", datetime(2026, 3, 8, 6, 30, tzinfo=UTC)),
        ("20260308-023000", "later", datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
    ],
)
def test_R25_the_mapping_may_choose_one_of_the_two_moments(text: str, choice: str, expected: datetime) -> None:
    assert read_time(text, ["%Y%m%d-%H%M%S"], NEW_YORK, choice) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01T00:00:00Z", "2024-05-31", "99999999999999", "x" * 500])
def test_R25_what_is_no_time_is_refused_and_never_becomes_now(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time|has at most"):
        read_time(text, ["iso", "epoch"], NEW_YORK)


@pytest.mark.parametrize(
    "text", ["14 Jan 2026", "Wed, 99 Jan 2026 10:00:00 +0000", "/Date(x)/", "/Date(9e9)/", "1e9", "-1"]
)
def test_R25_what_a_word_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no time written as rfc2822 or dotnet or excel_days"):
        read_time(text, ["rfc2822", "dotnet", "excel_days"], NEW_YORK)


@pytest.mark.parametrize("form", ["%H:%M", "epoc", "%Q", "%d.%m. %H:%M"])
def test_a_format_that_can_give_no_date_is_refused_when_the_mapping_is_loaded(form: str) -> None:
    with pytest.raises(ValueError, match=r"no format of a time|has no year"):
        check_format(form)
