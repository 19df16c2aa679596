"""The service in a storm of faults, with secrets and people in everything it touches, and where these then show."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import httpx

from gong_bridge.config.secrets import Secret
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.sealed_tokens import SealedTokens
from gong_bridge.tokens import Tokens
from tests.end_to_end.bridge import Home, Service, environment, wait_until
from tests.end_to_end.recordings import age, call_text, wav
from tests.proofs.mirror_server import ACCESS_TOKEN, REFRESH_TOKEN

KEY = "GONGKEY7QK2WLONGENOUGH"
SECRET = "gong-s3cr3t/+VALUE=that-nobody-may-see"
SECOND_SECRET = "second-account-s3cr3t-VALUE"
AWS_KEY = "AKIAZZTESTKEYZZ23456"
AWS_SECRET = "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"
WEB_TOKEN = "web-token-VALUE-81723"
DATABASE_PASSWORD = "pg-p4ssw0rd-VALUE"
URL_PASSWORD = "in-the-url-VALUE"
OAUTH_CLIENT = "oauth-client-id"
CLIENT_SECRET = "oauth-client-s3cr3t-VALUE"

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
    "OAuth client secret": CLIENT_SECRET,
    "basic of the OAuth client": base64.b64encode(f"{OAUTH_CLIENT}:{CLIENT_SECRET}".encode()).decode(),
    "OAuth access token": ACCESS_TOKEN,
    "OAuth refresh token": REFRESH_TOKEN,
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

ROOT = Path(__file__).resolve().parents[2]


def shapes(secret: str) -> set[bytes]:
    """How a text may be written: as it is, quoted for addresses or JSON, in hexadecimal, inside of base64."""
    plain = secret.encode()
    found = {plain, quote(secret, safe="").encode(), quote(secret).encode(), json.dumps(secret)[1:-1].encode()}
    found |= {plain.hex().encode(), plain.hex().upper().encode()}
    for before in range(3):  # where it begins inside of what is encoded; the characters at the borders depend on others
        encoded = base64.b64encode(bytes(before) + plain)[4 if before else 0 :]
        inside = encoded.rstrip(b"=")[:-2]
        found |= {inside, inside.replace(b"+", b"-").replace(b"/", b"_")}
    return found


SOUGHT = [
    (name, shape)
    for name, secret in SECRETS.items()
    for shape in (shapes(secret) if "ignature" not in secret else {secret.encode()})
]
"""Every secret in every shape."""
ENVIRONMENT = {
    "PYTHONFAULTHANDLER": "1",
    "STORM_SECRET": SECRET,
    "STORM_SECOND": SECOND_SECRET,
    "STORM_TOKEN": WEB_TOKEN,
    "STORM_PG": DATABASE_PASSWORD,
    "STORM_CLIENT": CLIENT_SECRET,
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


def list_without_pause(home: Home, *, buckets: int) -> None:
    """More buckets, each listed again at once: the libraries tell of every request and answer at length."""
    (store,) = (source for source in home.config["sources"] if source["name"] == "store")
    for number in range(buckets):
        more = {"name": f"store-{number}", "bucket": f"bucket-{number}", "rescan": "200ms"}
        home.config["sources"].append({**store, **more})


def log_in(home: Home, mirror_url: str, *, recordings: int) -> None:
    """A third account, logged in with OAuth; its token is never good for long."""
    oauth = {"client_id": OAUTH_CLIENT, "client_secret": "env:STORM_CLIENT", "log_in_url": f"{mirror_url}/oauth2"}
    home.config["accounts"]["tokens"] = {"oauth": oauth}
    (home.root / "third").mkdir()
    home.config["sources"].append({**home.source, "name": "third", "folder": "third", "account": "tokens"})
    put_people(home.root / "third", recordings)
    now = datetime.now(UTC)
    password = Secret(DATABASE_PASSWORD) if "password" in home.config["ledger"] else None
    with Ledger.open(home.config["ledger"]["url"], password) as ledger:
        sealed = SealedTokens(ledger.database, account="tokens", client_secret=Secret(CLIENT_SECRET), holder="storm")
        sealed.write(
            Tokens(
                access_token=f"{ACCESS_TOKEN}0", refresh_token=f"{REFRESH_TOKEN}0", got_at=now,
                expires_at=now + timedelta(seconds=1), scopes=(), base_url=mirror_url,
            )
        )  # fmt: skip


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
        wanted = SOUGHT + ([(one, one.encode()) for one in PEOPLE] if people else [])
        self.found += [(place, name) for name, value in wanted if value in data]

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


def running_loudly(home: Home) -> Callable[[], AbstractContextManager[Service]]:
    """Like `home.running`, with what the libraries say of each request in its log."""

    @contextmanager
    def running() -> Iterator[Service]:
        home.write()
        log = home.root / "service.log"
        words = [sys.executable, "-m", "tests.proofs.loud_service", "run", "-c", str(home.root / "bridge.yaml")]
        with log.open("ab") as output:
            process = subprocess.Popen(words, stdout=output, stderr=output, env=environment(home.environment), cwd=ROOT)
        try:
            yield Service(process, log)
        finally:
            process.kill()
            process.wait()

    return running


def weather(
    home: Home,
    port: int,
    *,
    seconds: float,
    running: Callable[[], AbstractContextManager[Service]] | None = None,
    is_enough: Callable[[], bool] = lambda: False,
) -> Findings:
    """Let the service run in the storm for so long, or until it is enough; search all that it leaves and shows."""
    findings = Findings()
    with (running or home.running)() as service:
        give_up = time.monotonic() + seconds
        wait_until(lambda: service.log_text.count('"entry"') > 3, "the first recordings are found", 120)
        while time.monotonic() < give_up and not is_enough():
            assert service.process.poll() is None, service.log_text[-2000:]
            search_processes(findings, service.process.pid)
            time.sleep(min(2.0, max(give_up - time.monotonic(), 0.1)))
        assert search_pages(findings, port) == 7
        limits = Path(f"/proc/{service.process.pid}/limits").read_text()
        assert [line.split()[4] for line in limits.splitlines() if line.startswith("Max core file")] == ["0"]
        mode = Path(f"/proc/{service.process.pid}/environ").stat().st_mode
        assert mode & 0o077 == 0  # the owner's secrets of `env:NAME`
        service.send(signal.SIGABRT)  # what systemd's watchdog does: the worst moment to print anything
        service.ended()
    findings.search_file(home.root / "service.log", people=running is None)
    exported = home.run("ledger", "export", "--output", str(home.root / "all.csv"))
    shown = [home.run(*words) for words in (("status",), ("ledger", "list", "--json"), ("ledger", "show", "1"))]
    copied = home.run("ledger", "backup", str(home.root / "ledger.db.copy"))
    findings.search_outputs([exported, copied, *shown], people=False)
    for path in [*home.root.glob("ledger.db*"), *home.root.glob("all.csv")]:
        findings.search_file(path, people=False)
    return findings
