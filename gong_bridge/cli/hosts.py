"""What `status` tells of several hosts on one ledger, and `ledger take-over` for a host that got another name."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import ConfigOption, out, shown
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.config.schema import Config
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.bridge_words import Home, missing_in_words, why_unserved
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.owner import is_alive
from gong_bridge.readable import printable
from gong_bridge.routes.reach import lanes_of


def register(ledger_app: typer.Typer) -> None:
    """Add the command to `gong-bridge ledger`."""
    ledger_app.command("take-over", epilog="Example: gong-bridge ledger take-over old-host-name")(take_over)


def take_over(
    reach: Annotated[str, typer.Argument(help="The host name (or `reach`) that `status` shows as not served.")],
    config: ConfigOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Only this source.")] = None,
) -> None:
    """Make another host's recordings those of this one: it got another name, or its folders moved here.

    Run it with the configuration of the host that has the files now. Nothing is uploaded twice.
    """
    options = read_for_ledger(config)
    now = clock.now()
    chosen = [lane for lane in lanes_of(options) if source in (None, lane.source)]
    if not chosen:
        raise ConfigError(f"no source of this configuration is called {source}; see `gong-bridge check`")
    own = [lane for lane in chosen if lane.reach not in (None, reach)]
    if not own:
        raise ConfigError(f"nothing to take over: what {reach} found is this configuration's already, or in buckets")
    with opened_ledger(options) as ledger:
        lost = [(Lane(lane.source, reach), lane) for lane in own]
        for bridge in ledger.bridges.running(now, options.ledger.lease):
            if any(old in bridge.lanes for old, _ in lost):
                raise ConfigError(
                    f"a bridge on {bridge.host} serves {reach} now; stop it first, or leave it its recordings"
                )
        count = sum(ledger.reaches.take_over(old, new, now) for old, new in lost)
    out.print(Text(f"{count:,} recordings were taken over from {reach}"))


def gather(ledger: Ledger, options: Config, now: datetime) -> dict[str, Any]:
    """What `status` tells of bridges, JSON-able."""
    lease_seconds = options.ledger.lease
    home = Home(lanes=lanes_of(options), lease_seconds=lease_seconds, is_alive=is_alive)
    return {
        "bridges": [
            {"host": one.host, "version": one.version, "sources": sorted(_name(lane) for lane in one.lanes),
             "running": one.stopped_at is None and not home.misses(one, now),
             "seen_at": one.seen_at, "stopped_at": one.stopped_at}
            for one in ledger.bridges.all()
        ],
        "not_served": [
            {"source": one.lane.source, "reach": one.lane.reach, "count": one.count, "why": why_unserved(one)}
            for one in ledger.bridges.unserved(now, lease_seconds, lanes_of(options))
        ],
        "missing": missing_in_words(ledger, home, now),
    }  # fmt: skip


def show(facts: dict[str, Any]) -> None:
    """Bridges when there are several, and always what no bridge serves."""
    if len(facts["bridges"]) > 1:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("bridge on", "version", "now", "last seen", "sources"):
            table.add_column(heading, overflow="fold")
        for one in facts["bridges"]:
            word, style = _state(one)
            table.add_row(one["host"], one["version"], Text(word, style=style), shown("seen_at", one["seen_at"]),
                          ", ".join(one["sources"]))  # fmt: skip
        out.print(table)
        out.print()
    for line in facts["missing"]:
        out.print(Text(printable(line), style="red"), soft_wrap=True)
    bridges = facts["bridges"]
    if bridges and all(one["stopped_at"] for one in bridges):
        last = max(bridges, key=lambda one: str(one["stopped_at"]))
        out.print(Text(f"no bridge runs; the last one, on {last['host']}, stopped {shown('at', last['stopped_at'])}"))


def _state(bridge: dict[str, Any]) -> tuple[str, str]:
    if bridge["running"]:
        return "running", "green"
    return ("stopped", "dim") if bridge["stopped_at"] else ("not seen", "bold red")


def _name(lane: Lane) -> str:
    return f"{lane.source} ({lane.reach})" if lane.reach else lane.source
