"""Proof of issue 6, part 6: 200 MB of CRM objects are checked and sent in flat memory, and taken once through kills."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gong_bridge.kill_points import VARIABLE, Point
from gong_bridge.sandbox.server import Sandbox
from tests.forked_command import ForkedCommands

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1800)]

MOST_BYTES = 200_000_000
MOST_MORE_MIB = 48
"""What 200 MB may take more than 200 kB."""
MOST_CPU_SECONDS = 900
"""For 200 MB: what grows faster than the file takes hours."""
FILES, KILLS_EACH = 40, 2
MOMENTS = (Point.BODY_1, Point.BODY_50, Point.BODY_100)


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
import re, sys, time
sys.argv = ["gong-bridge", *sys.argv[1:]]
from gong_bridge.cli import main
try:
    main()
except SystemExit as ended:
    code = ended.code
# Not ru_maxrss: that begins with what the parent had when it forked.
most_kib = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print("USED", most_kib // 1024, int(time.process_time()), flush=True)
sys.exit(code)
"""


@dataclass(frozen=True, kw_only=True)
class Used:
    """A command that has ended: its code, what it said, the most memory it took and its time on a processor."""

    code: int
    output: str
    errors: str
    most_mib: int
    cpu_seconds: int


def words(file: Path, config: Path) -> list[str]:
    return ["crm", "upload", "ACCOUNT", str(file), "-c", str(config)]


def upload(file: Path, config: Path) -> Used:
    command = [sys.executable, "-c", MEASURED, *words(file, config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said, _, used = done.stdout.rpartition("USED ")
    assert used, done.stderr
    most_mib, cpu_seconds = map(int, used.split())
    return Used(
        code=done.returncode, output=said, errors=done.stderr, most_mib=most_mib, cpu_seconds=cpu_seconds
    )  # fmt: skip


def test_two_hundred_megabytes_are_checked_and_sent_in_flat_memory(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = start_sandbox(crm_polls=0)
    sandbox.crm.register("CRM", "owner@example.com")
    config = configuration(tmp_path, sandbox)
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    write_accounts(small, 200_000)
    count, digest = write_accounts(large, MOST_BYTES)
    first, last = upload(small, config), upload(large, config)
    print(
        f"\n{large.stat().st_size:,} bytes, {count:,} objects: {last.cpu_seconds} s of CPU, {last.most_mib} MiB; "
        f"200 kB took {first.most_mib} MiB"
    )
    assert (first.code, last.code) == (0, 0), last.errors
    assert f"DONE: {count:,} taken, 0 failed" in last.output
    assert sandbox.crm.requests()[-1].sha256 == digest
    assert last.most_mib - first.most_mib < MOST_MORE_MIB
    assert last.cpu_seconds < MOST_CPU_SECONDS


def test_a_file_whose_every_line_is_wrong_is_counted_in_flat_memory(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = start_sandbox(crm_polls=0)
    sandbox.crm.register("CRM", "owner@example.com")
    config = configuration(tmp_path, sandbox)
    small, large = tmp_path / "small.jsonl", tmp_path / "large.jsonl"
    line = b'{"objectId":"a"}\n'
    small.write_bytes(line * 10_000)
    lines = MOST_BYTES // len(line)
    large.write_bytes(line * lines)
    first, last = upload(small, config), upload(large, config)
    print(
        f"\n{lines:,} wrong lines with one id: {last.cpu_seconds} s of CPU, {last.most_mib} MiB; "
        f"10,000 took {first.most_mib} MiB"
    )
    assert (first.code, last.code) == (2, 2)
    # Each lacks modifiedDate, and all but the first repeat an id.
    assert f"{2 * lines - 1:,} mistakes; nothing was sent." in last.errors
    assert not any(one.method == "POST" for one in sandbox.requests)
    assert last.most_mib - first.most_mib < MOST_MORE_MIB
    assert last.cpu_seconds < MOST_CPU_SECONDS


@pytest.fixture
def commands() -> Iterator[ForkedCommands]:
    forked = ForkedCommands()
    yield forked
    forked.close()


def test_killed_at_any_moment_gong_takes_the_file_once(
    start_sandbox: Callable[..., Sandbox], commands: ForkedCommands, tmp_path: Path
) -> None:
    sandbox = start_sandbox(crm_polls=1)
    sandbox.crm.register("CRM", "owner@example.com")
    config, log = configuration(tmp_path, sandbox), tmp_path / "log"
    chance = random.Random(6)
    died: Counter[str] = Counter()

    def run_to_its_end(file: Path, **more: str) -> int:
        return commands.run(words(file, config), {**os.environ, **more}, log, lambda: None)

    longest = 0.0
    for number in range(FILES + len(MOMENTS)):
        file = tmp_path / f"accounts-{number}.jsonl"
        count, digest = write_accounts(file, 4_000_000 + 10_000 * number)
        if number < len(MOMENTS):
            assert run_to_its_end(file, **{VARIABLE: MOMENTS[number].word}) == -9
            died["while the file was under way"] += 1
        else:
            for _ in range(KILLS_EACH):
                commands.start(words(file, config), os.environ, log)
                commands.ended(chance.uniform(0.0, 0.6 * longest))
                if commands.kill() == -9:
                    has_it = len(sandbox.crm.requests()) > number
                    died["when Gong had it" if has_it else "before Gong had it"] += 1
        begun = time.monotonic()
        code = run_to_its_end(file)
        longest = max(longest, time.monotonic() - begun)
        assert code == 0, log.read_text()
        assert len(sandbox.crm.requests()) == number + 1
        taken = sandbox.crm.requests()[-1]
        assert (taken.taken, taken.sha256) == (count, digest)
    print(f"\n{sum(died.values())} kills ({dict(died)}), {FILES + len(MOMENTS)} files, each taken once")
    assert min(died[one] for one in ("when Gong had it", "before Gong had it")) >= 10
