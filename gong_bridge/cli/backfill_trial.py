"""`gong-bridge backfill --dry-run`: how many old recordings there are, what becomes of them, how long it takes."""

from __future__ import annotations

import dataclasses
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, err, out
from gong_bridge.cli.ledger_access import opened_ledger
from gong_bridge.cli.mapping_try_show import show_tally
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.ledger.allowance_rows import AllowanceState
from gong_bridge.ledger.backfill_words import span_in_words
from gong_bridge.ledger.backfills import BackfillOrder
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.people import agents_line
from gong_bridge.mapping.trial import Tally
from gong_bridge.model import Recording
from gong_bridge.outcomes import outcomes_of
from gong_bridge.readable import size
from gong_bridge.scratch import scratch_bridge
from gong_bridge.service import Bridge
from gong_bridge.sources.base import BATCH_SIZE


@dataclass(kw_only=True)
class _Counted:
    """What a listing found: `listed` in all, `known` to the ledger already, `count` and `size_bytes` to be taken."""

    listed: int = 0
    known: int = 0
    count: int = 0
    size_bytes: int = 0
    sample: list[Recording] = field(default_factory=list)


def try_backfill(
    options: Config, source: FolderSource | BucketSource, order: BackfillOrder, look_at: int | None, *, as_json: bool
) -> None:
    """Show it; nothing is written down, no call is made. `look_at`: so many are opened, None: all.

    Exits 1 when any of those would be held, like `mapping try`.
    """
    only = options.model_copy(update={"sources": (source,)})
    with opened_ledger(options) as ledger, scratch_bridge(only) as bridge:
        counted = _count(ledger, bridge, order, look_at)
        tally = _look(ledger, bridge, order, counted, look_at)
        allowance = allowance_of(ledger, options.gong.limits).state(clock.now())
    by_link = isinstance(source, BucketSource) and source.delivery != "upload"
    told = _told(order, counted, tally, allowance, by_link=by_link)
    if as_json:
        sys.stdout.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")
    else:
        _show(order, counted, tally, told)
    raise typer.Exit(EXIT_PERSON_NEEDED if tally.held else EXIT_FINE)


def _wanted(ledger: Ledger, bridge: Bridge, order: BackfillOrder, counted: _Counted) -> Iterator[Recording]:
    """The order's recordings that the ledger does not know, as they are listed."""
    route = bridge.routes[order.lane.source]
    with closing(route.source.candidates()) as candidates, err.status("listing") as status:
        while batch := list(islice(candidates, BATCH_SIZE)):
            counted.listed += len(batch)
            wanted = [one for one in batch if order.takes(one) and not route.mapping.is_sidecar(one.key)]
            unseen = ledger.intake.unseen(wanted, reach=order.lane.reach)
            counted.known += len(wanted) - len(unseen)
            yield from unseen
            status.update(f"listed {counted.listed:,} recordings, {counted.count:,} of these days")


def _count(ledger: Ledger, bridge: Bridge, order: BackfillOrder, look_at: int | None) -> _Counted:
    """Count them all, and choose which are looked at: each has the same chance, and memory holds no more than those."""
    counted = _Counted()
    chance = random.Random(0)  # noqa: S311 - the same ones when asked again
    for recording in _wanted(ledger, bridge, order, counted):
        counted.count += 1
        counted.size_bytes += recording.size_bytes
        if look_at is None:
            continue
        if len(counted.sample) < look_at:
            counted.sample.append(recording)
        elif (place := chance.randrange(counted.count)) < look_at:
            counted.sample[place] = recording
    return counted


def _look(ledger: Ledger, bridge: Bridge, order: BackfillOrder, counted: _Counted, look_at: int | None) -> Tally:
    tally = Tally()
    recordings = counted.sample if look_at is not None else _wanted(ledger, bridge, order, _Counted())
    total = counted.count if look_at is None else len(counted.sample)
    columns = (TextColumn("looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("", total=total)
        for outcome in outcomes_of(bridge, recordings):
            tally.add(outcome)
            progress.advance(task)
    return tally


def _told(
    order: BackfillOrder, counted: _Counted, tally: Tally, allowance: AllowanceState, *, by_link: bool
) -> dict[str, Any]:
    verdicts: Counter[str] = Counter()
    for (_, _, verdict), count in tally.counts.items():
        verdicts[verdict] += count
    expected = {verdict: round(counted.count * count / tally.total) for verdict, count in verdicts.items()}
    # Gong is not called for what is skipped; what is held is sent once its cause is cured.
    to_send = counted.count - expected.get("skipped", 0)
    needed = dataclasses.replace(order, to_come=to_send)
    return {
        "source": order.lane.source, "since": order.first_day, "until": order.last_day, "count": counted.count,
        "size_bytes": counted.size_bytes, "in_the_ledger": counted.known, "looked_at": tally.total,
        "verdicts": dict(verdicts), "expected": expected, "to_send": to_send,
        "needs": span_in_words(needed, allowance, with_link=by_link, now=clock.now()) if to_send else None,
        "causes": [
            {"verdict": one.verdict, "count": one.count, "reason": one.reason, "example": one.example}
            for one in tally.causes()
        ],
        "unknown_people": [
            {"kind": kind, "value": value, "count": count, "agents_line": agents_line(kind, value)}
            for (kind, value), count in tally.people.most_common()
        ],
    }  # fmt: skip


def _show(order: BackfillOrder, counted: _Counted, tally: Tally, told: dict[str, Any]) -> None:
    until = f" until {order.last_day}" if order.last_day else ""
    known = f"; {counted.known:,} more are in the ledger already" if counted.known else ""
    found = f"{counted.count:,} recordings ({size(counted.size_bytes)}) of {order.lane.source}"
    out.print(Text(f"{found}, last changed since {order.first_day}{until}, would be taken{known}"), soft_wrap=True)
    if not counted.count:
        return
    if tally.total:
        all_of_them = tally.total == counted.count
        out.print(Text(f"{'All' if all_of_them else f'{tally.total:,} of them, spread over all,'} were looked at:"))
        out.print()
        show_tally(tally)
        out.print()
        if not all_of_them:
            parts = ", ".join(f"{count:,} {verdict}" for verdict, count in told["expected"].items())
            out.print(Text(f"Of all {counted.count:,} that makes about {parts}; --look-at all looks at each."))
    if told["needs"]:
        out.print(Text(f"Gong's allowance: {told['to_send']:,} recordings = {told['needs']}"), soft_wrap=True)
    out.print(Text("Nothing was written down. The same without --dry-run orders it.", style="dim"))
