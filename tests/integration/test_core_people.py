"""Gong's users and agents.csv: what is wrong, old or out of reach stops nobody who is known, and makes no storms."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gong_bridge import clock
from gong_bridge.account import agents_file
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry
from gong_bridge.routes import sidecar_watch
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.recordings import call_text, drop
from tests.integration.bench import Bench, bench

HEADER = "email,extension,login,name\n"
KNOWN = "agent-201@example.com,201,,\n"
NEW = "agent-203@example.com,299,,\n"


@pytest.fixture
def bridge(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(agents_file, "LOOK_SECONDS", 0.0)
    with bench(tmp_path, sandbox.base_url) as opened:
        yield opened


def user_requests(sandbox: Sandbox) -> int:
    """How many requests asked for users."""
    return len([request for request in sandbox.requests if request.path == "/v2/users"])


def users_are_old(bridge: Bench, age: timedelta) -> None:
    """As if they had been fetched so long ago."""
    people = bridge.bridge.ledger.people
    people.replace_users(people.users(), clock.now() - age)
    bridge.bridge.accounts.default.directory._tried_at = float("-inf")


@pytest.mark.parametrize("status", [500, 503, 403])
def test_a_daily_refresh_that_fails_leaves_the_known_people_in_use(
    bridge: Bench, sandbox: Sandbox, status: int
) -> None:
    """And is not tried again with every recording."""
    drop(bridge.recorder, "one.wav", 1)
    bridge.find()
    bridge.work()
    users_are_old(bridge, timedelta(days=2))
    asked = user_requests(sandbox)
    sandbox.play(Fault(operation="listUsers", kind="status", status=status, times=None, retry_after="0"))
    for number in range(2, 6):
        drop(bridge.recorder, f"{number}.wav", number)
    bridge.find()
    time.sleep(1.1 if status == 503 else 0)  # Gong asked everybody to wait that long
    bridge.work_again()
    bridge.work_again()
    assert {state for state, _ in bridge.states().values()} == {"done"}
    assert user_requests(sandbox) == asked + 1


def test_nobody_waits_for_a_slow_refresh_who_knows_yesterdays_people(bridge: Bench, sandbox: Sandbox) -> None:
    bridge.bridge.accounts.default.directory.fetch()
    users_are_old(bridge, timedelta(days=2))
    sandbox.play(Fault(operation="listUsers", kind="slow", seconds=3, times=None))
    asking = threading.Thread(target=bridge.bridge.accounts.default.directory.people)
    asking.start()
    time.sleep(0.3)
    began = time.monotonic()
    bridge.bridge.accounts.default.directory.people()
    bridge.bridge.agents.reload()
    assert time.monotonic() - began < 2.5
    sandbox.play_no_faults()
    asking.join()


def test_a_fetch_without_news_does_not_look_at_every_held_recording_again(bridge: Bench, sandbox: Sandbox) -> None:
    """Thousands of calls of somebody unknown would be probed, and written about, every five minutes for ever."""
    for number in range(3):
        drop(bridge.recorder, f"{number}.wav", number, primaryUser="299")
    bridge.find()
    bridge.work()
    held = dict.fromkeys((1, 2, 3), ("held", "unknown-person"))
    assert bridge.states() == held
    events = len(bridge.bridge.ledger.views.latest_events(1000))
    bridge.bridge.accounts.default.directory.fetch()
    assert bridge.states() == held
    assert len(bridge.bridge.ledger.views.latest_events(1000)) == events


def test_many_unknown_people_while_gong_does_not_answer_cost_one_request_and_are_held(
    bridge: Bench, sandbox: Sandbox
) -> None:
    bridge.bridge.accounts.default.directory.fetch()
    users_are_old(bridge, timedelta(hours=1))
    asked = user_requests(sandbox)
    sandbox.play(Fault(operation="listUsers", kind="status", status=500, times=None))
    for number in range(5):
        drop(bridge.recorder, f"{number}.wav", number, primaryUser="299")
    bridge.find()
    bridge.work()
    bridge.work_again()
    assert user_requests(sandbox) == asked + 1
    assert {state for state, _ in bridge.states().values()} == {"held"}


def test_a_corrected_agents_csv_frees_recordings_whoever_notices_it_first(bridge: Bench, sandbox: Sandbox) -> None:
    """A worker may read it before the housekeeping does."""
    drop(bridge.recorder, "one.wav", 1, primaryUser="299", parties=[{"emailAddress": "agent-203@example.com"}])
    bridge.find()
    bridge.work()
    assert bridge.states() == {1: ("held", "unknown-person")}
    (bridge.root / "agents.csv").write_text(HEADER + KNOWN + NEW)
    bridge.bridge.accounts.default.directory.people()
    bridge.bridge.agents.reload()
    bridge.work()
    assert bridge.states() == {1: ("done", None)}


def test_an_agents_csv_that_was_wrong_from_the_beginning_frees_recordings_when_it_is_right(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start with a wrong file is refused; one that breaks between the check and the first look is not."""
    monkeypatch.setattr(agents_file, "LOOK_SECONDS", 0.0)
    with bench(tmp_path, sandbox.base_url) as bridge:
        (tmp_path / "agents.csv").write_text("nothing of the kind\n")
        drop(bridge.recorder, "one.wav", 1, primaryUser="299", parties=[{"emailAddress": "agent-203@example.com"}])
        bridge.find()
        bridge.work()
        assert bridge.states() == {1: ("held", "unknown-person")}
        (tmp_path / "agents.csv").write_text(HEADER + KNOWN + NEW)
        assert bridge.bridge.agents.reload()
        bridge.work()
        assert bridge.states() == {1: ("done", None)}


def test_people_whom_another_process_fetched_are_known_here(bridge: Bench, sandbox: Sandbox, tmp_path: Path) -> None:
    """Two processes on one ledger: the second one must not go on with what it read at its start."""
    bridge.bridge.accounts.default.directory.fetch()
    before = bridge.bridge.accounts.default.directory.people()
    users = bridge.bridge.ledger.people.users()
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as elsewhere:
        elsewhere.people.replace_users(users[:1], clock.now())
    assert bridge.bridge.accounts.default.directory.people() is not before
    assert bridge.bridge.accounts.default.directory.people().user_by_id(users[-1].id) is None


def test_users_that_were_fetched_by_a_clock_ahead_of_now_are_fetched_again(bridge: Bench, sandbox: Sandbox) -> None:
    """Else they would stay as they are until the real time catches up."""
    bridge.bridge.accounts.default.directory.fetch()
    users_are_old(bridge, -timedelta(days=365))
    asked = user_requests(sandbox)
    bridge.bridge.accounts.default.directory.people()
    assert user_requests(sandbox) > asked


def test_R9_a_sidecar_that_is_corrected_while_its_recording_is_being_held_still_frees_it(
    bridge: Bench, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look comes between the decision to hold and its being written down."""
    monkeypatch.setattr(sidecar_watch, "LOOK_SECONDS", 0.0)
    drop(bridge.recorder, "one.wav", 1, direction="bad")
    bridge.find()
    real = bridge.bridge.ledger.work.hold

    def hold(*arguments: Any, **named: Any) -> Entry:
        (bridge.recorder / "one.json").write_text(call_text("one"))
        bridge.bridge.sidecar_watch.look()
        return real(*arguments, **named)

    monkeypatch.setattr(bridge.bridge.ledger.work, "hold", hold)
    bridge.work()
    monkeypatch.setattr(bridge.bridge.ledger.work, "hold", real)
    assert bridge.states() == {1: ("held", "bad-metadata")}
    assert bridge.bridge.sidecar_watch.look() == 1
    bridge.work()
    assert bridge.states() == {1: ("done", None)}
