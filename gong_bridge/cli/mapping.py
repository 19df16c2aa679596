"""`gong-bridge mapping`: which mappings there are, and whether they still say what their golden cases say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, JsonOption, out, print_rows
from gong_bridge.cli.mapping_folders import ConfigOption, FolderOption, own_folder
from gong_bridge.cli.mapping_lint import lint_mappings
from gong_bridge.cli.mapping_new import new_mapping
from gong_bridge.cli.mapping_try import try_recordings
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.golden import cases_in, run_case
from gong_bridge.mapping.library import mapping_files

app = typer.Typer(no_args_is_help=True, help="How the names and sidecars of a recorder become a call.")

app.command(
    "try",
    epilog="Examples: gong-bridge mapping try /var/spool/asterisk/monitor/2026/09; "
    "gong-bridge mapping try s3://recordings/2026/ --mapping own",
)(try_recordings)

app.command(
    "new",
    epilog="Examples: gong-bridge mapping new /var/spool/recorder; "
    "ls | gong-bridge mapping new - --name own --field 3=agent --yes",
)(new_mapping)
app.command("lint", epilog="Examples: gong-bridge mapping lint own; gong-bridge mapping lint --strict")(lint_mappings)


@app.command("list", epilog="Example: gong-bridge mapping list --mappings /etc/gong-bridge/mappings")
def list_mappings(config: ConfigOption = None, mappings: FolderOption = None, as_json: JsonOption = False) -> None:
    """The shipped mappings and your own, with what each is for."""
    rows = []
    for name, path in mapping_files(own_folder(mappings, config)).items():
        extends, options = "", ""
        try:
            mapping = load_mapping(path)
            about, extends = mapping.about, ", ".join(mapping.extends)
            options = ", ".join(f"{option}: {value}" for option, value in mapping.options.items())
        except ConfigError as error:
            about = f"WRONG: {error.problems[0]}"
        rows.append({"name": name, "about": about, "extends": extends, "options": options, "file": str(path)})
    print_rows(
        rows,
        {"name": "mapping", "extends": "extends", "options": "options", "about": "for", "file": "file"},
        as_json=as_json,
        empty="no mappings",
    )


@app.command("test", epilog="Example: gong-bridge mapping test tests/mappings --mappings mappings")
def run_cases(
    folders: Annotated[list[Path], typer.Argument(help="Folders with golden cases (each holds a case.yaml).")],
    config: ConfigOption = None,
    mappings: FolderOption = None,
) -> None:
    """Run golden cases: what a mapping makes of a recording, against what you expect. Exits 1 on any difference."""
    own = own_folder(mappings, config)
    cases = [case for folder in folders for case in cases_in(folder)]
    if not cases:
        raise ConfigError(f"no case.yaml below {', '.join(map(str, folders))}; docs/mappings.md says how to write one")
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("case", "field", "expected", "the mapping says"):
        table.add_column(heading, overflow="fold")
    failed = 0
    for case in cases:
        differences = run_case(case, own)
        failed += bool(differences)
        for one in differences:
            expected, actual = Text(one.expected or "nothing", "green"), Text(one.actual or "nothing", "red")
            table.add_row(f"{case.parent.name}/{case.name}", one.field, expected, actual)
    if failed:
        out.print(table)
    out.print(Text(f"{len(cases) - failed} of {len(cases)} cases are as expected"))
    raise typer.Exit(EXIT_PERSON_NEEDED if failed else EXIT_FINE)
