"""What `run --once` says of a long pass over a source."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from gong_bridge.cli.display import BarDisplay, PlainDisplay
from gong_bridge.model import Entry, Recording, SourceHealth, State

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


def steps(number: int, code: str) -> tuple[Entry, Entry]:
    """An entry that was tried and waits again."""
    moment = datetime(2026, 9, 1, 8, tzinfo=UTC)
    recording = Recording(source="pbx", key=f"{number}.wav", version="1", size_bytes=9, modified_at=moment)
    entry = dataclasses.replace(Entry.as_if_found(recording, moment), id=number, reason_code=code, lease_token=None)
    return dataclasses.replace(entry, lease_token="held"), entry


def test_without_a_terminal_gong_that_is_away_is_spoken_of_when_it_begins_and_less_and_less_often(
    capsys: pytest.CaptureFixture[str],
) -> None:
    passed = 0.0
    display = PlainDisplay(lambda: passed)
    for second in range(0, 100, 5):
        passed = second
        for number in (1, 2):
            display.stepped(*steps(number, "service-down"))
    assert capsys.readouterr().out.splitlines() == ["entry 1 (pbx): found, waiting: service-down"] * 4  # 0, 10, 30, 70
    before, waiting = steps(2, "service-down")
    display.stepped(before, dataclasses.replace(waiting, state=State.DRAFTED, reason_code=None))
    display.stepped(*steps(1, "service-down"))
    told = ["entry 2 (pbx): drafted", "entry 1 (pbx): found, waiting: service-down"]
    assert capsys.readouterr().out.splitlines() == told


def test_without_a_terminal_each_recording_that_waits_for_something_of_its_own_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = PlainDisplay(lambda: 0.0)
    for number in (1, 2, 1, 2):
        display.stepped(*steps(number, "not-yet-complete"))
    told = [f"entry {number} (pbx): found, waiting: not-yet-complete" for number in (1, 2)]
    assert capsys.readouterr().out.splitlines() == told


def test_on_a_terminal_gong_that_is_away_is_said_once_not_at_each_try() -> None:
    screen = io.StringIO()
    with BarDisplay(Console(file=screen, force_terminal=True, width=80)) as display:
        for _ in range(5):
            display.stepped(*steps(1, "service-down"))
    assert screen.getvalue().count("1.wav") == 1


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
