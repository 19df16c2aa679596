"""Keeps going what must never end in silence: threads are started again, an observer that fails harms nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from gong_bridge import clock
from gong_bridge.errors import BridgeError
from gong_bridge.logs import get_logger
from gong_bridge.model import Entry, SourceHealth
from gong_bridge.observer import Observer

AGAIN_SECONDS = 5.0
"""How long after an unexpected end a thread's work is begun again."""

FAILED_LATELY_SECONDS = 60.0
"""For so long after its last failure a thread is told of."""
TELL_AGAIN_SECONDS = 60.0
"""How often trouble that lasts is written down once more."""

log = get_logger(__name__)

Work = Callable[[threading.Event], object]


def keep_going(work: Work, on_failure: Callable[[Exception], None] = lambda _: None) -> Work:
    """`work`, begun again whenever it ends before the stop; a bug in it is logged and told to `on_failure`.

    A thread that died would leave a service that looks well and finds nothing any more.
    """

    def going(stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                work(stop)
            except Exception as error:
                log.exception("thread failed, it is started again")
                on_failure(error)
            clock.wait(stop, AGAIN_SECONDS)

    return going


class Failures:
    """Which threads failed lately, for people; thread-safe."""

    def __init__(self) -> None:
        self._failed: dict[str, tuple[str, float]] = {}

    def note(self, name: str, error: Exception) -> None:
        """The work of this thread failed, and is begun again."""
        self._failed[name] = (type(error).__name__, clock.monotonic_seconds())

    def sentences(self) -> list[str]:
        """One for each that failed within the last minute."""
        since = clock.monotonic_seconds() - FAILED_LATELY_SECONDS
        return [
            f"a part of the bridge ({name}) fails with {kind} and is begun again and again; see the log, and report it"
            for name, (kind, at) in sorted(self._failed.copy().items())
            if at > since
        ]


class Told:
    """Sentences about this process, written where other processes read them: when they change, not each second.

    While there are any they are written once more now and then: another bridge on the ledger, which has no such
    trouble, may have said so meanwhile.
    """

    def __init__(self, write: Callable[[Sequence[str]], None]) -> None:
        self._write = write
        self._last: list[str] | None = None
        self._again_at = 0.0

    def tell(self, sentences: Sequence[str]) -> None:
        """These are true now. Raises what `write` raises; then the next call tries again."""
        now_seconds = clock.monotonic_seconds()
        if list(sentences) != self._last or (sentences and now_seconds >= self._again_at):
            self._write(sentences)
            self._last, self._again_at = list(sentences), now_seconds + TELL_AGAIN_SECONDS


def every(wait_seconds: float, do: Callable[[], object]) -> Work:
    """Do it again and again, `wait_seconds` after it ended; what it raises of ours is logged, once for each trouble."""

    def doing(stop: threading.Event) -> None:
        told = ""
        while not clock.wait(stop, wait_seconds):
            try:
                do()
                told = ""
            except BridgeError as error:
                if error.code != told:
                    log.warning("housekeeping failed", code=error.code)
                told = error.code

    return doing


class Witness(Observer):
    """Passes on what happens to an observer that may fail (a closed pipe, a full disk), and knows when that was last.

    A display must not keep recordings from Gong. Its first failure is logged, the others are not.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._failed = False
        self._moved_at = clock.monotonic_seconds()

    def idle_seconds(self) -> float:
        """How long no entry has come further and no byte was sent."""
        return clock.monotonic_seconds() - self._moved_at

    def found(self, count: int) -> None:
        """See Observer."""
        self._pass_on(self._observer.found, count)

    def looked(self, health: SourceHealth) -> None:
        """See Observer."""
        self._pass_on(self._observer.looked, health)

    def stepped(self, before: Entry, after: Entry) -> None:
        """See Observer."""
        if after.state is not before.state:
            self._moved_at = clock.monotonic_seconds()
        self._pass_on(self._observer.stepped, before, after)

    def sending(self, entry: Entry, chunk_bytes: int, size_bytes: int) -> None:
        """See Observer."""
        self._moved_at = clock.monotonic_seconds()
        self._pass_on(self._observer.sending, entry, chunk_bytes, size_bytes)

    def finished_sending(self, entry: Entry) -> None:
        """See Observer."""
        self._pass_on(self._observer.finished_sending, entry)

    def _pass_on(self, tell: Callable[..., None], *what: Any) -> None:
        try:
            tell(*what)
        except Exception:
            if not self._failed:
                self._failed = True
                log.exception("display failed; deliveries go on")
