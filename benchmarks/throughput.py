"""How many small recordings a second reach Gong, beside the shell script that a user would write with curl.

    python benchmarks/throughput.py [--recordings 1000] [--seconds 31]

Both send the same recordings (one WAV and one JSON each) to a sandbox without limits, one after the other in one run.
The script posts the JSON and puts the file; it checks nothing, remembers nothing, and would lose or double recordings
at the first hiccup. gong-bridge checks each recording and writes every step down before it acts.
"""

from __future__ import annotations

import argparse
import array
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.server import Sandbox

CONFIGURATION = """\
gong:
  base_url: {url}
  access_key: sandbox
  access_key_secret: sandbox-secret
  limits: {{calls_per_second: 10000, calls_per_day: 100000000}}
ledger: {{url: 'sqlite:///ledger.db'}}
sources:
  - {{name: box, folder: recordings, mapping: sidecar-json, settle: 1s}}
"""

SCRIPT = """\
set -eu
for file in {folder}/*.wav; do
  answer=$(curl -s -u sandbox:sandbox-secret -H 'Content-Type: application/json' \\
    --data-binary "@${{file%.wav}}.json" {url}/v2/calls)
  call=${{answer##*\\"callId\\":\\"}}
  call=${{call%%\\"*}}
  curl -s -o /dev/null -u sandbox:sandbox-secret -X PUT -F "mediaFile=@$file" {url}/v2/calls/$call/media
done
"""


def make_recordings(folder: Path, count: int, seconds: int, user_id: str) -> None:
    """`count` recordings of `seconds`, each a tone of its own, 8 kHz mono PCM, with Gong's own JSON beside it."""
    folder.mkdir()
    for number in range(count):
        tone = [int(8000 * math.sin(2 * math.pi * (200 + number) * place / 8000)) for place in range(8000)]
        second = array.array("h", tone).tobytes()
        with wave.open(str(folder / f"call-{number:05d}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            for _ in range(seconds):
                file.writeframes(second)
        body = {
            "clientUniqueId": f"call-{number}",
            "actualStart": "2026-09-01T10:00:00-04:00",
            "direction": "Inbound",
            "primaryUser": user_id,
            "parties": [{"userId": user_id}, {"phoneNumber": "+12025550100"}],
        }
        (folder / f"call-{number:05d}.json").write_text(json.dumps(body))


def timed(command: list[str], folder: Path) -> tuple[float, float]:
    """Seconds of wall clock and of CPU that a command takes; its output is discarded."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def serve_sandbox() -> None:
    """A sandbox in a process of its own, as Gong is: prints its address, ends with standard input."""
    with Sandbox(SandboxOptions(keep_media_bytes=0)) as sandbox:
        print(sandbox.base_url, flush=True)
        sys.stdin.read()


def arrived(url: str) -> int:
    """How many calls with media the sandbox has."""
    state = subprocess.run(["curl", "-s", f"{url}/_sandbox/state"], capture_output=True, check=True)
    return sum(1 for call in json.loads(state.stdout)["calls"] if call.get("media"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=31)
    options = parser.parse_args()
    user_id = str(SandboxOptions().users[0]["id"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_recordings(folder / "recordings", options.recordings, options.seconds, user_id)
        rates = {}
        for who in ("curl", "gong-bridge"):
            gong = subprocess.Popen(
                [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert gong.stdout is not None
            url = gong.stdout.readline().strip()
            if who == "curl":
                command = ["bash", "-c", SCRIPT.format(folder=folder / "recordings", url=url)]
            else:
                (folder / "bridge.yaml").write_text(CONFIGURATION.format(url=url))
                (folder / "bridge.yaml").chmod(0o600)
                command = [sys.executable, "-m", "gong_bridge", "run", "--once", "-c", "bridge.yaml"]
            wall, cpu = timed(command, folder)
            count = arrived(url)
            gong.communicate()
            rates[who] = count / wall
            figures = f"{wall:.1f} s = {rates[who]:.0f}/s, {1000 * cpu / count:.1f} ms of CPU each"
            print(f"{who:>12}: {count} recordings in {figures}")
    load = os.getloadavg()[0]
    print(f"gong-bridge : curl script = {rates['gong-bridge'] / rates['curl']:.2f} : 1 (load average {load:.1f})")


if __name__ == "__main__":
    serve_sandbox() if "--serve" in sys.argv else main()
