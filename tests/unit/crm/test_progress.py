"""The progress of a CRM command fits a terminal, and shows bytes only where some move."""

from __future__ import annotations

import io
import re

from rich.console import Console

from gong_bridge.cli.crm_opening import CrmProgress


def last_line(doing: str, size_bytes: int | None) -> str:
    """What stands on a terminal of 80 columns when all of it was gone through."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=80)
    with CrmProgress(console) as progress:
        progress.begin("checking the file before", 7)
        progress.begin(doing, size_bytes)
        progress.moved(size_bytes or 0)
        progress._bar.refresh()
        shown = console.file.getvalue()  # type: ignore[attr-defined]
    return re.split(r"\r|\x1b\[2K", shown)[-1].rstrip()


def test_a_long_name_is_cut_and_leaves_room_for_the_bar_and_the_bytes() -> None:
    line = last_line("sending accounts-of-the-nightly-export-of-all-our-customers.jsonl", 200_000_000)
    assert "sending accounts-of-the-nightly-export-of" in line
    assert line.endswith("… " + "━" * 18 + " 200.0/200.0 MB")
    assert len(line) <= 80


def test_what_is_only_waited_for_shows_no_bytes() -> None:
    line = last_line("Gong works it in", None)
    assert "Gong works it in" in line
    assert not re.search(r"\d", line)


def test_control_characters_of_a_name_do_not_reach_the_terminal() -> None:
    assert "\x1b]0;" not in last_line("sending \x1b]0;owned\x07.jsonl", 10)
