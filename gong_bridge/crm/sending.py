"""Sends a CRM request so that Gong takes it once, and follows it until it has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gong_bridge import clock
from gong_bridge.crm.requests import Request
from gong_bridge.errors import RefusedByGong, RetryLater, ServiceDown, Unclear
from gong_bridge.gong.crm import Crm, RequestIdUsed
from gong_bridge.gong.models.crm import RequestStatus
from gong_bridge.receive.patience import Patience

FIRST_LOOK_SECONDS = 0.5
LONGEST_LOOK_SECONDS = 30.0


class Sender:
    """One request on its way. patience: repeats what failed for a reason that passes."""

    def __init__(self, crm: Crm, integration_id: str, request: Request, patience: Patience) -> None:
        self._crm = crm
        self._integration_id = integration_id
        self._request = request
        self._patience = patience
        self._ask_first = request.was_begun
        self._was_sent = False
        """Whether Gong may have it from this process."""

    def send(self, send: Callable[[], None]) -> bool:
        """Have Gong take it: `send` once, and again only when it is certain that Gong has not.

        Whether it was sent now; False when Gong had it already. Raises what `send` raises, and ServiceDown when it
        stays unclear: the same command then asks Gong before it sends anything.
        """
        return self._patience.insist(lambda: self._attempt(send))

    def _attempt(self, send: Callable[[], None]) -> bool:
        if self._ask_first and self._is_known():
            return self._was_sent
        try:
            send()
        except Unclear as unclear:
            self._ask_first = self._was_sent = True
            raise ServiceDown(
                f"{unclear.message}; the same command will ask Gong what became of it before it sends again",
                http_status=unclear.http_status,
                request_id=unclear.request_id,
            ) from None
        except RetryLater:
            # Certain or not, asking costs little; a 503 comes from before Gong, or from behind it.
            self._ask_first = self._was_sent = True
            raise
        except RequestIdUsed:
            if not self._request.was_begun and not self._was_sent:
                raise
            return self._was_sent
        return True

    def _is_known(self) -> bool:
        try:
            self._crm.request_status(self._integration_id, self._request.id)
        except RefusedByGong:
            return False  # Gong does not document what it says of a request that it has not; it says no
        return True


def follow(
    crm: Crm,
    integration_id: str,
    request_id: str,
    *,
    patience: Patience,
    stop: threading.Event,
    wait_seconds: float,
    told: Callable[[str], None],
) -> RequestStatus:
    """Ask until it is DONE or FAILED, or `wait_seconds` are over; the last status. told: each status."""
    until = clock.monotonic_seconds() + wait_seconds
    pause = FIRST_LOOK_SECONDS
    while True:
        status = patience.insist(lambda: crm.request_status(integration_id, request_id))
        told(status.status)
        left = until - clock.monotonic_seconds()
        if status.has_ended or left <= 0 or clock.wait(stop, min(pause, left)):
            return status
        pause = min(2 * pause, LONGEST_LOOK_SECONDS)
