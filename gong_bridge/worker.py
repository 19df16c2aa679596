"""Claim, step, record. The table of what an error means for an entry is here, and the one broad `except`."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from gong_bridge import clock
from gong_bridge.errors import BridgeError, Held, LeaseLost, LedgerReadOnly, Paused, RetryLater, UnknownPerson
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.claims import Order
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger
from gong_bridge.model import OPEN_STATES, Entry
from gong_bridge.observer import Observer
from gong_bridge.pipeline import Pipeline
from gong_bridge.retry import RetryPolicy, next_wait_seconds
from gong_bridge.switch import Switch

IDLE_WAIT_SECONDS = 30.0
"""How long a worker with nothing to do waits unless it is woken: one thread looks on behalf of all of them."""
GIVEN_BACK_WAIT_SECONDS = 15.0
"""How long an entry waits whose attempt was given back, when the error names no time."""
PAUSED_AGAIN_WAIT_SECONDS = 60.0
"""How long an entry lets the others go first that paused everything twice."""

log = get_logger(__name__)


class Leases:
    """The leases that this process holds, kept alive by a heartbeat."""

    def __init__(self, ledger: Ledger, lease_seconds: float) -> None:
        self._ledger = ledger
        self._lease_seconds = lease_seconds
        self._tokens: set[str] = set()
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """From now on the heartbeat renews this claim."""
        with self._lock:
            self._tokens.add(entry.lease_token or "")

    def drop(self, entry: Entry) -> None:
        """The claim is over."""
        with self._lock:
            self._tokens.discard(entry.lease_token or "")

    def beat(self) -> None:
        """Renew every claim once. Raises LedgerReadOnly."""
        with self._lock:
            tokens = list(self._tokens)
        if tokens:
            self._ledger.work.renew(tokens, until=clock.now() + timedelta(seconds=self._lease_seconds))
            reached(Point.HEARTBEAT)

    def run(self, stop: threading.Event) -> None:
        """Beat until stopped; after a beat that failed the next one comes soon (the lease outlives two)."""
        wait_seconds = self._lease_seconds / 3
        while not clock.wait(stop, wait_seconds):
            try:
                self.beat()
                wait_seconds = self._lease_seconds / 3
            except Exception as error:
                # Whatever it is: without a heart, recordings that are being sent would be claimed and sent again.
                wait_seconds = min(1.0, self._lease_seconds / 3)
                code = error.code if isinstance(error, BridgeError) else type(error).__name__
                log.warning("heartbeat failed", code=code)


class Purse(Protocol):
    """What of the allowance a worker must know (ledger/day.py)."""

    def has_room_for_backlog(self) -> bool:
        """Whether old recordings may be worked on now."""

    def work_for(self, *, backlog: bool) -> None:
        """What this thread's calls are for from now on."""


class Worker:
    """One thread that takes entries of the sources of one Gong account as far as they go."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        pipeline: Pipeline,
        leases: Leases,
        policy: RetryPolicy,
        owner: str,
        lanes: tuple[Lane, ...],
        lease_seconds: float,
        observer: Observer,
        on_paused: Callable[[Paused, Entry | None], None],
        purse: Purse,
        switch: Switch,
        order: Order = "oldest",
        live_only: bool = False,
    ) -> None:
        self._ledger = ledger
        self._pipeline = pipeline
        self._leases = leases
        self._policy = policy
        self._owner = owner
        self._lanes = lanes
        self._lease_seconds = lease_seconds
        self._observer = observer
        self._on_paused = on_paused
        self._purse = purse
        self._switch = switch
        self._order = order
        self._live_only = live_only

    def run(self, stop: threading.Event, may_claim: Callable[[], bool], wake: threading.Event) -> None:
        """Work until `stop`. `may_claim` is False while the destination is paused; `wake` is set when rows arrive."""
        while not stop.is_set():
            try:
                entry = self._claim() if may_claim() else None
            except LedgerReadOnly as error:
                self._on_paused(error, None)
                entry = None
            except Exception:
                log.exception("claim failed")
                entry = None
            if entry is None:
                wake.clear()
                clock.wait(wake, IDLE_WAIT_SECONDS)
                continue
            self.work(entry, stop)

    def _claim(self) -> Entry | None:
        lanes = self._switch.on(self._lanes)
        if not lanes:
            return None
        live_only = self._live_only or not self._purse.has_room_for_backlog()
        return self._ledger.work.claim(
            owner=self._owner, now=clock.now(), lease_seconds=self._lease_seconds, live_only=live_only,
            lanes=lanes, order=self._order,
        )  # fmt: skip

    def work(self, entry: Entry, stop: threading.Event) -> None:
        """Take a claimed entry as far as it goes now.

        On `stop`, or when a person pauses its source, the current step is finished and the claim released.
        """
        reached(Point.CLAIMED)
        self._leases.add(entry)
        self._purse.work_for(backlog=entry.backlog)
        try:
            while entry.state in OPEN_STATES:
                if stop.is_set() or self._switch.is_off(entry.source):
                    self._ledger.work.release(entry, now=clock.now())
                    return
                after = self._pipeline.step(entry)
                log_step(entry, after)
                self._observer.stepped(entry, after)
                entry = after
        except Exception as error:
            self._record(entry, error)
        finally:
            self._leases.drop(entry)
            self._purse.work_for(backlog=False)

    def _record(self, entry: Entry, error: Exception) -> None:
        """Write down what `error` means for `entry`; never raises, or the thread would die with it."""
        try:
            after = self._apply(entry, error)
        except LeaseLost:
            log.info("lease lost", entry=entry.id, state=entry.state)
        except LedgerReadOnly as trouble:
            self._on_paused(trouble, None)
        except Exception:
            log.exception("outcome not recorded", entry=entry.id)
        else:
            if after is not None:
                log_step(entry, after)
                self._observer.stepped(entry, after)

    def _apply(self, entry: Entry, error: Exception) -> Entry | None:
        reached(Point.OUTCOME_UNWRITTEN)
        entry = self._as_it_stands(entry)
        now = clock.now()
        if isinstance(error, LeaseLost):
            raise error
        if isinstance(error, Paused):
            self._on_paused(error, entry)
            return None if isinstance(error, LedgerReadOnly) else self._step_aside(entry, error)
        if isinstance(error, Held):
            person = f"{error.kind} {error.value}" if isinstance(error, UnknownPerson) else None
            return self._ledger.work.hold(
                entry, now=now, code=error.code, reason=error.message, person=person,
                http_status=error.http_status, request_id=error.request_id,
            )  # fmt: skip
        if isinstance(error, RetryLater):
            return self._postpone(entry, error)
        log.exception("unexpected error", entry=entry.id, state=entry.state, exc_info=error)
        return self._postpone(
            entry, RetryLater(f"unexpected {type(error).__name__} while {entry.state}; the log has the traceback")
        )

    def _as_it_stands(self, entry: Entry) -> Entry:
        """The entry with what the failed step wrote before it failed: an older state must not be written over it."""
        present = self._ledger.views.get(entry.id)
        return present if present is not None and present.lease_token == entry.lease_token else entry

    def _step_aside(self, entry: Entry, error: Paused) -> Entry:
        """Go on when everybody does; later when it was this entry before: perhaps Gong refuses it alone."""
        now = clock.now()
        wait_seconds = PAUSED_AGAIN_WAIT_SECONDS if entry.reason_code == error.code else 0.0
        return self._ledger.work.postpone(
            entry, now=now, due_at=now + timedelta(seconds=wait_seconds), code=error.code, reason=error.message,
            count_attempt=False, http_status=error.http_status, request_id=error.request_id,
        )  # fmt: skip

    def _postpone(self, entry: Entry, error: RetryLater) -> Entry:
        now = clock.now()
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        if error.keeps_attempt:
            asked = error.wait_seconds
            wait_seconds: float | None = GIVEN_BACK_WAIT_SECONDS if asked is None else asked
        else:
            wait_seconds = next_wait_seconds(
                self._policy, attempts=entry.attempts + 1, asked_seconds=error.wait_seconds, jitter=jitter
            )
        if wait_seconds is None:
            return self._ledger.work.reject(
                entry, now=now, code=error.code, http_status=error.http_status, request_id=error.request_id,
                reason=f"given up after {entry.attempts + 1} attempts; the last one said: {error.message}",
            )  # fmt: skip
        return self._ledger.work.postpone(
            entry, now=now, due_at=now + timedelta(seconds=wait_seconds), code=error.code, reason=error.message,
            count_attempt=not error.keeps_attempt, http_status=error.http_status, request_id=error.request_id,
        )  # fmt: skip


def log_step(before: Entry, after: Entry) -> None:
    """The one log line of a change: fixed words, no people (reasons may name them, so only the code is logged)."""
    fields = {"entry": after.id, "source": after.source, "state": after.state, "code": after.reason_code}
    if before.state is after.state and after.lease_token is None:
        event, fields = "waiting", {**fields, "attempts": after.attempts}
    else:
        event, fields = "moved", {**fields, "before": before.state, "call_id": after.call_id}
        fields["request_id"] = after.request_id
    log.info(event, **{name: value for name, value in fields.items() if value is not None})
