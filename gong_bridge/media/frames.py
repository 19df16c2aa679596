"""The framing between the probe and its child: one kind byte, a 32-bit length, the payload.

Both ends trust the length only up to LARGEST_PAYLOAD_BYTES: the child may have been taken over by a hostile recording.
"""

from __future__ import annotations

import struct
from typing import Final

HEADER: Final = struct.Struct(">cI")
LARGEST_PAYLOAD_BYTES: Final = 4 * 2**20

JOB: Final = b"J"
"""Parent to child, JSON: what to do."""
DATA: Final = b"D"
"""Parent to child: the bytes that were asked for, fewer only at the end of the recording."""
READ: Final = b"R"
"""Child to parent, READ_REQUEST: which bytes of which of the job's files are wanted."""
DONE: Final = b"O"
"""Child to parent, JSON: the answer to the job."""
FAILED: Final = b"F"
"""Child to parent, JSON {"message", "broken"}: no answer, and why."""

READ_REQUEST: Final = struct.Struct(">BQI")


class BrokenFrame(Exception):
    """The other end does not speak this language."""


def pack(kind: bytes, payload: bytes) -> bytes:
    """One frame, ready to be written."""
    return HEADER.pack(kind, len(payload)) + payload


def unpack_header(header: bytes) -> tuple[bytes, int]:
    """Kind and payload length in bytes; raises BrokenFrame for lengths that nobody sends."""
    kind, length = HEADER.unpack(header)
    if length > LARGEST_PAYLOAD_BYTES:
        raise BrokenFrame(f"a frame of {length} bytes")
    return kind, length
