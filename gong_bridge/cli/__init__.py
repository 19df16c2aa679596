"""The commands: `gong-bridge VERB`. One file per group; each verb is one call into the layers below."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

import typer

from gong_bridge import __version__, kill_points
from gong_bridge.errors import BridgeError, ConfigError


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gong-bridge {__version__}")
        raise typer.Exit


_MODULES = {
    "run": "run",
    "check": "check",
    "explain": "explain",
    "backfill": "backfill",
    "status": "status",
    "reconcile": "reconcile",
    "pause": "switching",
    "resume": "switching",
    "auth": "auth",
    "sandbox": "tryout",
    "demo": "tryout",
    "drill": "drill",
    "ledger": "ledger",
    "mapping": "mapping",
    "gong": "gong",
    "privacy": "privacy",
    "crm": "crm",
}
"""Verb -> the module of this package that knows it, in the order in which `--help` shows them."""


def build_app(verb: str | None = None) -> typer.Typer:
    """The command line: all of it, or only `verb`, so that a command does not wait for what it does not need."""
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

    names = (
        [] if verb == "--version" else [_MODULES[verb]] if verb in _MODULES else list(dict.fromkeys(_MODULES.values()))
    )
    for name in names:
        module = import_module(f"gong_bridge.cli.{name}")
        if name in ("auth", "ledger", "mapping", "gong", "privacy", "crm"):
            app.add_typer(module.app, name=name)
        else:
            module.register(app)
    return app


def _loaded_app(verb: str | None) -> typer.Typer:
    """As `build_app`. What is imported stays: to search it for garbage would take a quarter of a command's time."""
    gc.disable()
    app = build_app(verb)
    gc.freeze()
    gc.enable()
    return app


def main() -> None:
    """Run the command line; exit codes: 0 fine, 1 something needs a person, 2 wrong usage or configuration."""
    from gong_bridge.cli.common import EXIT_PERSON_NEEDED, EXIT_WRONG_USAGE

    try:
        kill_points.arm(os.environ.get(kill_points.VARIABLE))
        _loaded_app(sys.argv[1] if len(sys.argv) > 1 else None)()
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
