"""R22, R29: whatever goes wrong at whichever moment, in any order: no entry moves back, and Gong gets one call."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gong_bridge import clock, errors, kill_points
from gong_bridge.kill_points import Point
from gong_bridge.model import OPEN_STATES, Entry, State
from gong_bridge.sandbox.arrived import ArrivedCall
from gong_bridge.sandbox.options import Fault, SandboxOptions
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.recordings import drop
from tests.integration.bench import Bench, bench
from tests.integration.test_core_sharing import ID_OF, write_mapping

SHARED_AND_DELETED = {"mapping": "shared", "after_upload": "delete"}
RANK = {state: rank for rank, state in enumerate((*OPEN_STATES, State.DONE))}
STOPPED = (State.HELD, State.REJECTED, State.SKIPPED)
MOST_ROUNDS = 12


class Crash(BaseException):
    """The process is gone: nothing that stands below it on the stack writes anything any more."""


WITH_MORE_TO_SAY: dict[type[errors.BridgeError], Callable[[], errors.BridgeError]] = {
    errors.UnknownPerson: lambda: errors.UnknownPerson("nobody", kind="extension", value="299"),
    errors.SourceLost: lambda: errors.SourceLost("gone", code="source-gone"),
}
KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.BridgeError) and kind is not errors.BridgeError
]
"""Every error of the house; a new one is tried from the day it is written."""

POINTS_OF_A_STEP = (
    Point.PROBED, Point.DRAFTED, Point.CREATE_INTENDED, Point.CALL_UNSTORED, Point.CALL_FOUND, Point.CREATED,
    Point.UPLOAD_INTENDED, Point.BODY_1, Point.BODY_100, Point.MEDIA_UNSTORED, Point.MEDIA_CONFIRMED, Point.DELIVERED,
    Point.SHARE_UNSTORED, Point.SHARED, Point.DELETE_CHECKED, Point.DELETED,
)  # fmt: skip
"""Where our own code may raise anything."""
POINTS_OF_THE_LINE = (
    Point.POST_SENT, Point.POST_ANSWERED, Point.MEDIA_SENT, Point.MEDIA_ANSWERED, Point.SHARE_SENT,
)  # fmt: skip
"""Where the request has left: nobody can know there that it had no effect."""
DURING_AN_UPLOAD = (Point.UPLOAD_INTENDED, Point.BODY_1, Point.BODY_100)
"""Who is suspended here for longer than a lease, and then goes on, sends the same bytes a second time."""


@dataclass(frozen=True, kw_only=True)
class Raised:
    """Our code raises at a point."""

    point: Point
    kind: type[Exception]

    def error(self) -> Exception:
        if issubclass(self.kind, errors.BridgeError) and self.kind in WITH_MORE_TO_SAY:
            return WITH_MORE_TO_SAY[self.kind]()
        return self.kind("made up by a test")


@dataclass(frozen=True, kw_only=True)
class Killed:
    """The process is gone at a point; the next one starts."""

    point: Point


@dataclass(frozen=True, kw_only=True)
class Overtaken:
    """The process is suspended at a point for longer than its lease; another goes on, then this one wakes up."""

    point: Point


@dataclass(frozen=True, kw_only=True)
class ClockMoved:
    """The machine's clock is set."""

    hours: int


GONG_DOES_NOT_TELL = Fault(operation="listCallsExtensive", kind="status", status=400)
GONG_DOES_NOT_LIST_IT = Fault(operation="listCallsExtensive", kind="status", status=404)

Trouble = Raised | Killed | Overtaken | ClockMoved | Fault

TROUBLES: st.SearchStrategy[Trouble] = st.one_of(
    st.builds(Raised, point=st.sampled_from(POINTS_OF_A_STEP), kind=st.sampled_from([*KINDS, RuntimeError])),
    st.builds(
        Raised, point=st.sampled_from(POINTS_OF_THE_LINE), kind=st.sampled_from([errors.Unclear, RuntimeError])
    ),
    st.builds(Killed, point=st.sampled_from((Point.CLAIMED, *POINTS_OF_A_STEP, *POINTS_OF_THE_LINE))),
    st.builds(Killed, point=st.just(Point.OUTCOME_UNWRITTEN)),
    st.builds(Overtaken, point=st.sampled_from((Point.CLAIMED, *POINTS_OF_A_STEP, *POINTS_OF_THE_LINE))),
    st.builds(ClockMoved, hours=st.integers(-48, 48)),
    st.builds(
        Fault,
        operation=st.sampled_from(("addCall", "addCallRecording", "addUsersAccessToCalls")),
        kind=st.just("status_after"),
        status=st.sampled_from((500, 502, 503, 504)),
        retry_after=st.just("0"),
    ),
    st.builds(
        Fault,
        operation=st.sampled_from(
            ("addCall", "addCallRecording", "listCalls", "listCallsExtensive", "addUsersAccessToCalls", "getCall")
        ),
        kind=st.sampled_from(("status", "drop_before", "drop_after", "garbage", "truncated")),
        status=st.sampled_from((400, 401, 403, 404, 409, 429, 500, 503)),
        retry_after=st.just("0"),
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class World:
    """A bridge and the Gong before it, used for one recording after the other."""

    bridge: Bench
    sandbox: Sandbox
    numbers: Iterator[int]


@pytest.fixture(scope="module", params=["conflict", "bad_request", "same_id"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root: Path = tmp_path_factory.mktemp("machine")
    write_mapping(root, "[agent-202@example.com, '203']")
    with (
        Sandbox(SandboxOptions(repeated_id=request.param, page_size=100)) as sandbox,
        bench(root, sandbox.base_url, source=SHARED_AND_DELETED, mappings="mappings") as bridge,
    ):
        yield World(bridge=bridge, sandbox=sandbox, numbers=itertools.count(1))


@pytest.fixture(autouse=True)
def _own_clock() -> Iterator[None]:
    yield
    clock.follow(timedelta(0))
    kill_points.arm(None)


def check_every_sequence(world: World, troubles: list[Trouble]) -> None:
    """One recording, one trouble after the other; then nothing is wrong any more, and a person retries what is held."""
    number = next(world.numbers)
    name = f"call-{number}"
    digest = drop(world.bridge.recorder, f"{name}.wav", number)
    world.bridge.find()
    overtaken = False
    for trouble in troubles:
        overtaken |= isinstance(trouble, Overtaken) and trouble.point in DURING_AN_UPLOAD
        suffer(world, trouble)
        look_at(world, name)
    clock.follow(timedelta(0))
    for _ in range(MOST_ROUNDS):
        world.bridge.find()
        world.bridge.retry()
        go_on(world)
        if look_at(world, name).state is State.DONE:
            break
    entry = look_at(world, name)
    assert entry.state is State.DONE, (entry.reason_code, entry.reason)
    (call,) = calls_of(world, name)
    assert call.media is not None
    assert call.media.sha256 == digest
    assert call.media_puts == 1 or overtaken or never_told(world, entry)
    assert entry.call_id == call.id
    assert call.shared_with == (ID_OF["202"], ID_OF["203"])
    assert not (world.bridge.recorder / f"{name}.wav").exists()


def suffer(world: World, trouble: Trouble) -> None:
    """Work while this goes wrong."""
    world.sandbox.play_no_faults()
    if isinstance(trouble, Fault):
        world.sandbox.play(trouble)
    elif isinstance(trouble, ClockMoved):
        clock.follow(timedelta(hours=trouble.hours))
    else:
        kill_points.arm(trouble.point.word, die=lambda: happen(world, trouble))
    try:
        go_on(world)
    except (Crash, errors.LedgerReadOnly):
        pass
    finally:
        kill_points.arm(None)
        world.sandbox.play_no_faults()


def happen(world: World, trouble: Raised | Killed | Overtaken) -> None:
    if isinstance(trouble, Killed):
        raise Crash
    if isinstance(trouble, Overtaken):
        kill_points.arm(None)
        go_on(world)
        return
    raise trouble.error()


def go_on(world: World) -> None:
    """The leases of the dead have run out, every wait is over, and a process takes what is there as far as it goes."""
    with world.bridge.bridge.ledger.database.write() as connection:
        connection.exec_driver_sql("UPDATE entries SET lease_until = 1 WHERE lease_token IS NOT NULL")
    world.bridge.work_again()


def calls_of(world: World, name: str) -> list[ArrivedCall]:
    return [call for call in world.sandbox.calls if call.client_unique_id == name]


def never_told(world: World, entry: Entry) -> bool:
    """Gong was asked a fourth time whether it has the media, and never said: then the same bytes are sent again."""
    events = world.bridge.bridge.ledger.views.events(entry.id)
    return sum(event.code == errors.MediaUntold.code for event in events) >= 3


def look_at(world: World, name: str) -> Entry:
    """The entry of this recording; it never moved back, Gong has at most one call of it, and the tries are counted."""
    views = world.bridge.bridge.ledger.views
    entry = [one for one in views.entries() if one.key == f"{name}.wav"][-1]
    furthest = 0
    for event in views.events(entry.id):
        if event.to_state in RANK:
            # Taking up again what was held makes a draft anew that was never sent; a call stays a call.
            drafted_anew = event.from_state in STOPPED and furthest <= RANK[State.DRAFTED]
            assert RANK[event.to_state] >= furthest or drafted_anew, (event.from_state, event.to_state)
            furthest = RANK[event.to_state]
    assert RANK[entry.state if entry.state in RANK else entry.held_from or State.FOUND] == furthest
    assert len(calls_of(world, name)) <= 1
    assert 0 <= entry.attempts <= 40
    return entry


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(troubles=st.lists(TROUBLES, max_size=5))
@example(troubles=[Killed(point=Point.POST_SENT), Fault(operation="listCalls", kind="status", status=404)])
@example(troubles=[Killed(point=Point.MEDIA_SENT), Overtaken(point=Point.CREATED)])
@example(troubles=[Killed(point=Point.MEDIA_SENT), *[GONG_DOES_NOT_TELL] * 3])
@example(troubles=[Killed(point=Point.MEDIA_SENT), *[GONG_DOES_NOT_LIST_IT] * 3])
@example(troubles=[Killed(point=Point.SHARE_UNSTORED), Overtaken(point=Point.SHARED)])
def test_R22_R29_no_sequence_of_troubles_moves_an_entry_back_or_makes_a_second_call(
    world: World, troubles: list[Trouble]
) -> None:
    check_every_sequence(world, troubles)
