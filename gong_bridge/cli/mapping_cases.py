"""`gong-bridge mapping test`: golden cases against what mappings say now; new cases from real files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, out
from gong_bridge.cli.mapping_folders import ConfigOption, FolderOption, own_folder, surroundings
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.golden import Difference, actual_of, cases_in, run_case
from gong_bridge.mapping.library import find_mapping, shipped_cases_folder
from gong_bridge.mapping.new_case import make_case, write_case, write_expected
from gong_bridge.readable import printable
from gong_bridge.sources.names import key_from_bytes


def run_cases(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of golden cases, or shipped mappings by name; without any: tests in your folder of mappings."
        ),
    ] = None,
    update: Annotated[bool, typer.Option("--update", help="Accept what the mappings say now.")] = False,
    record: Annotated[Path | None, typer.Option("--record", help="Make a case of this recording.")] = None,
    mapping: Annotated[str | None, typer.Option("--mapping", help="With --record: by which mapping.")] = None,
    into: Annotated[
        Path | None, typer.Option("--into", help="With --record: the case's folder; without it tests/MAPPING/NAME.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="With --record: the source's folder; without it the file's own.")
    ] = None,
    config: ConfigOption = None,
    mappings: FolderOption = None,
) -> None:
    """Run golden cases: what a mapping makes of a recording, against what you expect. Exits 1 on any difference.

    With --record it makes such a case of a real file: people are made up, what the mapping says now is expected.
    """
    own = own_folder(mappings, config)
    if record is not None:
        _record(record, mapping, into, root, own, config, mappings)
        return
    places = folders or ([own / "tests"] if own is not None else [])
    cases = [case for place in places for case in cases_in(_folder_of(place))]
    if not cases:
        where = ", ".join(map(str, places)) or "your folder of mappings (name it with --mappings)"
        raise ConfigError(f"no case.yaml below {where}; make one with mapping test --record FILE --mapping NAME")
    different = [(case, found) for case in cases if (found := run_case(case, own))]
    for case, found in different:
        _show(case, found)
        if update:
            write_expected(case, actual_of(case, own))
    if update and different:
        out.print(Text(f"{len(different)} of {len(cases)} cases now expect what the mappings say", style="yellow"))
        raise typer.Exit(EXIT_FINE)
    fine = len(cases) - len(different)
    out.print(Text(f"{fine} of {len(cases)} cases are as expected", style="" if different else "green"))
    raise typer.Exit(EXIT_PERSON_NEEDED if different else EXIT_FINE)


def _folder_of(place: Path) -> Path:
    """A folder as it is, or where the cases of the shipped mapping of that name lie."""
    shipped = shipped_cases_folder() / place.name
    return shipped if not place.exists() and place.parent == Path() and shipped.is_dir() else place


def _show(case: Path, found: Sequence[Difference]) -> None:
    """The case's name, and below it a table of what differs."""
    out.print(Text(f"{case.parent.name}/{case.name}", style="bold"))
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("  field", "expected", "the mapping says"):
        table.add_column(heading, overflow="fold")
    for one in found:
        expected = Text(printable(one.expected), "green") if one.expected else Text("nothing", "dim")
        actual = Text(printable(one.actual), "red") if one.actual else Text("nothing", "dim")
        table.add_row(f"  {one.field}", expected, actual)
    out.print(table)


def _record(
    file: Path, mapping: str | None, into: Path | None, root: Path | None, own: Path | None, config: Path | None,
    mappings: Path | None,
) -> None:  # fmt: skip
    if mapping is None:
        raise ConfigError("--record: say by which mapping, with --mapping NAME")
    if not file.is_file():
        raise ConfigError(f"--record: there is no file {file}")
    base = root or file.parent
    if not file.resolve().is_relative_to(base.resolve()):
        raise ConfigError(f"--root: {file} does not lie below {base}")
    key = key_from_bytes(bytes(file.resolve().relative_to(base.resolve())))
    company, _ = surroundings(config, mappings)
    loaded = load_mapping(find_mapping(mapping, own))
    made = make_case(loaded, key, now=clock.now().replace(microsecond=0), company=company, files=base)
    folder = into or (own or Path()) / "tests" / mapping / _case_name(file.stem)
    write_case(made, folder, mapping=mapping, files=base)
    verdict = "a call" if made.becomes_a_call else next(iter(made.expected))
    out.print(Text(f"{folder}: expects {verdict}; read expected.json, it is what the mapping says now"), soft_wrap=True)


def _case_name(stem: str) -> str:
    """A plain folder's name."""
    plain = "".join(character if character.isalnum() or character in "-_" else "-" for character in stem)
    return plain.strip("-")[:60] or "case"
