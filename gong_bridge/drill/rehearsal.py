"""The user's configuration as a drill runs it: the same but for where things are, so that nothing real is touched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from gong_bridge.config.accounts import GongOptions, Timeouts
from gong_bridge.config.places import SidecarBucket
from gong_bridge.config.schema import (
    BucketSource,
    Config,
    FolderSource,
    LedgerOptions,
    LogOptions,
    MoveTo,
    ReconcileOptions,
)
from gong_bridge.config.secrets import Secret

LONGEST_WAIT_SECONDS = 2.0
"""Waits between attempts grow no longer than this, or a drill would take the day that it plays."""
RESCAN_SECONDS = 1.0
_TOO_LATE_SECONDS = 3600.0
SETTLE_SECONDS = 0.5
LEASE_SECONDS = 10.0
READ_SECONDS = 3.0
"""How long Gong's answer is waited for."""
REGION = "us-east-1"

Place = TypeVar("Place", BucketSource, SidecarBucket)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stand:
    """Where the stand-ins of one scene are. gong: account -> base URL. queues: source -> URL of its queue.

    queue_alone: where there is a queue, the second listing comes too late to find anything.
    """

    folder: Path
    gong: Mapping[str | None, str]
    store: str = ""
    queues: Mapping[str, str] | None = None
    agents: Path | None = None
    delivery: Literal["upload", "link"] = "upload"
    queue_alone: bool = False

    def root(self, source: str) -> Path:
        """The folder that stands for a source's own."""
        return self.folder / "sources" / source

    def moved(self, source: str) -> Path:
        """Where `after_upload: {move_to: ...}` moves its copies."""
        return self.folder / "moved" / source


def rehearsed(config: Config, stand: Stand) -> Config:
    """`config` on copies, stand-ins and a ledger of its own. What decides about recordings stays as it is.

    Shorter than in earnest: back-offs, `settle`, `rescan`, leases and the wait for Gong's answer. Left out: the status
    page, `since` (the copies are to be played with however old they are), and folders by date (`layout`).
    """
    accounts = {name: _account(options, stand.gong[name]) for name, options in config.all_accounts.items()}
    work = config.work
    return config.model_copy(
        update={
            "gong": accounts[None],
            "accounts": {name: options for name, options in accounts.items() if name is not None},
            "ledger": LedgerOptions(
                url=f"sqlite:///{stand.folder / 'ledger.db'}", lease=min(config.ledger.lease, LEASE_SECONDS)
            ),
            "agents": stand.agents or config.agents,
            "sources": tuple(_source(source, stand) for source in config.sources),
            "media": config.media.model_copy(update={"conversion_folder": stand.folder / "converted"}),
            "reconcile": ReconcileOptions(),  # the copies' calls are not those of the days they are of
            "work": work.model_copy(update={"longest_wait": min(work.longest_wait, LONGEST_WAIT_SECONDS)}),
            "web": None,
            "log": LogOptions(),
        }
    )


def only_looking(config: Config, stand: Stand) -> Config:
    """`config` with the user's own sources, to be read and never run: Gong and the ledger are stand-ins."""
    return rehearsed(config, stand).model_copy(update={"sources": config.sources})


def _account(options: GongOptions, base_url: str) -> GongOptions:
    timeouts = Timeouts(connect=3.0, write=10.0, read=READ_SECONDS, pool=20.0)
    keys = {"access_key": Secret("sandbox"), "access_key_secret": Secret("sandbox-secret")}
    # Without `oauth`: a refresh token can be used once, and it is the running bridge's.
    return options.model_copy(update={**keys, "oauth": None, "base_url": base_url, "timeouts": timeouts})


def _source(source: FolderSource | BucketSource, stand: Stand) -> FolderSource | BucketSource:
    update: dict[str, Any] = {
        "rescan": RESCAN_SECONDS,
        "since": None,
        "sidecars": {
            name: _in_store(place, stand) if isinstance(place, SidecarBucket) else place
            for name, place in source.sidecars.items()
        },
    }
    if isinstance(source, FolderSource):
        update |= {"folder": stand.root(source.name), "settle": min(source.settle, SETTLE_SECONDS), "reach": None}
        if isinstance(source.after_upload, MoveTo):
            update["after_upload"] = MoveTo(move_to=str(stand.moved(source.name)))
        return source.model_copy(update=update)
    if stand.queue_alone and source.events is not None:
        update["rescan"] = _TOO_LATE_SECONDS
    linked = source.delivery != "upload" and stand.delivery == "link"
    update |= {
        "delivery": "link" if linked else "upload",
        "layout": None,
        "events": (stand.queues or {}).get(source.name),
    }
    return _in_store(source.model_copy(update=update), stand)


def _in_store(place: Place, stand: Stand) -> Place:
    return place.model_copy(update={"endpoint_url": stand.store, "region": REGION, "profile": None})
