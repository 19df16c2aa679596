"""Our commands in processes of their own, without a second of imports each: forks of one process that has them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path


class ForkedCommands:
    """Starts commands one at a time; each is a real process, and may be killed like one."""

    def __init__(self) -> None:
        self._template = subprocess.Popen(
            [sys.executable, "-m", "tests.forked_command"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self.pid = 0
        """The process that was started last."""

    def start(self, arguments: list[str], environment: Mapping[str, str], log: Path, *, seconds: float = 1800) -> None:
        """Start `gong-bridge ARGUMENTS`; the one before must have ended. One that takes longer ends by SIGALRM."""
        assert self._template.stdin is not None
        order = {"arguments": arguments, "environment": dict(environment), "log": str(log), "seconds": seconds}
        self._template.stdin.write(json.dumps(order).encode() + b"\n")
        self.pid = self._told()

    def ended(self, wait_seconds: float = 0.0) -> bool:
        """Whether it has, waiting so long for it."""
        return bool(select.select([self._template.stdout], [], [], wait_seconds)[0])

    def code(self) -> int:
        """Its exit code, or minus the signal that ended it; waits for its end. To be asked once."""
        return self._told()

    def kill(self) -> int:
        """SIGKILL, and its exit code: -9, or another when it was quicker."""
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
        return self.code()

    def run(
        self, arguments: list[str], environment: Mapping[str, str], log: Path, meanwhile: Callable[[], object]
    ) -> int:
        """Run a command to its end; its exit code, or minus the signal. `meanwhile` is called now and then."""
        self.start(arguments, environment, log)
        while not self.ended(0.1):
            meanwhile()
        return self.code()

    def _told(self) -> int:
        assert self._template.stdout is not None
        return int(self._template.stdout.readline())

    def close(self) -> None:
        """End the process that is forked."""
        assert self._template.stdin is not None
        self._template.stdin.close()
        self._template.wait(10)
        assert self._template.stdout is not None
        self._template.stdout.close()


def _command(order: dict[str, object], environment: dict[str, str]) -> None:
    """In the fork: become the command."""
    from gong_bridge.cli import main

    signal.alarm(int(float(str(order["seconds"]))))  # one that hangs ends as -14, and fails the test that asked for it
    output = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = ["gong-bridge", *map(str, order["arguments"])]  # type: ignore[call-overload]
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    else:
        code = 0
    sys.stdout.flush()
    os._exit(code)


def _serve() -> None:
    """The process that is forked: everything that commands need is imported, and no thread runs."""
    import boto3
    import psycopg

    import gong_bridge.cli.ledger
    import gong_bridge.cli.run

    assert all((boto3, psycopg, gong_bridge))
    for line in sys.stdin.buffer:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            try:
                _command(order, order["environment"])
            except BaseException:
                traceback.print_exc()  # into the command's log
            finally:
                os._exit(99)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
