"""`mapping try --names-from`: a mapping tried on names of files that are not here, such as a recorder's listing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gong_bridge import clock
from gong_bridge.cli.common import err
from gong_bridge.cli.configuration import read_config
from gong_bridge.cli.mapping_samples import lines_of
from gong_bridge.config.load import default_path
from gong_bridge.config.schema import BucketSource, CompanyOptions, Config, FolderSource
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.agents import Agent, load_agents
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.library import find_mapping
from gong_bridge.mapping.people import Company
from gong_bridge.mapping.trial import NamesOnly, Outcome, Tally
from gong_bridge.sources.names import NameRules

_BATCH = 2000
_ONE_PROCESS = 4000  # fewer names are done before a second process has started
_PROCESSES = 2


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the names are tried with; can be handed to another process."""

    mapping_file: Path
    options: dict[str, Any]
    source: str
    company: CompanyOptions
    time_zone: str
    agents: tuple[Agent, ...]
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    now: datetime

    def looker(self) -> NamesOnly:
        """Ready to look at names."""
        company = Company(
            country=self.company.country, time_zone=ZoneInfo(self.time_zone),
            extensions=re.compile(self.company.extensions), numbers=self.company.numbers,
        )  # fmt: skip
        mapping = load_mapping(self.mapping_file, self.options)
        return NamesOnly(
            mapping=mapping, source=self.source, company=company, agents=self.agents,
            now=self.now,
        )  # fmt: skip


def try_names(
    listing: str, *, mapping: str | None, source: str | None, limit: int, config: Path | None, folder: Path | None,
    as_json: bool,
) -> Tally:  # fmt: skip
    """What becomes of every name of the listing (a file, or - for standard input). Raises ConfigError."""
    names = _names(listing)
    if limit:
        names = names[:limit]
    setting = _setting(mapping, source, config, folder)
    tally = Tally()
    columns = (TextColumn("looking at names"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=len(names))
        for outcomes in _looked(setting, names):
            for outcome in outcomes:
                tally.add(outcome)
                if as_json:
                    sys.stdout.write(json.dumps(outcome.to_json(), ensure_ascii=False, default=str) + "\n")
            progress.advance(task, len(outcomes))
    return tally


def _names(listing: str) -> list[str]:
    try:
        data = sys.stdin.buffer.read() if listing == "-" else Path(listing).read_bytes()
    except OSError as error:
        raise ConfigError(f"--names-from: {listing} cannot be read ({error.strerror})") from None
    names = [name.lstrip("/") for name in lines_of(data)]
    if not names:
        raise ConfigError(f"--names-from: there is no name in {listing}; write one a line")
    return names


def _setting(mapping: str | None, source: str | None, config: Path | None, folder: Path | None) -> Setting:
    """By the source that is named, or has the mapping, or is the only one; without bridge.yaml by --mapping alone."""
    options = _configuration(config)
    own = folder or (options.mappings if options else None)
    chosen = _source(options, mapping, source) if options else None
    name = mapping or (chosen.mapping if chosen else None)
    if name is None:
        raise ConfigError("say which mapping shall read the names: --mapping NAME")
    path = Path(name) if Path(name).is_file() else find_mapping(name, own)
    company = options.company if options else CompanyOptions()
    return Setting(
        mapping_file=path, options=dict(chosen.options) if chosen and mapping is None else {},
        source=chosen.name if chosen else "names", company=company,
        time_zone=(chosen.time_zone if chosen else None) or company.time_zone,
        agents=tuple(load_agents(options.agents)) if options and options.agents else (),
        include=chosen.include if chosen else ("**/*",), exclude=chosen.exclude if chosen else (), now=clock.now(),
    )  # fmt: skip


def _configuration(config: Path | None) -> Config | None:
    try:
        return read_config(default_path(config), look_at_disk=False, look_at_mappings=False, read_secrets=False)
    except ConfigError:
        if config is not None:
            raise
        return None


def _source(options: Config, mapping: str | None, source: str | None) -> FolderSource | BucketSource | None:
    sources: Sequence[FolderSource | BucketSource] = options.sources
    if source is not None:
        found = [one for one in sources if one.name == source]
        if not found:
            raise ConfigError(f"--source: there is no source {source!r} in the configuration")
        return found[0]
    fitting = [one for one in sources if mapping is None or one.mapping == mapping] or list(sources)
    if len(fitting) > 1 and mapping is None:
        names = ", ".join(one.name for one in fitting)
        raise ConfigError(f"say for which source the names are: --source with one of {names}")
    return fitting[0]


def _looked(setting: Setting, names: Sequence[str]) -> Iterator[list[Outcome]]:
    batches = _batches(names)
    _begin(setting)  # a mapping that is wrong is told here, not by a process that ends
    if len(names) <= _ONE_PROCESS:
        yield from map(_look, batches)
        return
    with ProcessPoolExecutor(_PROCESSES, initializer=_begin, initargs=(setting,)) as pool:
        yield from pool.map(_look, batches)


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    rest: Iterable[str] = iter(names)
    while batch := list(islice(rest, _BATCH)):
        yield batch


_WORK: list[tuple[NamesOnly, NameRules]] = []


def _begin(setting: Setting) -> None:
    """Each process loads the mapping once."""
    _WORK[:] = [(setting.looker(), NameRules(setting.include, setting.exclude))]


def _look(names: list[str]) -> list[Outcome]:
    ((looker, rules),) = _WORK
    return [looker.look(name) if rules.takes(name) else looker.left_out(name) for name in names]
