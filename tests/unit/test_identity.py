"""Identity's pure parts."""

from __future__ import annotations

from gong_bridge.media.jobs import HASHED_WHOLE_BYTES
from gong_bridge.steps.identity import WHOLE_FINGERPRINT_BYTES


def test_identity_trusts_a_fingerprint_only_where_every_byte_was_read() -> None:
    """The child that makes fingerprints and the rule that trusts them agree on how far."""
    assert WHOLE_FINGERPRINT_BYTES == HASHED_WHOLE_BYTES
