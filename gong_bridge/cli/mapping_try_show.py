"""How `mapping try` shows many recordings in few lines: a table of counts, causes, and ready lines for agents.csv."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gong_bridge.cli.common import out
from gong_bridge.mapping.people import agents_line
from gong_bridge.mapping.trial import Cause, Tally
from gong_bridge.readable import printable

VERDICTS = {"sent": "green", "skipped": "yellow", "waits": "cyan", "held": "magenta", "not taken": "dim"}
"""What can become of a recording, with its colour."""
_HEADINGS = {"sent": "would be sent", "waits": "would wait"}
_MOST_CAUSES = 40
_MOST_PEOPLE = 40
_NARROW = 100


def show_tally(tally: Tally) -> None:
    """Counts, why, and who is unknown; each list is cut where it would fill the screen."""
    out.print(_counts(tally))
    causes = list(tally.causes())
    if causes:
        out.print()
        _show_causes(causes[:_MOST_CAUSES])
    if len(causes) > _MOST_CAUSES:
        out.print(Text(f"and {len(causes) - _MOST_CAUSES} more reasons; --json shows each recording", style="dim"))
    _show_people(tally)
    _show_shared(tally)


def _counts(tally: Tally) -> Table:
    verdicts = [verdict for verdict in VERDICTS if any(key[2] == verdict for key in tally.counts)]
    table = _table(("source", "mapping", "recordings", *(_HEADINGS.get(verdict, verdict) for verdict in verdicts)))
    for source, mapping in dict.fromkeys((source, mapping) for source, mapping, _ in tally.counts):
        numbers = [tally.counts[source, mapping, verdict] for verdict in verdicts]
        cells = (
            Text(f"{number:,}", style=VERDICTS[verdict]) for number, verdict in zip(numbers, verdicts, strict=True)
        )
        table.add_row(printable(source), printable(mapping), f"{sum(numbers):,}", *cells)
    return table


def _show_causes(causes: Sequence[Cause]) -> None:
    """A table where there is room; in a narrow window each cause is a paragraph with its example below."""
    if out.width >= _NARROW:
        table = _table(("recordings", "verdict", "why", "for example"))
        for cause in causes:
            table.add_row(
                f"{cause.count:,}", _verdict(cause.verdict), printable(cause.reason), printable(cause.example)
            )
        out.print(table)
        return
    for cause in causes:
        head = Text.assemble((f"{cause.count:,} ", "bold"), _verdict(cause.verdict), ": ", printable(cause.reason))
        out.print(head)
        out.print(Padding(Text(printable(cause.example), style="dim"), (0, 0, 0, 4)))


def _verdict(verdict: str) -> Text:
    return Text(verdict, style=VERDICTS.get(verdict, "cyan"))


def _show_people(tally: Tally) -> None:
    lines = [(line, count) for person, count in tally.people.most_common() if (line := agents_line(*person))]
    if not lines:
        return
    out.print()
    out.print(Text("Unknown people. Ready for agents.csv, but for their e-mail addresses:", style="bold"))
    for line, count in lines[:_MOST_PEOPLE]:
        recordings = f"    {count:,} recording{'s' if count > 1 else ''}"
        out.print(Text.assemble(printable(line), (recordings, "dim")), soft_wrap=True)
    if len(lines) > _MOST_PEOPLE:
        out.print(Text(f"and {len(lines) - _MOST_PEOPLE} more; --json shows each", style="dim"))


def _show_shared(tally: Tally) -> None:
    if not tally.shared:
        return
    out.print()
    out.print(Text("Shared with, once Gong has them:", style="bold"))
    for name, count in tally.shared.most_common(_MOST_PEOPLE):
        calls = f"    {count:,} call{'s' if count > 1 else ''}"
        out.print(Text.assemble(printable(name), (calls, "dim")), soft_wrap=True)
    if len(tally.shared) > _MOST_PEOPLE:
        out.print(Text(f"and {len(tally.shared) - _MOST_PEOPLE} more; --json shows each", style="dim"))


def _table(headings: Iterable[str]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold", justify="right" if heading == "recordings" else "left")
    return table
