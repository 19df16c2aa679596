"""`gong-bridge ledger backup`, `verify` and `prune`: the ledger is copied, checked and made smaller while in use."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_PERSON_NEEDED, ConfigOption, out
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.config.units import parse_duration
from gong_bridge.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the commands to `ledger`."""
    app.command("backup", epilog="Example: gong-bridge ledger backup /srv/backup/ledger.db")(backup)
    app.command("verify", epilog="Example: gong-bridge ledger verify")(verify)
    app.command("prune", epilog="Example: gong-bridge ledger prune --older-than 400d")(prune)


def backup(
    file: Annotated[Path, typer.Argument(help="A new file. The service may go on meanwhile.")],
    config: ConfigOption = None,
) -> None:
    """Copy the whole ledger (SQLite) into a new file while the service runs."""
    with opened_ledger(read_for_ledger(config)) as ledger:
        ledger.upkeep.backup(file)
    out.print(Text(f"{file}: {file.stat().st_size:,} bytes, readable only by its owner"))


def verify(config: ConfigOption = None) -> None:
    """Read the whole ledger and say whether it is in order. Exits 1 when it is not."""
    with opened_ledger(read_for_ledger(config)) as ledger:
        problems = ledger.upkeep.integrity_check()
    if not problems:
        out.print(Text("the ledger is in order"))
        return
    for problem in problems:
        out.print(Text(problem, style="red"), soft_wrap=True)
    out.print(Text("stop the service, keep this file, restore the latest backup that `ledger verify` finds in order"))
    raise typer.Exit(EXIT_PERSON_NEEDED)


def prune(
    older_than: Annotated[str, typer.Option(help="Finished so long ago, such as 400d.")],
    config: ConfigOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:
    """Forget who spoke to whom in recordings finished long ago: drafts, reasons, persons and histories.

    That they were sent stays known, so nothing is uploaded again.
    """
    try:
        age_seconds = parse_duration(older_than)
    except ValueError as error:
        raise ConfigError(f"--older-than: {error}") from None
    now = clock.now()
    before = now - timedelta(seconds=age_seconds)
    with opened_ledger(read_for_ledger(config)) as ledger:
        if dry_run:
            out.print(Text(f"{ledger.pruning.count(before):,} entries would be pruned"))
            return
        count = sum(ledger.pruning.prune(before, now))
    out.print(Text(f"{count:,} entries pruned; that they were sent stays known"))
