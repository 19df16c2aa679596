"""A machine's clock that is set back: nothing waits until the moments come again that were over already."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger

NOTICED_FROM = timedelta(seconds=5)
"""A smaller step back makes nobody wait longer than that."""
LOOK_ANYWAY_SECONDS = 600.0
"""How often entries of the future are looked for though this process noticed nothing: other hosts write, too."""
LOOKS_AFTER_IT = 3
"""So often they are looked for after a step back: a thread may have read the clock before it, and written after it."""

log = get_logger(__name__)


class SetBack:
    """Compares the clock with one that never goes back, and corrects what was written down before it was set back.

    A search reads every open entry, a third of a second for a million, so it is made when there is reason to: at the
    start, after a step back, and every ten minutes. One thread uses it.
    """

    def __init__(
        self, ledger: Ledger, allowances: Iterable[LedgerAllowance], *, longest_wait: timedelta, lease: timedelta
    ) -> None:
        """longest_wait: no entry waits longer on purpose. lease: how long a heartbeat prolongs."""
        self._ledger = ledger
        self._allowances = tuple(allowances)
        self._longest_wait = longest_wait
        self._lease = lease
        self._furthest_seconds = float("-inf")
        self._looks_left = 1
        self._looked_at = 0.0

    def look(self, now: datetime, monotonic_seconds: float) -> int:
        """Correct what lies in a future that was; how many entries were. Called every half minute.

        Raises LedgerReadOnly; then the next call tries again.
        """
        ahead_seconds = now.timestamp() - monotonic_seconds
        lost = timedelta(seconds=max(0.0, min(self._furthest_seconds - ahead_seconds, 1e9)))
        self._furthest_seconds = max(self._furthest_seconds, ahead_seconds)
        if lost > NOTICED_FROM:
            self._furthest_seconds = ahead_seconds
            self._looks_left = LOOKS_AFTER_IT
            log.warning(
                "the clock was set back; what was to wait for the lost time is due", seconds=round(lost.total_seconds())
            )
            for allowance in self._allowances:
                allowance.forget_waits()
        if not self._looks_left and monotonic_seconds - self._looked_at < LOOK_ANYWAY_SECONDS:
            return 0
        corrected = self._ledger.operator.bring_back_from_the_future(
            now, longest_wait=self._longest_wait, lease=self._lease
        )
        self._looked_at = monotonic_seconds
        self._looks_left = max(0, self._looks_left - 1)
        if corrected:
            log.warning("entries were written while the clock was ahead; they are due now", count=corrected)
        return corrected
