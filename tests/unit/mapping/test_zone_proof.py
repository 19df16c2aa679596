"""An epoch beside a local time proves the recorder's zone; a wrong time_zone is named, the epoch is used (R25)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.zone_proof import zone_remark

from .scenes import NOW, compose, mapping_of, media

NEW_YORK = ZoneInfo("America/New_York")
NAMES = r"""
about: Names with a local time and, mostly, an epoch.
match:
  - stem: '^(?P<local>\d{8}-\d{6})-(?P<epoch>\d*)$'
call:
  clientUniqueId: "x-{{ stem }}"
  actualStart: "{{ local | time('%Y%m%d-%H%M%S', AMBIGUOUS, proof=epoch | time('epoch')) }}"
  direction: Inbound
  primaryUser: '7201'
  parties: [{userId: '7201'}]
"""
PROVED = NAMES.replace("AMBIGUOUS, ", "")
BY_END = NAMES.replace("AMBIGUOUS", "ambiguous='by_end'")


def test_R25_a_clock_in_another_zone_is_named_and_the_epoch_used(tmp_path: Path) -> None:
    found = compose(mapping_of(tmp_path, PROVED), "20231011-135657-1697007417.wav")

    assert found.draft is not None
    assert found.draft.actual_start == "2023-10-11T06:56:57+00:00"
    assert found.warnings == (
        "the recorder wrote the local time 2023-10-11 13:56:57 and the epoch beside it says 2023-10-11 06:56:57 UTC: "
        "its clock runs at +07:00 (as in Asia/Jakarta), but time_zone is America/New_York (-04:00); correct time_zone "
        "of the source. The epoch was used",
    )


@pytest.mark.parametrize(
    "name",
    [
        "20231011-025657-1697007417",  # agrees to the second
        "20231011-031657-1697007417",  # twenty minutes in a queue
        "20251102-013000-1762065000",  # the hour that happened twice, its first pass
    ],
)
def test_R25_times_that_agree_are_no_matter_for_a_remark(tmp_path: Path, name: str) -> None:
    assert compose(mapping_of(tmp_path, PROVED), f"{name}.wav").warnings == ()


def test_R25_an_hour_that_happened_twice_is_decided_by_the_epoch(tmp_path: Path) -> None:
    found = compose(mapping_of(tmp_path, PROVED), "20251102-013000-1762065000.wav")

    assert found.draft is not None
    assert found.draft.actual_start == "2025-11-02T06:30:00+00:00"


def test_R25_without_the_epoch_the_local_time_counts(tmp_path: Path) -> None:
    found = compose(mapping_of(tmp_path, PROVED), "20251011-135657-.wav")

    assert found.draft is not None
    assert found.draft.actual_start == "2025-10-11T13:56:57-04:00"


def test_R25_clocks_that_are_merely_wrong_name_no_zone() -> None:
    remark = zone_remark(datetime(2026, 1, 14, 9, 15), datetime(2026, 1, 14, 13, 28, tzinfo=UTC), NEW_YORK)  # noqa: DTZ001

    assert remark == (
        "the recorder wrote the time 2026-01-14 09:15:00 and the epoch beside it says 2026-01-14 13:28:00 UTC, 47 "
        "minutes apart; check the recorder's clock and time_zone of the source. The epoch was used"
    )


@pytest.mark.parametrize(
    ("length_seconds", "expected"),
    [
        (3600.0 + 60, "2025-11-02T01:30:00-04:00"),
        (60.0, "2025-11-02T01:30:00-05:00"),
    ],
)
def test_R25_the_end_of_the_file_decides_an_hour_that_happened_twice(
    tmp_path: Path, length_seconds: float, expected: str
) -> None:
    written = datetime(2025, 11, 2, 6, 31, 30, tzinfo=UTC)  # 01:31:30, the second time that day
    found = compose(
        mapping_of(tmp_path, BY_END),
        "20251102-013000-.wav",
        info=media(duration_seconds=length_seconds),
        age_seconds=(NOW - written).total_seconds(),
    )

    assert found.draft is not None
    assert found.draft.actual_start == expected


def test_R25_a_file_that_was_copied_later_decides_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadMetadata, match="the file's own time fits neither of the two moments"):
        compose(mapping_of(tmp_path, BY_END), "20251102-013000-.wav", age_seconds=60)
