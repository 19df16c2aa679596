"""`gong-bridge mapping try`: what a mapping makes of many recordings at once: real ones, or names."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, JsonOption, err, out
from gong_bridge.cli.configuration import read_config
from gong_bridge.cli.mapping_folders import FolderOption
from gong_bridge.cli.mapping_try_names import try_names
from gong_bridge.cli.mapping_try_show import show_tally
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.trial import Tally
from gong_bridge.model import Recording
from gong_bridge.outcomes import outcomes_of
from gong_bridge.readable import printable
from gong_bridge.scratch import scratch_bridge
from gong_bridge.service import Bridge
from gong_bridge.sources.names import NameRules, key_from_bytes

_MOST_RECORDINGS = 1000


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to look in one source: every key that begins with `prefix`, or the one key."""

    source: FolderSource | BucketSource
    prefix: str
    is_file: bool = False


def try_recordings(
    targets: Annotated[
        list[str] | None, typer.Argument(help="Files, folders or s3://bucket/prefix of configured sources.")
    ] = None,
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Try this mapping instead of the source's own.")
    ] = None,
    names_from: Annotated[
        str | None,
        typer.Option("--names-from", help="Try names of files that are not here: a listing, one a line; - is stdin."),
    ] = None,
    source: Annotated[str | None, typer.Option("--source", help="With --names-from: whose names these are.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Look at so many recordings at most; 0: at all. 1000 unless --names-from.")
    ] = None,
    config: ConfigOption = None,
    mappings: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a mapping makes of real recordings: how many fit, which do not and why, and who is unknown.

    Touches nothing: no ledger entry, no call. The media is really read, but with --names-from only names are looked
    at, without asking Gong. Exits 1 when any would be held.
    """
    if names_from is not None:
        if targets:
            raise ConfigError("give either files and folders, or --names-from")
        tally = try_names(
            names_from, mapping=mapping, source=source, limit=limit or 0, config=config, folder=mappings,
            as_json=as_json,
        )  # fmt: skip
        most = limit or 0
    else:
        most = _MOST_RECORDINGS if limit is None else limit
        tally = _try_places(targets or [], mapping, most, config, as_json)
    if not as_json:
        show_tally(tally)
        if names_from is not None:
            note = "Only names were looked at: each taken for a minute of mono, Gong was not asked."
            out.print(Text(note, style="dim"))
        if most and tally.total == most:
            out.print(Text(f"Only the first {most} were looked at; --limit 0 looks at all.", style="yellow"))
    raise typer.Exit(EXIT_PERSON_NEEDED if tally.held else EXIT_FINE)


def _try_places(targets: list[str], mapping: str | None, most: int, config: Path | None, as_json: bool) -> Tally:
    if not targets:
        raise ConfigError("name files, folders or s3://bucket/prefix to look at, or a listing with --names-from")

    def sources(options: Config) -> set[str]:
        return set() if mapping else {place.source.name for one in targets for place in places_of(options, one)}

    options = read_config(config, mappings_of=sources)
    places = [place for target in targets for place in places_of(options, target)]
    tally = _look_at_all(_only(options, places, mapping), places, most, as_json)
    if not tally.total:
        raise ConfigError(f"no recordings there: {', '.join(targets)}; does the source's include take them?")
    return tally


# --- where to look ---------------------------------------------------------------------------------------------------


def places_of(options: Config, target: str) -> list[Place]:
    """Every source that reads the target, or lies in it. Raises ConfigError when none does."""
    places = _in_buckets(options, target) if target.startswith("s3://") else _in_folders(options, target)
    if not places:
        raise ConfigError(f"no source of the configuration reads {printable(target)}; add it under `sources`")
    return places


def _in_buckets(options: Config, url: str) -> list[Place]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return [
        Place(source=source, prefix=key)
        for source in options.sources
        if isinstance(source, BucketSource)
        and source.bucket == bucket
        and (key.startswith(source.prefix) or source.prefix.startswith(key))
    ]


def _in_folders(options: Config, target: str) -> list[Place]:
    path = Path(target)
    if not path.exists() and not path.is_symlink():
        raise ConfigError(f"there is no {printable(target)}")
    real = path.resolve() if path.is_dir() else path.parent.resolve() / path.name
    places = []
    for source in options.sources:
        if not isinstance(source, FolderSource):
            continue
        folder = source.folder.resolve()
        if folder.is_relative_to(real):
            places.append(Place(source=source, prefix=""))
        elif real.is_relative_to(folder):
            key = key_from_bytes(bytes(real.relative_to(folder)))
            places.append(
                Place(source=source, prefix=key if not path.is_dir() else key + "/", is_file=not path.is_dir())
            )
    files = [place for place in places if place.is_file]
    taking = [place for place in files if NameRules(place.source.include, place.source.exclude).takes(place.prefix)]
    return taking[:1] or places[:1] if files else places


def _only(options: Config, places: Sequence[Place], mapping: str | None) -> Config:
    """The configuration with nothing but the sources that are looked at, read with `mapping` when one is named."""
    sources = {place.source.name: place.source for place in places}.values()
    changed = [one.model_copy(update={"mapping": mapping, "options": {}}) if mapping else one for one in sources]
    return options.model_copy(update={"sources": tuple(changed)})


def _recordings(bridge: Bridge, places: Sequence[Place]) -> Iterator[Recording]:
    """Each recording once, sidecars left out (but not a file that was named)."""
    seen: set[tuple[str, str]] = set()
    for place in places:
        route = bridge.routes[place.source.name]
        found = [route.source.stat(place.prefix)] if place.is_file else route.source.candidates()
        for recording in found:
            name = (recording.source, recording.key)
            is_here = place.is_file or (
                recording.key.startswith(place.prefix) and not route.mapping.is_sidecar(recording.key)
            )
            if is_here and name not in seen:
                seen.add(name)
                yield recording


# --- looking ---------------------------------------------------------------------------------------------------------


def _look_at_all(options: Config, places: Sequence[Place], limit: int, as_json: bool) -> Tally:
    tally = Tally()
    with scratch_bridge(options) as bridge, err.status("looking") as status:
        found = itertools.islice(_recordings(bridge, places), limit or None)
        for outcome in outcomes_of(bridge, found):
            tally.add(outcome)
            if as_json:
                sys.stdout.write(json.dumps(outcome.to_json(), ensure_ascii=False, default=str) + "\n")
            status.update(f"looked at {tally.total} recordings")
    return tally
