"""What a container says about its own length: the common words and the reader that all container parsers use.

Runs in the isolated child, so nothing here imports the model (and with it pydantic): `completeness` holds the words
of `gong_bridge.model.Completeness`, and a test keeps the two in step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

WHOLE: Final = "whole"
UNSTATED: Final = "unstated"
TRUNCATED: Final = "truncated"
UNFINALISED: Final = "unfinalised"

MAX_STEPS: Final = 100_000
"""Chunks, boxes or elements looked at in one file; a recording has a few hundred, a hostile file has millions."""


class Reader(Protocol):
    """Random access to a recording of known size."""

    @property
    def size_bytes(self) -> int:
        """Bytes present."""
        ...

    def read_at(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`; fewer only at the end, empty beyond it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """What the container declares against what is present.

    container: the bridge's word ("wav", "mp4" ...). demuxer: FFmpeg's name of the reader to use.
    completeness: one of the four words above. declared_bytes: file size that the header implies, None if it does not.
    clue: for people, what led to "truncated" or "unfinalised"; empty otherwise.
    """

    container: str
    demuxer: str
    completeness: str
    declared_bytes: int | None = None
    clue: str = ""


class NoRecording(Exception):
    """The bytes are no kind of recording that the bridge knows; the message says what they are instead.

    `certain`: they are known to be something else, so waiting for more of them is of no use.
    """

    def __init__(self, message: str, *, certain: bool = True) -> None:
        super().__init__(message)
        self.certain = certain


def compare(container: str, demuxer: str, declared_bytes: int, present_bytes: int) -> Extent:
    """Whole when everything declared is present (more is tolerated: tags and padding behind), else truncated."""
    missing = declared_bytes > present_bytes
    return Extent(
        container=container,
        demuxer=demuxer,
        completeness=TRUNCATED if missing else WHOLE,
        declared_bytes=declared_bytes,
        clue=f"it declares {declared_bytes} bytes and has {present_bytes}" if missing else "",
    )


def unfinalised(container: str, demuxer: str, clue: str) -> Extent:
    """The writer left stand-ins where the sizes belong and never came back."""
    return Extent(container=container, demuxer=demuxer, completeness=UNFINALISED, clue=clue)


def truncated(container: str, demuxer: str, clue: str, declared_bytes: int | None = None) -> Extent:
    """The file ends inside something that it announced."""
    return Extent(
        container=container, demuxer=demuxer, completeness=TRUNCATED, declared_bytes=declared_bytes, clue=clue
    )


def unstated(container: str, demuxer: str) -> Extent:
    """This file does not say how long it is."""
    return Extent(container=container, demuxer=demuxer, completeness=UNSTATED)
