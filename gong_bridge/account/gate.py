"""Whether anybody may use a Gong account: pauses on wrong credentials and the like, probes, resumes by itself (R29)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

from gong_bridge import clock
from gong_bridge.errors import BridgeError, LedgerReadOnly, Paused
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger

FIRST_PROBE_SECONDS = 5.0
LONGEST_PROBE_SECONDS = 60.0
RELAPSE_SECONDS = 30.0
"""Closed again for the same cause so soon after it opened, the gate counts as never having been open."""
LONGEST_RELAPSE_SECONDS = 900.0
"""A key that may list users but not create calls costs a handful of requests each time it is tried."""
TRIAL_SECONDS = 5.0
"""After a pause one worker goes first; when it has not closed the gate again by then, the others follow."""

log = get_logger(__name__)


class Gate:
    """Open, or closed with a reason; thread-safe.

    `probe` asks Gong for something cheap and raises while the trouble lasts.
    """

    def __init__(self, ledger: Ledger, probe: Callable[[], object], account: str | None = None) -> None:
        self._ledger = ledger
        self._probe = probe
        self._account = account
        self._told = {} if account is None else {"account": account}
        self._lock = threading.Lock()
        self._cause: Paused | None = None
        self._closed_at = 0.0
        self._opened_at = float("-inf")
        self._last_code = ""
        self._trial_since: float | None = None
        self._on_trial = False
        self._probe_at = 0.0
        self._probe_wait_seconds = FIRST_PROBE_SECONDS

    @property
    def cause(self) -> Paused | None:
        """Why everything waits, or None."""
        return self._cause

    def closed_seconds(self) -> float:
        """How long everything has been waiting; 0 while open."""
        return clock.monotonic_seconds() - self._closed_at if self._cause else 0.0

    def is_open(self) -> bool:
        """Whether the worker that asks may claim. Right after a pause only the first one may."""
        if self._cause is not None:
            return False
        if not self._on_trial:
            return True
        with self._lock:
            now_seconds = clock.monotonic_seconds()
            if self._trial_since is None:
                self._trial_since = now_seconds
                return True
            self._on_trial = now_seconds - self._trial_since < TRIAL_SECONDS
            return not self._on_trial

    def close(self, cause: Paused) -> None:
        """Stop all claims because of `cause`; the first one is logged and written down, once."""
        with self._lock:
            if self._cause is not None:
                return
            now_seconds = clock.monotonic_seconds()
            if cause.code == self._last_code and now_seconds - self._opened_at < RELAPSE_SECONDS:
                # The probe succeeded but the work did not (a key without the right to create calls): not every 5 s.
                self._probe_wait_seconds = min(self._probe_wait_seconds * 2, LONGEST_RELAPSE_SECONDS)
            else:
                self._probe_wait_seconds = FIRST_PROBE_SECONDS
                self._closed_at = now_seconds
            self._cause = cause
            self._last_code = cause.code
            self._probe_at = now_seconds + self._probe_wait_seconds
        log.error("paused", code=cause.code, reason=cause.message, **self._told)
        self._write_down(cause)

    def tend(self) -> None:
        """Probe when it is time, and open when the trouble is over. Called every second or so."""
        if self._cause is None or clock.monotonic_seconds() < self._probe_at:
            return
        try:
            if not isinstance(self._cause, LedgerReadOnly):
                self._probe()
            self._ledger.notes.resume(self._account)  # last: until then everybody sees the pause and when it began
        except BridgeError as error:
            self._still_closed(error)
            return
        with self._lock:
            self._cause = None
            self._opened_at = clock.monotonic_seconds()
            self._on_trial, self._trial_since = True, None
        log.info("resumed", **self._told)

    def _write_down(self, cause: Paused) -> None:
        now = clock.now()
        until = now + timedelta(seconds=self._probe_wait_seconds)
        try:
            self._ledger.notes.pause(cause.code, cause.message, until, now, self._account)
        except LedgerReadOnly:
            # Then `cause` is what tells: the page is asked in this process, and `status` tries to write by itself.
            # A disk that is full for a hundred recordings may still take this note.
            if not isinstance(cause, LedgerReadOnly):
                raise

    def _still_closed(self, error: BridgeError) -> None:
        self._probe_wait_seconds = min(self._probe_wait_seconds * 2, LONGEST_PROBE_SECONDS)
        self._probe_at = clock.monotonic_seconds() + self._probe_wait_seconds
        if isinstance(error, Paused):
            self._cause = error
        cause = self._cause
        if cause is not None and not isinstance(error, LedgerReadOnly):
            self._write_down(cause)
