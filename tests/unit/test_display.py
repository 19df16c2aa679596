"""What `run --once` says of a long pass over a source."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from gong_bridge.cli.display import BarDisplay, PlainDisplay
from gong_bridge.model import SourceHealth

ENDED = SourceHealth(source="connect", healthy=True, message="100,000 recordings in bucket calls")


def so_far(seconds: int) -> SourceHealth:
    words = f"listing, {seconds}00 keys so far in 8 parts, for {seconds} s"
    return SourceHealth(source="connect", healthy=True, message="", under_way=words)


def test_without_a_terminal_a_long_pass_is_spoken_of_less_and_less_often(capsys: pytest.CaptureFixture[str]) -> None:
    moments = range(5, 205, 5)
    seconds_passed = iter([*moments, 205])
    display = PlainDisplay(lambda: next(seconds_passed))
    for seconds in moments:
        display.looked(so_far(seconds))
    display.looked(ENDED)
    lines = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" for ")[2] for line in lines[:-1]] == ["5 s", "15 s", "35 s", "75 s", "135 s", "195 s"]
    assert lines[0] == "source connect: listing, 500 keys so far in 8 parts, for 5 s"
    assert lines[-1] == "source connect: 100,000 recordings in bucket calls"


def test_without_a_terminal_a_short_pass_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    PlainDisplay().looked(ENDED)
    assert capsys.readouterr().out == ""


def test_on_a_terminal_a_long_pass_has_a_line_until_it_ends() -> None:
    screen = io.StringIO()
    with BarDisplay(Console(file=screen, force_terminal=True, width=80)) as display:
        for seconds in (5, 10):
            display.looked(so_far(seconds))
            display._live.refresh()
        assert screen.getvalue().count("connect: listing, 500 keys so far in 8 parts, for 5 s") == 1
        assert "connect: listing, 1000 keys so far in 8 parts, for 10 s" in screen.getvalue()
        display.looked(ENDED)
        screen.truncate(0)
        display._live.refresh()
        assert "looking for recordings" in screen.getvalue()
        assert "connect" not in screen.getvalue()
