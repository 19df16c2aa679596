"""When a bucket is listed, and how much of it: whole, or only the folders of the last days in between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime

from gong_bridge import clock
from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import BridgeError
from gong_bridge.recording_page import RecordingPage
from gong_bridge.sources.base import REPORT_SECONDS, Intake
from gong_bridge.sources.s3_health import BucketHealth
from gong_bridge.sources.s3_layout import dated_prefixes
from gong_bridge.sources.s3_listing import Fetch, Listing, Range
from gong_bridge.sources.s3_pages import Found

_LONGEST_PAUSE_SECONDS = 30.0
_LOOK_AFTER_SECONDS = 5.0


class Passes:
    """Lists one bucket again and again. Nothing but the time of the last whole listing is kept between passes (R13)."""

    def __init__(
        self, options: BucketSource, fetch: Fetch, recordings: Callable[[Sequence[Found]], RecordingPage]
    ) -> None:
        """`recordings`: those of a page's objects that are recordings."""
        self._options = options
        self._fetch = fetch
        self._recordings = recordings
        self._whole_at: float | None = None

    def until(
        self, stop: threading.Event, intake: Intake, health: BucketHealth, look_after: Callable[[], None]
    ) -> None:
        """List every `rescan`; `look_after` is called often, and raises what must end it."""
        started_at = clock.now()
        rescan = self._options.rescan
        while not stop.is_set():
            began = clock.monotonic_seconds()
            try:
                if self._is_time_for_all(began):
                    first = started_at if self._whole_at is None else None
                    self.whole(intake, stop, health, backlog_before=first)
                else:
                    self._latest(intake, stop, health)
            except BridgeError as error:
                health.listing_failed(error.message)
                _wait(stop, min(rescan, _LONGEST_PAUSE_SECONDS), look_after)
                continue
            took = clock.monotonic_seconds() - began
            # From beginning to beginning `rescan` less one listing: what was uploaded behind the listing's back is
            # found by the next one. A listing that takes long leaves the store at least as long in peace.
            _wait(stop, max(rescan - 2 * took, took), look_after)

    def whole(
        self, intake: Intake, stop: threading.Event, health: BucketHealth, *, backlog_before: datetime | None
    ) -> int:
        """One listing of everything; how many rows are new. What was changed well before `backlog_before` is backlog.

        Raises SourceUnavailable and what the intake raises.
        """
        began = clock.monotonic_seconds()
        listing = Listing(self._fetch, [Range(prefix=self._options.prefix)])
        scanned, added = self._take(listing, intake, stop, health, backlog_before)
        if not stop.is_set():
            self._whole_at = began
            health.listed(f"{scanned:,} recordings in bucket {self._options.bucket}", scanned=scanned)
        return added

    def pages(self) -> Iterator[Sequence[Found]]:
        """One listing of everything, page by page. Raises SourceUnavailable."""
        with closing(Listing(self._fetch, [Range(prefix=self._options.prefix)]).pages()) as pages:
            yield from pages

    def _is_time_for_all(self, now: float) -> bool:
        if self._whole_at is None or self._options.layout is None:
            return True
        return now - self._whole_at >= self._options.full_pass

    def _latest(self, intake: Intake, stop: threading.Event, health: BucketHealth) -> None:
        layouts = self._expanded(self._options.prefix, self._options.layout or "")
        ranges = [
            Range(prefix=prefix)
            for layout in layouts
            for prefix in dated_prefixes(layout, clock.now(), self._options.look_back)
        ]
        scanned, _ = self._take(Listing(self._fetch, ranges), intake, stop, health, None)
        if not stop.is_set():
            message = f"{scanned:,} recordings in the latest {len(ranges):,} folders of bucket {self._options.bucket}"
            health.listed(message, scanned=scanned)

    def _expanded(self, before: str, layout: str) -> list[str]:
        """The layout once for every folder that lies where it says `*`."""
        head, star, rest = layout.partition("*")
        if not star:
            return [before + layout]
        folders: list[str] = []
        token: str | None = None
        while True:
            page = self._fetch(before + head, after="", token=token, delimiter="/")
            folders += page.prefixes
            token = page.next_token
            if token is None:
                return [one for folder in folders for one in self._expanded(folder, rest.removeprefix("/"))]

    def _take(
        self,
        listing: Listing,
        intake: Intake,
        stop: threading.Event,
        health: BucketHealth,
        backlog_before: datetime | None,
    ) -> tuple[int, int]:
        """Write down what a listing finds; how many recordings were seen, and how many rows are new."""
        began = reported = clock.monotonic_seconds()
        keys = scanned = added = 0
        with closing(listing.pages()) as pages:
            for page in pages:
                recordings = self._recordings(page)
                keys += len(page)
                scanned += len(recordings)
                added += intake.add_new(recordings, backlog_before=backlog_before)
                if stop.is_set():
                    break
                now = clock.monotonic_seconds()
                if now - reported >= REPORT_SECONDS:
                    reported = now
                    health.listing(f"listing, {keys:,} keys so far in {listing.parts} parts, for {now - began:.0f} s")
        return scanned, added


def _wait(stop: threading.Event, wait_seconds: float, look_after: Callable[[], None]) -> None:
    until = clock.monotonic_seconds() + wait_seconds
    while not clock.wait(stop, min(_LOOK_AFTER_SECONDS, until - clock.monotonic_seconds())):
        look_after()
        if clock.monotonic_seconds() >= until:
            return
