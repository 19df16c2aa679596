"""The bar stands on the terminal; rows go where they are wanted, and waits are told where no bar is."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gong_bridge.cli.common import out
from gong_bridge.cli.gong_progress import ExportProgress
from gong_bridge.cli.gong_table import TableSink
from gong_bridge.gong.models.calls import CallSummary

CALL = CallSummary(id="7782342274025937895", title="Renewal \x1b[31m")


def test_rows_reach_a_pipe_while_the_bar_stands_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Console(file=io.StringIO(), force_terminal=True, width=80)
    with ExportProgress(terminal, "calls"):
        TableSink(out, CallSummary, ("title", "id")).write([CALL])
    shown = capsys.readouterr().out
    assert "7782342274025937895" in shown
    assert "Renewal \\x1b[31m" in shown
    assert "\x1b" not in shown


def test_without_a_terminal_only_long_waits_are_told() -> None:
    log = Console(file=io.StringIO(), force_terminal=False, width=80)
    with ExportProgress(log, "calls") as progress:
        progress.waits("Gong failed", 2.0)
        progress.waits("Gong says wait 30 s: its limit of API calls is reached", 30.0)
        progress.waits("new recordings go first")
    assert log.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "waiting 30 s: Gong says wait 30 s: its limit of API calls is reached",
        "waiting: new recordings go first",
    ]
