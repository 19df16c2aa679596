"""`gong-bridge drill`: a bad day, played with your own configuration on copies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock, logs
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, JsonOption, err, out
from gong_bridge.cli.configuration import read_config
from gong_bridge.drill.playing import Result, check_names, chosen_scenes, play_all
from gong_bridge.drill.preparing import prepare
from gong_bridge.drill.scenes import SCENES
from gong_bridge.drill.stage import Company
from gong_bridge.errors import ConfigError
from gong_bridge.readable import printable

_MOST_REMOVALS = 20
_SETTLED_SECONDS = 0.2
_NICER = 10
"""The running bridge on this machine goes first."""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("drill", epilog="Examples: gong-bridge drill --quick; gong-bridge drill --scene no-dns")(drill)


def drill(
    config: ConfigOption = None,
    scene: Annotated[
        list[str] | None, typer.Option("--scene", help="Play this scene only; may be given several times.")
    ] = None,
    recordings: Annotated[
        int, typer.Option("--recordings", min=1, max=50, help="So many calls of each source, the newest.")
    ] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Only the scenes that take seconds.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Leave everything that was played here, to look at; else nothing.")
    ] = None,
    show_scenes: Annotated[bool, typer.Option("--list", help="Show the scenes and play none.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Play a bad day: does every recording still arrive, and once?

    Your configuration runs on copies of your newest recordings, against stand-ins for Gong, S3 and SQS on this
    machine, which make trouble. Your folders and buckets are only read; your ledger, your queues and Gong are not
    touched. It may run beside the service. Exits 1 when a scene does not come out as it must.
    """
    if show_scenes:
        _show_scenes(as_json=as_json)
        return
    check_names(scene or [])
    options = read_config(config)
    os.nice(_NICER)
    for number in (signal.SIGTERM, signal.SIGINT):  # copies of recordings are removed whoever ends it
        signal.signal(number, signal.default_int_handler)
    stop = threading.Event()
    began = clock.monotonic_seconds()
    with _workplace(folder) as place, _log_into(place), _Progress(as_json=as_json) as progress:
        try:
            company = prepare(options, place, wanted=recordings, stop=stop, tell=progress.preparing)
            scenes = chosen_scenes(company, scene or [], quick=quick)
            progress.begin([one.name for one in scenes])
            results = play_all(company, scenes, place / "scenes", progress.ended)
        except KeyboardInterrupt:
            stop.set()
            raise
    if not as_json:
        _show(company, results, clock.monotonic_seconds() - began)
    raise typer.Exit(EXIT_FINE if all(one.fine for one in results) else EXIT_PERSON_NEEDED)


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        made = Path(tempfile.mkdtemp(prefix="gong-bridge-drill-"))
        try:
            yield made
        finally:
            _remove(made)
        return
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"--folder {folder}: something lies there; name a new folder")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield folder.absolute()


def _remove(made: Path) -> None:
    """A scene that is ended in its midst may still be writing for a moment: nothing of it may stay."""
    for _ in range(_MOST_REMOVALS):
        shutil.rmtree(made, ignore_errors=True)
        clock.wait(threading.Event(), _SETTLED_SECONDS)
        if not made.exists():
            return
    shutil.rmtree(made)  # says what cannot be removed


@contextmanager
def _log_into(place: Path) -> Iterator[None]:
    """What the bridges of the scenes log goes into a file: on the screen it would look like trouble in earnest."""
    with (place / "bridge.log").open("w", encoding="utf-8") as stream:
        logs.configure("info", "json", stream)
        try:
            yield
        finally:
            logs.configure("error", "console")


class _Progress:
    """Says what is under way: one changing line on a terminal, a line for each scene that ended elsewhere."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._status = err.status("preparing") if err.is_terminal else None
        self._left: list[str] = []
        self._count = 0

    def __enter__(self) -> _Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def preparing(self, what: str) -> None:
        """Before the first scene."""
        if self._status is not None:
            self._status.update(printable(what))

    def begin(self, scenes: list[str]) -> None:
        """The scenes that are played."""
        self._left = list(scenes)
        self._count = len(scenes)
        self._show()

    def ended(self, result: Result) -> None:
        """One of them came to its end."""
        self._left.remove(result.scene.name)
        if self._as_json:
            sys.stdout.write(json.dumps(_told(result), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif self._status is None:
            err.print(Text(f"{result.scene.name}: {_verdict(result)} ({result.took_seconds:.0f} s)"), soft_wrap=True)
        self._show()

    def _show(self) -> None:
        if self._status is not None:
            done = self._count - len(self._left)
            self._status.update(f"{done} of {self._count} scenes played; to come: {', '.join(self._left[:6])}")


def _told(result: Result) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "scene": result.scene.name, "fine": result.fine, "expected": verdict.expected, "arrived_once": verdict.arrived,
        "waited_longest_seconds": round(result.waited_seconds, 1), "attempts": result.attempts,
        "needed_a_person": [{"source": source, "key": key, "code": code} for source, key, code in verdict.held],
        "wrong": list(verdict.wrong), "seconds": round(result.took_seconds, 1),
    }  # fmt: skip


def _verdict(result: Result) -> str:
    return "fine" if result.fine else "; ".join(result.verdict.wrong)


def _show(company: Company, results: list[Result], seconds: float) -> None:
    out.print(Text("A bad day", style="bold"))
    for words in _given(company):
        out.print(Text(words), soft_wrap=True)
    out.print()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("scene", "arrived once", "waited", "attempts", "person", "verdict"):
        table.add_column(heading, overflow="fold", justify="left" if heading in ("scene", "verdict") else "right")
    for one in results:
        verdict = one.verdict
        table.add_row(
            one.scene.name,
            f"{verdict.arrived} of {verdict.expected - one.scene.persons}",
            f"{one.waited_seconds:.0f} s",
            str(one.attempts),
            str(len(verdict.held)),
            Text(_verdict(one), style="green" if one.fine else "red"),
        )
    out.print(table)
    out.print()
    fine = sum(one.fine for one in results)
    words = f"{fine} of {len(results)} scenes came out as they must ({seconds:.0f} s)."
    if fine == len(results):
        words += " Every recording arrived once"
        held = sum(one.scene.persons for one in results)
        words += f", but for {held} that a person has to look at, as the scene wants it." if held else "."
    out.print(Text(words, style="green" if fine == len(results) else "red"), soft_wrap=True)


def _given(company: Company) -> Iterator[str]:
    """What was played with, source by source."""
    for one in company.chosen:
        count = len(one.recordings)
        kind = "samples made by golden cases" if one.made else "copies of recordings"
        words = f"source {one.source}: {count} {kind}" if count else f"source {one.source}: nothing to play with"
        if one.left_out:
            reasons = ", ".join(f"{number} {printable(reason)}" for reason, number in one.left_out.most_common())
            words += f"; left out: {reasons}"
        yield words


def _show_scenes(*, as_json: bool) -> None:
    if as_json:
        for one in SCENES:
            told = {"scene": one.name, "does": one.does, "must": one.must, "needs": one.needs, "quick": one.quick}
            sys.stdout.write(json.dumps(told) + "\n")
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("scene", "what is done", "what must come out"):
        table.add_column(heading, overflow="fold")
    for one in SCENES:
        table.add_row(one.name, one.does, one.must)
    out.print(table)
