"""The systemd unit: what it says, what systemd thinks of it, and that the bridge works under its filters."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import wave
from ctypes.util import find_library
from pathlib import Path

import pytest

from gong_bridge.config.schema import WorkOptions
from gong_bridge.config.units import parse_duration
from gong_bridge.running import TEND_SECONDS
from gong_bridge.sandbox.server import Sandbox
from tests.integration.under_the_unit import allowed_calls, settings

ROOT = Path(__file__).resolve().parents[2]
UNIT = ROOT / "systemd" / "gong-bridge.service"

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
needs_seccomp = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None or find_library("seccomp") is None,
    reason="systemd-analyze and libseccomp are not installed",
)


@pytest.fixture(scope="module")
def unit() -> dict[str, list[str]]:
    return settings(UNIT)


def seconds(value: str) -> float:
    return parse_duration(value.replace("min", "m"))


def test_started_means_that_the_bridge_said_so(unit: dict[str, list[str]]) -> None:
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert unit["ExecStart"] == ["/opt/gong-bridge/bin/gong-bridge run"]
    assert unit["User"] == unit["Group"] == ["gong-bridge"]


def test_the_watchdog_waits_for_many_missed_reports(unit: dict[str, list[str]]) -> None:
    assert seconds(unit["WatchdogSec"][0]) >= 20 * TEND_SECONDS


def test_a_stop_leaves_more_time_than_the_grace_period(unit: dict[str, list[str]]) -> None:
    assert unit["KillSignal"] == ["SIGTERM"]
    assert seconds(unit["TimeoutStopSec"][0]) >= WorkOptions().grace + 10


def test_a_stop_never_reaches_the_media_processes_first(unit: dict[str, list[str]]) -> None:
    assert unit["KillMode"] == ["mixed"]


def test_a_wrong_configuration_is_shown_whole_and_not_tried_again(unit: dict[str, list[str]]) -> None:
    # systemd ignores RestartPreventExitStatus= for ExecStartPre=, so `check` may fail and `run` ends with the same 2.
    assert unit["ExecStartPre"] == ["-/opt/gong-bridge/bin/gong-bridge check"]
    assert unit["Restart"] == ["on-failure"]
    assert unit["RestartPreventExitStatus"] == ["2"]
    assert seconds(unit["RestartSec"][0]) * int(unit["StartLimitBurst"][0]) < seconds(unit["StartLimitIntervalSec"][0])


def test_the_secrets_are_the_ones_that_the_instructions_name(unit: dict[str, list[str]]) -> None:
    names = [line.partition(":")[0] for line in unit["LoadCredential"]]
    assert names == ["gong-access-key", "gong-access-key-secret"]
    for text in ((ROOT / "systemd" / "README.md").read_text(), (ROOT / "docs" / "operations.md").read_text()):
        for name in names:
            assert f"credential:{name}" in text


def test_ledger_and_conversions_have_places_that_may_be_written(unit: dict[str, list[str]]) -> None:
    assert unit["StateDirectory"] == unit["CacheDirectory"] == unit["ConfigurationDirectory"] == ["gong-bridge"]
    assert "TMPDIR=/var/cache/gong-bridge" in unit["Environment"]
    assert unit["ProtectSystem"] == ["strict"]


def test_no_core_file_can_hold_a_recording(unit: dict[str, list[str]]) -> None:
    assert unit["LimitCORE"] == ["0"]


def test_network_mounts_stay_visible_to_the_bridge(unit: dict[str, list[str]]) -> None:
    assert "ProcSubset" not in unit  # "pid" would hide /proc/mounts


@needs_analyze
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8").replace("/opt/gong-bridge/bin/gong-bridge", "/bin/true")
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "gong-bridge" in line] == []


@needs_analyze
def test_the_exposure_is_at_most_2_0() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)], capture_output=True, text=True
    )
    found = re.search(r"Overall exposure level for gong-bridge\.service: (\d+\.\d+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 2.0


@needs_analyze
def test_the_isolated_media_process_may_call_what_confines_it(unit: dict[str, list[str]]) -> None:
    allowed = allowed_calls(unit["SystemCallFilter"])
    assert {"prlimit64", "prctl", "setsid", "clone3", "execve", "inotify_add_watch", "fsync"} <= allowed
    assert not {"mount", "ptrace", "chroot", "setuid", "bpf", "reboot", "init_module"} & allowed


def write_wav(path: Path, *, seconds: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x10\x00\xf0" * 4000 * seconds)


def under_the_unit(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.integration.under_the_unit", str(UNIT), sys.executable, "-c", program]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60)


@needs_seccomp
def test_the_filters_of_this_test_do_refuse() -> None:
    done = under_the_unit(
        "import mmap, os, socket\n"
        "for attempt in (lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),\n"
        "                lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), lambda: os.chroot('/')):\n"
        "    try:\n"
        "        attempt()\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    assert done.stdout.split() == ["refused", "refused", "refused"], done.stderr


@needs_seccomp
def test_a_recording_is_probed_under_the_unit_s_filters(tmp_path: Path) -> None:
    recording = tmp_path / "in-201.wav"
    write_wav(recording, seconds=2)
    done = under_the_unit(
        "import sys\n"
        "from gong_bridge.config.schema import MediaOptions\n"
        "from gong_bridge.media.probe import MediaProbe\n"
        "probe = MediaProbe(MediaOptions())\n"
        "with open(sys.argv[1], 'rb') as file:\n"
        "    info = probe.inspect(file, 32044)\n"
        "probe.close()\n"
        "print(info.container, info.codec, info.duration_seconds)\n",
        str(recording),
    )
    assert done.stdout.split() == ["wav", "pcm_s16le", "2.0"], done.stderr


@needs_seccomp
def test_everything_else_that_the_bridge_loads_works_under_the_unit_s_filters(tmp_path: Path) -> None:
    done = under_the_unit(
        "import sys, threading, socket, boto3, psycopg\n"
        "from watchdog.observers.inotify import InotifyObserver\n"
        "from watchdog.events import FileSystemEventHandler\n"
        "import gong_bridge.cli.run\n"
        "from gong_bridge.ledger.ledger import Ledger\n"
        "observer = InotifyObserver()\n"
        "observer.schedule(FileSystemEventHandler(), sys.argv[1])\n"
        "observer.start(); observer.stop(); observer.join()\n"
        "Ledger.open(f'sqlite:///{sys.argv[1]}/ledger.db').close()\n"
        "print(socket.getaddrinfo('localhost', 80)[0][4][1])\n",
        str(tmp_path),
    )
    assert done.stdout.split() == ["80"], done.stderr


def test_the_command_of_the_operator_runs_as_the_service_with_its_secrets(
    tmp_path: Path, unit: dict[str, list[str]]
) -> None:
    for name, script in (("systemctl", 'echo "asterisk recorders"'), ("systemd-run", "printf '%s\\n' \"$@\"")):
        stand_in = tmp_path / name
        stand_in.write_text(f"#!/bin/sh\n{script}\n")
        stand_in.chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "systemd" / "gong-bridge-command"), "ledger", "skip", "17", "--reason", "two words; $(x)"],
        capture_output=True, text=True, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, cwd=tmp_path, check=True,
    )  # fmt: skip
    words = done.stdout.splitlines()
    program = words.index("/opt/gong-bridge/bin/gong-bridge")
    assert words[program + 1 :] == ["ledger", "skip", "17", "--reason", "two words; $(x)"]
    assert {"--property=User=gong-bridge", "--property=SupplementaryGroups=asterisk recorders"} <= set(words[:program])
    for credential in unit["LoadCredential"]:
        assert f"--property=LoadCredential={credential}" in words[:program]


@needs_seccomp
def test_the_whole_service_delivers_under_the_unit_s_filters_and_tells_systemd(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    calls = tmp_path / "calls"
    calls.mkdir()
    write_wav(calls / "one.wav", seconds=31)
    (calls / "one.json").write_text(
        '{"actualStart": "2026-01-05T08:00:00-05:00", "direction": "Inbound", "primaryUser": "agent-201@example.com",'
        ' "parties": [{"emailAddress": "agent-201@example.com"}, {"phoneNumber": "+12025550123"}]}'
    )
    (tmp_path / "bridge.yaml").write_text(
        f"gong: {{base_url: '{sandbox.base_url}', access_key: 'credential:gong-access-key',"
        " access_key_secret: 'credential:gong-access-key-secret'}\n"
        "ledger: {url: 'sqlite:///ledger.db'}\n"
        "sources: [{name: pbx, folder: calls, include: ['*.wav'], mapping: sidecar-json, settle: 200ms, rescan: 1s}]\n"
    )
    (tmp_path / "gong-access-key").write_text("sandbox\n")
    (tmp_path / "gong-access-key-secret").write_text("sandbox-secret\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "CREDENTIALS_DIRECTORY": str(tmp_path)}
        service = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.under_the_unit", str(UNIT), sys.executable, "-m", "gong_bridge",
             "run", "-c", str(tmp_path / "bridge.yaml")],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        heard = [systemd.recv(100) for _ in range(2)]
        for _ in range(20):  # a WATCHDOG=1 each second
            if [call for call in sandbox.calls if call.media]:
                break
            systemd.recv(100)
        service.send_signal(signal.SIGTERM)
        _, log = service.communicate(timeout=30)
        systemd.setblocking(False)
        while heard[-1] != b"STOPPING=1":
            heard.append(systemd.recv(100))
    assert heard[:2] == [b"READY=1", b"WATCHDOG=1"]
    assert service.returncode == 0, log
    moves = [(line["before"], line["state"]) for line in map(json.loads, log.splitlines()) if line["event"] == "moved"]
    assert moves == [("found", "drafted"), ("drafted", "created"), ("created", "done")], log
    assert [(call.media.size_bytes) for call in sandbox.calls] == [(calls / "one.wav").stat().st_size]
    for private in ("one.wav", "agent-201", "12025550123", "sandbox-secret"):
        assert private not in log
