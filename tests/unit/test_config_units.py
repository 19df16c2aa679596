"""Durations and sizes as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from gong_bridge.config.units import parse_duration, parse_size


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5s", 5.0),
        ("500ms", 0.5),
        ("1h30m", 5400.0),
        ("2 h", 7200.0),
        ("1d", 86400.0),
        (7, 7.0),
        (0.25, 0.25),
        ("0s", 0.0),
    ],
)
def test_a_duration_is_read_in_seconds(written: Any, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written", ["5", "5 minutes", "", "s", "-5s", "1:30", True, None, [5], -1, float("inf"), float("nan")]
)
def test_what_is_no_duration_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("written", "size_bytes"),
    [
        ("1.5 GB", 1_500_000_000),
        ("256MiB", 268_435_456),
        ("10 kb", 10_000),
        ("7", 7),
        (42, 42),
        ("1TiB", 1_099_511_627_776),
    ],
)
def test_a_size_is_read_in_bytes(written: Any, size_bytes: int) -> None:
    assert parse_size(written) == size_bytes


@pytest.mark.parametrize("written", ["2 gigabytes", "", "-1", -1, True, 1.5, None, "9" * 400, "99999999 TB"])
def test_what_is_no_size_is_refused(written: Any) -> None:
    with pytest.raises(ValueError, match="a size"):
        parse_size(written)
