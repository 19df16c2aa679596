"""R22: at each kill point SIGKILL, start again, count: one call, one media, nothing lost, nobody needed.

Every point with both ledgers, both ways of delivery, and each answer that Gong may give to a repeated clientUniqueId.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.kill_points import Point
from gong_bridge.sandbox.server import Sandbox
from tests.proofs.crash_scenes import (
    BY_LINK,
    BY_UPLOAD,
    OF_BACKFILLS,
    OF_MOVED_LEDGERS,
    OF_NEW_LEDGERS,
    OF_QUEUES,
    SIGKILLED,
    CrashHome,
    Meanwhile,
    Scene,
    crash_home,
    have_another_disk,
)
from tests.store import moto_server

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]

ANSWERS = ("conflict", "bad_request", "same_id")
LEDGERS = ("sqlite", "postgresql")
NewLedger = Callable[[str], str | None]


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def ledger_on(request: pytest.FixtureRequest) -> NewLedger:
    """`ledger_on("postgresql")`: the URL of an empty database; None: a file in the home."""
    return lambda kind: None if kind == "sqlite" else str(request.getfixturevalue("empty_postgresql_url"))


def command(arguments: list[str], environment: Mapping[str, str], log: Path, meanwhile: Meanwhile) -> int:
    """The command as people start it."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gong_bridge", *arguments],
            env=dict(environment), stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    give_up = time.monotonic() + 180
    while process.poll() is None:
        if time.monotonic() > give_up:
            process.kill()
            process.wait()
            raise AssertionError(f"{arguments} did not end")
        meanwhile()
        time.sleep(0.05)
    return process.returncode


def crash_and_start_again(home: CrashHome, scene: Scene) -> None:
    """One cell of the matrix."""
    home.sandbox.play_no_faults()
    home.sandbox.play(*scene.before)
    home.record(scene.source, big=scene.big)
    assert home.go(armed=scene.armed) == SIGKILLED, f"{scene.name} was not reached\n{home.log.read_text()[-3000:]}"
    home.sandbox.play_no_faults()
    home.sandbox.play(*scene.after)
    posted = posts(home.sandbox)
    assert home.go() == 0, f"{scene.name}\n{home.log.read_text()[-3000:]}"
    if scene.after:
        repeated = posts(home.sandbox) - posted
        assert repeated == 1, f"{repeated} repeated POSTs: Gong was to be asked once more, so that its answer counts"
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
    ledger: str, way: str, answer: str, ledger_on: NewLedger, store_url: str, tmp_path: Path,
    start_sandbox: Callable[..., Sandbox],
) -> None:  # fmt: skip
    sandbox = start_sandbox(repeated_id=answer, fetch_links=True, page_size=100)
    scenes = BY_LINK if way == "link" else BY_UPLOAD
    if not have_another_disk(tmp_path):
        scenes = [scene for scene in scenes if scene.source != "across"]
        print("\nthere is no second file system here: moves across disks are not tried")
    root = tmp_path / f"{ledger}-{way}-{answer}"
    store = store_url if way == "link" else None
    with crash_home(root, sandbox, run=command, ledger_url=ledger_on(ledger), store_url=store) as home:
        for scene in scenes:
            crash_and_start_again(home, scene)
        report(f"{ledger}, {way}, {answer}", len(scenes), home)
