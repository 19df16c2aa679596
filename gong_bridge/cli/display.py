"""What `run` shows while it works: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.growing_gaps import GrowingGaps
from gong_bridge.cli.styles import STYLES
from gong_bridge.errors import RateLimited, ServiceDown
from gong_bridge.model import OPEN_STATES, Entry, SourceHealth, State
from gong_bridge.observer import Observer
from gong_bridge.readable import printable


def _waits(before: Entry, after: Entry) -> bool:
    return after.state in OPEN_STATES and after.state is before.state and after.lease_token is None


def _cause_of(entry: Entry) -> tuple[object, str | None]:
    """What one line speaks of: Gong that is away keeps all recordings of a source, anything else this one."""
    is_shared = entry.reason_code in (ServiceDown.code, RateLimited.code)
    return entry.source if is_shared else entry.id, entry.reason_code


class PlainDisplay(Observer):
    """One line a change, without file names: the output of a cron job ends up in mail and logs."""

    def __init__(self, seconds: Callable[[], float] = clock.monotonic_seconds) -> None:
        self._passes = GrowingGaps(seconds)
        self._waiting = GrowingGaps(seconds)

    def looked(self, health: SourceHealth) -> None:
        """Print trouble; how far a long pass is, less and less often; its end when it was spoken of."""
        if health.under_way is None:
            if self._passes.ended(health.source) or not health.healthy:
                _say(f"source {health.source}: {printable(health.message)}")
        elif self._passes.is_due(health.source):
            _say(f"source {health.source}: {health.under_way}")

    def stepped(self, before: Entry, after: Entry) -> None:
        """Print where the entry stands now; what makes it wait, less and less often."""
        if _waits(before, after):
            if not self._waiting.is_due(_cause_of(after)):
                return
            line = f"entry {after.id} ({after.source}): {after.state}, waiting: {after.reason_code}"
        else:
            self._waiting.ended(_cause_of(before))
            line = f"entry {after.id} ({after.source}): {after.state}"
            if after.reason_code:
                line += f" ({after.reason_code})"
            if after.call_id and after.state in (State.CREATED, State.DONE):
                line += f", call {after.call_id}"
        _say(line)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - this is the output


class BarDisplay(Observer):
    """What is done of what was found, uploads with bytes and rate, and how each recording ended, on a terminal."""

    def __init__(self, console: Console) -> None:
        self._lock = threading.Lock()
        self._waiting = GrowingGaps()
        self._counts: Counter[str] = Counter()
        self._uploads: dict[int, TaskID] = {}
        self._overall = Progress(
            SpinnerColumn(), BarColumn(bar_width=30), MofNCompleteColumn(), _words(), console=console
        )
        self._total = self._overall.add_task("looking for recordings", total=None)
        self._sending = Progress(
            _words(),
            BarColumn(bar_width=30),
            DownloadColumn(binary_units=False),
            TransferSpeedColumn(),
            console=console,
        )
        self._passes: dict[str, TaskID] = {}
        self._looking = Progress(SpinnerColumn(), _words(), console=console)
        group = Group(self._overall, self._looking, self._sending)
        self._live = Live(group, console=console, transient=True, refresh_per_second=10)

    def __enter__(self) -> BarDisplay:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def found(self, count: int) -> None:
        """There is more to do."""
        with self._lock:
            self._counts["found"] += count
            self._refresh()

    def stepped(self, before: Entry, after: Entry) -> None:
        """Count it; print a line when the entry came to an end; less and less often, what it waits for."""
        ended = after.state not in OPEN_STATES
        waits = _waits(before, after)
        with self._lock:
            if not waits:
                self._waiting.ended(_cause_of(before))
            is_told = ended or (
                waits and after.reason_code != RateLimited.code and self._waiting.is_due(_cause_of(after))
            )
            self._counts["checked"] += before.state is State.FOUND and after.state is not State.FOUND
            self._counts["ended"] += ended
            if ended:
                self._counts[after.state] += 1
            self._refresh(waits_for_gong=waits and after.reason_code == RateLimited.code)
        if is_told:
            self._live.console.print(entry_line(after))

    def looked(self, health: SourceHealth) -> None:
        """Print trouble; a line for each source of which a long pass goes on."""
        words = f"{health.source}: {health.under_way}"
        if not health.healthy and health.under_way is None:
            self._live.console.print(Text(f"source {health.source}: {printable(health.message)}", style="red"))
        with self._lock:
            task = self._passes.get(health.source)
            if health.under_way is None and task is not None:
                self._looking.remove_task(self._passes.pop(health.source))
            elif health.under_way is not None and task is not None:
                self._looking.update(task, description=words)
            elif health.under_way is not None:
                self._passes[health.source] = self._looking.add_task(words, total=None)

    def sending(self, entry: Entry, chunk_bytes: int, size_bytes: int) -> None:
        """Move this upload's bar."""
        with self._lock:
            task = self._uploads.get(entry.id)
            if task is None:
                name = printable(entry.key.rpartition("/")[2])
                task = self._sending.add_task(f"uploading {name[:40]}", total=size_bytes)
                self._uploads[entry.id] = task
            self._sending.update(task, advance=chunk_bytes)

    def finished_sending(self, entry: Entry) -> None:
        """Take the bar away."""
        with self._lock:
            task = self._uploads.pop(entry.id, None)
            if task is not None:
                self._sending.remove_task(task)

    def _refresh(self, *, waits_for_gong: bool = False) -> None:
        counts = self._counts
        words = [f"found {counts['found']}", f"checked {counts['checked']}"]
        words += [f"{state} {counts[state]}" for state in STYLES if state not in OPEN_STATES and counts[state]]
        if waits_for_gong:
            words.append("waiting for the allowance")
        total = max(counts["found"], counts["ended"]) or None
        self._overall.update(self._total, description=", ".join(words), completed=counts["ended"], total=total)


def _words() -> TextColumn:
    return TextColumn("{task.description}", markup=False)


def entry_line(entry: Entry) -> RenderableType:
    """`  done  name.wav  call 778...` in colour, with the reason below it when there is one."""
    waits = entry.state in OPEN_STATES
    line = Text.assemble(
        (f"{'waiting' if waits else entry.state:>9}  ", STYLES[entry.state]), printable(entry.key.rpartition("/")[2])
    )
    if entry.state is State.DONE and entry.call_id:
        line.append(f"  call {entry.call_id}", style="dim")
        return line
    if not entry.reason:
        return line
    return Group(line, Padding(Text(printable(entry.reason), style="dim"), (0, 0, 0, 11)))


def display_for(console: Console) -> BarDisplay | PlainDisplay:
    """Bars for a person, lines for anything else."""
    return BarDisplay(console) if console.is_terminal and sys.stdout.isatty() else PlainDisplay()
