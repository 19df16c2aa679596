"""The ledger on PostgreSQL as its operator meets it: the commands by hand, a changed password, no server."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import make_url

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, Service, each_call_once, wait_until
from tests.end_to_end.recordings import drop_many
from tests.end_to_end.test_secrets import free_port
from tests.postgresql_with_password import change_password, with_password

PASSWORD = "first-p4ssw0rd"
TOLD_SECONDS = 60
"""Within so long every trouble shows in `status`."""


@dataclass(kw_only=True)
class Server:
    """A PostgreSQL whose role `bridge` needs its password, with an empty ledger at `url`."""

    server: Any
    url: str

    def done(self) -> int:
        """How many recordings are done, by the server's own word."""
        database = make_url(self.server.get_uri()).set(database="ledger")
        with psycopg.connect(database.render_as_string(hide_password=False)) as connection:
            row = connection.execute("SELECT count(*) FROM entries WHERE state = 'done'").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def server(own_postgresql: Any) -> Server:
    return Server(server=own_postgresql, url=with_password(own_postgresql, "bridge", PASSWORD))


def words(text: str) -> str:
    return " ".join(text.split())


def test_R28_R29_every_command_by_hand_does_on_postgresql_what_it_says(
    home: Home, empty_postgresql_url: str, sandbox: Sandbox
) -> None:
    """pause and resume of a source and of all, over a restart; backup says whose work it is; verify, export, prune."""
    home.config["ledger"] = {"url": str(make_url(empty_postgresql_url)._replace(password=None))}

    def done() -> int:
        return int(home.status()["sources"]["pbx"].get("done", 0))

    expected = drop_many(home.recorder, 1)
    with home.running():
        wait_until(lambda: done() == 1, "the first")
        paused = home.run("pause", "--source", "pbx", "--reason", "new trunk")
        assert (paused.returncode, paused.stderr) == (0, "")
        assert "source pbx is paused by hand since" in paused.stdout
        time.sleep(2.5)
        expected |= drop_many(home.recorder, 1, first=1)
        wait_until(lambda: home.status()["sources"]["pbx"] == {"done": 1, "found": 1}, "it is found")
    with home.running() as service:
        assert home.run("pause").returncode == 0
        assert "because: new trunk (gong-bridge resume --source pbx ends it)" in words(home.run("status").stdout)
        assert home.run("resume", "--source", "pbx").returncode == 2, "everything is paused, it says"
        time.sleep(2.5)
        assert (done(), len(sandbox.calls)) == (1, 1)
        assert home.run("resume").stdout == "everything goes on\n"
        wait_until(lambda: done() == 2, "the second")
        copied = home.run("ledger", "backup", str(home.root / "copy.db"))
        assert (copied.returncode, copied.stderr) == (2, "the ledger is on PostgreSQL; back it up with pg_dump\n")
        assert home.run("ledger", "verify").stdout == "the ledger is in order\n"
        exported = home.run("ledger", "export", "--output", str(home.root / "all.csv"))
        assert exported.returncode == 0, exported.stderr
        assert (home.root / "all.csv").stat().st_mode & 0o777 == 0o600
        listed = [json.loads(line) for line in home.run("ledger", "list", "--json").stdout.splitlines()]
        assert sorted(one["client_unique_id"] for one in listed) == ["call-000", "call-001"]
        assert home.run("ledger", "prune", "--older-than", "0s").returncode == 0
        assert "agent-201" not in home.run("ledger", "show", str(listed[0]["id"])).stdout
        assert home.run("ledger", "verify").stdout == "the ledger is in order\n"
        assert service.stop() == 0
    each_call_once(sandbox, expected)


def told_of(home: Home, service: Service, port: int, said: str, *, times: int) -> float:
    """After how many seconds the log, `status`, the page and /healthz say so; the log has said it once each time."""
    began = time.monotonic()
    wait_until(lambda: service.log_text.count('"paused"') == times, "the pause", TOLD_SECONDS)
    told = home.run("status")
    assert (told.returncode != 0, said in words(told.stderr)) == (True, True)
    told_after = time.monotonic() - began
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as client:
        health = client.get("/healthz")
        assert (health.status_code, health.json()["ledger"]) == (503, "ledger-read-only")
        assert said in client.get("/").text
    assert service.log_text.count('"paused"') == times
    return told_after


def test_R28_R29_a_server_that_refuses_and_one_that_is_away_are_told_once_and_all_goes_on(
    home: Home, server: Server, sandbox: Sandbox
) -> None:
    """The password is changed, and changed back; the server is stopped, and started. Nobody touches the service."""
    port = free_port()
    home.environment["LEDGER_PASSWORD"] = PASSWORD
    home.config["ledger"] = {"url": server.url, "password": "env:LEDGER_PASSWORD", "lease": "3s"}
    home.config["web"] = {"listen": f"127.0.0.1:{port}"}
    expected = drop_many(home.recorder, 2)
    with home.running() as service:
        wait_until(lambda: server.done() == 2, "the first two")
        change_password(server.server, "bridge", "another-p4ssw0rd")
        expected |= drop_many(home.recorder, 3, first=2)
        refused_after = told_of(home, service, port, "password authentication failed", times=1)
        assert "correct ledger.url or ledger.password" in words(home.run("status").stderr)
        change_password(server.server, "bridge", PASSWORD)
        wait_until(lambda: server.done() == 5, "all goes on by itself", 90)
        wait_until(lambda: service.log_text.count('"resumed"') == 1, "it says so")
        server.server.stop()
        expected |= drop_many(home.recorder, 2, first=5)
        away_after = told_of(home, service, port, "is PostgreSQL running", times=2)
        server.server.start()
        wait_until(lambda: server.done() == 7, "all goes on by itself", 90)
        wait_until(lambda: service.log_text.count('"resumed"') == 2, "it says so")
        assert service.stop() == 0
    each_call_once(sandbox, expected)
    with Ledger.open(str(make_url(server.server.get_uri()).set(database="ledger"))) as ledger:
        assert {entry.attempts for entry in ledger.views.entries()} == {0}
    assert PASSWORD not in service.log_text
    print(
        f"\nPostgreSQL: told {refused_after:.0f} s after it refused the password, {away_after:.0f} s after it was gone"
    )
