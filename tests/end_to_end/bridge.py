"""The command as people run it: a configuration in a folder, a process for each command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml

from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.queries import as_json
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.loaded_commands import LoadedCommand, Starter

PATIENCE_SECONDS = 40.0
STARTER = Starter()


@contextmanager
def patiently(what: str, seconds: float = PATIENCE_SECONDS) -> Iterator[Callable[[bool], bool]]:
    """`while not done(condition): ...` would spin for ever; this fails with `what` after `seconds`."""
    give_up = time.monotonic() + seconds

    def done(condition: bool) -> bool:
        if not condition:
            assert time.monotonic() < give_up, f"waited {seconds:.0f} s in vain: {what}"
            time.sleep(0.03)
        return condition

    yield done


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Poll `condition` until it is true; fail with `what` after `seconds`."""
    with patiently(what, seconds) as done:
        while not done(bool(condition())):
            pass


class Service:
    """A running `gong-bridge run`."""

    def __init__(self, process: LoadedCommand | subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log_text(self) -> str:
        """Everything it wrote so far, on both outputs."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ended(self, seconds: float = 30) -> int:
        """Its exit code, waiting for its end."""
        return self.process.wait(seconds)

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.send(signal.SIGTERM)
        return self.ended()


class Home:
    """A folder with bridge.yaml, agents.csv, and a folder `recorder` that the bridge watches."""

    def __init__(self, root: Path, base_url: str) -> None:
        self.root = root
        self.recorder = root / "recorder"
        self.recorder.mkdir(parents=True)
        self.ledger_path = root / "ledger.db"
        self.agents = root / "agents.csv"
        self.agents.write_text("email,extension,login,name\nagent-201@example.com,201,,\n")
        self.environment: dict[str, str] = {}
        self._service: Service | None = None
        self.loaded = True
        """Whether commands run loaded beforehand; False: as `python -m gong_bridge`."""
        self.source: dict[str, Any] = {
            "name": "pbx",
            "folder": "recorder",
            "include": ["**/*.wav"],
            "mapping": "sidecar-json",
            "settle": "300ms",
            "rescan": "500ms",
        }
        self.config: dict[str, Any] = {
            "gong": {
                "base_url": base_url,
                "access_key": "sandbox",
                "access_key_secret": "sandbox-secret",
                "limits": {"calls_per_second": 1000, "calls_per_day": 100000},
            },
            "ledger": {"url": f"sqlite:///{self.ledger_path}"},
            "agents": "agents.csv",
            "sources": [self.source],
        }
        self.write()

    def write(self) -> Path:
        """Write `config` to bridge.yaml."""
        path = self.root / "bridge.yaml"
        path.write_text(yaml.safe_dump(self.config, allow_unicode=True))
        path.chmod(0o600)
        return path

    def limit(self, calls_per_second: float, calls_per_day: int = 100_000) -> None:
        """Set the allowance."""
        self.config["gong"]["limits"] = {"calls_per_second": calls_per_second, "calls_per_day": calls_per_day}

    # --- the command ------------------------------------------------------------------------------------------------

    def command(self, *arguments: str) -> list[str]:
        """The command line of one of our commands with this configuration."""
        return [sys.executable, "-m", "gong_bridge", *arguments, "-c", str(self.root / "bridge.yaml")]

    def run(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        self.write()
        run = run_command if self.loaded else run_real_command
        return run(*arguments, "-c", str(self.root / "bridge.yaml"), env=self.environment, seconds=seconds)

    def run_once(self, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """`run --once`."""
        return self.run("run", "--once", seconds=seconds)

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Service]:
        """`run` in the background, killed at the end if it still runs."""
        self.write()
        log = self.root / "service.log"
        with log.open("ab") as output:
            process = STARTER.start(
                ["run", *arguments, "-c", str(self.root / "bridge.yaml")],
                environment=environment(self.environment), cwd=None, stdout=output.fileno(), stderr=output.fileno(),
            )  # fmt: skip
        try:
            self._service = Service(process, log)
            yield self._service
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    # --- what it says -----------------------------------------------------------------------------------------------

    def listed(self) -> list[dict[str, Any]]:
        """What `ledger list --json` prints, parsed."""
        listed = self.run("ledger", "list", "--json")
        assert listed.returncode == 0, listed.stderr
        return [json.loads(line) for line in listed.stdout.splitlines()]

    def entries(self) -> list[dict[str, Any]]:
        """The same rows, read from the ledger itself: a process less to wait for."""
        if not self.ledger_path.exists():
            return []
        ledger = Ledger.open(self.config["ledger"]["url"])
        try:
            return [as_json(entry) for entry in ledger.views.entries(EntryFilter())]
        finally:
            ledger.close()

    def entry(self, key: str) -> dict[str, Any]:
        """The latest entry of this key."""
        return [entry for entry in self.entries() if entry["key"] == key][-1]

    def states(self) -> dict[str, str]:
        """Key -> state, of the latest entry of each key."""
        return {entry["key"]: str(entry["state"]) for entry in self.entries()}

    def reason_codes(self) -> dict[str, str | None]:
        """Key -> reason code, of the latest entry of each key."""
        return {entry["key"]: entry["reason_code"] for entry in self.entries()}

    def wait_for(self, key: str, state: str, *, code: str | None = None) -> None:
        """Wait until the latest entry of `key` is in `state` (for this reason)."""

        def reached() -> bool:
            entry = {entry["key"]: entry for entry in self.entries()}.get(key)
            if self._service is not None:
                assert self._service.process.poll() is None, self._service.log_text
            return entry is not None and entry["state"] == state and code in (None, entry["reason_code"])

        wait_until(reached, f"{key} is {state}")

    def health(self) -> dict[str, bool]:
        """Source -> whether it can be read, as its thread last reported."""
        if not self.ledger_path.exists():
            return {}
        ledger = Ledger.open(self.config["ledger"]["url"])
        try:
            return {one.source: one.healthy for one in ledger.notes.health()}
        finally:
            ledger.close()

    def wrong_files(self) -> list[str]:
        """What `status` says of files that are not used as they are now."""
        ledger = Ledger.open(self.config["ledger"]["url"])
        try:
            return ledger.notes.wrong_files()
        finally:
            ledger.close()

    def story(self, entry_id: int) -> list[str]:
        """The codes (or states) of the steps that an entry took, oldest first."""
        ledger = Ledger.open(self.config["ledger"]["url"])
        try:
            return [event.code or str(event.to_state) for event in ledger.views.events(entry_id)]
        finally:
            ledger.close()

    def status(self) -> dict[str, Any]:
        """`status --json`."""
        told = self.run("status", "--json")
        assert told.returncode == 0, told.stderr
        return dict(json.loads(told.stdout))


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a command: no configuration of the machine's own, a screen of 100 columns."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GONG_", "AWS_", "MOTO_"))}
    return {**kept, "COLUMNS": "100", "PYTHONWARNINGS": "default", **extra}


def run_command(
    *arguments: str, env: Mapping[str, str] | None = None, seconds: float = 60, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `gong-bridge ARGUMENTS` to its end, loaded beforehand."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        command = STARTER.start(
            arguments, environment=environment(env or {}), cwd=cwd, stdout=out.fileno(), stderr=err.fileno()
        )
        try:
            code = command.wait(seconds)
        finally:
            command.kill()
        told = [_all_of(file) for file in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *told)


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def run_real_command(
    *arguments: str, env: Mapping[str, str] | None = None, seconds: float = 60, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """The same, as a process that loads everything itself."""
    return subprocess.run(
        [sys.executable, "-m", "gong_bridge", *arguments],
        capture_output=True, text=True, timeout=seconds, env=environment(env or {}), cwd=cwd, check=False,
    )  # fmt: skip


def each_call_once(sandbox: Sandbox, expected: Mapping[str, str]) -> None:
    """Assert that exactly these calls arrived (clientUniqueId -> sha256 of the media), each with one media."""
    arrived = sorted(call.client_unique_id for call in sandbox.calls)
    assert arrived == sorted(expected)
    assert {call.client_unique_id: call.media.sha256 if call.media else None for call in sandbox.calls} == expected
    assert {call.media_puts for call in sandbox.calls} == {1}
