"""`gong-bridge ledger list --by person`: who is unknown, how many recordings wait, and the line to add."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import needs_a_person, out, print_rows
from gong_bridge.cli.display import printable
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.people import agents_line

COLUMNS = {"who": "who", "recordings": "recordings", "since_at": "since", "latest_at": "latest", "entry": "entry",
           "key": "for example", "to_do": "line for agents.csv"}  # fmt: skip
_KINDS = {"email": "e-mail"}


def person_in_words(person: str) -> str:
    """`extension 299`, `e-mail agent@example.com`, as the ledger keeps people for whom something waits."""
    kind, _, value = person.partition(" ")
    return f"{_KINDS.get(kind, kind)} {value}"


def line_for(person: str) -> str | None:
    """The line of agents.csv that makes this person known, but for the e-mail address; None when no line can."""
    kind, _, value = person.partition(" ")
    return agents_line(kind, value)


def people_rows(ledger: Ledger, chosen: EntryFilter) -> list[dict[str, Any]]:
    """Everybody for whom held recordings wait, those with most first; JSON-able."""
    rows = []
    for group in ledger.views.unknown_people(chosen):
        kind, _, value = group.person.partition(" ")
        example = ledger.views.get(group.entry_id)
        rows.append(
            {
                "person": group.person,
                "kind": kind,
                "value": value,
                "recordings": group.count,
                "since_at": group.first_found_at.isoformat(),
                "latest_at": group.last_found_at.isoformat(),
                "entry": group.entry_id,
                "key": example.key if example else None,
                "reason": example.reason if example else None,
                "agents_line": line_for(group.person),
            }
        )
    return rows


def list_people(ledger: Ledger, chosen: EntryFilter, *, as_json: bool) -> None:
    """Print one line for each unknown person."""
    rows = people_rows(ledger, chosen)
    if as_json:
        sys.stdout.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    shown = [
        {**row, "who": person_in_words(row["person"]), "to_do": row["agents_line"] or "none helps; see the reason"}
        for row in rows
    ]
    print_rows(shown, COLUMNS, as_json=False, empty="everybody is known: no recording waits for a person's name")
    if not rows:
        return
    total = sum(row["recordings"] for row in rows)
    hint = "put the e-mail address that Gong knows into the line; the bridge notices agents.csv and goes on by itself"
    out.print(Text(f"{needs_a_person(total)}: {hint}", style="dim"), soft_wrap=True)
    for row in rows:
        if row["agents_line"] is None and row["reason"]:
            out.print(
                Text(f"{person_in_words(row['person'])}: {printable(row['reason'])}", style="dim"), soft_wrap=True
            )
