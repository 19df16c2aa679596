"""Reads bridge.yaml with everything that it names: for commands that look at recordings and mappings."""

from __future__ import annotations

from pathlib import Path

from gong_bridge.cli.common import show_warnings
from gong_bridge.config.load import SourcesOf, default_path, load_config
from gong_bridge.config.schema import Config
from gong_bridge.mapping.agents import load_agents
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.library import find_mapping


def read_config(
    path: Path | None,
    *,
    look_at_disk: bool = True,
    look_at_mappings: bool = True,
    mappings_of: SourcesOf | None = None,
    read_secrets: bool = True,
) -> Config:
    """The configuration a command works with; its warnings go to standard error. Raises ConfigError.

    look_at_disk: False for commands that must answer while a recorder's mount is away.
    look_at_mappings: False for commands that make and mend mappings; one that a source names may not be written yet.
    mappings_of: the names of the sources whose mappings matter, for commands that look at a part; None: of all.
    read_secrets: False for commands that ask nobody: they run where the service's secrets are not.
    """
    loaded = load_config(
        default_path(path),
        find_mapping if look_at_mappings else None,
        read_mapping=load_mapping,
        read_agents=load_agents,
        look_at_disk=look_at_disk,
        mappings_of=mappings_of,
        read_secrets=read_secrets,
    )
    show_warnings(loaded.warnings)
    return loaded.config
