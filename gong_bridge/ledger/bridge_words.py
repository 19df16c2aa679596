"""In words: which bridges on a ledger are gone, and what waits that none of them serves, with what to do; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gong_bridge.ledger.bridges import BridgeSeen, Unserved
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """Whose view of the bridges it is. lanes: what its configuration serves. lease_seconds: how long its leases are.

    is_alive: whether the process behind a bridge's name may still work, as far as this machine can tell.
    """

    lanes: tuple[Lane, ...]
    lease_seconds: float
    is_alive: Callable[[str], bool] = field(default=lambda _: True)

    def misses(self, bridge: BridgeSeen, now: datetime) -> bool:
        """Whether it ended without saying so: not seen for two lease times, or its process is gone."""
        if bridge.stopped_at is not None:
            return False
        return not bridge.is_running(now, self.lease_seconds) or not self.is_alive(bridge.name)


def missing_in_words(ledger: Ledger, home: Home, now: datetime) -> list[str]:
    """A sentence for each bridge that is gone, and for each source of which something waits that no bridge serves."""
    unserved = ledger.bridges.unserved(now, home.lease_seconds, home.lanes)
    return [*_gone(ledger.bridges.all(), unserved, home, now), *map(_unserved_in_words, unserved)]


def _gone(known: Sequence[BridgeSeen], unserved: Sequence[Unserved], home: Home, now: datetime) -> list[str]:
    told_of = {one.last.name for one in unserved if one.last is not None}
    return [
        f"the bridge on {one.host} was last seen {one.seen_at:%Y-%m-%d %H:%M:%S} UTC and did not stop by itself; start "
        "it again there (systemctl status gong-bridge says why it ended)"
        for one in known
        if home.misses(one, now) and one.name not in told_of
    ]


def _unserved_in_words(one: Unserved) -> str:
    waits = "recording waits" if one.count == 1 else "recordings wait"
    return f"{one.count:,} {waits}, of source {one.lane.source}: {why_unserved(one)}"


def why_unserved(one: Unserved) -> str:
    """Why no bridge serves it, and what to do."""
    reach, last = one.lane.reach, one.last
    if last is not None:
        since = f"host {last.host} not seen since {last.seen_at:%Y-%m-%d %H:%M:%S} UTC; start its bridge"
        return f"{since}, or, where its files are now, run `gong-bridge ledger take-over {reach}`" if reach else since
    if reach is None:
        return "it is in no bridge's configuration; put it back into bridge.yaml, or `gong-bridge ledger skip --source`"
    return (
        f"no bridge can open what host {reach} found; was it renamed? Then run `gong-bridge ledger take-over {reach}` "
        f"on it, or write `reach: {reach}` at the source in bridge.yaml"
    )
