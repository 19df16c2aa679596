"""Where the user's own mappings lie: the options that the `mapping` commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gong_bridge.cli.configuration import read_config
from gong_bridge.config.load import default_path
from gong_bridge.config.schema import CompanyOptions, Config
from gong_bridge.errors import ConfigError

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        help="Take the folder of your own mappings from this bridge.yaml. Without it and --mappings: the shipped ones.",
        show_default=False,
    ),
]
FolderOption = Annotated[Path | None, typer.Option("--mappings", help="A folder of your own mapping files.")]


def own_folder(folder: Path | None, config: Path | None) -> Path | None:
    """The user's mappings: the folder named, else that of the configuration, else none but the shipped ones."""
    if folder is not None:
        return folder
    if config is None:
        try:
            config = default_path()
        except ConfigError:
            return None
    return _read(config).mappings


def surroundings(config: Path | None, mappings: Path | None) -> tuple[CompanyOptions, Path | None]:
    """The company's facts and the folder of the user's mappings, by bridge.yaml where there is one."""
    try:
        found = default_path(config)
    except ConfigError:
        if config is not None:
            raise
        return CompanyOptions(), mappings
    options = _read(found)
    return options.company, mappings or options.mappings


def _read(config: Path) -> Config:
    """For those who make, mend and test mappings: on a laptop, too, where neither recordings nor secrets are."""
    return read_config(config, look_at_disk=False, look_at_mappings=False, read_secrets=False)
