"""Takes what a `gong-bridge gong` command asks for to where it is wanted: screen, pipe or file."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import typer
from rich.text import Text

from gong_bridge.cli.common import EXIT_PERSON_NEEDED, err, out
from gong_bridge.cli.gong_progress import ExportProgress
from gong_bridge.cli.gong_table import TableSink, cannot_take_back
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.by_id import ById
from gong_bridge.receive.columns import columns_of
from gong_bridge.receive.exporting import Export, Sink
from gong_bridge.receive.half_file import HalfFile
from gong_bridge.receive.lines import Lines, csv_heading, csv_lines, json_lines
from gong_bridge.receive.parquet import check_parquet, write_parquet
from gong_bridge.receive.patience import Patience
from gong_bridge.receive.reading import Place, Reading
from gong_bridge.receive.windows import Window

FORMATS = ("table", "jsonl", "csv", "parquet")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Where rows shall go, and how. form: one of FORMATS. output: None for the screen. limit: at most so many rows."""

    form: str
    output: Path | None
    resume: bool
    limit: int | None

    @classmethod
    def of(cls, form: str | None, output: Path | None, resume: bool, limit: int | None) -> Wish:
        """What the options say. Raises ConfigError for options that do not go together, before anything is asked."""
        if form is None:
            ending = output.suffix.lstrip(".") if output else "table"
            if ending not in FORMATS or (output and ending == "table"):
                raise ConfigError(f"--output {output}: say --format jsonl, csv or parquet, or end the name with one")
            form = ending
        if form not in FORMATS:
            raise ConfigError(f"--format {form}: there are {', '.join(FORMATS)}")
        if form == "table" and output is not None:
            raise ConfigError("--format table is for the screen; write --format jsonl, csv or parquet for a file")
        if output is None and (resume or form == "parquet"):
            raise ConfigError(f"{'--resume' if resume else '--format parquet'} needs --output FILE")
        if output is not None and not output.parent.is_dir():
            raise ConfigError(f"--output {output}: there is no folder {output.parent}; make it first")
        if form == "parquet":
            check_parquet()
        return cls(form=form, output=output, resume=resume, limit=limit)


def deliver(reading: Reading, wish: Wish, progress: ExportProgress) -> None:
    """All rows of `reading`. Raises typer.Exit(1) when it did not come to its end, and has said so."""
    if wish.output is None:
        _show(reading, wish, progress)
    else:
        _write_file(reading, wish, wish.output, progress)


def deliver_by_id(
    kind: str,
    row: type[GongAnswer],
    shown: Sequence[str],
    question: Mapping[str, Any],
    get: Callable[[str], Sequence[GongAnswer] | GongAnswer | None],
    ids: Sequence[str],
    wish: Wish,
    progress: ExportProgress,
    *,
    what: str | None = None,
) -> None:
    """As `deliver`, for single things that are asked for one by one; names those that Gong does not know."""
    asked: list[ById] = []

    def ask(_window: Window | None, cursor: str | None) -> ById:
        asked.append(ById(get, ids, cursor))
        return asked[-1]

    deliver(Reading(what=what or f"{kind}s", row=row, shown=shown, question=question, ask=ask), wish, progress)
    say_unknown(kind, [one for by_id in asked for one in by_id.unknown])


def say_unknown(kind: str, unknown: Sequence[str]) -> None:
    """Name the ids that Gong does not know. Raises typer.Exit(1) when there are some."""
    for one in unknown:
        err.print(Text(f"Gong has no {kind} {one}", style="magenta"), soft_wrap=True)
    if unknown:
        raise typer.Exit(EXIT_PERSON_NEEDED)


def _show(reading: Reading, wish: Wish, progress: ExportProgress) -> None:
    if wish.form == "table":
        sink: Sink = TableSink(out, reading.row, reading.shown)
    else:
        sink = _PipeSink(csv_lines if wish.form == "csv" else json_lines)
        if wish.form == "csv":
            sys.stdout.buffer.write(csv_heading(reading.row))
    if out.is_terminal:
        sink = _OnScreen(sink, progress)
    reached = Place.beginning(reading.period, 0)

    def keep(at: Place) -> None:
        nonlocal reached
        reached = at

    export = Export(reading, sink, _patience(progress), keep=keep, told=progress.reached, most_rows=wish.limit)
    try:
        place = export.run(reached)
    except BridgeError as error:
        _say(error.message, "what is shown above is not all; --output FILE keeps what comes" if reached.rows else "")
        raise typer.Exit(EXIT_PERSON_NEEDED) from None
    if wish.form == "table" and not place.rows:
        out.print(Text(f"no {reading.what}", style="dim"))


def _write_file(reading: Reading, wish: Wish, output: Path, progress: ExportProgress) -> None:
    is_csv = wish.form == "csv"
    make = partial(_make_parquet, reading.row) if wish.form == "parquet" else None
    with HalfFile(
        output,
        reading,
        heading=csv_heading(reading.row) if is_csv else b"",
        lines=csv_lines if is_csv else json_lines,
        make=make,
    ) as file:
        place = file.begin(resume=wish.resume)
        if wish.resume and place.rows:
            err.print(Text(f"going on after {place.rows:,} {reading.what}", style="dim"), soft_wrap=True)
        reached = place

        def keep(at: Place) -> None:
            nonlocal reached
            reached = at
            file.keep(at)

        export = Export(reading, file, _patience(progress), keep=keep, told=progress.reached, most_rows=wish.limit)
        try:
            place = export.run(place)
            file.finish()
        except BridgeError as error:
            _say(error.message, _left_behind(reached, reading, file))
            raise typer.Exit(EXIT_PERSON_NEEDED) from None
        except KeyboardInterrupt:
            _say("stopped", _left_behind(reached, reading, file))
            raise
    err.print(Text(f"{place.rows:,} {reading.what} in {output}"), soft_wrap=True)


def _left_behind(reached: Place, reading: Reading, file: HalfFile) -> str:
    """What is there of an export that did not come to its end; nothing is left of one that has not begun."""
    if not reached.rows and reached.window == Place.beginning(reached.period, 0).window:
        file.discard()
        return ""
    return f"{reached.rows:,} {reading.what} are in {file.part}; the same command with --resume goes on from there"


def _say(what: str, then: str) -> None:
    err.print(Text(what), soft_wrap=True)
    if then:
        err.print(Text(then, style="yellow"), soft_wrap=True)


def _patience(progress: ExportProgress) -> Patience:
    return Patience(threading.Event(), progress.waits)


def _make_parquet(row: type[GongAnswer], lines: BinaryIO, path: Path) -> None:
    write_parquet(lines, columns_of(row), path)


class _PipeSink:
    """Lines on standard output."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def write(self, rows: Sequence[GongAnswer]) -> int:
        """Print them at once: the other end of a pipe sees each page when it comes."""
        sys.stdout.buffer.write(self._lines(rows))
        sys.stdout.buffer.flush()
        return 0

    def back_to(self, _mark: int, /) -> None:
        """What was printed cannot be taken back."""
        raise cannot_take_back()


class _OnScreen:
    """A sink that shares the terminal with the bar: the bar gives way to the first rows."""

    def __init__(self, sink: Sink, progress: ExportProgress) -> None:
        self._sink = sink
        self._progress = progress
        self.back_to = sink.back_to

    def write(self, rows: Sequence[GongAnswer]) -> int:
        """Show them."""
        if rows:
            self._progress.give_way()
        return self._sink.write(rows)
