"""Proof of issue 6, part 6: 200 MB of CRM objects are checked and sent in flat memory, and taken once through kills."""

from __future__ import annotations

import hashlib
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gong_bridge.sandbox.server import Sandbox

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]

MOST_BYTES = 200_000_000
MOST_MORE_MIB = 48
"""What 200 MB may take more than 200 kB."""
KILLS = 8


def write_accounts(path: Path, size_bytes: int) -> tuple[int, str]:
    """A file of right accounts of nearly this size: how many, and its SHA-256."""
    digest, count, written = hashlib.sha256(), 0, 0
    with path.open("wb") as file:
        while True:
            line = (
                f'{{"objectId":"account-{count:09d}","modifiedDate":"2026-01-03T23:45:57+01:00","name":"No {count}",'
                f'"domains":["{count}.example.com"],"url":"https://crm.example.com/accounts/{count}"}}\n'
            ).encode()
            if written + len(line) > size_bytes:
                return count, digest.hexdigest()
            file.write(line)
            digest.update(line)
            written += len(line)
            count += 1


def configuration(folder: Path, sandbox: Sandbox) -> Path:
    path = folder / "bridge.yaml"
    path.write_text(
        f"gong: {{base_url: '{sandbox.base_url}', access_key: sandbox, access_key_secret: sandbox-secret,\n"
        "  limits: {calls_per_second: 1000}}\n"
        f"ledger: {{url: 'sqlite:///{folder}/ledger.db'}}\n"
        f"sources: [{{name: pbx, folder: {folder}, mapping: freepbx}}]\n"
    )
    path.chmod(0o600)
    return path


MEASURED = """
import resource, sys
sys.argv = ["gong-bridge", *sys.argv[1:]]
from gong_bridge.cli import main
try:
    main()
except SystemExit as ended:
    code = ended.code
print("RSS", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, flush=True)
sys.exit(code)
"""


def upload(file: Path, config: Path) -> tuple[int, str]:
    """The most memory that the command took, in MiB, and what it said."""
    command = [sys.executable, "-c", MEASURED, "crm", "upload", "ACCOUNT", str(file), "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said, _, most = done.stdout.rpartition("RSS ")
    return int(most), said


def test_two_hundred_megabytes_are_checked_and_sent_in_flat_memory(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = start_sandbox(crm_polls=0)
    sandbox.crm.register("CRM", "owner@example.com")
    config = configuration(tmp_path, sandbox)
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    write_accounts(small, 200_000)
    count, digest = write_accounts(large, MOST_BYTES)
    at_first, _ = upload(small, config)
    begun = time.monotonic()
    at_last, said = upload(large, config)
    took = time.monotonic() - begun
    print(
        f"\n{large.stat().st_size:,} bytes, {count:,} objects: {took:.0f} s, {at_last} MiB; 200 kB took {at_first} MiB"
    )
    assert f"DONE: {count:,} taken, 0 failed" in said
    assert sandbox.crm.requests()[-1].sha256 == digest
    assert at_last - at_first < MOST_MORE_MIB


def test_a_file_whose_every_line_is_wrong_is_counted_in_flat_memory(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = start_sandbox(crm_polls=0)
    sandbox.crm.register("CRM", "owner@example.com")
    config = configuration(tmp_path, sandbox)
    wrong = tmp_path / "wrong.jsonl"
    wrong.write_bytes(b'{"objectId":"a"}\n' * (MOST_BYTES // 17))
    most_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    command = [sys.executable, "-m", "gong_bridge", "crm", "upload", "ACCOUNT", str(wrong), "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    lines = MOST_BYTES // 17
    # Each lacks modifiedDate, and all but the first repeat an id.
    assert f"{2 * lines - 1:,} mistakes; nothing was sent." in done.stderr
    assert sandbox.crm.requests() == []
    print(f"\n{lines:,} wrong lines; children took {max(most_kib, _children_kib()) // 1024} MiB at most")


def _children_kib() -> int:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def test_killed_at_any_moment_gong_takes_the_file_once(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    sandbox = start_sandbox(crm_polls=2)
    sandbox.crm.register("CRM", "owner@example.com")
    config = configuration(tmp_path, sandbox)
    chance = random.Random(6)
    for number in range(KILLS):
        file = tmp_path / f"accounts-{number}.jsonl"
        write_accounts(file, 5_000_000 + 10_000 * number)
        run = [sys.executable, "-m", "gong_bridge", "crm", "upload", "ACCOUNT", str(file), "-c", str(config)]
        for _ in range(2):
            with subprocess.Popen(run, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                time.sleep(chance.uniform(1.0, 5.0))
                os.kill(process.pid, signal.SIGKILL)
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert (done.returncode, "DONE" in done.stdout) == (0, True), done.stderr
        assert len(sandbox.crm.requests()) == number + 1
    print(f"\n{2 * KILLS} kills, {KILLS} files, {len(sandbox.crm.requests())} taken")
