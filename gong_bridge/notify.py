"""Tell systemd how the service is doing: ready, still alive, stopping; does nothing without systemd.

The protocol is one datagram of KEY=VALUE lines to the socket that $NOTIFY_SOCKET names. Source: sd_notify(3).
"""

from __future__ import annotations

import os
import socket


def ready() -> None:
    """The service does its work from now on (Type=notify waits for this)."""
    _send("READY=1")


def status(text: str) -> None:
    """One line that `systemctl status` shows: what the service is doing. No people's data, no secrets."""
    _send("STATUS=" + " ".join(text.split()))


def watchdog() -> None:
    """The service is alive; due more often than every `watchdog_interval_seconds()`."""
    _send("WATCHDOG=1")


def stopping() -> None:
    """The service is about to end."""
    _send("STOPPING=1")


def watchdog_interval_seconds() -> float | None:
    """How often `watchdog()` should be called: half of what systemd grants this process; None when nobody watches.

    Source: sd_watchdog_enabled(3): $WATCHDOG_USEC in microseconds, meant for the process $WATCHDOG_PID where it is set.
    """
    granted = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID", "")
    if not granted.isdecimal() or int(granted) == 0 or meant_for not in ("", str(os.getpid())):
        return None
    return int(granted) / 2_000_000


def _send(message: str) -> None:
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    if address.startswith("@"):
        address = "\0" + address[1:]  # the abstract namespace: a name that is no file
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as channel:
            channel.sendto(message.encode("utf-8"), address)
    except OSError:
        # Nobody listens, or its queue is full: being heard is a comfort, delivering recordings is the job.
        return
