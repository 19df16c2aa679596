"""bridge.yaml in, Config out: every mistake at once, each with its place and its cure."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gong_bridge.config.on_disk import Look, beneath, sqlite_path
from gong_bridge.config.places import SidecarFolder
from gong_bridge.config.schema import BucketSource, Config, FolderSource, MoveTo, name_is_taken
from gong_bridge.config.secrets import points_elsewhere
from gong_bridge.errors import ConfigError
from gong_bridge.strict_yaml import Document, load_document, problems_of

SYSTEM_PATH = Path("/etc/gong-bridge/bridge.yaml")
SECRET_KEYS = frozenset(
    {
        "access_key",
        "access_key_secret",
        "client_secret",
        "token",
        "password",
        "url",
        "base_url",
        "endpoint_url",
        "events",
    }
)
"""Keys whose values no message shows: secrets, and addresses in which people write passwords."""

FindMapping = Callable[[str, Path | None], Path]
SourcesOf = Callable[[Config], Collection[str]]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A valid configuration, and what a person should know although it is valid (lines like ConfigError's)."""

    config: Config
    warnings: tuple[str, ...]


def default_path(
    explicit: Path | None = None, *, environment: Mapping[str, str] = os.environ, system_path: Path = SYSTEM_PATH
) -> Path:
    """Which bridge.yaml to read: `explicit`, $GONG_BRIDGE_CONFIG, ./bridge.yaml, /etc/gong-bridge/bridge.yaml.

    The first two are taken at their word; ConfigError lists where was looked when nothing is named or found.
    """
    if explicit is not None:
        return explicit
    if environment.get("GONG_BRIDGE_CONFIG"):
        return Path(environment["GONG_BRIDGE_CONFIG"])
    for candidate in (Path("bridge.yaml"), system_path):
        if os.path.lexists(candidate):
            return candidate
    raise ConfigError(
        f"no configuration found: $GONG_BRIDGE_CONFIG is not set, and neither {Path.cwd() / 'bridge.yaml'} nor "
        f"{system_path} exists; name the file with --config, or write one (see docs/configuration.md)"
    )


def load_config(
    path: Path,
    find_mapping: FindMapping | None,
    *,
    read_mapping: Callable[[Path], object] | None = None,
    read_agents: Callable[[Path], object] | None = None,
    look_at_disk: bool = True,
    mappings_of: SourcesOf | None = None,
    read_secrets: bool = True,
) -> Loaded:
    """Read and check bridge.yaml; nothing is created or changed.

    All relative paths in it become absolute, taken from the folder of the file. `find_mapping(name, folder)` gives a
    mapping's file or raises ConfigError; `read_mapping` and `read_agents` read the files that were found, so that
    their mistakes are told together with those of bridge.yaml. `look_at_disk=False` leaves out whether folders are
    there, for commands that must work while a mount is away; `find_mapping=None` whether mappings are there and right,
    for commands that make or mend them, or never use them; `mappings_of` gives the names of the sources that matter,
    when not all do. `read_secrets=False` leaves env:, file: and credential: alone, for commands that ask nobody.
    Raises ConfigError with every mistake, in the file's order.
    """
    document = load_document(path)
    folder = path.absolute().parent
    look = Look(document=document, folder=folder)
    config: Config | None = None
    problems: list[str] = []
    try:
        config = Config.model_validate(document.data, context={"folder": folder, "read_secrets": read_secrets})
    except ValidationError as error:
        problems = problems_of(document, error, Config, secret_keys=SECRET_KEYS)
    look.at_rules(name_is_taken)
    if look_at_disk:
        look.at_folders()
    look.at_agents(read_agents)
    if find_mapping is not None:
        names = None if mappings_of is None or config is None else mappings_of(_absolute(config, folder))
        look.at_mappings(find_mapping, read_mapping, of_sources=names)
    # A mistake that the schema and the disk both see is told once; `look` knows the order of the file.
    problems += [line for line in look.problems() if line not in problems]
    if problems or config is None:
        raise ConfigError(sorted(problems, key=lambda line: _place(line, path)))
    return Loaded(config=_absolute(config, folder), warnings=(*_readable_secrets(document), *look.warnings))


def _place(line: str, path: Path) -> tuple[bool, int, int]:
    """Mistakes of bridge.yaml by line and column, then those of other files as they came."""
    if not line.startswith(f"{path}:"):
        return True, 0, 0
    row, column, *_ = line.removeprefix(f"{path}:").split(":", 2)
    return False, int(row), int(column)


def _absolute(config: Config, folder: Path) -> Config:
    """The same configuration with every path absolute."""
    update: dict[str, Any] = {
        "agents": None if config.agents is None else beneath(folder, config.agents),
        "mappings": None if config.mappings is None else beneath(folder, config.mappings),
        "sources": tuple(_absolute_source(source, folder) for source in config.sources),
    }
    ledger = sqlite_path(config.ledger.url)
    if ledger is not None:
        update["ledger"] = config.ledger.model_copy(update={"url": f"sqlite:///{beneath(folder, ledger)}"})
    if config.media.conversion_folder is not None:
        conversion_folder = beneath(folder, config.media.conversion_folder)
        update["media"] = config.media.model_copy(update={"conversion_folder": conversion_folder})
    return config.model_copy(update=update)


def _absolute_source(source: FolderSource | BucketSource, folder: Path) -> FolderSource | BucketSource:
    update: dict[str, Any] = {
        "sidecars": {
            name: SidecarFolder(folder=beneath(folder, place.folder)) if isinstance(place, SidecarFolder) else place
            for name, place in source.sidecars.items()
        }
    }
    if isinstance(source, BucketSource):
        return source.model_copy(update=update)
    update["folder"] = beneath(folder, source.folder)
    if isinstance(source.after_upload, MoveTo):
        update["after_upload"] = MoveTo(move_to=str(beneath(folder, source.after_upload.move_to)))
    return source.model_copy(update=update)


def _readable_secrets(document: Document) -> list[str]:
    """A warning for each literal secret in a file that every user of the machine can read."""
    try:
        readable = document.path.stat().st_mode & stat.S_IROTH
    except OSError:
        return []
    warnings = []
    accounts = document.data.get("accounts")
    groups = [("gong",), *(("accounts", str(name)) for name in (accounts if isinstance(accounts, dict) else ()))]
    kept = (("access_key",), ("access_key_secret",), ("oauth", "client_secret"))
    keys = [(*group, *key) for group in groups for key in kept]
    for loc in (*keys, ("web", "token"), ("ledger", "password")):
        group: Any = document.data
        for part in loc[:-1]:
            group = group.get(part) if isinstance(group, dict) else None
        value = group.get(loc[-1]) if isinstance(group, dict) else None
        if readable and isinstance(value, str) and not points_elsewhere(value):
            what = "the secret stands in a file that every user of this machine can read"
            warnings.append(document.problem(loc, f"{what}; chmod o-r {document.path}, or write env:NAME or file:PATH"))
    return warnings
