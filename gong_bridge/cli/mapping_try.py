"""`gong-bridge mapping try`: what a mapping makes of many recordings at once, and who is missing in agents.csv."""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, JsonOption, err, out, read_config
from gong_bridge.cli.display import printable
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.errors import ConfigError, Held, NotYetComplete, SourceGone, UnknownPerson
from gong_bridge.mapping.people import agents_line
from gong_bridge.model import Entry, Recording, State
from gong_bridge.service import Bridge, scratch_bridge
from gong_bridge.sources.names import NameRules, key_from_bytes

VERDICTS = {"sent": "green", "skipped": "yellow", "waits": "cyan", "held": "magenta", "not taken": "dim"}
_AT_ONCE = 2  # as many as the probe has processes
_BATCH = 32
_MOST_ROWS = 40
_FIGURES = re.compile(r"\d[\d.,]*")  # the same cause with other figures is the same cause


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to look in one source: every key that begins with `prefix`, or the one key."""

    source: FolderSource | BucketSource
    prefix: str
    is_file: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one recording. `person` is (kind, value) of somebody unknown; `request` what would be sent."""

    source: str
    key: str
    mapping: str
    verdict: str
    code: str | None = None
    reason: str | None = None
    person: tuple[str, str] | None = None
    warnings: tuple[str, ...] = ()
    request: dict[str, Any] | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """One line of --json; `agents_line` is ready for agents.csv but for the e-mail address."""
        person = None
        if self.person is not None:
            kind, value = self.person
            person = {"kind": kind, "value": value, "agents_line": agents_line(kind, value)}
        return {
            "source": self.source, "key": self.key, "mapping": self.mapping, "verdict": self.verdict,
            "code": self.code, "reason": self.reason, "person": person, "warnings": list(self.warnings),
            "request": self.request,
        }  # fmt: skip


def try_recordings(
    targets: Annotated[list[str], typer.Argument(help="Files, folders or s3://bucket/prefix of configured sources.")],
    mapping: Annotated[
        str | None, typer.Option("--mapping", help="Try this mapping instead of the source's own.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="Look at so many recordings at most; 0: at all.")] = 1000,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a mapping makes of real recordings: how many fit, which do not and why, and who is unknown.

    Touches nothing: no ledger entry, no call. The media is really read. Exits 1 when any would be held.
    """
    options = read_config(config)
    places = [place for target in targets for place in places_of(options, target)]
    outcomes = _look_at_all(_only(options, places, mapping), places, limit, as_json)
    if not outcomes:
        raise ConfigError(f"no recordings there: {', '.join(targets)}; does the source's include take them?")
    if not as_json:
        _show(outcomes)
        if limit and len(outcomes) == limit:
            out.print(Text(f"Only the first {limit} were looked at; --limit 0 looks at all.", style="yellow"))
    raise typer.Exit(EXIT_PERSON_NEEDED if any(one.verdict == "held" for one in outcomes) else EXIT_FINE)


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


def _look_at_all(options: Config, places: Sequence[Place], limit: int, as_json: bool) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with scratch_bridge(options) as bridge, ThreadPoolExecutor(_AT_ONCE) as pool, err.status("looking") as status:
        found = itertools.islice(_recordings(bridge, places), limit or None)
        while batch := list(itertools.islice(found, _BATCH)):
            for outcome in pool.map(lambda recording: _look(bridge, recording), batch):
                outcomes.append(outcome)
                if as_json:
                    sys.stdout.write(json.dumps(outcome.to_json(), ensure_ascii=False, default=str) + "\n")
            status.update(f"looked at {len(outcomes)} recordings")
    return outcomes


def _look(bridge: Bridge, recording: Recording) -> Outcome:
    """Raises what is no recording's fault: a source or Gong that cannot be reached, wrong keys."""
    route = bridge.routes[recording.source]
    options = next(source for source in bridge.config.sources if source.name == recording.source)
    ends = partial(Outcome, source=recording.source, key=recording.key, mapping=route.mapping.name)
    if not NameRules(options.include, options.exclude).takes(recording.key) or route.mapping.is_sidecar(recording.key):
        return ends(verdict="not taken", reason="the source's include and exclude, or its mapping, leave it out")
    now = clock.now()
    entry = Entry(
        id=0, source=recording.source, key=recording.key, version=recording.version, size_bytes=recording.size_bytes,
        modified_at=recording.modified_at, state=State.FOUND, due_at=now, found_at=now, updated_at=now,
    )  # fmt: skip
    try:
        looked = bridge.looking.look(entry, now=now)
    except UnknownPerson as error:
        person = (error.kind, error.value)
        return ends(verdict="held", code=error.code, reason=error.message, person=person)
    except Held as error:
        return ends(verdict="held", code=error.code, reason=error.message)
    except NotYetComplete as error:
        return ends(verdict="waits", code=error.code, reason=error.message)
    except SourceGone as error:
        return ends(verdict="skipped", code=error.code, reason=error.message)
    composition = looked.composition
    if composition is None or composition.draft is None:
        reason = composition.skip_reason if composition else looked.verdict.skip_reason
        return ends(verdict="skipped", reason=reason)
    warnings = (*looked.verdict.warnings, *composition.warnings)
    return ends(verdict="sent", warnings=warnings, request=composition.draft.to_json())


# --- showing ---------------------------------------------------------------------------------------------------------


def _show(outcomes: Sequence[Outcome]) -> None:
    out.print(_summary(outcomes))
    rows = list(_reasons(outcomes))
    if rows:
        out.print()
        out.print(_table(("recordings", "verdict", "why", "for example"), rows[:_MOST_ROWS]))
    if len(rows) > _MOST_ROWS:
        out.print(Text(f"and {len(rows) - _MOST_ROWS} more reasons; --json shows each recording", style="dim"))
    people = Counter(one.person for one in outcomes if one.person is not None)
    lines = [(line, count) for (kind, value), count in people.most_common() if (line := agents_line(kind, value))]
    if lines:
        out.print()
        out.print(Text("Unknown people. Ready for agents.csv, but for their e-mail addresses:", style="bold"))
        for line, count in lines:
            text = Text.assemble(f"{printable(line)}", (f"    {count} recording{'s' if count > 1 else ''}", "dim"))
            out.print(text, soft_wrap=True)


def _summary(outcomes: Sequence[Outcome]) -> Table:
    counts = Counter((one.source, one.mapping, one.verdict) for one in outcomes)
    verdicts = [verdict for verdict in VERDICTS if any(key[2] == verdict for key in counts)]
    rows = []
    for source, mapping in dict.fromkeys((one.source, one.mapping) for one in outcomes):
        numbers = [counts[source, mapping, verdict] for verdict in verdicts]
        rows.append((source, mapping, str(sum(numbers)), *map(str, numbers)))
    words = {"sent": "would be sent", "waits": "would wait", "skipped": "skipped", "held": "held"}
    return _table(("source", "mapping", "recordings", *(words.get(verdict, verdict) for verdict in verdicts)), rows)


def _reasons(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, str, str, str]]:
    """Count, verdict, reason, an example: the same cause for many recordings is one row, the most frequent first."""
    grouped: dict[tuple[object, ...], list[tuple[str, str]]] = {}
    for one in outcomes:
        if one.reason is not None:
            reason = _without_names(one.reason, one.key)
            cause = (one.verdict, _FIGURES.sub("#", reason), one.person)
            grouped.setdefault(cause, []).append((reason, one.key))
        for warning in one.warnings:
            grouped.setdefault(("sent, remark", _FIGURES.sub("#", warning)), []).append((warning, one.key))
    for keys in _same_identity(outcomes):
        reason = "the same clientUniqueId: Gong would take them for one call; put into it what differs"
        grouped.setdefault(("sent once", reason), []).extend((reason, key) for key in keys)
    for about, found in sorted(grouped.items(), key=lambda item: (str(item[0][0]), -len(item[1]))):
        reason, key = found[0]
        yield str(len(found)), str(about[0]), printable(reason), printable(key)


def _without_names(reason: str, key: str) -> str:
    """The reason with `*` for the recording's own name, so that the same cause reads the same."""
    folder, slash, name = key.rpartition("/")
    stem = name.rpartition(".")[0] or name
    shown = reason.replace(folder + slash, "") if folder else reason
    return shown.replace(stem, "*") if len(stem) > 3 else shown


def _same_identity(outcomes: Iterable[Outcome]) -> Iterator[list[str]]:
    keys: dict[str, list[str]] = {}
    for one in outcomes:
        if one.request is not None:
            keys.setdefault(str(one.request["clientUniqueId"]), []).append(one.key)
    return (same for same in keys.values() if len(same) > 1)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=VERDICTS.get(cell, "")) for cell in row))
    return table
