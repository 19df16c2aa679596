"""How far an export is: a bar on a terminal, and a line for each long wait elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from gong_bridge.receive.reading import Place

LONG_WAIT_SECONDS = 10.0


class ExportProgress:
    """Told of each place; shows it on standard error, where that is a terminal."""

    def __init__(self, console: Console, what: str) -> None:
        self._console = console
        self._what = what
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            console=console,
            transient=True,
            # Rows on standard output are for a pipe as they are, whatever stands on the terminal.
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._is_shown = console.is_terminal
        self._task = self._bar.add_task(f"asking for {what}", total=None)

    def __enter__(self) -> ExportProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def give_way(self) -> None:
        """Rows are about to stand where the bar is; from now on only long waits are told, in lines."""
        self._bar.stop()
        self._is_shown = False

    def reached(self, place: Place, total: int | None) -> None:
        """A page was written. total: rows of the list, where Gong says so."""
        words = f"{place.rows:,} {self._what}"
        if place.period is None or place.window is None:
            self._bar.update(self._task, description=words, total=total, completed=min(place.rows, total or 0))
            return
        whole = (place.period.to_time - place.period.from_time).total_seconds()
        done = (place.window.from_time - place.period.from_time).total_seconds()
        share = (place.rows - place.window_rows) / total if total else 0.0
        done += min(share, 1.0) * (place.window.to_time - place.window.from_time).total_seconds()
        day = f"{place.window.from_time:%Y-%m-%d}"
        self._bar.update(self._task, description=f"{words}, at {day}", total=whole, completed=done)

    def waits(self, why: str, wait_seconds: float | None = None) -> None:
        """It waits for this reason."""
        said = f"waiting{'' if wait_seconds is None else f' {wait_seconds:.0f} s'}: {why}"
        if self._is_shown:
            self._bar.update(self._task, description=said[: max(20, self._console.width - 40)])
        elif wait_seconds is None or wait_seconds >= LONG_WAIT_SECONDS:
            self._console.print(Text(said, style="dim"), soft_wrap=True)
