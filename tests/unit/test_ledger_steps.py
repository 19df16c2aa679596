"""The steps of an entry are readable on a terminal of 80 columns."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gong_bridge.cli import ledger_steps

FOUND = {"at": "2026-09-01T08:00:00+00:00", "from": None, "to": "found", "attempt": 0, "code": None, "reason": None,
         "http_status": None, "request_id": None}  # fmt: skip
WAITED = FOUND | {"from": "found", "code": "rate-limited", "http_status": 429, "request_id": "4al018gzaztcr8nbukw"}
REASON = "Gong asks to wait 3 s: another program of the company used up what Gong allows in a second"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    written = io.StringIO()
    monkeypatch.setattr(ledger_steps, "out", Console(file=written, width=80))
    return written


def test_a_step_has_its_reason_and_gongs_request_below_it_at_the_whole_width(screen: io.StringIO) -> None:
    ledger_steps.show_steps([FOUND, WAITED | {"reason": REASON}, WAITED | {"to": "held", "http_status": None}])
    assert [line.rstrip() for line in screen.getvalue().splitlines()] == [
        "2026-09-01 08:00:00Z  found",
        "2026-09-01 08:00:00Z  found  rate-limited  HTTP 429",
        "    Gong asks to wait 3 s: another program of the company used up what Gong",
        "    allows in a second",
        "    Gong request 4al018gzaztcr8nbukw",
        "2026-09-01 08:00:00Z  found -> held  rate-limited",
        "    Gong request 4al018gzaztcr8nbukw",
    ]


def test_what_a_step_says_is_no_command_for_the_terminal(screen: io.StringIO) -> None:
    ledger_steps.show_steps([WAITED | {"reason": "\x1b[2Jgone [red]x[/red]", "request_id": "\x1b[31m"}])
    assert "\x1b" not in screen.getvalue()
    assert "gone [red]x[/red]" in screen.getvalue()
