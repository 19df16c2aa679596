"""The Gong of a bridge.yaml, for programs of one's own: its log-in and its allowance are the bridge's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown, account_name
from gong_bridge.config.load import default_path, load_config
from gong_bridge.errors import ConfigError
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.connection import Gong
from gong_bridge.ledger.budget import allowance_of
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logging_in import log_in_of
from gong_bridge.mapping.agents import load_agents
from gong_bridge.owner import owner_name


@contextmanager
def connected(config: Path | None = None, account: str | None = None) -> Iterator[Gong]:
    """A Gong to talk to, as the bridge does. Asks nothing yet.

    config: as --config of the commands. account: one of `accounts`; None is the one under `gong`. OAuth tokens are
    those of the ledger, and a renewal is written there before it is used, by one of all programs and bridges.
    Raises ConfigError, LedgerReadOnly; methods also BadCredentials when nobody has logged in (`auth login`).
    """
    options = load_config(default_path(config), None, read_agents=load_agents, look_at_disk=False).config
    name = None if account == DEFAULT_ACCOUNT else account
    if name not in options.all_accounts:
        raise ConfigError(account_is_unknown(str(account), options.accounts))
    of_account = options.all_accounts[name]
    stop = threading.Event()
    with Ledger.open(options.ledger.url, options.ledger.password) as ledger:
        ledger.follow_clock()
        allowance = allowance_of(ledger, of_account.limits, name=account_name(name))
        log_in = log_in_of(name, of_account, ledger=ledger, owner=owner_name(), stop=stop)
        try:
            with Gong(GongClient(log_in, of_account.timeouts, allowance, stop)) as gong:
                yield gong
        finally:
            stop.set()
            allowance.flush()
