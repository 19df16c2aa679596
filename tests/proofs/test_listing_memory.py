"""Proof of R14: what a listing holds in memory does not grow with the bucket, ledger included."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.made_listing import many_keys, served
from tests.store import CREDENTIALS

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import re, sys, threading
from gong_bridge import clock
from gong_bridge.config.schema import BucketSource
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sources.base import Intake
from gong_bridge.sources.s3 import Bucket

def most_kib():  # not ru_maxrss: that begins with what the parent had when it forked
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

ledger = Ledger.open(sys.argv[2])
def add(recordings, backlog):
    return ledger.intake.add(recordings, backlog=backlog, now=clock.now())
intake = Intake(unseen=ledger.intake.unseen, add=add, health=lambda health: None)
options = {"name": "c", "bucket": "recordings", "mapping": "freepbx", "endpoint_url": sys.argv[1]}
bucket = Bucket(BucketSource.model_validate(options))
print(*(bucket.scan_once(intake, threading.Event()) for _ in range(2)), most_kib())
"""


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_R14_memory_stays_flat_from_ten_thousand_keys_to_a_million(tmp_path: Path) -> None:
    used: dict[int, int] = {}
    for count in (10_000, 100_000, 1_000_000):
        with served(many_keys(count, "2026/{month:02}/{day:02}/call-{number:08}.wav")) as (url, _):
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, url, f"sqlite:///{tmp_path}/{count}.db"],
                capture_output=True, text=True, check=True, cwd=ROOT, timeout=800,
                env={**os.environ, **CREDENTIALS},
            )  # fmt: skip
        new, again, used[count] = map(int, done.stdout.split())
        assert (new, again) == (count, 0)
    print({count: f"{kib // 1024} MiB" for count, kib in used.items()})
    assert used[100_000] - used[10_000] < 20_000  # KiB
    assert used[1_000_000] - used[100_000] < 20_000
