"""R29: the name server goes away under the running service and comes back; the system's own resolver says so."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, environment, wait_until
from tests.end_to_end.recordings import drop_many

WITHOUT_GONG = "127.0.0.1 localhost\n"
WITH_GONG = WITHOUT_GONG + "127.0.0.1 gong.bridge.test\n"
WITH_OWN_NAMES = 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"'
"""In a mount namespace of its own: names are found in a file of the test's, and no name server answers."""


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """The /etc/hosts that the service sees; skips, visibly, where no namespace is allowed."""
    hosts, servers = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text(WITH_GONG)
    servers.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    tried = subprocess.run([*in_a_namespace(hosts), "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"this machine allows no namespace of one's own: {tried.stderr.decode().strip()}")
    return hosts


def in_a_namespace(hosts: Path) -> list[str]:
    program = shutil.which("unshare") or "unshare"
    words = [program, "--user", "--map-root-user", "--mount", "sh", "-c", WITH_OWN_NAMES, "sh"]
    return [*words, str(hosts), str(hosts.with_name("resolv.conf"))]


@contextmanager
def running(home: Home, hosts: Path) -> Iterator[Path]:
    """`gong-bridge run` in its namespace; its log."""
    home.write()
    log = home.root / "service.log"
    with log.open("wb") as output:
        command = [*in_a_namespace(hosts), *home.command("run")]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment(home.environment))
    try:
        yield log
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_R29_a_name_server_that_goes_and_comes_back_pauses_once_and_all_goes_on(
    home: Home, sandbox: Sandbox, names: Path
) -> None:
    """One recording is in Gong, three come while its name is unknown; no attempt is used up."""
    home.config["gong"]["base_url"] = sandbox.base_url.replace("127.0.0.1", "gong.bridge.test")
    home.config["gong"]["allow_http"] = True
    expected = drop_many(home.recorder, 1)
    with running(home, names) as log:
        home.wait_for("call-000.wav", "done")
        names.write_text(WITHOUT_GONG)
        time.sleep(6.0)  # a connection that lives asks for no name; after 5 idle seconds it is given up
        went_at = time.monotonic()
        expected |= drop_many(home.recorder, 3, first=1)
        wait_until(lambda: '"paused"' in log.read_text(), "the pause", 60)
        paused = home.status()["paused"]
        told_after = time.monotonic() - went_at
        assert (paused["code"], told_after < 60) == ("wrong-base-url", True)
        assert "cannot be looked up" in paused["reason"]
        assert "this machine's name server" in paused["reason"]
        assert {entry["attempts"] for entry in home.entries()} == {0}
        assert set(home.states().values()) <= {"found", "drafted", "created", "done"}
        names.write_text(WITH_GONG)
        wait_until(lambda: set(home.states().values()) == {"done"}, "all goes on by itself", 60)
        assert home.status()["paused"] is None
        assert [log.read_text().count(f'"{word}"') for word in ("paused", "resumed")] == [1, 1]
        assert {entry["attempts"] for entry in home.entries()} == {0}
    each_call_once(sandbox, expected)
    print(f"\nno name server: `status` says so after {told_after:.0f} s; 4 recordings, each once")
