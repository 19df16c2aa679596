"""What systemd hears, over a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gong_bridge import notify


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def test_ready_watchdog_and_stopping_are_the_words_of_sd_notify(systemd: socket.socket) -> None:
    notify.ready()
    notify.watchdog()
    notify.stopping()
    assert [systemd.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_status_stays_one_line_so_that_it_cannot_say_anything_else(systemd: socket.socket) -> None:
    notify.status("3 waiting\nREADY=1")
    assert systemd.recv(100) == b"STATUS=3 waiting READY=1"


def test_an_abstract_socket_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"gong-bridge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        notify.ready()
        assert listener.recv(100) == b"READY=1"


@pytest.mark.parametrize("address", [None, "", "nonsense", "/nowhere/notify", "@nobody-listens-here"])
def test_without_systemd_nobody_is_told_and_nobody_is_troubled(
    address: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not even a socket that lies where the service was started and has the name in its variable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    if address is not None:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind("nonsense")
        notify.ready()
        notify.status("fine")
        with pytest.raises(BlockingIOError):
            listener.recv(100)
    assert capfd.readouterr() == ("", "")


def test_a_systemd_that_does_not_read_never_blocks_the_bridge(systemd: socket.socket) -> None:
    for _ in range(5000):
        notify.watchdog()
    assert systemd.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("microseconds", "process", "interval"),
    [
        ("60000000", None, 30.0),
        ("60000000", "own", 30.0),
        ("60000000", "1", None),
        (None, None, None),
        ("0", None, None),
        ("soon", None, None),
    ],
)
def test_the_watchdog_is_due_at_half_of_what_systemd_grants_this_process(
    microseconds: str | None, process: str | None, interval: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if microseconds is not None:
        monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    if process is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if process == "own" else process)
    assert notify.watchdog_interval_seconds() == interval
