"""One configured source with everything that its recordings need on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gong_bridge.mapping.engine import Mapping as CallMapping
from gong_bridge.mapping.people import Company
from gong_bridge.sources.base import Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One configured source with everything that its recordings need on their way."""

    source: Source
    mapping: CallMapping
    company: Company
    sidecar_wait_seconds: float
    on_change: str
    settles_source: bool
    delivery: Literal["upload", "link", "auto"] = "upload"
    when_not_fetched: Literal["upload", "hold"] = "upload"
