"""The Gong of a bridge.yaml, for programs of one's own: its log-in and its allowance are the bridge's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown
from gong_bridge.config.load import default_path, load_config
from gong_bridge.errors import ConfigError
from gong_bridge.gong.connection import Gong
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.agents import load_agents
from gong_bridge.owner import owner_name
from gong_bridge.receive.opening import opened_behind_live


@contextmanager
def connected(config: Path | None = None, account: str | None = None) -> Iterator[Gong]:
    """A Gong to talk to, as the bridge does, behind new recordings. Asks nothing yet.

    config: as --config of the commands. account: one of `accounts`; None is the one under `gong`. OAuth tokens are
    those of the ledger, and a renewal is written there before it is used, by one of all programs and bridges.
    Raises ConfigError, LedgerReadOnly; methods also BadCredentials when nobody has logged in (`auth login`).
    """
    options = load_config(default_path(config), None, read_agents=load_agents, look_at_disk=False).config
    name = None if account == DEFAULT_ACCOUNT else account
    if name not in options.all_accounts:
        raise ConfigError(account_is_unknown(str(account), options.accounts))
    stop = threading.Event()
    with Ledger.open(options.ledger.url, options.ledger.password) as ledger:
        ledger.follow_clock()
        try:
            with opened_behind_live(
                name, options.all_accounts[name], ledger=ledger, owner=owner_name(),
                lease_seconds=options.ledger.lease, stop=stop, told=_tell_nobody,
            ) as gong:  # fmt: skip
                yield gong
        finally:
            stop.set()


def _tell_nobody(_why: str) -> None:
    """A program waits in silence; the allowance's state is in `gong-bridge status`."""
