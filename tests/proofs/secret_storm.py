"""The service in a storm of faults, with secrets and people in everything it touches, and where these then show."""

from __future__ import annotations

import base64
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx

from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import age, call_text, wav

KEY = "GONGKEY7QK2WLONGENOUGH"
SECRET = "gong-s3cr3t/+VALUE=that-nobody-may-see"
SECOND_SECRET = "second-account-s3cr3t-VALUE"
AWS_KEY = "AKIAZZTESTKEYZZ23456"
AWS_SECRET = "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"
WEB_TOKEN = "web-token-VALUE-81723"
DATABASE_PASSWORD = "pg-p4ssw0rd-VALUE"
URL_PASSWORD = "in-the-url-VALUE"

SECRETS = {
    "access key": KEY,
    "access key secret": SECRET,
    "basic authorization": base64.b64encode(f"{KEY}:{SECRET}".encode()).decode(),
    "secret of the second account": SECOND_SECRET,
    "basic of the second account": base64.b64encode(f"{KEY}:{SECOND_SECRET}".encode()).decode(),
    "AWS secret key": AWS_SECRET,
    "AWS secret key, quoted": quote(AWS_SECRET, safe=""),
    "web token": WEB_TOKEN,
    "database password": DATABASE_PASSWORD,
    "password in an address": URL_PASSWORD,
    "a presigned signature": "X-Amz-Signature=0",
    "a signature": "Signature=1",
}
PEOPLE = (
    "Visible Person",
    "5550100177",
    "someone@example.com",
    "Visible-Title",
    "201-Visible",
    "agent-201@example.com",
)
"""Names, numbers, e-mail addresses and file names that the recordings bring: never in a log."""
ENVIRONMENT = {
    "PYTHONFAULTHANDLER": "1",
    "STORM_SECRET": SECRET,
    "STORM_SECOND": SECOND_SECRET,
    "STORM_TOKEN": WEB_TOKEN,
    "STORM_PG": DATABASE_PASSWORD,
    "AWS_ACCESS_KEY_ID": AWS_KEY,
    "AWS_SECRET_ACCESS_KEY": AWS_SECRET,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def prepare(home: Home, mirror_url: str, *, recordings: int, port: int) -> None:
    """A bridge whose Gong, second Gong and store are all the mirror; debug logs; every back-off as short as can be."""
    home.environment.update(ENVIRONMENT)
    home.config["gong"].update(base_url=mirror_url, access_key=KEY, access_key_secret="env:STORM_SECRET")
    home.config["accounts"] = {
        "other": {"base_url": mirror_url, "access_key": KEY, "access_key_secret": "env:STORM_SECOND"}
    }
    bucket = {
        "name": "store", "bucket": "recordings", "region": "us-east-1", "endpoint_url": mirror_url,
        "mapping": "sidecar-json", "rescan": "1s", "delivery": "link", "account": "other",
    }  # fmt: skip
    (home.root / "second").mkdir()
    second = {**home.source, "name": "second", "folder": "second", "account": "other"}
    home.config["sources"] = [home.source, second, bucket]
    home.config["log"] = {"format": "json", "level": "debug"}
    home.config["work"] = {"workers": 8, "max_attempts": 1_000_000, "longest_wait": "100ms"}
    home.config["web"] = {"listen": f"127.0.0.1:{port}", "token": "env:STORM_TOKEN"}
    for folder in (home.recorder, home.root / "second"):
        put_people(folder, recordings)


def put_people(folder: Path, count: int) -> None:
    """Recordings whose names and sidecars are full of people."""
    for number in range(count):
        name = f"201-Visible Person +15550100177 someone@example.com {number}"
        extra = {"title": "Visible-Title"}
        if number % 5 == 0:
            extra["primaryUser"] = "Visible Person"  # held: nobody of that name
        (folder / f"{name}.json").write_text(call_text(f"id-{folder.name}-{name}", **extra))
        (folder / f"{name}.wav").write_bytes(wav(number))
        age(folder / f"{name}.wav", 600)


@dataclass(kw_only=True)
class Findings:
    """Where something showed that should not: place, what."""

    searched_bytes: int = 0
    found: list[tuple[str, str]] = field(default_factory=list)

    def search(self, place: str, data: bytes, *, people: bool) -> None:
        """Look for every secret, and for people where `people` says so."""
        self.searched_bytes += len(data)
        wanted = list(SECRETS.items()) + ([(one, one) for one in PEOPLE] if people else [])
        self.found += [(place, name) for name, value in wanted if value.encode() in data]

    def search_file(self, path: Path, *, people: bool) -> None:
        """The same in a file of any size: in pieces that overlap by the longest secret."""
        with path.open("rb") as file:
            rest = b""
            while piece := file.read(2**24):
                self.search(path.name, rest + piece, people=people)
                self.searched_bytes -= len(rest)
                rest = piece[-4096:]

    def search_outputs(self, outputs: Iterable[subprocess.CompletedProcess[str]], *, people: bool) -> None:
        """What commands printed."""
        for output in outputs:
            text = output.stdout + output.stderr
            self.search(" ".join(map(str, output.args[3:5])), text.encode(), people=people)


def processes_of(pid: int) -> list[int]:
    """The process and everything that it started."""
    found = [pid]
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent in found:
            found.append(int(status.parent.name))
    return found


def search_processes(findings: Findings, pid: int) -> None:
    """Command lines of all, and the environment of the children: there, nothing of the user's may stand.

    A child that has not become its program yet is a copy of the service, with the service's own command line.
    """
    of_service = Path(f"/proc/{pid}/cmdline").read_bytes()
    for number in processes_of(pid):
        try:
            command_line = Path(f"/proc/{number}/cmdline").read_bytes()
            findings.search(f"ps {number}", command_line, people=True)
            if command_line != of_service:
                findings.search(f"environ {number}", Path(f"/proc/{number}/environ").read_bytes(), people=True)
        except OSError:
            continue  # it has just ended


def search_pages(findings: Findings, port: int) -> int:
    """Every page, with the token; how many answered. People are shown there, secrets never."""
    answered = 0
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
        for path in ("/", "/entries", "/entries/1", "/entries/2", "/entries/7", "/healthz", "/metrics"):
            answer = client.get(path, headers={"Authorization": f"Bearer {WEB_TOKEN}"})
            answered += answer.status_code in (200, 503)
            named = path in ("/healthz", "/metrics")
            findings.search(path, answer.content + str(answer.headers).encode(), people=named)
            refused = client.get(path)
            assert refused.status_code == 401
            findings.search(f"{path} without token", refused.content, people=True)
    return answered


def weather(home: Home, port: int, *, seconds: float) -> Findings:
    """Let the service run in the storm for so long, and search everything that it leaves and shows."""
    findings = Findings()
    with home.running() as service:
        give_up = time.monotonic() + seconds
        wait_until(lambda: len(home.states()) > 3, "the first recordings are found")
        while time.monotonic() < give_up:
            assert service.process.poll() is None, service.log_text[-2000:]
            search_processes(findings, service.process.pid)
            time.sleep(min(2.0, max(give_up - time.monotonic(), 0.1)))
        assert search_pages(findings, port) == 7
        limits = Path(f"/proc/{service.process.pid}/limits").read_text()
        assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core file")] == ["0"]
        service.send(signal.SIGABRT)  # what systemd's watchdog does: the worst moment to print anything
        service.ended()
    findings.search_file(home.root / "service.log", people=True)
    for path in home.root.glob("ledger.db*"):
        findings.search_file(path, people=False)
    shown = [home.run(*words) for words in (("status",), ("ledger", "list", "--json"), ("ledger", "show", "1"))]
    findings.search_outputs(shown, people=False)
    return findings
