"""One recording out of several files: two legs side by side, or segments one after another; pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal

from gong_bridge.errors import BadMetadata
from gong_bridge.model import Completeness, MediaInfo

LONGEST_GAP_SECONDS: Final = 6 * 3600.0
"""Segments of one call that lie further apart have a wrong time, not a long hold."""
HIGHEST_RATE_HZ: Final = 48_000
_LOWEST_RATE_HZ: Final = 8_000
_BYTES_PER_SAMPLE: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """One file of an assembly: which recording, and where it lies in the result.

    begins_seconds: from the beginning of the result; a piece that would begin before the last one ended follows it.
    channel: 0 left, 1 right, None: all channels.
    """

    entry_id: int
    key: str
    version: str
    size_bytes: int
    begins_seconds: float
    channel: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Assembly:
    """How the media of a call is made of its files. The result is FLAC with 16 bits."""

    how: Literal["merge", "join"]
    channels: int
    sample_rate_hz: int
    pieces: tuple[Piece, ...]

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {**asdict(self), "pieces": [asdict(piece) for piece in self.pieces]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Assembly:
        """What `to_json` gave."""
        return cls(**{**data, "pieces": tuple(Piece(**piece) for piece in data["pieces"])})


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """One file that may become a piece."""

    piece: Piece
    info: MediaInfo
    starts_at: datetime | None


def merge(left: Measured, right: Measured) -> tuple[Assembly, MediaInfo]:
    """Two legs side by side, each from its own start on (from the same moment when one of the starts is unknown).

    Raises BadMetadata when the legs do not overlap: then one of the times is wrong.
    """
    known = [one.starts_at for one in (left, right) if one.starts_at is not None]
    first = min(known) if len(known) == 2 else None
    pieces = []
    for channel, one in enumerate((left, right)):
        begins = 0.0 if first is None or one.starts_at is None else (one.starts_at - first).total_seconds()
        pieces.append(_placed(one.piece, begins, channel))
    lengths = (left.info.duration_seconds, right.info.duration_seconds)
    for piece, other in zip(pieces, reversed(lengths), strict=True):
        if other is not None and piece.begins_seconds > other:
            raise BadMetadata(
                f"group_by.starts_at: the sides of this call do not overlap: one begins {piece.begins_seconds:.1f} s "
                f"after the other, which lasts {other:.1f} s; correct group_by.starts_at in the mapping"
            )
    assembly = Assembly(how="merge", channels=2, sample_rate_hz=_rate((left, right)), pieces=tuple(pieces))
    silence = tuple(_of_one_channel(one.info.peak_dbfs) for one in (left, right))
    levels = tuple(_of_one_channel(one.info.level_dbfs) for one in (left, right))
    return assembly, _info(assembly, (left, right), level_dbfs=levels, peak_dbfs=silence)


def join(segments: Sequence[Measured], *, keep_gaps: bool) -> tuple[Assembly, MediaInfo]:
    """Segments one after another, in their order; with `keep_gaps` the time between them stays, as silence.

    Raises BadMetadata for a gap that no call has.
    """
    pieces: list[Piece] = []
    end, first = 0.0, segments[0].starts_at
    for one in segments:
        begins = end
        if keep_gaps and first is not None and one.starts_at is not None:
            begins = max(end, (one.starts_at - first).total_seconds())
        if begins - end > LONGEST_GAP_SECONDS:
            raise BadMetadata(
                f"group_by.starts_at: {(begins - end) / 3600:.1f} hours lie between two segments of this call; "
                "correct group_by.starts_at or group_by.call in the mapping, or set gaps: close"
            )
        # Without gaps a piece simply follows: what a header says of a length may be off by a little.
        pieces.append(_placed(one.piece, begins if keep_gaps else 0.0, None))
        end = begins + (one.info.duration_seconds or 0.0)
    channels = 2 if any(one.info.channels > 1 for one in segments) else 1
    assembly = Assembly(how="join", channels=channels, sample_rate_hz=_rate(segments), pieces=tuple(pieces))
    peaks = _loudest([one.info.peak_dbfs for one in segments], channels)
    levels = _loudest([one.info.level_dbfs for one in segments], channels)
    return assembly, _info(assembly, segments, level_dbfs=levels, peak_dbfs=peaks, seconds=end)


def warnings_of(assembly: Assembly, infos: Sequence[MediaInfo]) -> tuple[str, ...]:
    """Remarks on what the assembly changes."""
    if assembly.how != "merge":
        return ()
    sides = ("left", "right")
    return tuple(
        f"the {sides[number]} side of the call was a file with {info.channels} channels: they were mixed into one"
        for number, info in enumerate(infos)
        if info.channels > 1
    )


def _placed(piece: Piece, begins_seconds: float, channel: int | None) -> Piece:
    return Piece(**{**asdict(piece), "begins_seconds": round(begins_seconds, 6), "channel": channel})


def _rate(measured: Sequence[Measured]) -> int:
    return min(max(one.info.sample_rate_hz for one in measured) or _LOWEST_RATE_HZ, HIGHEST_RATE_HZ)


def _of_one_channel(levels: tuple[float, ...]) -> float:
    return max(levels, default=0.0)


def _loudest(levels: Sequence[tuple[float, ...]], channels: int) -> tuple[float, ...]:
    """The loudest value of each channel; a mono segment is heard on all of them."""
    known = [one if len(one) == channels else (max(one),) * channels for one in levels if one]
    return tuple(max(one[channel] for one in known) for channel in range(channels)) if known else ()


def _info(
    assembly: Assembly,
    measured: Sequence[Measured],
    *,
    level_dbfs: tuple[float, ...],
    peak_dbfs: tuple[float, ...],
    seconds: float | None = None,
) -> MediaInfo:
    """What the result will be. Its size is that of its samples before FLAC shrinks them: at most so much is sent."""
    lengths = [one.info.duration_seconds for one in measured]
    if any(length is None for length in lengths):
        seconds = None
    elif seconds is None:
        seconds = max(
            piece.begins_seconds + (length or 0.0) for piece, length in zip(assembly.pieces, lengths, strict=True)
        )
    present = sum(one.info.present_bytes for one in measured)
    if seconds is not None:
        present = int(seconds * assembly.sample_rate_hz) * assembly.channels * _BYTES_PER_SAMPLE
    return MediaInfo(
        container="flac",
        codec="flac",
        channels=assembly.channels,
        sample_rate_hz=assembly.sample_rate_hz,
        duration_seconds=None if seconds is None else round(seconds, 3),
        declared_bytes=None,
        present_bytes=present,
        completeness=Completeness.WHOLE,
        level_dbfs=level_dbfs,
        peak_dbfs=peak_dbfs,
        fingerprint=_fingerprint(assembly, measured),
    )


def _fingerprint(assembly: Assembly, measured: Sequence[Measured]) -> str:
    parts = [
        f"{one.info.fingerprint}@{piece.begins_seconds:.3f}"
        for piece, one in zip(assembly.pieces, measured, strict=True)
    ]
    return hashlib.blake2b(" ".join((assembly.how, *parts)).encode(), digest_size=20).hexdigest()
