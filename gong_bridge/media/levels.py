"""How loud each channel is: pydub on short decoded windows, never on a whole recording."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydub import AudioSegment

QUIETEST_DBFS: Final = -120.0
"""Stands for digital silence: JSON and the ledger have no minus infinity."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Levels:
    """One value per channel, in dB relative to full scale: mean level and loudest sample."""

    level_dbfs: tuple[float, ...]
    peak_dbfs: tuple[float, ...]


def measure(windows: Sequence[bytes], *, channels: int, sample_rate_hz: int) -> Levels:
    """Levels over all `windows` together: interleaved signed 16-bit samples in the machine's byte order."""
    segment = AudioSegment(data=b"".join(windows), sample_width=2, frame_rate=max(sample_rate_hz, 1), channels=channels)
    mono = segment.split_to_mono() if channels > 1 else [segment]
    return Levels(
        level_dbfs=tuple(_finite(channel.dBFS) for channel in mono),
        peak_dbfs=tuple(_finite(channel.max_dBFS) for channel in mono),
    )


def _finite(value: float) -> float:
    return round(max(value, QUIETEST_DBFS), 2) if math.isfinite(value) else QUIETEST_DBFS
