"""Commands as processes of their own, forked from one that has loaded the program: no second of imports for each.

Such a command has its own memory, environment, working folder, output, signals and end, and can be killed. It differs
from `python -m gong_bridge` only in that rooms and libraries are there already; test_commands.py and test_main_job.py
start the real command.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = (
    "gong_bridge.backfill", "gong_bridge.ledger.moving", "gong_bridge.mapping.lint", "gong_bridge.running",
    "gong_bridge.scratch", "gong_bridge.sources.folder", "gong_bridge.sources.s3", "gong_bridge.web.server",
    "psycopg", "rich.progress", "rich.table", "typer",
)  # fmt: skip
"""Nothing of gong_bridge.cli, which asks how wide the screen is when it is loaded."""
LONGEST_WISH_BYTES = 2**17


class LoadedCommand:
    """A running command; what tests need of subprocess.Popen."""

    def __init__(self, told: socket.socket) -> None:
        told.settimeout(60)
        self._told = told
        self.pid = int(told.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code (-9: killed by signal 9), None while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; subprocess.TimeoutExpired when it does not end in time."""
        if self.returncode is None:
            self._told.settimeout(timeout)
            try:
                ended = self._told.recv(64)
            except (BlockingIOError, TimeoutError):
                raise subprocess.TimeoutExpired("gong-bridge", timeout or 0) from None
            assert ended, "the process that starts commands is gone"
            self.returncode = int(ended)
            self._told.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Starter:
    """Starts commands; the process that has loaded the program begins with the first one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._wishes: socket.socket | None = None

    def start(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path | None, stdout: int, stderr: int
    ) -> LoadedCommand:
        """Start `gong-bridge ARGUMENTS`, which writes to these file descriptors and reads nothing."""
        wishes = self._wishes or self._begin(environment)
        told, teller = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        wish = json.dumps([list(arguments), dict(environment), str(cwd or Path.cwd())]).encode()
        with teller, open(os.devnull, "rb") as nothing:
            socket.send_fds(wishes, [wish], [teller.fileno(), nothing.fileno(), stdout, stderr])
        return LoadedCommand(told)

    def _begin(self, environment: Mapping[str, str]) -> socket.socket:
        self._wishes, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = [sys.executable, "-m", "tests.end_to_end.loaded_commands", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(program, pass_fds=[theirs.fileno()], env=dict(environment), cwd=ROOT)
        return self._wishes

    def close(self) -> None:
        """End the process that has loaded the program."""
        if self._wishes is not None and self._process is not None:
            self._wishes.close()
            self._process.wait(30)
            self._wishes = self._process = None


def _serve(wishes: socket.socket) -> list[str]:
    """Fork a command for each wish and tell when it ended, until the other side is gone.

    Returns in each command, with its arguments; exits in the process that forks.
    """
    waiting = selectors.DefaultSelector()
    waiting.register(wishes, selectors.EVENT_READ)
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for key, _ in waiting.select():
            if key.fileobj is not wishes:
                pid, teller = running.pop(key.fd)
                waiting.unregister(key.fd)
                os.close(key.fd)
                with teller, contextlib.suppress(BrokenPipeError):
                    teller.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
                continue
            wish, descriptors, _, _ = socket.recv_fds(wishes, LONGEST_WISH_BYTES, 4)
            if not wish:
                sys.exit()
            pid = os.fork()
            if pid == 0:
                for descriptor, (_, teller) in running.items():
                    os.close(descriptor)
                    teller.close()
                waiting.close()
                wishes.close()
                return _become(wish, descriptors)
            teller = socket.socket(fileno=descriptors[0])
            for descriptor in descriptors[1:]:
                os.close(descriptor)
            teller.send(str(pid).encode())
            watched = os.pidfd_open(pid)
            running[watched] = pid, teller
            waiting.register(watched, selectors.EVENT_READ)


def _become(wish: bytes, descriptors: list[int]) -> list[str]:
    """Take on the surroundings of the command; its arguments."""
    arguments, environment, folder = json.loads(wish)
    for place, descriptor in enumerate(descriptors[1:]):
        os.dup2(descriptor, place)
    for descriptor in descriptors:
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    return list(arguments)


if __name__ == "__main__":
    gc.disable()
    for module in LOADED:
        importlib.import_module(module)
    gc.freeze()
    gc.enable()
    sys.argv = ["gong-bridge", *_serve(socket.socket(fileno=int(sys.argv[1])))]
    from gong_bridge.cli import main  # now that the environment is the command's own

    main()
