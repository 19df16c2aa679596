"""R22: SIGKILL at random moments, hundreds of times, over hundreds of recordings of every kind; then all is counted.

The processes are forks of one that has imported everything, so that the kills fall into the work and not into imports.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import environment
from tests.forked_command import ForkedCommands
from tests.proofs.crash_scenes import SIGKILLED, CrashHome, crash_home
from tests.store import moto_server

pytestmark = [pytest.mark.proof, pytest.mark.timeout(7200)]

KILLS = 200
RECORDINGS = 400
"""They come evenly over all kills, so that there is always something to interrupt."""
SEED = "R22 random kills"
SLOW = tuple(Fault(operation=name, kind="slow", seconds=0.05, times=None) for name in ("addCall", "addCallRecording"))
"""The effect comes at once, the answer later: many kills hit between the two."""
MOST_OPEN = 40
LONGEST_START_SECONDS = 20.0
LONGEST_WORK_SECONDS = 1.5
LOOK_EVERY_SECONDS = 0.25
KINDS = ("deleted", "deleted", "moved", "across", "pairs", "linked", "linked-moved")


@pytest.fixture(scope="module")
def store_url() -> Iterator[str]:
    with moto_server() as url:
        yield url


class Slot:
    """One of the processes that are started and killed again and again."""

    def __init__(self, commands: ForkedCommands, home: CrashHome, chance: random.Random) -> None:
        self._commands = commands
        self._home = home
        self._chance = chance
        self._dies_at: float | None = None
        self._is_at_work = False
        self.killed = 0
        self.at_work = 0
        """Kills after which at least one recording was left claimed by a dead process."""

    def look(self) -> None:
        """Start it, or kill it when its time has come: one in five while it starts, the others in the midst of work."""
        now = time.monotonic()
        if self._dies_at is None:
            arguments = ["run", "-c", str(self._home.root / "bridge.yaml")]
            self._commands.start(arguments, environment(self._home.environment), self._home.log)
            dies_early = self._chance.random() < 0.2
            self._dies_at = now + (self._chance.uniform(0, 1.0) if dies_early else LONGEST_START_SECONDS)
            self._is_at_work = dies_early
        elif now >= self._dies_at:
            self.end()
        elif not self._is_at_work and claimed_by(self._home, self._commands.pid):
            self._is_at_work = True
            self._dies_at = time.monotonic() + self._chance.uniform(0, LONGEST_WORK_SECONDS)

    def end(self) -> None:
        """Kill it, where it runs."""
        if self._dies_at is None:
            return
        code = self._commands.kill()
        assert code == SIGKILLED, f"{code}: {self._home.log.read_text()[-3000:]}"
        self._dies_at = None
        self.killed += 1
        self.at_work += claimed_by(self._home, self._commands.pid) > 0


@contextmanager
def forks(count: int) -> Iterator[list[ForkedCommands]]:
    made = [ForkedCommands() for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            one.close()


def open_ones(home: CrashHome) -> int:
    """How many recordings are on their way."""
    return int(home.ask("SELECT count(*) FROM entries WHERE state NOT IN ('done', 'skipped')")[0][0])


def claimed_by(home: CrashHome, pid: int) -> int:
    """How many recordings this process, which is dead, had in hand."""
    return int(home.ask(f"SELECT count(*) FROM entries WHERE lease_token LIKE '%:{pid}:%'")[0][0])


@pytest.mark.parametrize(("ledger", "processes"), [("sqlite", 1), ("postgresql", 3)])
def test_R22_killed_at_random_nothing_is_lost_and_nothing_doubled(
    ledger: str, processes: int, request: pytest.FixtureRequest, store_url: str, tmp_path: Path,
    start_sandbox: Callable[..., Sandbox],
) -> None:  # fmt: skip
    chance = random.Random(f"{SEED} {ledger}")
    sandbox = start_sandbox(faults=SLOW, fetch_links=True, page_size=100, keep_media_total_bytes=10**9)
    url = None if ledger == "sqlite" else str(request.getfixturevalue("empty_postgresql_url"))
    with ExitStack() as stack:
        commands = stack.enter_context(forks(processes))
        home = stack.enter_context(
            crash_home(tmp_path / f"random-{ledger}", sandbox, run=commands[0].run, ledger_url=url, store_url=store_url)
        )
        Ledger.open(home.config["ledger"]["url"]).close()  # it is asked how much waits before any process has made it
        slots = [Slot(one, home, chance) for one in commands]
        looked_at = 0.0
        while (killed := sum(slot.killed for slot in slots)) < KILLS:
            for slot in slots:
                slot.look()
            if time.monotonic() > looked_at + LOOK_EVERY_SECONDS:
                looked_at = time.monotonic()
                home.let_time_fly_for_links()
                come = MOST_OPEN + (RECORDINGS - MOST_OPEN) * killed // KILLS - len(home.expected)
                for _ in range(min(come, MOST_OPEN - open_ones(home))):
                    home.record(chance.choice(KINDS))
            time.sleep(0.02)
        for slot in slots:
            slot.end()
        waiting = open_ones(home)
        sandbox.play_no_faults()
        assert home.go() == 0, home.log.read_text()[-3000:]
        home.everything_arrived_once()
        home.sources_are_settled()
        calls = sandbox.calls
        print(
            f"\n{ledger}, {processes} at a time, seed {SEED!r}: {sum(slot.killed for slot in slots)} kills,"
            f" {sum(slot.at_work for slot in slots)} of them with recordings in hand;"
            f" {len(home.expected)} recordings, {waiting} of them open after the last kill; {len(calls)} calls,"
            f" {sum(call.media_puts for call in calls)} media, {len(home.expected) - len(calls)} lost,"
            f" {sum(call.media_puts > 1 for call in calls)} doubled"
        )
