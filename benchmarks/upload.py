"""How fast the Gong client uploads one recording, and what memory it takes, beside curl, against the same sink.

    python benchmarks/upload.py [--size-mb 1500] [--rounds 5]

The sink is a process of its own that reads and throws away. Both sides send the same file as multipart/form-data,
alternately, several times; the best round of each counts, because other work on the machine only ever slows one down.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ANSWER = b'{"requestId":"benchmark","callId":"1","url":"http://127.0.0.1/call?id=1"}'


def sink() -> None:
    """Serve PUTs on a free port (printed first) until stdin ends; every body is read and discarded."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def serve(connection: socket.socket) -> None:
        buffer = bytearray(1 << 20)
        with connection:
            while True:
                head = b""
                while b"\r\n\r\n" not in head:
                    part = connection.recv(65536)
                    if not part:
                        return
                    head += part
                head, _, rest = head.partition(b"\r\n\r\n")
                fields = {
                    name.lower(): value.strip() for name, _, value in (f.partition(b":") for f in head.split(b"\r\n"))
                }
                if b"expect" in fields:
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                left = int(fields.get(b"content-length", b"0")) - len(rest)
                while left > 0:
                    received = connection.recv_into(buffer)
                    if not received:
                        return
                    left -= received
                connection.sendall(
                    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER)
                )

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


def with_curl(url: str, path: Path) -> float:
    """Seconds that curl takes."""
    started = time.perf_counter()
    subprocess.run(
        ["curl", "-sS", "--fail", "-o", "/dev/null", "-X", "PUT", "-F", f"mediaFile=@{path};type=audio/wav", url],
        check=True,
    )
    return time.perf_counter() - started


def peak_memory_kib() -> int:
    """Of this process; getrusage would tell the peak of whoever started it, too."""
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


class NoLimits:
    """An allowance without limits."""

    def take(self, stop: threading.Event) -> None:
        """Go on."""

    def sent(self) -> None:
        """Nothing to note."""

    def pause(self, wait_seconds: float) -> None:
        """Nothing to note."""


def client_seconds_and_growth(base_url: str, path: Path, rounds: int) -> tuple[list[float], float]:
    """Seconds of each upload, and by how many MiB the peak memory grew after a first small upload."""
    from gong_bridge.config.schema import Timeouts
    from gong_bridge.config.secrets import Secret
    from gong_bridge.gong.calls import Calls
    from gong_bridge.gong.client import GongClient
    from gong_bridge.gong.log_in import AccessKeys

    seconds = []
    keys = AccessKeys(base_url, Secret("k"), Secret("s"))
    with GongClient(keys, Timeouts(), NoLimits(), threading.Event()) as client:
        calls = Calls(client)
        small = Path(__file__)
        calls.put_media("1", lambda: small.open("rb", buffering=0), small.stat().st_size, "wav", "audio/wav")
        before = peak_memory_kib()
        for _ in range(rounds):
            started = time.perf_counter()
            calls.put_media("1", lambda: path.open("rb", buffering=0), path.stat().st_size, "wav", "audio/wav")
            seconds.append(time.perf_counter() - started)
        growth = peak_memory_kib() - before
    return seconds, growth / 1024


def main() -> int:
    """Run both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-mb", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sink:
        sink()
        return 0
    if not shutil.which("curl"):
        print("curl is not installed", file=sys.stderr)
        return 1
    server = subprocess.Popen([sys.executable, __file__, "--sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recording.wav"
        with path.open("wb") as file:
            for _ in range(options.size_mb):
                file.write(b"\x55" * 1_000_000)
        assert server.stdout is not None
        base_url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        curl, ours, growth = [], [], 0.0
        for _ in range(options.rounds):
            curl.append(with_curl(f"{base_url}/v2/calls/1/media", path))
            seconds, grown = client_seconds_and_growth(base_url, path, 1)
            ours += seconds
            growth = max(growth, grown)
    server.communicate()
    rate = options.size_mb / min(curl), options.size_mb / min(ours)
    print(f"curl         {rate[0]:8.0f} MB/s   best of {options.rounds}: {min(curl):.3f} s")
    print(f"gong-bridge  {rate[1]:8.0f} MB/s   best of {options.rounds}: {min(ours):.3f} s, memory +{growth:.1f} MiB")
    print(f"ratio        {rate[1] / rate[0]:8.2f}        (1 or more: at least as fast as curl)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
