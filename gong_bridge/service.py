"""Composition root: Config in, every part of a bridge put together. The only file that knows every concrete class."""

from __future__ import annotations

import threading
from datetime import timedelta

import httpx

from gong_bridge import clock
from gong_bridge.account.account import Account, Accounts
from gong_bridge.account.agents_file import AgentsFile
from gong_bridge.backfill import Backfill
from gong_bridge.config.schema import Config
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.ledger.bridge_words import Home
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.logs import get_logger
from gong_bridge.mapping.tables import Tables
from gong_bridge.media.body import Bodies
from gong_bridge.media.probe import MediaProbe
from gong_bridge.observer import Observer
from gong_bridge.owner import is_alive, owner_name
from gong_bridge.pipeline import Pipeline
from gong_bridge.presence import Presence
from gong_bridge.privacy.keyring import Keyring
from gong_bridge.privacy.suppression import Suppression
from gong_bridge.receipt.nightly import Nightly
from gong_bridge.routes.mapping_watch import MappingWatch
from gong_bridge.routes.reception import intake_for
from gong_bridge.routes.route import Route
from gong_bridge.routes.routing import build_routes
from gong_bridge.routes.sidecar_watch import SidecarWatch
from gong_bridge.set_back import SetBack
from gong_bridge.sources.base import Intake
from gong_bridge.steps.looking import Looking
from gong_bridge.steps.sidecars_again import SidecarsAgain
from gong_bridge.supervision import Failures, Told, Witness
from gong_bridge.switch import Switch

log = get_logger(__name__)

LONGEST_WAIT_SECONDS = 2 * 86_400.0
"""No entry waits so long on purpose; the longest wait is that for the day's allowance."""


class Bridge:
    """Everything that a run needs, put together from one Config (running.py sets it going). Close it when done."""

    def __init__(
        self, config: Config, *, observer: Observer | None = None, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Open the ledger and load mappings; nothing runs yet. Raises ConfigError, LedgerReadOnly.

        transport: a way to Gong other than the usual one, for the drill.
        """
        self.config = config
        self._transport = transport
        self.observer = Witness(observer or Observer())
        self.tables = Tables()
        self.routes = build_routes(config, self.tables)
        self.lanes = tuple(Lane(name, route.reach) for name, route in self.routes.items())
        self.ledger = _open_ledger(config)
        self.suppression = Suppression(self.ledger, Keyring(config.privacy), config.company.country)
        self.owner = owner_name()
        self.home = Home(lanes=self.lanes, lease_seconds=config.ledger.lease, is_alive=is_alive)
        self.presence = Presence(self.ledger, self.owner, self.lanes, config.ledger.lease)
        self.stop_now = threading.Event()
        """Set to end waits for the allowance; the service sets it when the grace period begins."""
        self.agents = AgentsFile(config.agents, self.ledger, self.lanes)
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
        self.mapping_watch = MappingWatch(self.ledger, watched, config.mappings, self.lanes)
        self.sidecars_again = SidecarsAgain(ledger=self.ledger, routes=self.routes, accounts=self.accounts)
        self.pipeline = Pipeline(
            ledger=self.ledger,
            routes=self.routes,
            looking=self.looking,
            accounts=self.accounts,
            bodies=self.bodies,
            observer=self.observer,
            sidecars_again=self.sidecars_again,
            suppression=self.suppression,
        )
        self.backfill = self._open_backfill()
        self.nightly = Nightly.of(config, self.ledger, self.owner)
        self._set_back = self._watch_the_clock()
        self.failures = Failures()
        self._wrong_files = Told(self.ledger.notes.tell_wrong_files)
        self._failing = Told(self.ledger.notes.tell_failing)
        self.wake = threading.Event()
        """Set when there may be work for idle workers."""

    def _open_backfill(self) -> Backfill:
        return Backfill(
            ledger=self.ledger,
            routes=self.routes,
            owner=self.owner,
            first=self.config.work.order,
            turn_seconds=self.config.ledger.lease,
            on_found=self.observer.found,
            on_trouble=self.accounts.pause,
        )

    def _open_accounts(self) -> Accounts:
        opened = {
            name: Account.open(
                name,
                options,
                ledger=self.ledger,
                agents=self.agents,
                owner=self.owner,
                stop=self.stop_now,
                lanes=self.lanes,
                transport=self._transport,
            )
            for name, options in self.config.all_accounts.items()
        }
        return Accounts(opened, {source.name: source.account for source in self.config.sources})

    def _watch_the_clock(self) -> SetBack:
        return SetBack(
            self.ledger,
            [account.allowance for account in self.accounts],
            longest_wait=timedelta(seconds=max(LONGEST_WAIT_SECONDS, 2 * self.config.work.longest_wait)),
            lease=timedelta(seconds=self.config.ledger.lease),
        )

    def lanes_of(self, account: Account) -> tuple[Lane, ...]:
        """The lanes whose new calls go to this account."""
        return tuple(lane for lane in self.lanes if self.accounts.of_source(lane.source) is account)

    def give_a_sign_of_life(self) -> None:
        """To the other bridges on the ledger; also what notices that an idle bridge could write nothing down."""
        try:
            self.presence.beat()
            if self.nightly is not None:
                self.nightly.keep_turns()
        except LedgerReadOnly as error:
            self.accounts.pause(error)
            raise

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

    def correct_for_the_clock(self) -> None:
        """What was written down while this machine's clock was ahead waits for no moment that is over."""
        if self._set_back.look(clock.now(), clock.monotonic_seconds()):
            self.wake.set()

    def look_for_work(self) -> None:
        """Wake idle workers if anything is due, whoever wrote it."""
        self.switch.look()
        lanes = self.lanes_at_work()
        if lanes and self.ledger.work.is_any(clock.now(), lanes):
            self.wake.set()

    def lanes_at_work(self) -> tuple[Lane, ...]:
        """Those of which nothing is paused, neither by hand nor because their account cannot be used."""
        usable = [lane for lane in self.lanes if self.accounts.of_source(lane.source).gate.cause is None]
        return self.switch.on(usable)

    def look_for_sidecars(self) -> None:
        """Free what waited for a sidecar that came."""
        if self.sidecar_watch.look():
            self.wake.set()

    def look_at_mappings(self) -> None:
        """Free what a corrected mapping held; tell which files are wrong."""
        if self.mapping_watch.look():
            self.wake.set()
        self._wrong_files.tell([*self.mapping_watch.troubles, *self.agents.troubles])

    def tell_failures(self) -> None:
        """Write down which threads fail again and again."""
        self._failing.tell(self.failures.sentences())

    def intake_of(self, route: Route) -> Intake:
        """Where a source hands what it finds."""
        return intake_for(
            route,
            self.ledger,
            on_trouble=self.accounts.pause,
            on_found=self.observer.found,
            on_health=self.observer.looked,
            noticed=self.sidecar_watch.notice,
            wake=self.wake,
        )


def _open_ledger(config: Config) -> Ledger:
    is_new = not ledger_exists(config.ledger.url)
    ledger = Ledger.open(config.ledger.url, config.ledger.password)
    if is_new:
        log.info("a new, empty ledger was made")
    return ledger
