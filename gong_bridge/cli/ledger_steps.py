"""How the steps of one entry stand on a screen: two lines a step, so that what Gong said is readable at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.padding import Padding
from rich.text import Text

from gong_bridge.cli.common import out, shown
from gong_bridge.cli.styles import STYLES
from gong_bridge.model import State

_INDENT = 4


def show_steps(events: Sequence[Mapping[str, Any]]) -> None:
    """Each step (as `event_as_json` gives it): when, from and to, code and HTTP status; below it why, if it is said."""
    for event in events:
        out.print(_head(event))
        if event["reason"]:
            out.print(_below(shown("reason", event["reason"]), ""))
        if event["request_id"]:
            out.print(_below(f"Gong request {shown('request_id', event['request_id'])}", "dim"))


def _head(event: Mapping[str, Any]) -> Text:
    """`2026-09-01 08:00:00Z  found -> drafted`, or with one state when the step stayed where it was."""
    came_from, came_to = event["from"], event["to"]
    line = Text.assemble((shown("at", event["at"]), "dim"), "  ")
    if came_from is not None and came_from != came_to:
        line.append(f"{came_from} -> ")
    line.append(came_to, style=STYLES[State(came_to)])
    line.append(f"  {shown('code', event['code'])}" if event["code"] else "")
    line.append(f"  HTTP {event['http_status']}" if event["http_status"] else "")
    return line


def _below(words: str, style: str) -> Padding:
    return Padding(Text(words, style=style, overflow="fold"), (0, 0, 0, _INDENT))
