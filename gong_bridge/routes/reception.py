"""What a source is handed by the service: the ledger's side of finding recordings."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gong_bridge import clock
from gong_bridge.errors import LedgerReadOnly, SourceUnavailable
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Notification, Recording, SourceHealth
from gong_bridge.recording_page import RecordingPage
from gong_bridge.routes.route import Route
from gong_bridge.sources.base import Intake


def intake_for(
    route: Route,
    ledger: Ledger,
    *,
    on_trouble: Callable[[LedgerReadOnly], None],
    on_found: Callable[[int], None],
    on_health: Callable[[SourceHealth], None],
    noticed: Callable[[Sequence[str]], None],
    wake: threading.Event,
) -> Intake:
    """The intake of one source.

    `on_trouble`: the ledger takes nothing. `on_found`: so many are new. `on_health`: how the source is doing.
    `noticed`: keys that somebody may wait for. `wake`: what idle workers wait for.
    """

    def unseen(recordings: Sequence[Recording]) -> list[Recording]:
        page = recordings if isinstance(recordings, RecordingPage) else RecordingPage.of(route.source.name, recordings)
        found = page.without(route.mapping.is_sidecar)
        return ledger.intake.unseen(found, reach=route.reach, new_since=route.new_since)

    @contextmanager
    def telling_trouble() -> Iterator[None]:
        """Idle workers only read: nobody else would notice, and say, that the disk is full or the ledger locked."""
        try:
            yield
        except LedgerReadOnly as error:
            on_trouble(error)
            raise

    def add(recordings: Sequence[Recording], backlog: bool) -> int:
        reached(Point.SEEN)
        with telling_trouble():
            changed = ledger.intake.add(recordings, backlog=backlog, now=clock.now(), reach=route.reach)
        if changed:
            reached(Point.FOUND)
            on_found(changed)
            wake.set()
        return changed

    def refuse(notification: Notification) -> bool:
        return ledger.intake.keep_notification(notification, now=clock.now(), reach=route.reach)

    def restored(keys: Sequence[str]) -> None:
        for key in keys:
            waiting = EntryFilter(source=route.source.name, key=key, code=SourceUnavailable.code)
            if ledger.operator.hurry(waiting, now=clock.now()):
                wake.set()

    def tell(health: SourceHealth) -> None:
        health = dataclasses.replace(health, reach=route.reach)
        on_health(health)
        ledger.notes.save_health(health)

    return Intake(unseen=unseen, add=add, health=tell, refuse=refuse, noticed=noticed, restored=restored)
