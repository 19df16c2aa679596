"""Secrets and people show nowhere, whatever fails and whoever repeats them; `make prove` searches 100 MB of logs."""

from __future__ import annotations

import socket
import sys

import pytest

from gong_bridge.cli import main
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
        findings = weather(home, port, seconds=3)
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


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Home, *words: str) -> str:
    """What a command prints, run in this process."""
    home.write()
    monkeypatch.setattr(sys, "argv", ["gong-bridge", *words, "-c", str(home.root / "bridge.yaml")])
    with pytest.raises(SystemExit):
        main()
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_no_mistake_in_an_address_prints_the_password_in_it(
    home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in ADDRESSES:
        home.config["ledger"] = {"url": address.replace("PASSWORD", URL_PASSWORD)}
        for command in ("check", "status"):
            told = said(capsys, monkeypatch, home, command)
            assert len(told) > 40
            assert URL_PASSWORD not in told
    monkeypatch.setenv("STORM_PG", DATABASE_PASSWORD)
    home.config["ledger"] = {"url": "postgresql://bridge@127.0.0.1:1/ledger", "password": "env:STORM_PG"}
    assert DATABASE_PASSWORD not in said(capsys, monkeypatch, home, "status")
    home.config["ledger"] = {"url": f"sqlite:///{home.ledger_path}"}
    for base_url in ("https://bridge:PASSWORD@gong.example.com", "https://gong.example.com/?key=PASSWORD"):
        home.config["gong"]["base_url"] = base_url.replace("PASSWORD", URL_PASSWORD)
        told = said(capsys, monkeypatch, home, "check")
        assert "base_url" in told
        assert URL_PASSWORD not in told
