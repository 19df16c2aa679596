"""How a CRM request stands, for a person or a program; what was wrong in which line."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, err, out
from gong_bridge.gong.models.crm import LineError, RequestStatus
from gong_bridge.readable import printable

_STYLES = {"DONE": "green", "FAILED": "red"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LineTrouble:
    """A line of the person's own file, and what is wrong with it. line: 0 is the whole file."""

    line: int
    what: str


def show_lines(file: str, troubles: Sequence[LineTrouble], total: int) -> None:
    """One line for each mistake, as `file:line: what`, and how many there are in all."""
    for trouble in troubles:
        place = f"{printable(file)}:{trouble.line}: " if trouble.line else f"{printable(file)}: "
        err.print(Text(place + printable(trouble.what)), soft_wrap=True)
    if total > len(troubles):
        err.print(Text(f"... and {total - len(troubles):,} more", style="dim"), soft_wrap=True)


def troubles_of(errors: Sequence[LineError]) -> list[LineTrouble]:
    """What Gong says of lines."""
    return [LineTrouble(line=one.line or 0, what=one.description or "no reason given") for one in errors]


def show_status(request_id: str, status: RequestStatus, *, as_json: bool) -> int:
    """Say how a request stands; the exit code that this means."""
    if as_json:
        facts = {"clientRequestId": request_id, **status.model_dump(by_alias=True, exclude_none=True)}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
    else:
        counts = [
            f"{count:,} {word}"
            for count, word in ((status.total_success_count, "taken"), (status.total_error_count, "failed"))
            if count is not None and status.has_ended
        ]
        said = Text.assemble((printable(status.status), _STYLES.get(status.status, "yellow")))
        if counts:
            said.append(f": {', '.join(counts)}")
        said.append(f"  request {request_id}", style="dim")
        out.print(said, soft_wrap=True)
    return EXIT_FINE if status.status == "DONE" else EXIT_PERSON_NEEDED


def still_going(request_id: str) -> None:
    """Its end was not waited for."""
    err.print(Text(f"Gong is still working on it; ask later: gong-bridge crm status {request_id}"), soft_wrap=True)
