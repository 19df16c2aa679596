"""`gong-bridge mapping`: which mappings there are, and whether they still say what their golden cases say."""

from __future__ import annotations

import typer
from rich.text import Text

from gong_bridge.cli.common import JsonOption, out, print_rows
from gong_bridge.cli.mapping_cases import run_cases
from gong_bridge.cli.mapping_folders import ConfigOption, FolderOption, own_folder
from gong_bridge.cli.mapping_lint import lint_mappings
from gong_bridge.cli.mapping_new import new_mapping
from gong_bridge.cli.mapping_try import try_recordings
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.library import mapping_files, shipped_folder

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
app.command(
    "test",
    epilog="Examples: gong-bridge mapping test; gong-bridge mapping test freepbx; "
    "gong-bridge mapping test tests/mappings --mappings mappings; "
    "gong-bridge mapping test --record x.wav --mapping own",
)(run_cases)
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
        of = "" if path.parent == shipped_folder() else "your own"
        row = {"name": name, "about": about, "extends": extends, "options": options, "of": of, "file": str(path)}
        rows.append(row)
    headings = {"name": "mapping", "of": "", "extends": "extends", "options": "options", "about": "for"}
    print_rows(rows, headings, as_json=as_json, empty="no mappings")
    if not as_json:
        out.print(Text(f"Shipped ones lie in {shipped_folder()}", style="dim"), soft_wrap=True)
