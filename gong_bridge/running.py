"""A bridge at work: the threads of one run, started and stopped in the right order, for ever or until all is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from gong_bridge import __version__, clock, notify
from gong_bridge.account.account import Account
from gong_bridge.account.agents_file import try_again_for_people
from gong_bridge.config.accounts import account_name
from gong_bridge.errors import BridgeError, SourceUnavailable
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.pause_words import cure, in_words
from gong_bridge.logs import get_logger
from gong_bridge.model import SourceHealth
from gong_bridge.owner import is_alive
from gong_bridge.retry import RetryPolicy
from gong_bridge.service import Bridge
from gong_bridge.single_pass import Scan
from gong_bridge.sources.base import Intake, Source
from gong_bridge.supervision import Work, every, keep_going
from gong_bridge.worker import Leases, Worker

LOOK_SECONDS = 0.8
"""How often one thread asks the ledger for work on behalf of all idle workers: also for what other hosts write."""
TEND_SECONDS = 1.0
"""How often the housekeeping looks at the gate and agents.csv, and systemd is told that we live."""
CLOCK_LOOK_SECONDS = 30.0
"""How often the clock is looked at: whether it was set back."""
ONCE_LOOK_SECONDS = 0.2
"""How often `run --once` asks whether all is done."""
ONCE_PATIENCE_SECONDS = 60.0
"""How long `run --once` waits for Gong or a source that cannot be used at all before it gives up."""

log = get_logger(__name__)


def run(bridge: Bridge, stop: threading.Event) -> None:
    """Watch every source and deliver until `stop` is set, then finish the current steps within the grace period."""
    with _Crew(bridge) as crew:
        for route in bridge.routes.values():
            crew.start_source(route.source, bridge.intake_of(route))
        crew.start_housekeeping()
        crew.start_receipts()
        crew.start_workers()
        notify.ready()
        log.info("started", version=__version__, sources=len(bridge.routes), workers=bridge.config.work.workers)
        while not clock.wait(stop, TEND_SECONDS):
            if crew.is_whole():
                notify.watchdog()
        notify.stopping()
    log.info("stopped")


def run_once(bridge: Bridge, stop: threading.Event) -> str | None:
    """Scan every source and work until nothing is open.

    Returns None when everything came to its end, else the trouble that keeps it from that.
    """
    bridge.observer.found(bridge.ledger.views.open_count(bridge.lanes))
    scans = [Scan(route, bridge.intake_of(route)) for route in bridge.routes.values()]
    with _Crew(bridge) as crew:
        for scan in scans:
            crew.start_thread(f"scan {scan.name}", scan.run, scan.failed)
        crew.start_housekeeping()
        crew.start_workers()
        while not clock.wait(stop, ONCE_LOOK_SECONDS):
            more_to_come = bridge.backfill.is_busy()  # asked first: what it takes is counted then
            open_count = bridge.ledger.views.open_count(bridge.lanes)
            if open_count == 0 and all(scan.complete for scan in scans) and not more_to_come:
                return None
            trouble = _trouble(bridge, scans, open_count)
            if trouble:
                return trouble
        return "stopped before everything was delivered"


def _trouble(bridge: Bridge, scans: Sequence[Scan], open_count: int) -> str | None:
    at_work = bridge.ledger.views.open_count(bridge.lanes_at_work())
    if open_count and not at_work and bridge.switch.paused and all(scan.complete for scan in scans):
        told = "; ".join(f"{in_words(one, clock.now())} ({cure(one)} ends it)" for one in bridge.switch.paused)
        return f"{open_count} recordings wait, for {told}"
    idle = bridge.observer.idle_seconds() > ONCE_PATIENCE_SECONDS
    for account in bridge.accounts:
        cause = account.gate.cause
        if cause is not None and account.gate.closed_seconds() > ONCE_PATIENCE_SECONDS and (idle or not at_work):
            return cause.message if account.name is None else f"account {account.name}: {cause.message}"
    for scan in scans:
        if scan.trouble is not None and scan.trouble_seconds() > ONCE_PATIENCE_SECONDS:
            return f"source {scan.name}: {scan.trouble}"
    if idle:
        unavailable = bridge.ledger.views.open_count(bridge.lanes, code=SourceUnavailable.code)
        if 0 < unavailable == open_count:
            return f"{unavailable} recordings cannot be read or removed: gong-bridge ledger list says why"
    return None


class _Crew:
    """The threads of one run: started inside the `with`, stopped in the right order at its end."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._stop_finding = threading.Event()
        self._stop_working = threading.Event()
        self._stop_beating = threading.Event()
        self._finders: list[threading.Thread] = []
        self._workers: list[threading.Thread] = []
        self._leases = Leases(bridge.ledger, bridge.config.ledger.lease)
        self._heart = threading.Thread(
            target=self._leases.run, args=(self._stop_beating,), name="heartbeat", daemon=True
        )

    def __enter__(self) -> _Crew:
        self._bridge.presence.begin()
        for account in self._bridge.accounts:
            # A pause of an earlier run says nothing about this one: the first request will tell.
            self._bridge.ledger.notes.resume(account.name)
        self._bridge.switch.look()
        self._bridge.ledger.work.release_dead(is_alive, now=clock.now())
        self._bridge.ledger.turns.give_back_of_dead(is_alive)
        self._bridge.ledger.reaches.give(self._bridge.lanes)
        self._bridge.bodies.remove_leftovers()
        self._bridge.sidecar_watch.try_all_again(self._bridge.lanes)
        self._bridge.sidecars_again.recall()
        # agents.csv and Gong's users may have been corrected meanwhile
        try_again_for_people(self._bridge.ledger, self._bridge.lanes)
        self._bridge.correct_for_the_clock()
        self._heart.start()
        return self

    def start_source(self, source: Source, intake: Intake) -> None:
        """A source's own thread."""

        def failed(error: Exception) -> None:
            message = f"looking for recordings failed ({type(error).__name__}), it is tried again; see the log"
            with suppress(BridgeError):
                intake.health(SourceHealth(source=source.name, healthy=False, message=message, updated_at=clock.now()))

        self.start_thread("source", lambda stop: source.run(intake, stop), failed)

    def start_housekeeping(self) -> None:
        """A thread each: one that waits for Gong or a bucket keeps neither the others nor systemd waiting."""
        bridge = self._bridge
        for account in bridge.accounts:
            self.start_thread("gate", every(TEND_SECONDS, account.gate.tend))
        self.start_thread("presence", every(bridge.config.ledger.lease / 3, bridge.give_a_sign_of_life))
        self.start_thread("work", every(LOOK_SECONDS, bridge.look_for_work))
        self.start_thread("agents", every(TEND_SECONDS, bridge.agents.reload))
        self.start_thread("tables", bridge.tables.keep_reading)
        self.start_thread("sidecars", every(TEND_SECONDS, bridge.look_for_sidecars))
        self.start_thread("mappings", every(TEND_SECONDS, bridge.look_at_mappings))
        self.start_thread("sidecars again", every(TEND_SECONDS, bridge.sidecars_again.look))
        self.start_thread("backfill", bridge.backfill.run)
        self.start_thread("failures", every(TEND_SECONDS, bridge.tell_failures))
        self.start_thread("clock", every(CLOCK_LOOK_SECONDS, bridge.correct_for_the_clock))

    def start_receipts(self) -> None:
        """A thread for each account: one that Gong keeps waiting does not keep the others."""
        nightly = self._bridge.nightly
        if nightly is None:
            return
        for account in self._bridge.accounts:
            self.start_thread(f"receipt of {account_name(account.name)}", partial(nightly.run, account.name))

    def start_thread(self, name: str, run: Work, on_failure: Callable[[Exception], None] = lambda _: None) -> None:
        """A thread that is no worker; stopped first."""

        def failed(error: Exception) -> None:
            self._bridge.failures.note(name, error)
            on_failure(error)

        work = keep_going(run, failed)
        thread = threading.Thread(target=work, args=(self._stop_finding,), name=name, daemon=True)
        thread.start()
        self._finders.append(thread)

    def is_whole(self) -> bool:
        """Whether every thread lives."""
        return all(thread.is_alive() for thread in (self._heart, *self._finders, *self._workers))

    def start_workers(self) -> None:
        """For each account its own, so that one that is slow or paused keeps nobody from the others."""
        for account in self._bridge.accounts:
            lanes = self._bridge.lanes_of(account)
            if lanes:
                self._start_workers_of(account, lanes)

    def _start_workers_of(self, account: Account, lanes: tuple[Lane, ...]) -> None:
        """`work.workers` workers for everything and one that keeps a place free for live calls (R26)."""
        bridge = self._bridge
        policy = RetryPolicy(
            max_attempts=bridge.config.work.max_attempts, longest_wait_seconds=bridge.config.work.longest_wait
        )
        for number in range(bridge.config.work.workers + 1):
            worker = Worker(
                ledger=bridge.ledger,
                pipeline=bridge.pipeline,
                leases=self._leases,
                policy=policy,
                owner=bridge.owner,
                lanes=lanes,
                lease_seconds=bridge.config.ledger.lease,
                observer=bridge.observer,
                on_paused=bridge.accounts.pause,
                purse=account.allowance.day,
                switch=bridge.switch,
                order=bridge.config.work.order,
                live_only=number == 0,
            )
            self._start_worker(f"worker {number} of {account_name(account.name)}", worker, account)

    def _start_worker(self, name: str, worker: Worker, account: Account) -> None:
        bridge = self._bridge

        def work(stop: threading.Event) -> None:
            worker.run(stop, account.gate.is_open, bridge.wake)

        going = keep_going(work, lambda error: bridge.failures.note(name, error))
        thread = threading.Thread(target=going, args=(self._stop_working,), name=name, daemon=True)
        thread.start()
        self._workers.append(thread)

    def __exit__(self, *_: object) -> None:
        self._stop_finding.set()
        self._stop_working.set()
        self._bridge.stop_now.set()
        self._bridge.wake.set()
        deadline = clock.monotonic_seconds() + self._bridge.config.work.grace
        for thread in [*self._workers, *self._finders]:
            thread.join(max(0.1, deadline - clock.monotonic_seconds()))
        self._stop_beating.set()
        self._heart.join(5)
        with suppress(BridgeError):
            self._bridge.presence.end()
