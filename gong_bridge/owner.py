"""Names this process for the ledger's leases, and tells whether the process behind another name still lives."""

from __future__ import annotations

import hashlib
import os
import socket
import uuid
from functools import lru_cache
from pathlib import Path


def owner_name() -> str:
    """Names this process for the ledger's leases: host:place:pid:start-time:random.

    Two containers, or two machines made from one image, may share host name and process ids; the place tells them
    apart.
    """
    return ":".join((socket.gethostname(), _place(), str(os.getpid()), _start_time(os.getpid()), uuid.uuid4().hex[:8]))


def is_alive(owner: str) -> bool:
    """Whether the process that `owner` names may still work.

    One that cannot be seen from here (another host, another container, before the last boot) always may: its lease runs
    out by itself.
    """
    host, place, pid, started, *_ = [*owner.split(":"), "", "", "", ""]
    if (host, place) != (socket.gethostname(), _place()) or not pid.isdigit():
        return True
    return started == _start_time(int(pid))


@lru_cache(maxsize=1)
def _place() -> str:
    """Where process ids mean the same processes: one boot of one kernel, one pid namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        return uuid.uuid4().hex[:12]  # not to be told: nobody is known to be dead
    return hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:12]


def _start_time(pid: int) -> str:
    """The kernel's start time of a process (field 22 of /proc/PID/stat), so that a reused pid is not mistaken."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "gone"
