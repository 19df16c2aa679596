"""What every command shares: the configuration option, consoles, exit codes, lists as tables or JSON lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gong_bridge.cli.styles import STYLES
from gong_bridge.model import State
from gong_bridge.readable import printable

EXIT_FINE = 0
EXIT_PERSON_NEEDED = 1
EXIT_WRONG_USAGE = 2

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

SHARES = {"key": 3, "file": 3, "reason": 4, "about": 4}
"""How the columns of long texts part the room that the short ones leave."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        help="The configuration file. Without it: $GONG_BRIDGE_CONFIG, ./bridge.yaml, /etc/gong-bridge/bridge.yaml.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]


def fine(text: str) -> None:
    """A line that says what is right."""
    out.print(Text.assemble(("  ✓ ", "green"), text), soft_wrap=True)


def show_warnings(warnings: Iterable[str]) -> None:
    """What a person should know although the command goes on: on standard error."""
    for warning in warnings:
        err.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def print_rows(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, empty: str) -> int:
    """Print `rows` as JSON lines, or as a table of `columns` (key -> heading); how many rows there were."""
    if as_json:
        count = 0
        for row in rows:
            sys.stdout.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
            count += 1
        return count
    listed = list(rows)
    out.print(_table(listed, columns) if listed else Text(empty, style="dim"))
    return len(listed)


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
    """A table without the columns in which there is nothing: room for the sentences that say why."""
    told = {key: heading for key, heading in columns.items() if any(row.get(key) not in (None, "") for row in rows)}
    shares = {key: SHARES[key] for key in told if key in SHARES}
    table = Table(box=None, header_style="bold", pad_edge=False, expand=bool(shares))
    for key, heading in told.items():
        table.add_column(heading, overflow="fold", ratio=shares.get(key))
    for row in rows:
        table.add_row(*(_cell(key, row.get(key)) for key in told))
    return table


def needs_a_person(count: int) -> str:
    """`1 needs a person`, `2 need a person`."""
    return f"{count} need{'s' if count == 1 else ''} a person"


def shown(key: str, value: Any) -> str:
    """A value of the ledger for a person: times to the second, nothing that a terminal would obey."""
    text = printable(str(value))
    if key == "at" or key.endswith("_at"):
        return text[:19].replace("T", " ") + "Z"
    return text


def _cell(key: str, value: Any) -> Text:
    if value is None:
        return Text("")
    text = shown(key, value)
    return Text(text, style=STYLES[State(text)]) if key == "state" else Text(text)
