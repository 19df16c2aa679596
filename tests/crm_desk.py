"""A person's shell for `gong-bridge crm ...` against a strict Gong."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gong_bridge.cli import build_app
from gong_bridge.sandbox.server import Sandbox
from tests.forked_command import ForkedCommands

WHEN = "2019-01-03T23:45:57+01:00"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A person's shell: a configuration and a sandbox without an integration."""

    sandbox: Sandbox
    folder: Path

    def run(self, *words: str) -> Result:
        """`gong-bridge crm ...`, in this process."""
        return CliRunner().invoke(build_app("crm"), ["crm", *words, "--config", str(self.folder / "bridge.yaml")])

    def start(self, processes: ForkedCommands, *words: str, **environment: str) -> None:
        """The same in a process of its own."""
        arguments = ["crm", *words, "-c", str(self.folder / "bridge.yaml")]
        processes.start(arguments, {**os.environ, **environment}, self.folder / "log", seconds=60)

    def does(self, *words: str) -> str:
        """The output of a command that must succeed."""
        result = self.run(*words)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    def file(self, name: str, content: str) -> str:
        """A file in the folder; its path."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def accounts(self, count: int = 3, name: str = "Account") -> str:
        """A file of right accounts."""
        rows = [json.dumps({"objectId": f"a-{n}", "modifiedDate": WHEN, "name": f"{name} {n}"}) for n in range(count)]
        return self.file("accounts.jsonl", "\n".join(rows) + "\n")

    @property
    def uploads(self) -> list[tuple[str | None, int, int]]:
        """Type, taken and failed objects of each upload that Gong has taken."""
        return [(one.object_type, one.taken, one.failed) for one in self.sandbox.crm.requests()]

    def sent(self) -> int:
        """How many requests with objects arrived, whole or not."""
        return sum((one.method, one.path) == ("POST", "/v2/crm/entities") for one in self.sandbox.requests)


@pytest.fixture
def crm_desk(start_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Desk:
    """Gong ends each request at once."""
    return desk_at(start_sandbox(crm_polls=0), tmp_path)


def desk_at(sandbox: Sandbox, tmp_path: Path) -> Desk:
    """A person who has configured this sandbox."""
    (tmp_path / "bridge.yaml").write_text(
        f"""
gong: {{base_url: "{sandbox.base_url}", access_key: sandbox, access_key_secret: sandbox-secret,
  limits: {{calls_per_second: 1000}}}}
ledger: {{url: "sqlite:///{tmp_path}/ledger.db"}}
sources: [{{name: pbx, folder: {tmp_path}, mapping: freepbx}}]
"""
    )
    (tmp_path / "bridge.yaml").chmod(0o600)
    return Desk(sandbox=sandbox, folder=tmp_path)


@pytest.fixture
def registered(crm_desk: Desk) -> Desk:
    """The same with an integration."""
    crm_desk.sandbox.crm.register("Our CRM", "owner@example.com")
    return crm_desk
