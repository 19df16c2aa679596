"""`gong-bridge mapping lint`: what a mapping says that loads, and yet cannot be meant."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, JsonOption, out
from gong_bridge.cli.mapping_folders import ConfigOption, FolderOption, own_folder
from gong_bridge.mapping.library import find_mapping, mapping_files
from gong_bridge.mapping.lint import Finding, lint
from gong_bridge.readable import printable

_STYLES = {"error": "red", "warning": "yellow"}


def lint_mappings(
    names: Annotated[
        list[str] | None, typer.Argument(help="Mappings by name or file; without any: your own, else the shipped ones.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 also when there are only warnings.")] = False,
    config: ConfigOption = None,
    mappings: FolderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find what a mapping says and cannot mean: patterns that never match, values nothing reads, fields Gong refuses.

    Each with file, line and column, and the cure. Exits 1 on errors (recordings would be held or lost).
    """
    files = list(_files(names or [], own_folder(mappings, config)))
    found = [(path, finding) for path in files for finding in lint(path)]
    for _, finding in found:
        if as_json:
            sys.stdout.write(json.dumps(_row(finding), ensure_ascii=False) + "\n")
        else:
            _show(finding)
    errors = sum(finding.level == "error" for _, finding in found)
    if not as_json:
        out.print(Text(_summary(len(files), errors, len(found) - errors), style="" if found else "green"))
    raise typer.Exit(EXIT_PERSON_NEEDED if errors or (strict and found) else EXIT_FINE)


def _files(names: list[str], folder: Path | None) -> Iterator[Path]:
    """The files that are meant: a name with a slash or an ending is a file."""
    for name in names:
        path = Path(name)
        yield path if path.is_file() or "/" in name else find_mapping(name, folder)
    if not names:
        own = [path for path in mapping_files(folder).values() if folder is not None and path.parent == folder]
        yield from own or mapping_files(None).values()


def _show(finding: Finding) -> None:
    out.print(
        Text.assemble(
            (finding.level, _STYLES[finding.level]), f" {printable(finding.place)}: ",
            (f"{printable(finding.key)}: ", "bold"), printable(finding.text),
        ),
        soft_wrap=not out.is_terminal,
    )  # fmt: skip


def _row(finding: Finding) -> dict[str, str | int]:
    file, line, column = finding.place.rsplit(":", 2)
    return {
        "level": finding.level, "file": file, "line": int(line), "column": int(column),
        "key": finding.key, "text": finding.text
    }  # fmt: skip


def _summary(files: int, errors: int, warnings: int) -> str:
    looked = f"{files} mapping{'' if files == 1 else 's'}"
    if not errors and not warnings:
        return f"{looked}: nothing to mend"
    return f"{looked}: {errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
