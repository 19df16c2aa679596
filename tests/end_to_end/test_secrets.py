"""Secrets and people show nowhere, whatever fails and whoever repeats them; `make prove` searches 100 MB of logs."""

from __future__ import annotations

import os
import socket
import stat

import pytest
from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.errors import BridgeError
from gong_bridge.ledger.ledger import Ledger
from tests.end_to_end.bridge import Home
from tests.proofs.mirror_server import mirror
from tests.proofs.secret_storm import DATABASE_PASSWORD, URL_PASSWORD, prepare, weather


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_no_secret_shows_in_logs_ledger_pages_or_processes_while_everything_fails(home: Home) -> None:
    port = free_port()
    with mirror() as url:
        prepare(home, url, recordings=8, port=port)
        former = os.umask(0)  # the most careless shell: what is private must be so by our own word
        try:
            findings = weather(home, port, seconds=3)
        finally:
            os.umask(former)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.root.glob("ledger.db*")}
    assert modes
    assert set(modes.values()) == {0o600}
    assert findings.found == []
    assert findings.searched_bytes > 100_000


ADDRESSES = [
    "postgresql://bridge:PASSWORD@127.0.0.1:1/ledger",
    "postgresql://bridge:PASSWORD@127.0.0.1:port/ledger",
    "postgresql://bridge:PASSWORD@with/a/slash@127.0.0.1:1/ledger",
    "postgresql://bridge:PASSWORD@[::1/ledger",
    "postgres+what://bridge:PASSWORD@127.0.0.1/ledger",
    "postgresql://bridge:PASSWORD@127.0.0.1:1/ledger?sslmode=nonsense",
    "postgresql://bridge@127.0.0.1:1/ledger?password=PASSWORD",
]


def said(home: Home, *words: str) -> str:
    """What a command prints, run in this process: its output, and the error that ends it."""
    home.write()
    ran = CliRunner().invoke(build_app(words[0]), [*words, "-c", str(home.root / "bridge.yaml")])
    ends = ran.exception.message if isinstance(ran.exception, BridgeError) else str(ran.exception or "")
    return ran.output + ends


def test_no_mistake_in_an_address_prints_the_password_in_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ADDRESSES:
        home.config["ledger"] = {"url": address.replace("PASSWORD", URL_PASSWORD)}
        for command in ("check", "status"):
            told = said(home, command)
            assert len(told) > 40
            assert URL_PASSWORD not in told
    monkeypatch.setenv("STORM_PG", DATABASE_PASSWORD)
    home.config["ledger"] = {"url": "postgresql://bridge@127.0.0.1:1/ledger", "password": "env:STORM_PG"}
    assert DATABASE_PASSWORD not in said(home, "status")
    home.config["ledger"] = {"url": f"sqlite:///{home.ledger_path}"}
    for base_url in ("https://bridge:PASSWORD@gong.example.com", "https://gong.example.com/?key=PASSWORD"):
        home.config["gong"]["base_url"] = base_url.replace("PASSWORD", URL_PASSWORD)
        told = said(home, "check")
        assert "base_url" in told
        assert URL_PASSWORD not in told


def test_an_exported_ledger_is_for_its_owner_alone(home: Home) -> None:
    Ledger.open(home.config["ledger"]["url"]).close()
    former = os.umask(0)
    try:
        said(home, "ledger", "export", "--output", str(home.root / "all.jsonl"))
    finally:
        os.umask(former)
    assert stat.S_IMODE((home.root / "all.jsonl").stat().st_mode) == 0o600
