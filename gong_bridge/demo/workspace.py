"""The demo's own folder: configuration, agents.csv, empty recorder folders, and the samples that are dropped there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from gong_bridge import clock
from gong_bridge.errors import ConfigError

CONFIGURATION = """\
# The demo's configuration; edit it and run: gong-bridge run -c {path}
# docs/configuration.md explains every key.
gong:
  base_url: {base_url}              # the sandbox; yours is on Gong's API page
  access_key: sandbox               # in earnest: env:GONG_ACCESS_KEY, file:PATH or credential:NAME
  access_key_secret: sandbox-secret
ledger: {{url: 'sqlite:///ledger.db'}}
company: {{country: US, time_zone: America/New_York, extensions: '\\d{{3}}'}}
agents: agents.csv                  # who sits at which extension; the demo leaves one out
sources:
  - name: pbx
    folder: recorder/pbx            # a FreePBX host: /var/spool/asterisk/monitor
    mapping: freepbx
    settle: 1s
    rescan: 5s
  - name: connect
    folder: recorder/connect        # a copy of an Amazon Connect bucket
    mapping: amazon-connect
    settle: 1s
    rescan: 5s
media:
  incomplete_for: 4s                # short, so that the demo need not wait for a truncated file
"""

AGENTS = """\
email,extension,login,name
agent-201@example.com,201,agent.201,Agent 201
agent-202@example.com,202,agent.202,Agent 202
agent-203@example.com,203,agent.203,Agent 203
agent-204@example.com,204,agent.204,Agent 204
agent-205@example.com,205,agent.205,Agent 205
"""

MARK = ".gong-bridge-demo"
"""Lies in a folder that a demo made, so that only such a folder is ever made fresh again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One recording of the demo. `source` is "pbx" or "connect"; `key` is where it is dropped below that folder."""

    file: str
    source: str
    key: str
    sidecars: tuple[tuple[str, str], ...]
    expect: str
    about: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """The folder of one demo."""

    root: Path

    @property
    def configuration(self) -> Path:
        """The bridge.yaml that the demo leaves behind."""
        return self.root / "bridge.yaml"

    def recorder_folder(self, source: str) -> Path:
        """Where the recorder of `source` puts its recordings."""
        return self.root / "recorder" / source

    def drop(self, sample: Sample) -> None:
        """Put a sample where its recorder would: written under a temporary name, then renamed."""
        folder = self.recorder_folder(sample.source)
        for file, key in (*sample.sidecars, (sample.file, sample.key)):
            target = folder / key
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(target.name + ".part")
            with resources.as_file(resources.files("gong_bridge.demo") / "samples" / file) as path:
                shutil.copyfile(path, part)
            part.rename(target)


def make_workspace(root: Path, base_url: str) -> Workspace:
    """A fresh folder at `root`. Raises ConfigError when something that no demo made lies there."""
    if root.exists() and any(root.iterdir()) and not (root / MARK).exists():
        raise ConfigError(f"{root} holds files of your own; name another folder: gong-bridge demo --folder DIR")
    if (root / MARK).exists():
        root.rename(root.with_name(f"{root.name}.{clock.now():%Y%m%d-%H%M%S}"))
    workspace = Workspace(root=root.absolute())
    for source in ("pbx", "connect"):
        workspace.recorder_folder(source).mkdir(parents=True)
    (workspace.root / MARK).touch()
    text = CONFIGURATION.format(base_url=base_url, path=workspace.configuration)
    workspace.configuration.touch(mode=0o600)
    workspace.configuration.write_text(text, encoding="utf-8")
    (workspace.root / "agents.csv").write_text(AGENTS, encoding="utf-8")
    return workspace


def samples() -> Iterator[Sample]:
    """The recordings that ship with the product, in the order in which the demo drops them."""
    manifest = resources.files("gong_bridge.demo") / "samples" / "manifest.yaml"
    data: dict[str, Any] = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    for row in data["samples"]:
        yield Sample(
            file=row["file"],
            source=row["source"],
            key=row["key"],
            sidecars=tuple((one["file"], one["key"]) for one in row.get("sidecars", ())),
            expect=row["expect"],
            about=row["about"],
        )
