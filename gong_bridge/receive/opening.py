"""Opens a Gong account for work that can wait: inside the shared allowance, behind new recordings."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gong_bridge.account.logging_in import log_in_of
from gong_bridge.config.accounts import GongOptions, account_name
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.connection import Gong
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.receive.behind_live import BehindLive


@contextmanager
def opened_behind_live(
    name: str | None,
    options: GongOptions,
    *,
    ledger: Ledger,
    owner: str,
    lease_seconds: float,
    stop: threading.Event,
    told: Callable[[str], None],
) -> Iterator[Gong]:
    """One account's Gong; name: None is the one under `gong`. owner, lease_seconds: of the ledger.

    stop: ends waits for the allowance. told: why it waits, once each time.
    """
    allowance = allowance_of(ledger, options.limits, name=account_name(name))
    client = GongClient(
        log_in_of(name, options, ledger=ledger, owner=owner, stop=stop),
        options.timeouts,
        BehindLive(allowance, ledger, lease_seconds, told),
        stop,
    )
    try:
        with Gong(client) as gong:
            yield gong
    finally:
        allowance.flush()
