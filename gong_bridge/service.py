"""Composition root: Config in, running bridge out. The only file that knows every concrete class."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from gong_bridge import __version__, clock, notify
from gong_bridge.account import Account, Accounts
from gong_bridge.agents_file import AgentsFile, try_again_for_people
from gong_bridge.backfill import Backfill
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import Config
from gong_bridge.errors import BridgeError, SourceUnavailable
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger
from gong_bridge.looking import Looking
from gong_bridge.mapping.tables import Tables
from gong_bridge.mapping_watch import MappingWatch
from gong_bridge.media.body import Bodies
from gong_bridge.media.probe import MediaProbe
from gong_bridge.model import SourceHealth
from gong_bridge.observer import Observer
from gong_bridge.owner import is_alive, owner_name
from gong_bridge.pipeline import Pipeline
from gong_bridge.presence import Presence
from gong_bridge.reception import intake_for
from gong_bridge.retry import RetryPolicy
from gong_bridge.route import Route
from gong_bridge.routing import build_routes
from gong_bridge.sidecar_watch import SidecarWatch
from gong_bridge.sidecars_again import SidecarsAgain
from gong_bridge.single_pass import Scan
from gong_bridge.sources.base import Intake, Source
from gong_bridge.supervision import Witness, Work, every, keep_going
from gong_bridge.switch import Switch, cure, in_words
from gong_bridge.worker import Leases, Worker

LOOK_SECONDS = 0.5
"""How often one thread asks the ledger for work on behalf of all idle workers: also for what other hosts write."""
TEND_SECONDS = 1.0
"""How often the housekeeping looks at the gate and agents.csv, and systemd is told that we live."""
CLOCK_LOOK_SECONDS = 600.0
"""How often entries are looked for that wait for a time that cannot be meant."""
LONGEST_WAIT_SECONDS = 2 * 86_400.0
"""No entry waits so long on purpose; the longest wait is that for the day's allowance."""
ONCE_LOOK_SECONDS = 0.2
"""How often `run --once` asks whether all is done."""
ONCE_PATIENCE_SECONDS = 60.0
"""How long `run --once` waits for Gong or a source that cannot be used at all before it gives up."""

log = get_logger(__name__)


class Bridge:
    """Everything that runs, put together from one Config. Close it when done."""

    def __init__(self, config: Config, *, observer: Observer | None = None) -> None:
        """Open the ledger and load mappings; nothing runs yet. Raises ConfigError, LedgerReadOnly."""
        self.config = config
        self.observer = Witness(observer or Observer())
        self.tables = Tables()
        self.routes = build_routes(config, self.tables)
        self.lanes = tuple(Lane(name, route.reach) for name, route in self.routes.items())
        self.ledger = Ledger.open(config.ledger.url, config.ledger.password)
        self.owner = owner_name()
        self.presence = Presence(self.ledger, self.owner, self.lanes, config.ledger.lease)
        self.stop_now = threading.Event()
        """Set to end waits for the allowance; the service sets it when the grace period begins."""
        self.agents = AgentsFile(config.agents, self.ledger)
        self.accounts = self._open_accounts()
        self.switch = Switch(self.ledger)
        self.probe = MediaProbe(config.media)
        self.sidecar_watch = SidecarWatch(self.ledger)
        self.bodies = Bodies(self.probe, config.media)
        self.looking = Looking(
            routes=self.routes,
            probe=self.probe,
            accounts=self.accounts,
            media_options=config.media,
            sidecar_watch=self.sidecar_watch,
        )
        watched = {name: route.watched for name, route in self.routes.items()}
        self.mapping_watch = MappingWatch(self.ledger, watched, config.mappings)
        self.sidecars_again = SidecarsAgain(ledger=self.ledger, routes=self.routes, accounts=self.accounts)
        self.pipeline = Pipeline(
            ledger=self.ledger,
            routes=self.routes,
            looking=self.looking,
            accounts=self.accounts,
            bodies=self.bodies,
            observer=self.observer,
            sidecars_again=self.sidecars_again,
        )
        self.backfill = Backfill(
            ledger=self.ledger,
            routes=self.routes,
            owner=self.owner,
            first=config.work.order,
            turn_seconds=config.ledger.lease,
            on_found=self.observer.found,
            on_trouble=self.accounts.pause,
        )
        self._wake = threading.Event()

    def _open_accounts(self) -> Accounts:
        opened = {
            name: Account.open(
                name, options, ledger=self.ledger, agents=self.agents, owner=self.owner, stop=self.stop_now
            )
            for name, options in self.config.all_accounts.items()
        }
        return Accounts(opened, {source.name: source.account for source in self.config.sources})

    def lanes_of(self, account: Account) -> tuple[Lane, ...]:
        """The lanes whose new calls go to this account."""
        return tuple(lane for lane in self.lanes if self.accounts.of_source(lane.source) is account)

    def abort(self) -> None:
        """Break off every request to Gong at once, from any thread."""
        for account in self.accounts:
            account.client.abort()

    def close(self) -> None:
        """End the probe's processes, the connections and the ledger."""
        self.probe.close()
        self.tables.close()
        for account in self.accounts:
            account.close()
        self.ledger.close()

    # --- running ----------------------------------------------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Watch every source and deliver until `stop` is set, then finish the current steps within the grace period."""
        with _Crew(self) as crew:
            for route in self.routes.values():
                crew.start_source(route.source, self._intake(route))
            crew.start_housekeeping()
            crew.start_workers()
            notify.ready()
            log.info("started", version=__version__, sources=len(self.routes), workers=self.config.work.workers)
            while not clock.wait(stop, TEND_SECONDS):
                if crew.is_whole():
                    notify.watchdog()
            notify.stopping()
        log.info("stopped")

    def run_once(self, stop: threading.Event) -> str | None:
        """Scan every source and work until nothing is open.

        Returns None when everything came to its end, else the trouble that keeps it from that.
        """
        self.observer.found(self.ledger.views.open_count(self.lanes))
        scans = [Scan(route, self._intake(route)) for route in self.routes.values()]
        with _Crew(self) as crew:
            for scan in scans:
                crew.start_thread(f"scan {scan.name}", scan.run, scan.failed)
            crew.start_housekeeping()
            crew.start_workers()
            while not clock.wait(stop, ONCE_LOOK_SECONDS):
                more_to_come = self.backfill.is_busy()  # asked first: what it takes is counted then
                open_count = self.ledger.views.open_count(self.lanes)
                if open_count == 0 and all(scan.complete for scan in scans) and not more_to_come:
                    return None
                trouble = self._trouble(scans, open_count)
                if trouble:
                    return trouble
            return "stopped before everything was delivered"

    def _trouble(self, scans: Sequence[Scan], open_count: int) -> str | None:
        at_work = self.ledger.views.open_count(self._lanes_at_work())
        if open_count and not at_work and self.switch.paused and all(scan.complete for scan in scans):
            told = "; ".join(f"{in_words(one, clock.now())} ({cure(one)} ends it)" for one in self.switch.paused)
            return f"{open_count} recordings wait, for {told}"
        idle = self.observer.idle_seconds() > ONCE_PATIENCE_SECONDS
        for account in self.accounts:
            cause = account.gate.cause
            if cause is not None and account.gate.closed_seconds() > ONCE_PATIENCE_SECONDS and (idle or not at_work):
                return cause.message if account.name is None else f"account {account.name}: {cause.message}"
        for scan in scans:
            if scan.trouble is not None and scan.trouble_seconds() > ONCE_PATIENCE_SECONDS:
                return f"source {scan.name}: {scan.trouble}"
        if idle:
            unavailable = self.ledger.views.open_count(self.lanes, code=SourceUnavailable.code)
            if 0 < unavailable == open_count:
                return f"{unavailable} recordings cannot be read or removed: gong-bridge ledger list says why"
        return None

    def correct_for_the_clock(self) -> None:
        """Nothing waits for days: what seems to was written down while this machine's clock was ahead."""
        longest_wait = timedelta(seconds=max(LONGEST_WAIT_SECONDS, 2 * self.config.work.longest_wait))
        now = clock.now()
        if self.ledger.operator.bring_back_from_the_future(now, now + longest_wait):
            self._wake.set()

    def _look_for_work(self) -> None:
        self.switch.look()
        lanes = self._lanes_at_work()
        if lanes and self.ledger.work.is_any(clock.now(), lanes):
            self._wake.set()

    def _lanes_at_work(self) -> tuple[Lane, ...]:
        """Those of which nothing is paused, neither by hand nor because their account cannot be used."""
        usable = [lane for lane in self.lanes if self.accounts.of_source(lane.source).gate.cause is None]
        return self.switch.on(usable)

    def _look_for_sidecars(self) -> None:
        if self.sidecar_watch.look():
            self._wake.set()

    def _look_at_mappings(self) -> None:
        if self.mapping_watch.look():
            self._wake.set()
        self.ledger.notes.tell_wrong_files([*self.mapping_watch.troubles, *self.agents.troubles])

    def _intake(self, route: Route) -> Intake:
        return intake_for(
            route,
            self.ledger,
            on_trouble=self.accounts.pause,
            on_found=self.observer.found,
            noticed=self.sidecar_watch.notice,
            wake=self._wake,
        )


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
        self._bridge.sidecar_watch.try_all_again()
        self._bridge.sidecars_again.recall()
        try_again_for_people(self._bridge.ledger)  # agents.csv and Gong's users may have been corrected meanwhile
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
        self.start_thread("presence", every(bridge.config.ledger.lease / 3, bridge.presence.beat))
        self.start_thread("work", every(LOOK_SECONDS, bridge._look_for_work))
        self.start_thread("agents", every(TEND_SECONDS, bridge.agents.reload))
        self.start_thread("tables", bridge.tables.keep_reading)
        self.start_thread("sidecars", every(TEND_SECONDS, bridge._look_for_sidecars))
        self.start_thread("mappings", every(TEND_SECONDS, bridge._look_at_mappings))
        self.start_thread("sidecars again", every(TEND_SECONDS, bridge.sidecars_again.look))
        self.start_thread("backfill", bridge.backfill.run)
        self.start_thread("clock", every(CLOCK_LOOK_SECONDS, bridge.correct_for_the_clock))

    def start_thread(self, name: str, run: Work, on_failure: Callable[[Exception], None] = lambda _: None) -> None:
        """A thread that is no worker; stopped first."""
        work = keep_going(run, on_failure)
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
                purse=account.allowance,
                switch=bridge.switch,
                order=bridge.config.work.order,
                live_only=number == 0,
            )
            thread = threading.Thread(
                target=worker.run,
                args=(self._stop_working, account.gate.is_open, bridge._wake),
                name=f"worker {number} of {account_name(account.name)}",
                daemon=True,
            )
            thread.start()
            self._workers.append(thread)

    def __exit__(self, *_: object) -> None:
        self._stop_finding.set()
        self._stop_working.set()
        self._bridge.stop_now.set()
        self._bridge._wake.set()
        deadline = clock.monotonic_seconds() + self._bridge.config.work.grace
        for thread in [*self._workers, *self._finders]:
            thread.join(max(0.1, deadline - clock.monotonic_seconds()))
        self._stop_beating.set()
        self._heart.join(5)
        with suppress(BridgeError):
            self._bridge.presence.end()
