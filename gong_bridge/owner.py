"""Names this process for the ledger's leases, and tells whether the process behind another name still lives."""

from __future__ import annotations

import os
import socket
import uuid
from pathlib import Path


def owner_name() -> str:
    """Names this process on this machine for the ledger's leases: host:pid:start-time:random."""
    return f"{socket.gethostname()}:{os.getpid()}:{_start_time(os.getpid())}:{uuid.uuid4().hex[:8]}"


def is_alive(owner: str) -> bool:
    """Whether the process that `owner` names may still work; a process of another host always may."""
    host, pid, started, _ = [*owner.split(":"), "", "", ""][:4]
    if host != socket.gethostname() or not pid.isdigit():
        return True
    return started == _start_time(int(pid))


def _start_time(pid: int) -> str:
    """The kernel's start time of a process (field 22 of /proc/PID/stat), so that a reused pid is not mistaken."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return "gone"
