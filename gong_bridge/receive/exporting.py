"""Asks for page after page, window after window, and writes the rows; begins a window again when its cursor is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gong_bridge.gong.pages import CursorLost
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.patience import Patience
from gong_bridge.receive.reading import Batches, Place, Reading
from gong_bridge.receive.windows import next_window

MOST_RESTARTS = 5
"""A window whose cursor is lost again and again would be asked for without end."""


class Sink(Protocol):
    """Where rows go."""

    def write(self, rows: Sequence[GongAnswer]) -> int:
        """Write them; the mark behind them."""

    def back_to(self, mark: int, /) -> None:
        """Forget what was written after this mark. Raises BridgeError where that cannot be."""


class Export:
    """One reading on its way into one sink.

    keep: told of each place that is reached, when everything before it has been written. told: the same, for people,
    with the number of rows of the list where it is known. most_rows: stop after so many.
    """

    def __init__(
        self,
        reading: Reading,
        sink: Sink,
        patience: Patience,
        *,
        keep: Callable[[Place], None],
        told: Callable[[Place, int | None], None],
        most_rows: int | None = None,
    ) -> None:
        self._reading = reading
        self._sink = sink
        self._patience = patience
        self._keep = keep
        self._told = told
        self._most_rows = most_rows

    def run(self, place: Place) -> Place:
        """From `place` to the end: the last place.

        Raises what Gong's client raises, when waiting does not help; everything up to the last place kept is written.
        """
        while not place.over:
            place, pages = self._window(place)
            following = None
            if place.period is not None and place.window is not None and not self._is_enough(place):
                following = next_window(place.period, place.window, pages)
            place = place.after_window(following)
            self._keep(place)
        return place

    def _window(self, place: Place) -> tuple[Place, int]:
        """To the end of the window; how many pages that took."""
        pages = restarts = 0
        batches = self._reading.ask(place.window, place.cursor)
        while not batches.finished and not self._is_enough(place):
            try:
                rows = self._patience.insist(lambda: _next_rows(batches))  # noqa: B023 - called at once
            except CursorLost:
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise
                self._sink.back_to(place.window_mark)
                place, pages = place.window_again(), 0
                self._keep(place)
                batches = self._reading.ask(place.window, None)
                continue
            if rows is None:
                break
            pages += 1
            place = self._write(place, rows, batches)
        return place, pages

    def _write(self, place: Place, rows: Sequence[GongAnswer], batches: Batches) -> Place:
        if self._most_rows is not None:
            rows = rows[: self._most_rows - place.rows]
        place = place.after_page(rows=len(rows), mark=self._sink.write(rows), cursor=batches.cursor)
        self._keep(place)
        self._told(place, batches.total)
        return place

    def _is_enough(self, place: Place) -> bool:
        return self._most_rows is not None and place.rows >= self._most_rows


def _next_rows(batches: Batches) -> Sequence[GongAnswer] | None:
    # A StopIteration must not pass through code that knows nothing of it.
    try:
        return batches.next_rows()
    except StopIteration:
        return None
