"""Makes a route of each configured source, and says who can open its recordings."""

from __future__ import annotations

import re
import socket
from zoneinfo import ZoneInfo

from gong_bridge.config.places import place_is_missing
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.filters import Lane
from gong_bridge.mapping.people import Company
from gong_bridge.mapping.tables import Tables
from gong_bridge.mapping_watch import WatchedMapping
from gong_bridge.route import Route
from gong_bridge.sources.base import Source
from gong_bridge.sources.elsewhere import Elsewhere


def build_source(options: FolderSource | BucketSource) -> Source:
    """The source that `options` describe; boto3 is loaded only for buckets."""
    if isinstance(options, FolderSource):
        from gong_bridge.sources.folder import Folder

        return Folder(options)
    from gong_bridge.sources.s3 import Bucket

    return Bucket(options)


def build_routes(config: Config, tables: Tables | None = None) -> dict[str, Route]:
    """Every configured source with its mapping. Raises ConfigError for a mapping that is missing or wrong."""
    tables = tables or Tables()
    routes = {}
    for options in config.sources:
        watched = WatchedMapping(name=options.mapping, folder=config.mappings, options=options.options)
        for missing in sorted(watched.present.places_needed - set(options.sidecars)):
            wrong = place_is_missing(options.mapping, missing, options.sidecars)
            raise ConfigError(f"source {options.name}: {wrong}")
        routes[options.name] = Route(
            source=build_source(options),
            watched=watched,
            company=Company(
                country=config.company.country,
                time_zone=ZoneInfo(options.time_zone or config.company.time_zone),
                extensions=re.compile(config.company.extensions),
                numbers=config.company.numbers,
            ),
            sidecar_wait_seconds=options.sidecar_wait,
            on_change=options.on_change,
            settles_source=options.after_upload != "leave",
            delivery=options.delivery if isinstance(options, BucketSource) else "upload",
            when_not_fetched=options.when_not_fetched if isinstance(options, BucketSource) else "upload",
            reach=reach_of(options, config.ledger.url),
            new_since=config.new_since(options),
            tables=tables,
            sidecars={name: Elsewhere(name, place) for name, place in options.sidecars.items()},
            workspace=options.workspace,
        )
    return routes


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
