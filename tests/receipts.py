"""A ledger of the first of March, the Gong it belongs to, and a person who types `gong-bridge reconcile`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from gong_bridge.cli import build_app as build_cli_app
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, Recording, State
from gong_bridge.sandbox.server import Sandbox
from tests.sandbox_requests import HOST_ID, add_call, client_of

NOON = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
MARCH_1 = ("--from", "2024-03-01", "--to", "2024-03-01")


@dataclass(kw_only=True)
class Office:
    """A ledger of the first of March, the Gong it belongs to, and a person's shell."""

    sandbox: Sandbox
    folder: Path
    zone: str = "UTC"
    more: str = ""
    """Further lines of bridge.yaml."""
    url: str = ""
    """Of the ledger; without it a new file."""

    def __post_init__(self) -> None:
        (self.folder / "pbx").mkdir(parents=True, exist_ok=True)
        self.url = self.url or f"sqlite:///{self.folder}/ledger.db"
        (self.folder / "bridge.yaml").write_text(
            f"""
gong: {{base_url: "{self.sandbox.base_url}", access_key: sandbox, access_key_secret: sandbox-secret,
  limits: {{calls_per_second: 1000}}}}
ledger: {{url: "{self.url}"}}
company: {{time_zone: {self.zone}}}
sources: [{{name: pbx, folder: {self.folder}/pbx, mapping: freepbx}}]
{self.more}
"""
        )
        (self.folder / "bridge.yaml").chmod(0o600)
        self.ledger = Ledger.open(self.url)

    def run(self, *words: str) -> Result:
        """`gong-bridge reconcile ...`, in this process."""
        config = str(self.folder / "bridge.yaml")
        return CliRunner().invoke(build_cli_app("reconcile"), ["reconcile", *words, "--config", config])

    def receipts(self, *words: str) -> dict[str | None, dict[str, Any]]:
        """The receipts of a run by source; those of several days: the last."""
        result = self.run(*(words or MARCH_1), "--json")
        assert result.exit_code in (0, 1), (result.stderr, result.exception)
        return {row["source"]: row for row in map(json.loads, result.stdout.splitlines())}

    def asked(self, path: str) -> int:
        """How many requests to paths that begin so."""
        return sum(request.path.startswith(path) for request in self.sandbox.requests)

    def found(self, name: str, at: datetime = NOON, version: str = "5-1") -> Entry:
        """A recording that a worker has just claimed."""
        recording = Recording(source="pbx", key=name, version=version, size_bytes=5, modified_at=at)
        self.ledger.intake.add([recording], False, at)
        entry = self.ledger.work.claim("host:1:2:3", at + timedelta(minutes=1), 30)
        assert entry is not None
        return entry

    def delivered(
        self, name: str, at: datetime = NOON, *, in_gong: datetime | None = None, changed: datetime | None = None
    ) -> str:
        """A recording whose call is in Gong; the call's id. in_gong: the start that Gong has of it."""
        with client_of(self.sandbox) as client:
            call_id = add_call(client, clientUniqueId=name, actualStart=(in_gong or at).isoformat())
        entry, now = self.found(name, at), changed or at + timedelta(minutes=2)
        draft = {"clientUniqueId": name, "actualStart": at.isoformat(), "primaryUser": HOST_ID}
        entry = self.ledger.calls.save_draft(entry, now, draft=draft, client_unique_id=name, media={})
        for state in (State.CREATED, State.DELIVERED, State.DONE):
            entry = self.ledger.work.advance(entry, state, now, call_id=call_id)
        return call_id

    def delete_in_gong(self, call_id: str) -> None:
        """A person deletes a call there."""
        with client_of(self.sandbox) as client:
            assert client.post(f"/_sandbox/calls/{call_id}/delete").status_code == 200

    def status(self) -> str:
        """What `gong-bridge status` says."""
        told = CliRunner().invoke(build_cli_app("status"), ["status", "--config", str(self.folder / "bridge.yaml")])
        assert told.exit_code == 0, told.output
        return told.stdout
