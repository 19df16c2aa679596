"""`gong-bridge backfill`: order, watch, pause and cancel bringing in old recordings."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.backfill_shown import gather, show
from gong_bridge.cli.common import ConfigOption, out
from gong_bridge.cli.configuration import read_config
from gong_bridge.cli.ledger_access import opened_ledger
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.config.units import parse_day
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.backfills import OPEN_ORDERS, BackfillOrder, OrderState
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.routes.reach import reach_of

LOOK_AT = 200
"""So many recordings a dry run opens, unless told otherwise."""


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "backfill",
        epilog="Examples: gong-bridge backfill --source pbx --since 2024-01-01 --dry-run; "
        "gong-bridge backfill --source pbx --since 2024-01-01 --max-per-day 1000; gong-bridge backfill --status",
    )(backfill)


def backfill(
    source: Annotated[str | None, typer.Option("--source", help="The source whose old recordings are meant.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Recordings last changed on this day or later, such as 2024-01-31.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="... and on this day at the latest; without it, until now.")
    ] = None,
    max_per_day: Annotated[
        int | None, typer.Option("--max-per-day", min=1, help="Take no more than so many a day.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show how many there are, what would become of them, how long.")
    ] = False,
    look_at: Annotated[
        str, typer.Option("--look-at", help="How many recordings a dry run opens, spread over all; or: all.")
    ] = str(LOOK_AT),
    status: Annotated[bool, typer.Option("--status", help="Show how far the backfills are.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Take no more for now.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after a pause.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Take no more for good.")] = False,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for programs.")] = False,
) -> None:
    """Bring in old recordings of a source, slowly and behind all new calls.

    The running service does the work; this command writes the order down, and can be typed at any time. A day is one of
    the source's time zone, and what counts is when a recording was last changed. Each recording is taken once, however
    often the service, or this command, is started again. The same days again change --max-per-day.
    """
    chosen = [name for name, wanted in (("--status", status), ("--pause", pause), ("--resume", resume),
                                        ("--cancel", cancel), ("--since", since is not None)) if wanted]  # fmt: skip
    if len(chosen) != 1:
        raise ConfigError("say one of --since DATE, --status, --pause, --resume and --cancel")
    options = read_config(config, look_at_disk=since is not None)
    if status:
        _show_status(options, source, as_json=as_json)
    elif since is None:
        wanted = {"--pause": OrderState.PAUSED, "--resume": OrderState.RUNNING, "--cancel": OrderState.CANCELLED}
        _change(options, source, wanted[chosen[0]])
    else:
        of_source = _source(options, source)
        order = _order(options, of_source, _day(since, "--since"), _day(until, "--until"), max_per_day)
        if dry_run:
            from gong_bridge.cli.backfill_trial import try_backfill  # with it comes the whole bridge

            try_backfill(options, of_source, order, _count(look_at), as_json=as_json)
        else:
            _place(options, of_source, order)


# --- ordering --------------------------------------------------------------------------------------------------------


def _order(
    options: Config, source: FolderSource | BucketSource, since: date | None, until: date | None, most: int | None
) -> BackfillOrder:
    now = clock.now()
    zone = options.zone_of(source)
    assert since is not None
    if until is not None and until < since:
        raise ConfigError(f"--until {until} is before --since {since}")
    if since > now.astimezone(zone).date():
        raise ConfigError(f"--since {since} is still to come")
    return BackfillOrder(
        lane=_lane(options, source), first_day=since, last_day=until, time_zone=zone.key, most_per_day=most,
        state=OrderState.RUNNING, ordered_at=now,
    )  # fmt: skip


def _place(options: Config, source: FolderSource | BucketSource, order: BackfillOrder) -> None:
    if not ledger_exists(options.ledger.url):
        raise ConfigError("there is no ledger yet; start the service first (gong-bridge run), then order the backfill")
    with opened_ledger(options) as ledger:
        present = ledger.backfills.order(order)
        _say(ledger, options, present)
        if source.since is None:
            out.print(
                Text(
                    f"source {source.name} has no `since` in bridge.yaml: the service takes every recording that it "
                    "finds there by itself, as soon as it can, and a backfill adds nothing",
                    style="yellow",
                ),
                soft_wrap=True,
            )
        _say_who_works(ledger, options, present)


def _say_who_works(ledger: Ledger, options: Config, order: BackfillOrder) -> None:
    running = ledger.bridges.running(clock.now(), options.ledger.lease)
    if any(order.lane in bridge.lanes for bridge in running):
        said = Text("The running service does it, new calls first; gong-bridge backfill --status says how far it is.")
    else:
        said = Text(
            "No bridge that can open them runs now: it begins when `gong-bridge run` does (run --once works it, too).",
            style="yellow",
        )
    out.print(said, soft_wrap=True)


# --- watching and changing -------------------------------------------------------------------------------------------


def _show_status(options: Config, source: str | None, *, as_json: bool) -> None:
    with opened_ledger(options) as ledger:
        orders = [one for one in ledger.backfills.all() if source in (None, one.lane.source)]
        told = gather(ledger, options, clock.now(), orders)
    if as_json:
        for line in told:
            sys.stdout.write(json.dumps(line, default=str) + "\n")
        return
    show(told)
    if not told:
        out.print(Text("no backfill was ordered", style="dim"))


def _change(options: Config, source: str | None, state: OrderState) -> None:
    with opened_ledger(options) as ledger:
        lanes = [
            one.lane for one in ledger.backfills.all() if one.state in OPEN_ORDERS and source in (None, one.lane.source)
        ]
        if not lanes:
            raise ConfigError(f"no backfill{f' of {source}' if source else ''} is under way")
        if source is None and len({lane.source for lane in lanes}) > 1:
            names = ", ".join(sorted({lane.source for lane in lanes}))
            raise ConfigError(f"backfills of {names} are under way; say which with --source")
        for lane in lanes:
            order = ledger.backfills.set_state(lane, state)
            if order is not None:
                _say(ledger, options, order)
                if state is OrderState.RUNNING:
                    _say_who_works(ledger, options, order)
    if state is not OrderState.RUNNING:
        out.print(Text("What was taken already is delivered; gong-bridge status shows how much that is.", style="dim"))


def _say(ledger: Ledger, options: Config, order: BackfillOrder) -> None:
    show(gather(ledger, options, clock.now(), [order]))


# --- what was said ---------------------------------------------------------------------------------------------------


def _source(options: Config, name: str | None) -> FolderSource | BucketSource:
    names = ", ".join(one.name for one in options.sources)
    if name is None:
        if len(options.sources) == 1:
            return options.sources[0]
        raise ConfigError(f"say which source with --source: {names}")
    for one in options.sources:
        if one.name == name:
            return one
    raise ConfigError(f"there is no source {name!r} in the configuration, which has: {names}")


def _lane(options: Config, source: FolderSource | BucketSource) -> Lane:
    return Lane(source.name, reach_of(source, options.ledger.url))


def _day(value: str | None, option: str) -> date | None:
    try:
        return None if value is None else parse_day(value)
    except ValueError as problem:
        raise ConfigError(f"{option}: {problem}") from None


def _count(look_at: str) -> int | None:
    if look_at == "all":
        return None
    if not look_at.isdecimal():
        raise ConfigError(f"--look-at takes a number or `all`, not {look_at!r}")
    return int(look_at)
