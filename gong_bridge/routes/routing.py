"""Makes a route of each configured source."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from gong_bridge.config.places import place_is_missing
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.errors import ConfigError
from gong_bridge.mapping.people import Company
from gong_bridge.mapping.tables import Tables
from gong_bridge.routes.mapping_watch import WatchedMapping
from gong_bridge.routes.reach import reach_of
from gong_bridge.routes.route import Route
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
