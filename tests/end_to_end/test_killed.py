"""R22: killed at each kill point, one after the other: exactly one call and one media for each recording.

A sample of tests/proofs/test_crash_matrix.py: each point once, spread over ledgers, ways and Gong's answers, and each
process goes on with what the one before it left behind.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gong_bridge.kill_points import Point
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, wait_until
from tests.end_to_end.recordings import drop_many
from tests.forked_command import ForkedCommands
from tests.proofs.crash_scenes import (
    BY_LINK,
    BY_UPLOAD,
    OF_BACKFILLS,
    OF_ERASING,
    OF_MOVED_LEDGERS,
    OF_NEW_LEDGERS,
    OF_QUEUES,
    SIGKILLED,
    CrashHome,
    Scene,
    crash_home,
    have_another_disk,
    queue_of,
)

FIRST_AND_LAST = {*OF_NEW_LEDGERS, *OF_MOVED_LEDGERS, *OF_QUEUES, *OF_BACKFILLS, *OF_ERASING}


def of_recordings() -> list[Scene]:
    """Each point that a recording passes, once, with its first scene that needs no large file."""
    scenes = [scene for scene in (*BY_UPLOAD, *BY_LINK) if scene.point not in (Point.MEDIA_CONFIRMED, Point.HEARTBEAT)]
    first = {scene.point: scene for scene in reversed(scenes)}
    slow = [scene for scene in BY_UPLOAD if scene.point in (Point.MEDIA_CONFIRMED, Point.HEARTBEAT)]
    return [Scene(point=one.point, source=one.source, before=one.before) for one in (*first.values(), *slow)]


def test_the_scenes_have_every_kill_point() -> None:
    assert {scene.point for scene in of_recordings()} | FIRST_AND_LAST == set(Point)


@pytest.fixture(scope="module")
def commands() -> Iterator[ForkedCommands]:
    started = ForkedCommands()
    yield started
    started.close()


def dies(home: CrashHome, scene: Scene, *arguments: str, **named: Callable[[], object]) -> None:
    """A command that is killed at this point."""
    code = home.go(*arguments, armed=scene.armed, meanwhile=named.get("meanwhile"))
    assert code == SIGKILLED, f"{scene.name} was not reached: {home.log.read_text()[-2000:]}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("third", "ledger", "answer"),
    [(0, "sqlite", "conflict"), (1, "postgresql", "bad_request"), (2, "sqlite", "same_id")],
)
def test_R22_killed_at_each_point_one_call_and_one_media_each(
    third: int, ledger: str, answer: str, commands: ForkedCommands, request: pytest.FixtureRequest, store_url: str,
    tmp_path: Path, start_sandbox: Callable[..., Sandbox],
) -> None:  # fmt: skip
    """No process but the last comes to its end; each finds what was left by those before it."""
    sandbox = start_sandbox(repeated_id=answer, fetch_links=True, page_size=100)
    url = None if ledger == "sqlite" else str(request.getfixturevalue("empty_postgresql_url"))
    made = [Point.MIGRATED, Point.REVISION_APPLIED, Point.LEDGER_MADE][: 3 if url is None else 2]
    with crash_home(
        tmp_path / f"sample-{answer}", sandbox, run=commands.run, ledger_url=url, store_url=store_url
    ) as home:
        for point in reversed(made):
            dies(home, Scene(point=point, source=""))
        scenes = of_recordings()[third::3]
        for scene in scenes:
            if scene.source == "across" and not have_another_disk(home.root):
                continue
            sandbox.play(*scene.before)
            home.record(scene.source)
            dies(home, scene)
        assert home.go() == 0, home.log.read_text()[-2000:]
        home.everything_arrived_once()
        home.sources_are_settled()


def test_R16_R22_killed_with_messages_of_a_queue_and_orders_of_a_backfill(
    commands: ForkedCommands, store_url: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    with (
        crash_home(tmp_path / "sample-queue", sandbox, run=commands.run, store_url=store_url, link=False) as home,
        queue_of(home, "linked", store_url) as queue,
    ):
        for point in OF_QUEUES:
            queue.tell(f"{home.record('linked')}.wav")
            dies(home, Scene(point=point, source="linked"), "run")
        for point in OF_BACKFILLS:
            home.order_backfill("deleted")
            dies(home, Scene(point=point, source="deleted"))
        assert home.go() == 0, home.log.read_text()[-2000:]
        home.everything_arrived_once()


def test_R22_R28_killed_while_the_ledger_is_moved(commands: ForkedCommands, tmp_path: Path, sandbox: Sandbox) -> None:
    """Each time it is begun again it goes on; nothing is delivered again from the new ledger."""
    with crash_home(tmp_path / "sample-move", sandbox, run=commands.run) as home:
        home.record("deleted")
        assert home.go() == 0, home.log.read_text()[-2000:]
        new = f"sqlite:///{tmp_path}/new.db"
        for point in OF_MOVED_LEDGERS:
            dies(home, Scene(point=point, source=""), "ledger", "move", "--to", new)
        assert home.go("ledger", "move", "--to", new) == 0, home.log.read_text()[-2000:]
        home.config["ledger"]["url"] = new
        home.record("deleted")
        assert home.go() == 0, home.log.read_text()[-2000:]
        home.everything_arrived_once()


def test_R22_a_killed_bridge_leaves_no_processes_behind(home: Home, sandbox: Sandbox) -> None:
    """The probe's children see that their parent is gone."""
    drop_many(home.recorder, 4)
    with home.running() as service:
        wait_until(lambda: len(sandbox.calls) == 4, "four calls")
        children = children_of(service.process.pid)
        assert children, "the probe works in a process of its own"
        service.send(signal.SIGKILL)
        service.ended()
    wait_until(lambda: not any(is_running(child) for child in children), "the children end", 10)


def children_of(pid: int) -> list[int]:
    """The processes that this process started."""
    of_threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in of_threads for child in one.read_text(encoding="ascii").split()]


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended (a zombie has)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
