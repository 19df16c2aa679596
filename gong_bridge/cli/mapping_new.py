"""`gong-bridge mapping new`: writes a mapping from names of recordings, by asking or with flags."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gong_bridge import clock
from gong_bridge.cli import mapping_asking as ask
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED
from gong_bridge.cli.mapping_folders import ConfigOption, FolderOption, surroundings
from gong_bridge.cli.mapping_new_result import show_fields, show_result, show_sidecar
from gong_bridge.cli.mapping_samples import Samples, read_samples
from gong_bridge.config.schema import CompanyOptions
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.engine import Mapping, load_mapping
from gong_bridge.mapping.guessing import Plan, Shape
from gong_bridge.mapping.new_case import make_case, write_case
from gong_bridge.mapping.planning import Given, Unexplained, lacks, merged, read_from_sidecar, read_given, shapes_with
from gong_bridge.mapping.sidecar_guessing import find_sidecar, guess_sidecar, keys_of
from gong_bridge.mapping.writing import Choices, SidecarPlan, write_mapping
from gong_bridge.readable import printable

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_WAYS = ("Inbound", "Outbound", "Conference", "Unknown")
_MOST_CASE_TRIES = 20
Found = TypeVar("Found")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the flags say; None where nothing was said."""

    sidecar: str | None
    zone: str | None
    agent: str | None
    agent_channel: int | None
    direction: str | None
    internal: str | None
    words: tuple[tuple[str, str], ...]
    asks: bool


def new_mapping(
    samples: Annotated[
        list[str] | None,
        typer.Argument(help="Names, files or folders of recordings; - reads names from standard input, one a line."),
    ] = None,
    from_: Annotated[list[str] | None, typer.Option("--from", help="The same as the argument.")] = None,
    name: Annotated[str | None, typer.Option(help="The mapping's name: letters, digits, - and _.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="What a field is: 1=start, 2=date:%d%m%Y, 3=agent, 2.1=ignore, sidecar.id=id, folder=agent."),
    ] = None,
    sidecar: Annotated[
        str | None, typer.Option(help="The sidecar of the first sample, or none. Without it: looked for beside it.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Zone of local times; without it the source's time_zone.")] = None,
    agent: Annotated[str | None, typer.Option(help="E-mail address, when all recordings are one person's.")] = None,
    agent_channel: Annotated[
        int | None, typer.Option(min=0, max=1, help="Channel of the agent in stereo recordings: 0 left, 1 right.")
    ] = None,
    direction: Annotated[str | None, typer.Option(help="Inbound, Outbound ..., when it is always the same.")] = None,
    direction_word: Annotated[
        list[str] | None, typer.Option(help="A word of the recorder's: ankommend=Inbound.")
    ] = None,
    internal: Annotated[str | None, typer.Option(help="Internal calls: skip, Conference or Unknown.")] = None,
    output: Annotated[Path | None, typer.Option(help="The file; without it NAME.yaml in your mappings.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take the guesses and what the flags say.")] = False,
    config: ConfigOption = None,
    mappings: FolderOption = None,
) -> None:
    """Write a mapping from sample names: it guesses what the parts mean, asks, and shows what comes of the samples.

    Also makes a golden case for `mapping test`. Sends nothing. Exits 1 when some samples cannot be explained.
    """
    asks = not yes and sys.stdin.isatty()
    company, own = surroundings(config, mappings)
    read = read_samples([*(samples or ()), *(from_ or ())], ask.names if asks else None)
    given = _or_refuse(lambda: read_given(field or ()))
    called = _called(name, output, asks)
    target = output or (own or Path("mappings")) / f"{called}.yaml"
    if target.exists():
        raise ConfigError(f"{target} is there already; choose another --name or --output, or remove it")
    wanted = Wanted(
        sidecar=sidecar, zone=zone, agent=agent, agent_channel=agent_channel, direction=_way(direction),
        internal=_policy(internal), words=_words(direction_word or ()), asks=asks,
    )  # fmt: skip
    choices, unexplained = _choose(called, read, given, company, wanted)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(write_mapping(choices), encoding="utf-8")
    mapping = load_mapping(target)
    case = _golden_case(mapping, read, company, target.parent / "tests" / called)
    all_fit = show_result(mapping, target, read, company, case, unexplained, choices)
    raise typer.Exit(EXIT_FINE if all_fit else EXIT_PERSON_NEEDED)


def _called(name: str | None, output: Path | None, asks: bool) -> str:
    called = output.stem if output is not None else name
    if called is None and asks:
        called = ask.text("A short name for the mapping", "own", check=_NAME.fullmatch)
    if called is None or not _NAME.fullmatch(called):
        raise ConfigError("--name: give the mapping a name of letters, digits, - and _, such as --name own")
    return called


# --- choosing --------------------------------------------------------------------------------------------------------


def _choose(
    called: str, read: Samples, given: Given, company: CompanyOptions, wanted: Wanted
) -> tuple[Choices, list[Unexplained]]:
    plan = Plan(country=company.country, extensions=re.compile(company.extensions))
    stems = [_stem(key) for key in read.keys]
    shapes = _or_refuse(lambda: shapes_with(stems, plan, given))
    sidecar = _sidecar(read, plan, given, wanted)
    if sidecar is not None:
        shapes = read_from_sidecar(shapes, sidecar, given)
    if wanted.asks:
        shapes, sidecar, given = ask.about_fields(stems, plan, given, shapes, sidecar)
    else:
        show_fields(shapes)
        if sidecar is not None:
            show_sidecar(sidecar)
    elsewhere = bool(wanted.agent) or given.agent_from_folder
    kept, unexplained = _explained(merged(shapes), sidecar, elsewhere)
    if not kept and wanted.asks and not elsewhere:
        wanted = replace(wanted, agent=ask.agent() or None)
        kept, unexplained = _explained(merged(shapes), sidecar, bool(wanted.agent))
    if not kept:
        raise ConfigError([f"{printable(one.sample)}: {one.why}" for one in unexplained[:5]] + [_cure(sidecar)])
    choices = Choices(
        name=called, about=f"Recordings named like {read.keys[0].rpartition('/')[2]}", shapes=tuple(kept),
        samples=tuple(read.keys[:8]), sidecar=sidecar, zone=wanted.zone, agent_email=wanted.agent,
        agent_from_folder=given.agent_from_folder, agent_channel=wanted.agent_channel, direction=wanted.direction,
        directions=wanted.words, internal=wanted.internal or "skip",
    )  # fmt: skip
    return (ask.about_the_rest(choices, company.time_zone) if wanted.asks else choices), unexplained


def _explained(
    shapes: list[Shape], sidecar: SidecarPlan | None, elsewhere: bool
) -> tuple[list[Shape], list[Unexplained]]:
    kept, unexplained = [], []
    for shape in shapes:
        why = lacks(shape, sidecar=sidecar, agent_elsewhere=elsewhere)
        if why is None:
            kept.append(shape)
        else:
            unexplained += [Unexplained(sample=stem, why=why) for stem in shape.stems]
    return kept, unexplained


def _cure(sidecar: SidecarPlan | None) -> str:
    beside = "" if sidecar else ", --sidecar FILE when the facts lie beside the recording"
    return (
        "no mapping can be made of these names. Say what the fields are (--field 2=agent, --field 1=start:%Y%m%d%H%M%S)"
        f"{beside}, or --agent EMAIL when all are one person's"
    )


def _sidecar(read: Samples, plan: Plan, given: Given, wanted: Wanted) -> SidecarPlan | None:
    if wanted.sidecar == "none" or read.first_file is None:
        return None
    found = find_sidecar(read.first_file)
    if wanted.sidecar is not None:
        path = Path(wanted.sidecar)
        if found is None or found[0].resolve() != path.resolve():
            raise ConfigError(f"--sidecar: {path} does not lie beside {read.first_file.name} under the same name")
    if found is None:
        return None
    try:
        keys_of(found[0])
        return guess_sidecar(found[0], found[1], plan, dict(given.sidecar))
    except (ValueError, KeyError) as error:
        raise ConfigError(f"the sidecar {error}; name another with --sidecar, or --sidecar none") from None


def _golden_case(mapping: Mapping, read: Samples, company: CompanyOptions, folder: Path) -> Path | None:
    """A case of the first sample that becomes a call."""
    now = clock.now().replace(microsecond=0)
    for key in read.keys[:_MOST_CASE_TRIES]:
        made = make_case(mapping, key, now=now, company=company, files=read.root)
        if made.becomes_a_call:
            write_case(made, folder / "first", mapping=mapping.name, files=read.root)
            return folder / "first"
    return None


# --- flags -----------------------------------------------------------------------------------------------------------


def _stem(key: str) -> str:
    name = key.rpartition("/")[2]
    stem, dot, _ = name.rpartition(".")
    return stem if dot and stem else name


def _way(direction: str | None) -> str | None:
    if direction is not None and direction not in _WAYS:
        raise ConfigError(f"--direction: write one of {', '.join(_WAYS)}, not {direction!r}")
    return direction


def _policy(internal: str | None) -> str | None:
    if internal is not None and internal not in ("skip", "Conference", "Unknown"):
        raise ConfigError(f"--internal: write skip, Conference or Unknown, not {internal!r}")
    return internal


def _words(texts: list[str] | tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for text in texts:
        word, _, meaning = text.partition("=")
        if not word or _way(meaning) is None:
            raise ConfigError(f"--direction-word: write WORD=Inbound, not {text!r}")
        pairs.append((word, meaning))
    return tuple(pairs)


def _or_refuse(work: Callable[[], Found]) -> Found:
    try:
        return work()
    except ValueError as error:
        raise ConfigError(f"--field: {error}") from None
