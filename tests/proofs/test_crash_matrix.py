"""R22: at each kill point SIGKILL, start again, count: one call, one media, nothing lost, nobody needed.

Every point with both ledgers, both ways of delivery, and each answer that Gong may give to a repeated clientUniqueId.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

import gong_bridge.ledger
from gong_bridge.kill_points import VARIABLE, Point
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import wait_until
from tests.forked_command import ForkedCommands
from tests.integration.test_ledger_opening import FIRST_LEDGER
from tests.proofs.crash_scenes import (
    BY_LINK,
    BY_UPLOAD,
    OF_BACKFILLS,
    OF_MOVED_LEDGERS,
    OF_NEW_LEDGERS,
    OF_QUEUES,
    SIGKILLED,
    CrashHome,
    Run,
    Scene,
    crash_home,
    have_another_disk,
    queue_of,
)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]

ANSWERS = ("conflict", "bad_request", "same_id")
LEDGERS = ("sqlite", "postgresql")
MIGRATIONS = Path(gong_bridge.ledger.__file__).parent / "migrations"
REVISIONS = len(list(ScriptDirectory(str(MIGRATIONS)).walk_revisions()))
NewLedger = Callable[[str], str | None]


@pytest.fixture
def ledger_on(request: pytest.FixtureRequest) -> NewLedger:
    """`ledger_on("postgresql")`: the URL of an empty database; None: a file in the home."""
    return lambda kind: None if kind == "sqlite" else str(request.getfixturevalue("empty_postgresql_url"))


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Runs a command in a process of its own: a fork of one that has imported everything, which is quicker."""
    commands = ForkedCommands()
    yield commands.run
    commands.close()


def crash_and_start_again(home: CrashHome, scene: Scene) -> None:
    """One cell of the matrix."""
    home.sandbox.play_no_faults()
    home.sandbox.play(*scene.before)
    home.record(scene.source, big=scene.big)
    posted = posts(home.sandbox)
    assert home.go(armed=scene.armed) == SIGKILLED, f"{scene.name} was not reached\n{home.log.read_text()[-3000:]}"
    home.sandbox.play_no_faults()
    home.sandbox.play(*scene.after)

    def let_time_fly() -> None:
        home.let_time_fly_for_links()
        if posts(home.sandbox) >= posted + 2:
            home.sandbox.play_no_faults()

    assert home.go(meanwhile=let_time_fly) == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
    if scene.after:
        assert posts(home.sandbox) >= posted + 2, "the POST was repeated, so Gong's answer to that counted"
    home.everything_arrived_once()
    home.sources_are_settled()


def posts(sandbox: Sandbox) -> int:
    """How often a call was posted."""
    return sum((request.method, request.path) == ("POST", "/v2/calls") for request in sandbox.requests)


def report(what: str, cells: int, home: CrashHome) -> None:
    calls = home.sandbox.calls
    doubled = sum(call.media_puts > 1 for call in calls)
    print(
        f"\n{what}: {cells} kills, {len(home.expected)} recordings, {len(calls)} calls,"
        f" {sum(call.media_puts for call in calls)} media, {len(home.expected) - len(calls)} lost, {doubled} doubled"
    )


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("way", ["upload", "link"])
@pytest.mark.parametrize("ledger", LEDGERS)
def test_R22_killed_at_each_point_of_a_recording(
    run: Run, ledger: str, way: str, answer: str, ledger_on: NewLedger, store_url: str, tmp_path: Path,
    start_sandbox: Callable[..., Sandbox],
) -> None:  # fmt: skip
    sandbox = start_sandbox(repeated_id=answer, fetch_links=True, page_size=100)
    scenes = BY_LINK if way == "link" else BY_UPLOAD
    if not have_another_disk(tmp_path):
        scenes = [scene for scene in scenes if scene.source != "across"]
        print("\nthere is no second file system here: moves across disks are not tried")
    root = tmp_path / f"{ledger}-{way}-{answer}"
    store = store_url if way == "link" else None
    with crash_home(root, sandbox, run=run, ledger_url=ledger_on(ledger), store_url=store) as home:
        for scene in scenes:
            crash_and_start_again(home, scene)
        report(f"{ledger}, {way}, {answer}", len(scenes), home)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_R22_killed_at_each_point_of_a_backfill(
    run: Run, ledger: str, ledger_on: NewLedger, tmp_path: Path, start_sandbox: Callable[..., Sandbox]
) -> None:
    sandbox = start_sandbox()
    with crash_home(tmp_path / ledger, sandbox, run=run, ledger_url=ledger_on(ledger)) as home:
        assert home.go() == 0, home.log.read_text()
        for point in OF_BACKFILLS:
            home.order_backfill("deleted")
            scene = Scene(point=point, source="deleted")
            assert home.go(armed=scene.armed) == SIGKILLED, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            assert home.go() == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            home.everything_arrived_once()
            assert home.ask("SELECT state, to_come FROM backfills") == [("done", 0)]
        report(f"{ledger}, backfill", len(OF_BACKFILLS), home)


@pytest.mark.parametrize("way", ["upload", "link"])
@pytest.mark.parametrize("ledger", LEDGERS)
def test_R16_R22_killed_at_each_point_of_a_queue(
    run: Run,
    ledger: str,
    way: str,
    ledger_on: NewLedger,
    store_url: str,
    tmp_path: Path,
    start_sandbox: Callable[..., Sandbox],
) -> None:
    """The service reads the queue; a message goes when what it names is written down, and not before."""
    sandbox = start_sandbox(fetch_links=True, page_size=100)
    root = tmp_path / f"queue-{ledger}-{way}"
    options = {"ledger_url": ledger_on(ledger), "store_url": store_url, "link": way == "link"}
    with crash_home(root, sandbox, run=run, **options) as home, queue_of(home, "linked", store_url) as queue:
        left = 0
        for point in OF_QUEUES:
            told: list[str] = []

            def tell(told: list[str] = told) -> None:
                if not told and home.health().get("linked") is True:
                    told.append(home.record("linked"))
                    queue.tell(f"{told[0]}.wav")
                home.let_time_fly_for_links()

            scene = Scene(point=point, source="linked")
            assert home.go() == 0
            home.ask("DELETE FROM source_health")  # the service's own first listing is waited for
            assert home.go("run", armed=scene.armed, meanwhile=tell) == SIGKILLED, home.log.read_text()[-3000:]
            left += point is not Point.QUEUE_DELETED
            assert queue.left() == left
            assert home.go() == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            home.everything_arrived_once()
        home.sources_are_settled()
        with home.running():  # what a dead process had read comes back two minutes later, and leads to nothing new
            wait_until(lambda: queue.left() == 0, "the messages come back and are deleted", 180)
        home.everything_arrived_once()
        report(f"{ledger}, {way}, queue", len(OF_QUEUES), home)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_R28_killed_at_each_point_of_making_a_ledger(
    run: Run, ledger: str, request: pytest.FixtureRequest, tmp_path: Path, start_sandbox: Callable[..., Sandbox]
) -> None:
    """The next start makes what is missing, and nothing twice."""
    points = [Scene(point=point, source="deleted") for point in OF_NEW_LEDGERS]
    if ledger == "postgresql":
        points = [scene for scene in points if scene.point is not Point.LEDGER_MADE]
    sandbox = start_sandbox()
    for number, scene in enumerate(points):
        url = None if ledger == "sqlite" else request.getfixturevalue("new_database")()
        with crash_home(tmp_path / f"{ledger}-{number}", sandbox, run=run, ledger_url=url) as home:
            home.record("deleted")
            assert home.go(armed=scene.armed) == SIGKILLED, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            assert home.go() == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            home.everything_arrived_once()
        forget(sandbox)
    print(f"\n{ledger}, new ledger: {len(points)} kills, 0 lost, 0 doubled")


@pytest.mark.parametrize("ledger", LEDGERS)
def test_R28_killed_at_each_point_of_an_upgrade_every_row_survives(
    run: Run, ledger: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """From the first released tables, through each revision since."""
    scenes = [Scene(point=Point.REVISION_APPLIED, source="", times=number) for number in range(1, REVISIONS)]
    for number, scene in enumerate([*scenes, Scene(point=Point.MIGRATED, source="")]):
        url = f"sqlite:///{tmp_path}/{number}.db" if ledger == "sqlite" else request.getfixturevalue("new_database")()
        subprocess.run([sys.executable, "-c", FIRST_LEDGER, url, str(MIGRATIONS)], check=True, timeout=60)
        program = f"from gong_bridge import kill_points; kill_points.arm({scene.armed[VARIABLE]!r});"
        program += "from gong_bridge.ledger.ledger import Ledger; import sys; Ledger.open(sys.argv[1])"
        assert subprocess.run([sys.executable, "-c", program, url], check=False, timeout=60).returncode == SIGKILLED
        with Ledger.open(url) as opened:
            rows = [(one.key, str(one.state), one.call_id, one.attempts) for one in opened.views.entries()]
        assert rows == [("done.wav", "done", "77", 3), ("open.wav", "found", None, 3)]
    print(f"\n{ledger}, upgrade: {len(scenes) + 1} kills, every row there")


@pytest.mark.parametrize("to", LEDGERS)
def test_R28_killed_at_each_point_of_moving_the_ledger(
    run: Run, to: str, request: pytest.FixtureRequest, tmp_path: Path, start_sandbox: Callable[..., Sandbox]
) -> None:
    """Done again it goes on; what was delivered before is not delivered again from the new ledger."""
    sandbox = start_sandbox()
    points = [Scene(point=point, source="deleted") for point in OF_MOVED_LEDGERS]
    points.append(Scene(point=Point.MOVE_BATCH, source="deleted", times=2))
    for number, scene in enumerate(points):
        server = request.getfixturevalue("new_database")()
        file = f"sqlite:///{tmp_path}/{number}.db"
        old, new = (file, server) if to == "postgresql" else (server, file)
        with crash_home(tmp_path / f"{to}-{number}", sandbox, run=run, ledger_url=old) as home:
            for _ in range(3):
                home.record("deleted")
            assert home.go() == 0, home.log.read_text()
            moving = ("ledger", "move", "--to", new)
            assert home.go(*moving, armed=scene.armed) == SIGKILLED, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            assert home.go(*moving) == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            home.config["ledger"]["url"] = new
            home.record("deleted")
            assert home.go() == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
            home.everything_arrived_once()
        forget(sandbox)
    print(f"\nmoved to {to}: {len(points)} kills, 0 lost, 0 doubled")


def forget(sandbox: Sandbox) -> None:
    """The next ledger gets a Gong without calls."""
    httpx.post(f"{sandbox.base_url}/_sandbox/forget", trust_env=False).raise_for_status()


@pytest.fixture
def new_database(postgresql_url: str) -> Iterator[Callable[[], str]]:
    """`new_database()`: the URL of one more empty database."""
    names: list[str] = []

    def make() -> str:
        names.append(f"own_{uuid.uuid4().hex[:12]}")
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {names[-1]}".encode())
        return make_url(postgresql_url).set(database=names[-1]).render_as_string(hide_password=False)

    yield make
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
