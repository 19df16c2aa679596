"""Files for their owner alone: exports hold who spoke to whom, and what they said."""

from __future__ import annotations

import os


def private(path: str, flags: int) -> int:
    """An `opener` for open(): a new file gets mode 0600, whatever the umask; one that is there keeps its own."""
    return os.open(path, flags, 0o600)
