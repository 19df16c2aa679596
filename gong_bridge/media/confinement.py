"""What the process that opens recordings may use: set once at its start, before any decoder is loaded."""

from __future__ import annotations

import resource
from typing import Final

OPEN_FILES: Final = 64


def confine(memory_limit_bytes: int) -> None:
    """Limits for the rest of this process's life: memory, no core files, few files, nothing written to disk."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    allow_writing(0)


def allow_writing(size_bytes: int) -> None:
    """Largest file that may be written from now on; a conversion is given what is left of the disk budget."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if hard != resource.RLIM_INFINITY:
        size_bytes = min(size_bytes, hard)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))


def resident_bytes() -> int:
    """Memory that this process holds now."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()
