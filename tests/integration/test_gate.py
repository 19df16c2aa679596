"""R29: trouble that is nobody's recording's fault pauses everything, is probed, and resumes by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from gong_bridge.account import gate as gate_room
from gong_bridge.account.gate import Gate
from gong_bridge.errors import BadCredentials, ServiceDown
from gong_bridge.ledger.ledger import Ledger


class Gong:
    """Answers probes as it is told."""

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.probes = 0

    def probe(self) -> None:
        self.probes += 1
        if self.trouble is not None:
            raise self.trouble


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    ticking = Clock()
    monkeypatch.setattr(gate_room.clock, "monotonic_seconds", lambda: ticking.seconds)
    return ticking


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with (
        time_machine.travel(datetime(2026, 9, 1, tzinfo=UTC)),
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened,
    ):
        yield opened


def test_R29_wrong_credentials_close_the_gate_and_say_so_in_the_ledger(ledger: Ledger, clock: Clock) -> None:
    gate = Gate(ledger, Gong().probe)
    gate.close(BadCredentials("the key is wrong"))
    assert not gate.is_open()
    pause = ledger.notes.pause_state()
    assert pause is not None
    assert (pause.code, pause.reason) == ("bad-credentials", "the key is wrong")


def test_R29_the_gate_opens_by_itself_when_a_probe_succeeds(ledger: Ledger, clock: Clock) -> None:
    gong = Gong()
    gate = Gate(ledger, gong.probe)
    gate.close(BadCredentials("the key is wrong"))
    gate.tend()
    assert gong.probes == 0  # not yet time
    clock.seconds += 5
    gate.tend()
    assert gate.cause is None
    assert ledger.notes.pause_state() is None


def test_R29_while_the_trouble_lasts_probes_become_rarer_up_to_a_minute(ledger: Ledger, clock: Clock) -> None:
    gong = Gong()
    gong.trouble = ServiceDown("no route", reached=False)
    gate = Gate(ledger, gong.probe)
    gate.close(BadCredentials("the key is wrong"))
    probed_after = []
    for second in range(400):
        before = gong.probes
        gate.tend()
        if gong.probes > before:
            probed_after.append(second)
        clock.seconds += 1
    assert probed_after == [5, 15, 35, 75, 135, 195, 255, 315, 375]
    assert not gate.is_open()
    assert ledger.notes.pause_state() is not None


def test_a_key_that_may_list_users_but_not_create_calls_is_not_probed_every_five_seconds(
    ledger: Ledger, clock: Clock
) -> None:
    gate = Gate(ledger, Gong().probe)
    closed_for = []
    for _ in range(5):
        gate.close(BadCredentials("no right to create calls"))
        closed_at = clock.seconds
        while gate.cause is not None:
            clock.seconds += 1
            gate.tend()
        closed_for.append(clock.seconds - closed_at)
        clock.seconds += 1  # one claim, one refusal
    assert closed_for == [5, 10, 20, 40, 80]


def test_R29_after_a_pause_one_worker_goes_first_and_the_others_follow(ledger: Ledger, clock: Clock) -> None:
    gate = Gate(ledger, Gong().probe)
    gate.close(BadCredentials("the key is wrong"))
    clock.seconds += 5
    gate.tend()
    assert [gate.is_open() for _ in range(4)] == [True, False, False, False]
    clock.seconds += 5
    assert [gate.is_open() for _ in range(4)] == [True, True, True, True]


def test_R29_while_it_probes_the_pause_stays_visible_with_the_moment_it_began(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor that looks in the midst of a probe must not see that all is well, and then alarm anew."""
    gong = Gong()
    gong.trouble = BadCredentials("the key is wrong")
    seen = []

    def probe() -> None:
        seen.append(ledger.notes.pause_state())
        gong.probe()

    gate = Gate(ledger, probe)
    with time_machine.travel(datetime(2026, 9, 1, 12, 0, tzinfo=UTC), tick=False) as travelling:
        gate.close(BadCredentials("the key is wrong"))
        for _ in range(3):
            clock.seconds += 60
            travelling.shift(60)
            gate.tend()
    assert [pause and pause.since for pause in seen] == [datetime(2026, 9, 1, 12, 0, tzinfo=UTC)] * 3
