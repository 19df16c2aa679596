"""R26: reading takes no slot while a new recording wants one, and counts as work that can wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.errors import RateLimited
from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, Recording, State
from gong_bridge.receive.behind_live import BehindLive

LEASE_SECONDS = 30.0


class Scene:
    """A ledger on which a bridge that serves the source pbx runs."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.told: list[str] = []
        self.inner = LedgerAllowance(ledger, 20.0, 1000, kept_for_live=0.2)

    def allowance(self) -> BehindLive:
        return BehindLive(self.inner, self.ledger, LEASE_SECONDS, self.told.append)

    def bridge_runs(self) -> None:
        now = clock.now()
        seen = BridgeSeen(
            name="host:1:2:3:4", host="host", version="1", lanes=(Lane("pbx"),), started_at=now, seen_at=now
        )
        self.ledger.bridges.seen(seen, LEASE_SECONDS)

    def found(self, *, backlog: bool = False) -> Entry:
        now = clock.now()
        recording = Recording(source="pbx", key="a.wav", version="1-1", size_bytes=1, modified_at=now)
        self.ledger.intake.add([recording], backlog, now)
        (entry,) = self.ledger.views.entries()
        return entry

    def claim(self) -> Entry:
        entry = self.ledger.work.claim("host:1:2:3", clock.now(), LEASE_SECONDS)
        assert entry is not None
        return entry

    def takes_a_slot_at_once(self) -> bool:
        """Whether a read goes now; one that must wait is stopped."""
        stop = threading.Event()
        timer = threading.Timer(0.6, stop.set)
        timer.start()
        try:
            self.allowance().take(stop)
        except RateLimited:
            return False
        finally:
            timer.cancel()
        return True


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        yield Scene(ledger)


def test_R26_a_read_waits_while_a_new_recording_is_due_and_says_so(scene: Scene) -> None:
    scene.bridge_runs()
    scene.found()
    assert not scene.takes_a_slot_at_once()
    assert scene.told == ["new recordings go first"]


def test_R26_a_read_goes_as_soon_as_the_new_recording_has_its_call(scene: Scene) -> None:
    scene.bridge_runs()
    scene.found()
    entry = scene.claim()
    assert not scene.takes_a_slot_at_once()
    entry = scene.ledger.work.advance(entry, State.DRAFTED, clock.now())
    assert not scene.takes_a_slot_at_once()
    scene.ledger.work.advance(entry, State.CREATED, clock.now(), call_id="7")
    assert scene.takes_a_slot_at_once()


@pytest.mark.parametrize("why", ["nobody works on the ledger", "old recordings", "paused by hand", "due later"])
def test_what_nobody_is_about_to_send_holds_no_read_up(scene: Scene, why: str) -> None:
    if why != "nobody works on the ledger":
        scene.bridge_runs()
    scene.found(backlog=why == "old recordings")
    if why == "paused by hand":
        scene.ledger.notes.pause_by_hand("pbx", "", clock.now())
    if why == "due later":
        later = clock.now() + timedelta(minutes=1)
        scene.ledger.work.postpone(scene.claim(), clock.now(), later, "service-down", "x", True)
    assert scene.takes_a_slot_at_once()


def test_R26_reads_are_counted_with_old_recordings_and_leave_what_is_kept_for_new_ones(scene: Scene) -> None:
    scene.inner = LedgerAllowance(scene.ledger, 20.0, 5, kept_for_live=0.4)
    for _ in range(3):
        scene.allowance().take(threading.Event())
    state = scene.inner.state(datetime.now(UTC))
    assert (state.used_24h, state.backlog_24h) == (3, 3)
    scene.inner = LedgerAllowance(scene.ledger, 20.0, 5, kept_for_live=0.4)  # the other one looks every 2 s
    with pytest.raises(RateLimited, match="kept for new recordings") as caught:
        scene.allowance().take(threading.Event())
    assert caught.value.wait_seconds == 3600.0


def test_a_read_that_waited_goes_on_by_itself(scene: Scene) -> None:
    scene.bridge_runs()
    scene.found()
    taken = threading.Event()

    def read() -> None:
        scene.allowance().take(threading.Event())
        taken.set()

    reader = threading.Thread(target=read)
    reader.start()
    time.sleep(0.4)
    assert not taken.is_set()
    scene.ledger.work.skip(scene.claim(), clock.now(), "short", "too short")
    assert taken.wait(3)
    reader.join()
