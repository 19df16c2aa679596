"""`gong-bridge ledger move`: carry the ledger to another database, without a second upload."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import ConfigOption, out
from gong_bridge.cli.ledger_access import read_for_ledger
from gong_bridge.config.schema import Config
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.moving import move_ledger
from gong_bridge.ledger.open import has_password, ledger_exists
from gong_bridge.routes.reach import reach_of

LINE_SECONDS = 10.0
"""How often a line says how far it is, where there is no terminal."""


def register(ledger_app: typer.Typer) -> None:
    """Add the command to `gong-bridge ledger`."""
    ledger_app.command("move", epilog="Example: gong-bridge ledger move --to postgresql://gong_bridge@db/gong_bridge")(
        move
    )


def move(
    to: Annotated[str, typer.Option("--to", help="The URL of the new, empty ledger, without a password.")],
    config: ConfigOption = None,
    password: Annotated[
        str | None, typer.Option("--password", help="Its password: env:NAME or file:PATH. Or PGPASSWORD, ~/.pgpass.")
    ] = None,
) -> None:
    """Copy this ledger to another database and prove the copy; bridges refuse the old one from then on.

    Stop every bridge first. When it is interrupted, run it again: it goes on where it stopped.
    """
    options = read_for_ledger(config)
    if has_password(to):
        raise ConfigError("--to: every user of this machine can read a password there; use --password env:NAME")
    if not ledger_exists(options.ledger.url):
        raise ConfigError("there is no ledger yet, so there is nothing to move; write the new ledger.url and run")
    secret = None if password is None else _secret(password)
    with (
        Ledger.open(options.ledger.url, options.ledger.password) as source,
        Ledger.open(to, secret) as target,
        _Told(out) as told,
    ):
        if source.database.url == target.database.url:
            raise ConfigError("--to names the ledger that is in use already")
        (source if target.database.is_sqlite else target).follow_clock()
        count = move_ledger(
            source, target, reaches=_reaches(options, to), now=clock.now(), lease_seconds=options.ledger.lease,
            progress=told.tell,
        )  # fmt: skip
    out.print(Text(f"{count:,} recordings are in the new ledger, each with its history; both were compared"))
    out.print(
        Text(f"now write this into bridge.yaml, and start the bridge:\n\nledger: {{url: '{to}'}}"), soft_wrap=True
    )


class _Told:
    """How far each step is: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        self._next_line = 0.0
        self._bars = Progress(
            TextColumn("{task.description:>16}"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip

    def __enter__(self) -> _Told:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def tell(self, step: str, done: int, total: int) -> None:
        """`done` of `total` rows; 0 of 0 for a step that begins and cannot be counted."""
        is_new = step not in self._tasks
        if is_new:
            self._tasks[step] = self._bars.add_task(step, total=total or None)
        self._bars.update(self._tasks[step], completed=done, total=total or None)
        now = clock.monotonic_seconds()
        if not self._console.is_terminal and (is_new or now >= self._next_line):
            self._next_line = now + LINE_SECONDS
            self._console.print(f"{step}: {done:,} of {total:,}" if total else step)


def _reaches(options: Config, to: str) -> dict[Lane, Lane]:
    """Folders that are everybody's on SQLite are this host's own on PostgreSQL, and the other way round."""
    pairs = ((one.name, reach_of(one, options.ledger.url), reach_of(one, to)) for one in options.sources)
    return {Lane(name, before): Lane(name, after) for name, before, after in pairs}


def _secret(text: str) -> Secret:
    try:
        return Secret.resolve(text)
    except ValueError as error:
        raise ConfigError(f"--password: {error}") from None
