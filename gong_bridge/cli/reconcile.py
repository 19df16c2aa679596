"""`gong-bridge reconcile`: a receipt for each day and source, settled against Gong; puts back what is missing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_PERSON_NEEDED, ConfigOption, JsonOption, err
from gong_bridge.cli.gong_opening import FromOption, ToOption, account_called, asked_period, gong_behind_live
from gong_bridge.cli.gong_progress import ExportProgress
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.cli.reconcile_kept import show_kept
from gong_bridge.cli.reconcile_shown import Sheet, print_json
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import Config
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.readable import printable
from gong_bridge.receipt.asking import fewest_calls
from gong_bridge.receipt.days import LocalDay, local_days
from gong_bridge.receipt.reconciling import DayReceipt, Reconciling
from gong_bridge.receipt.repairing import look, put_back
from gong_bridge.receive.patience import Patience


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command(
        "reconcile",
        epilog="Examples: gong-bridge reconcile --from yesterday --to yesterday; gong-bridge reconcile --from 7d "
        "--json; gong-bridge reconcile --from 2026-01-01 --to 2026-01-31 --repair; gong-bridge reconcile --last",
    )(reconcile)


class _Missing(NamedTuple):
    """A recording that Gong does not have, and the receipt that says so."""

    entry_id: int
    call_id: str
    day: date
    account: str | None
    source: str


@dataclass(kw_only=True)
class _Tally:
    """What the exit code says."""

    missing: list[_Missing] = field(default_factory=list)
    doubled: int = 0
    held: int = 0

    def add(self, receipt: DayReceipt) -> None:
        for source, one in receipt.by_source.items():
            self.missing += [
                _Missing(call.entry_id or 0, call.call_id or "", receipt.day.day, receipt.account, source)
                for call in one.missing
            ]
            self.doubled += len(one.doubled)
            self.held += one.held


def reconcile(
    from_text: FromOption = None,
    to_text: ToOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Deliver anew what Gong has no more; asks first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Repair without asking.")] = False,
    account: Annotated[
        str | None, typer.Option("--account", help="Only this Gong account; all of them without it.")
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Show the receipts that are kept, without asking Gong: for a monitor.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What became of each day's recordings: in Gong, waiting, skipped, held, missing, doubled. Scope
    api:calls:read:basic.

    Exit code 1: something is missing and not put back, there twice, or held; with --last also: a receipt is late.
    """
    if last and (from_text or to_text or repair):
        raise ConfigError("--last shows what is kept; leave out --from, --to and --repair")
    if repair and not yes and not sys.stdin.isatty():
        raise ConfigError("--repair asks before it sends anything; write --yes where nobody can answer")
    if yes and not repair:
        raise ConfigError("--yes goes with --repair")
    options = read_for_ledger(config)
    asked = tuple(options.all_accounts) if account is None else (account_called(options, account),)
    if last:
        with opened_ledger(options) as ledger:
            if not show_kept(ledger, options, asked, as_json=as_json):
                raise typer.Exit(EXIT_PERSON_NEEDED)
        return
    zone = ZoneInfo(options.company.time_zone)
    days = list(local_days(asked_period(from_text, to_text, zone, clock.now()), zone))
    tally, sheet = _Tally(), Sheet(with_accounts=len(options.all_accounts) > 1)
    with opened_ledger(options) as ledger:
        _tell_cost(ledger, options, days, asked)
        for receipt in _receipts(ledger, options, days, asked):
            tally.add(receipt)
            if as_json:
                print_json(receipt)
            else:
                sheet.add(receipt)
        ledger.receipts.forget(clock.now() - timedelta(seconds=options.reconcile.keep))
        if not as_json:
            sheet.show(ledger)
        left = _repair(ledger, options, tally, yes=yes) if repair else len(tally.missing)
        if tally.missing and not repair:
            err.print(Text("--repair delivers anew what is missing", style="yellow"))
    if left or tally.doubled or tally.held:
        raise typer.Exit(EXIT_PERSON_NEEDED)


def _tell_cost(ledger: Ledger, options: Config, days: Sequence[LocalDay], asked: Sequence[str | None]) -> None:
    recorded = ledger.receipts.count(days[0].begin, days[-1].end)
    calls = max(len(days) * len(asked), fewest_calls(recorded))
    states = [
        allowance_of(ledger, options.all_accounts[name].limits, name=account_name(name)).state(clock.now())
        for name in asked
    ]
    left = sum(max(0, state.calls_per_day - state.used_24h) for state in states)
    words = (
        f"{len(days):,} {'day' if len(days) == 1 else 'days'}, {recorded:,} recorded: takes about {calls:,} of the "
        f"{left:,} API calls that are left today, and one for each 100 calls that others put into Gong"
    )
    err.print(Text(words, style="dim"), soft_wrap=True)


def _receipts(
    ledger: Ledger, options: Config, days: Sequence[LocalDay], asked: Sequence[str | None]
) -> Iterator[DayReceipt]:
    """Day by day, each kept in the ledger once it is settled. Says how far it came when Gong stops answering."""
    with ExitStack() as stack:
        progress = stack.enter_context(ExportProgress(err, "calls"))
        gongs = {name: stack.enter_context(gong_behind_live(options, name, ledger, progress.waits)) for name in asked}
        reconciling = Reconciling(
            ledger=ledger,
            calls={name: gong.calls for name, gong in gongs.items()},
            of_sources={source.name: source.account for source in options.sources},
            patience=Patience(threading.Event(), progress.waits),
        )
        for number, day in enumerate(days):
            try:
                settled = reconciling.settle(day)
            except BridgeError as error:
                done = f"{number} of {len(days)} days were settled" if number else "no day was settled"
                raise _said_where(error, f"{done}, nothing was put back; run it again from {day.day}") from error
            for receipt in settled:
                reconciling.keep(receipt)
                yield receipt
        for name, count in reconciling.left_out.items():
            if name not in map(account_name, options.all_accounts):
                words = (
                    f"warning: {count:,} recordings are in the Gong account {name!r}, which bridge.yaml no longer has"
                )
                err.print(Text(words, style="yellow"), soft_wrap=True)


def _said_where(error: BridgeError, where: str) -> BridgeError:
    return BridgeError(f"{error.message}\n{where}", http_status=error.http_status, request_id=error.request_id)


def _repair(ledger: Ledger, options: Config, tally: _Tally, *, yes: bool) -> int:
    """Put back what can be; how many are missing still."""
    if not tally.missing:
        return 0
    from gong_bridge.routes.routing import build_routes  # mappings are read only now

    routes = build_routes(options)
    looked = [(missing, look(ledger, routes, missing.entry_id, missing.call_id)) for missing in tally.missing]
    found = [(missing, one) for missing, one in looked if one is not None]
    hopeless = [one for _, one in found if one.hindrance is not None]
    for one in hopeless:
        words = (
            f"entry {one.entry.id} ({one.entry.source}) {printable(one.entry.key)}: {printable(one.hindrance or '')}"
        )
        err.print(Text(f"cannot be put back: {words}", style="magenta"), soft_wrap=True)
    mendable = [(missing, one) for missing, one in found if one.hindrance is None]
    if not mendable:
        return len(hopeless)
    if not yes and not _agreed(len(mendable)):
        err.print("nothing was put back")
        return len(found)
    done = 0
    for missing, one in mendable:
        if put_back(ledger, one):
            done += 1
            ledger.receipts.note_put_back(missing.day, missing.account, missing.source, missing.call_id)
    err.print(Text(f"{done:,} put back: the running bridge delivers them anew, after new recordings"), soft_wrap=True)
    return len(hopeless)


def _agreed(count: int) -> bool:
    what = "1 recording is" if count == 1 else f"{count:,} recordings are"
    return typer.confirm(
        f"{what} delivered anew. A call that somebody deleted in Gong on purpose comes back, too. Go on?", err=True
    )
