"""The configuration and the ledger, for commands that need no recording and no mapping: nothing else is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gong_bridge.cli.common import show_warnings
from gong_bridge.config.load import default_path, load_config
from gong_bridge.config.schema import Config
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.mapping.agents import load_agents


def read_for_ledger(path: Path | None) -> Config:
    """The configuration for a command that needs nothing but the ledger; warnings go to standard error.

    Such a command answers while a recorder's mount is away, and while a mapping is wrong: that is when people ask.
    Raises ConfigError.
    """
    loaded = load_config(default_path(path), None, read_agents=load_agents, look_at_disk=False)
    show_warnings(loaded.warnings)
    return loaded.config


@contextmanager
def opened_ledger(options: Config) -> Iterator[Ledger]:
    """The ledger, or an empty one that is thrown away when there is none yet.

    A command that looks must not make the file: made by root, the service's own user could not write it.
    """
    with tempfile.TemporaryDirectory(prefix="gong-bridge-") as folder:
        url = options.ledger.url if ledger_exists(options.ledger.url) else f"sqlite:///{folder}/none-yet.db"
        ledger = Ledger.open(url, options.ledger.password)
        try:
            ledger.follow_clock()
            moving = ledger.bridges.moving()
            if moving:
                show_warnings([moving])
            yield ledger
        finally:
            ledger.close()
