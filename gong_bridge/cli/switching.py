"""`gong-bridge pause` and `resume`: a person stops deliveries, of one source or all, and lets them go on."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import ConfigOption, out
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.config.schema import Config
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.ledger.pause_words import cure, in_words

SourceOption = Annotated[str | None, typer.Option("--source", help="Only this source; all of them without it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("pause", epilog='Example: gong-bridge pause --source pbx --reason "new trunk on Monday"')(pause)
    app.command("resume", epilog="Example: gong-bridge resume --source pbx")(resume)


def pause(
    source: SourceOption = None,
    reason: Annotated[str, typer.Option("--reason", help="For those who find it paused.")] = "",
    config: ConfigOption = None,
) -> None:
    """Deliver nothing (of this source) until `resume`; every bridge on the ledger obeys within two seconds.

    What is being sent comes to its end, recordings are still found, and a restart changes nothing.
    """
    options = read_for_ledger(config)
    if not ledger_exists(options.ledger.url):
        raise ConfigError("there is no ledger yet, so nothing runs that could be paused; gong-bridge run makes it")
    with opened_ledger(options) as ledger:
        _check_source(options, ledger, source)
        now = clock.now()
        paused = ledger.notes.pause_by_hand(source, reason, now)
        out.print(Text(f"{in_words(paused, now)}; {cure(paused)} lets it go on"), soft_wrap=True)


def resume(source: SourceOption = None, config: ConfigOption = None) -> None:
    """Let deliveries go on that were paused by hand. Without --source: all of them."""
    options = read_for_ledger(config)
    with opened_ledger(options) as ledger:
        _check_source(options, ledger, source)
        if source is not None and any(one.source is None for one in ledger.notes.paused_by_hand()):
            raise ConfigError(f"everything is paused by hand, {source} with it; gong-bridge resume ends that")
        count = ledger.notes.resume_by_hand(source)
    what = "everything" if source is None else f"source {source}"
    out.print(Text(f"{what} goes on" if count else "nothing was paused by hand"))


def _check_source(options: Config, ledger: Ledger, source: str | None) -> None:
    """Raises ConfigError for a source that neither this configuration nor the ledger knows."""
    known = sorted({one.name for one in options.sources} | set(ledger.views.counts()))
    if source is not None and source not in known:
        raise ConfigError(f"there is no source {source!r}; there are: {', '.join(known)}")
