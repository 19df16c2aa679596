"""`gong-bridge ledger list --by person`: who is unknown, how many recordings wait, and the line to add."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.text import Text

from gong_bridge.cli.common import out, print_rows
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.people import agents_line
from gong_bridge.readable import printable

COLUMNS = {"who": "who", "recordings": "recordings", "since_at": "since", "latest_at": "latest", "entry": "for example"}
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
    shown = [{**row, "who": person_in_words(row["person"])} for row in rows]
    print_rows(shown, COLUMNS, as_json=False, empty="everybody is known: no recording waits for a person")
    lines = [row["agents_line"] for row in rows if row["agents_line"]]
    if lines:
        # One below the other, and never folded: they are copied.
        out.print(Text("\nadd to agents.csv, with the e-mail address that Gong knows; it is noticed:", style="bold"))
        for line in lines:
            out.print(Text(printable(line)), soft_wrap=True)
    for row in rows:
        if row["agents_line"] is None:
            out.print(Text(f"\n{person_in_words(row['person'])}: {printable(row['reason'] or '')}"), soft_wrap=True)
