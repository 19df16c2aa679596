"""`gong-bridge status`: where everything stands, on one screen."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli import backfill_shown, hosts, quota, receipts_told
from gong_bridge.cli.common import ConfigOption, needs_a_person, out, print_rows
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.cli.ledger_people import line_for, person_in_words
from gong_bridge.cli.styles import STYLES
from gong_bridge.config.schema import Config
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.pass_words import under_way_in_words
from gong_bridge.ledger.pause_words import cure, in_words
from gong_bridge.model import State
from gong_bridge.readable import printable
from gong_bridge.routes.sidecar_watch import DEGRADED, SIDECAR_AGAIN
from gong_bridge.web.cures import wait_in_words

REMARKS = {
    DEGRADED: "sent without the sidecar",
    SIDECAR_AGAIN: "with a sidecar that changed after the call was created",
}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("status", epilog="Example: gong-bridge status --json | jq .allowance")(status)


def status(config: ConfigOption = None, as_json: bool = typer.Option(False, "--json", help="One JSON object.")) -> None:
    """Counts by source and state, the oldest waiting recording, the allowance, and what needs a person."""
    options = read_for_ledger(config)
    with opened_ledger(options) as ledger:
        facts = gather(ledger, options, clock.now())
    if as_json:
        sys.stdout.write(json.dumps(facts, default=str) + "\n")
    else:
        _show(facts)


def gather(ledger: Ledger, options: Config, now: datetime) -> dict[str, Any]:
    """Everything `status` knows, JSON-able."""
    oldest, counts = ledger.views.oldest_waiting(now), ledger.views.counts()
    return {
        "sources": {
            source.name: {str(state): count for state, count in counts.get(source.name, {}).items()}
            for source in options.sources
        },
        "health": [
            {"source": one.source, "reach": one.reach, "healthy": one.healthy, "message": one.message,
             "watch": one.watch, "last_scan_at": one.last_scan_at, "under_way": under_way_in_words(one, now)}
            for one in ledger.notes.health()
        ],
        "oldest_waiting": None if oldest is None else {
            "id": oldest.id, "source": oldest.source, "state": str(oldest.state), "found_at": oldest.found_at,
            "waiting_seconds": round((now - oldest.found_at).total_seconds()), "reason": oldest.reason,
        },
        **quota.gather(ledger, options, now),
        **backfill_shown.gather_open(ledger, options, now),
        **hosts.gather(ledger, options, now),
        "paused_by_hand": [
            {"source": one.source, "since": one.since, "reason": one.reason, "summary": in_words(one, now),
             "cure": cure(one)}
            for one in ledger.notes.paused_by_hand()
        ],
        "wrong_files": ledger.notes.wrong_files(),
        "failing": ledger.notes.failing(),
        **receipts_told.gather(ledger, options, now),
        "waiting": ledger.views.waiting_counts(),
        "remarks": ledger.views.remark_counts(),
        "needs_a_person": [
            {"state": str(state), "code": group.code, "person": group.person, "count": group.count,
             "entry": group.entry_id, "agents_line": line_for(group.person) if group.person else None,
             "reason": example.reason if (example := ledger.views.get(group.entry_id)) else None}
            for state, groups in (
                (State.HELD, ledger.views.held_groups()), (State.REJECTED, ledger.views.rejected_groups())
            )
            for group in groups
        ],
    }  # fmt: skip


def _show(facts: dict[str, Any]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("source")
    for state in State:
        table.add_column(state, justify="right", header_style=f"bold {STYLES[state]}")
    for name, counts in facts["sources"].items():
        table.add_row(name, *(str(counts.get(state, "·")) for state in State))
    out.print(table)
    out.print()
    quota.show_pauses(facts, [f"{one['summary']} ({one['cure']} ends it)" for one in facts["paused_by_hand"]])
    for one in facts["health"]:
        place = f"{one['source']} on {one['reach']}" if one["reach"] else one["source"]
        if not one["healthy"]:
            out.print(Text(f"source {place}: {printable(one['message'])}", style="red"), soft_wrap=True)
        elif one["under_way"]:
            out.print(Text(f"source {place}: {one['under_way']}", style="dim"), soft_wrap=True)
    for trouble in [*facts["wrong_files"], *facts["failing"]]:
        out.print(Text(printable(trouble), style="red"), soft_wrap=True)
    hosts.show(facts)
    oldest = facts["oldest_waiting"]
    if oldest:
        said = oldest["reason"] in quota.pauses(facts).values()  # above, with its cure
        reason = f": {printable(oldest['reason'])}" if oldest["reason"] and not said else ""
        waited = _duration(oldest["waiting_seconds"])
        out.print(
            Text(f"oldest waiting: entry {oldest['id']} ({oldest['source']}) for {waited}{reason}"), soft_wrap=True
        )
    quota.show(facts)
    backfill_shown.show_open(facts)
    for code, count in facts["waiting"].items():
        out.print(Text(wait_in_words(code, count)), soft_wrap=True)
    for code, count in facts["remarks"].items():
        out.print(Text(f"{count:,} {REMARKS.get(code, code)} (gong-bridge ledger list --code {code})", style="yellow"))
    receipts_told.show(facts)
    groups = facts["needs_a_person"]
    if not groups:
        if not _is_in_trouble(facts):
            out.print(Text("nothing needs a person", style="green"))
        return
    total = sum(group["count"] for group in groups)
    line = f"{needs_a_person(total)} (gong-bridge ledger list --state held --state rejected):"
    out.print(Text(line, style="magenta"))
    print_rows(
        [{**group, "person": person_in_words(group["person"]) if group["person"] else None} for group in groups],
        {"count": "", "code": "why", "person": "who", "entry": "for example", "reason": ""},
        as_json=False,
        empty="",
    )
    if any(group["person"] for group in groups):
        out.print(Text("gong-bridge ledger list --by person has the lines for agents.csv", style="dim"))


def _is_in_trouble(facts: dict[str, Any]) -> bool:
    ill = any(not one["healthy"] for one in facts["health"])
    return bool(
        ill
        or quota.pauses(facts)
        or facts["missing"]
        or receipts_told.is_in_trouble(facts)
        or facts["failing"]
        or facts["wrong_files"]
    )


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part) or f"{seconds} s"
