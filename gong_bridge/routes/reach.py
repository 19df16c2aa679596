"""Who can open a source's recordings: every bridge on the ledger, or the one on this host."""

from __future__ import annotations

import socket

from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.ledger.filters import Lane


def reach_of(source: FolderSource | BucketSource, ledger_url: str) -> str | None:
    """The reach of the entries of `source`; None: every bridge on the ledger can open them.

    A folder is this host's own unless `reach` says otherwise. An SQLite ledger lies on a disk of this host, too: there
    nobody else could claim, and a host that gets another name (a container at each start) goes on as it was.
    """
    if isinstance(source, BucketSource):
        return None
    if source.reach is not None or ledger_url.startswith("sqlite:"):
        return source.reach
    return socket.gethostname()


def lanes_of(config: Config) -> tuple[Lane, ...]:
    """What a bridge with this configuration may claim."""
    return tuple(Lane(source.name, reach_of(source, config.ledger.url)) for source in config.sources)
