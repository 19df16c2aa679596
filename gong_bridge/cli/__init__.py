"""The commands: `gong-bridge VERB`. One file per group; each verb is one call into the layers below."""

from __future__ import annotations

import sys

import typer

from gong_bridge import __version__
from gong_bridge.errors import BridgeError, ConfigError


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gong-bridge {__version__}")
        raise typer.Exit


def build_app() -> typer.Typer:
    """The whole command line; commands are imported here so that `--version` needs none of them."""
    from gong_bridge.cli import (
        backfill,
        check,
        explain,
        hosts,
        ledger,
        mapping,
        moving,
        run,
        status,
        switching,
        tryout,
    )

    app = typer.Typer(
        name="gong-bridge",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        help="Delivers every recording of your call recorder to Gong: whole, once, with the right people on it.\n\n"
        "Start with [bold]gong-bridge demo[/bold]; then write bridge.yaml, run [bold]check[/bold], "
        "[bold]explain[/bold] one recording, and [bold]run[/bold].",
    )

    @app.callback()
    def root(
        version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    ) -> None:
        pass

    run.register(app)
    check.register(app)
    explain.register(app)
    backfill.register(app)
    status.register(app)
    switching.register(app)
    tryout.register(app)
    hosts.register(ledger.app)
    moving.register(ledger.app)
    app.add_typer(ledger.app, name="ledger")
    app.add_typer(mapping.app, name="mapping")
    return app


def main() -> None:
    """Run the command line; exit codes: 0 fine, 1 something needs a person, 2 wrong usage or configuration."""
    from gong_bridge.cli.common import EXIT_PERSON_NEEDED, EXIT_WRONG_USAGE

    try:
        build_app()()
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        sys.exit(EXIT_WRONG_USAGE)
    except BridgeError as error:
        sys.stderr.write(f"{error.message}\n")
        sys.exit(EXIT_PERSON_NEEDED)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_PERSON_NEEDED)
