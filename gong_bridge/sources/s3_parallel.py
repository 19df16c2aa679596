"""Does many small requests at once, in threads that never keep the process from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from gong_bridge.errors import BridgeError

Result = TypeVar("Result")


def in_parallel(
    jobs: Sequence[Callable[[], Result]], *, threads: int, every_seconds: float, meanwhile: Callable[[], None]
) -> list[Result | BridgeError]:
    """What each job returned, or the BridgeError that it raised, in the order of the jobs.

    `meanwhile` is called every so many seconds until all are done. Any other exception of a job is raised here.
    """
    outcomes: list[Result | Exception | None] = [None] * len(jobs)
    numbers = iter(range(len(jobs)))
    lock = threading.Lock()
    left = len(jobs)
    all_done = threading.Event()

    def work() -> None:
        nonlocal left
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            outcome: Result | Exception
            try:
                outcome = jobs[number]()
            except Exception as error:
                outcome = error
            with lock:
                outcomes[number] = outcome
                left -= 1
                if left == 0:
                    all_done.set()

    if not jobs:
        return []
    for _ in range(min(threads, len(jobs))):
        threading.Thread(target=work, name="look", daemon=True).start()
    while not all_done.wait(every_seconds):
        meanwhile()
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, BridgeError):
            raise outcome
    return outcomes  # type: ignore[return-value]  # every place is filled when all are done
