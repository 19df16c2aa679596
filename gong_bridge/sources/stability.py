"""When a file that is being written counts as finished: pure, told what was observed and when."""

from __future__ import annotations


class StabilityTracker:
    """Files that were seen, until two observations at least `settle_seconds` apart say the same (R5, R6).

    Only equality of size and mtime counts, never the distance of mtime to now: a clock that was set back, or a file
    that comes with an old or a future mtime, settles like any other. `now` is any clock that never goes back, in
    seconds.

    The waiting time is the same for all, and a file that changed goes to the end, so the dict's own order is the order
    in which files fall due.
    """

    def __init__(self, *, settle_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._observed: dict[str, tuple[int, int, float]] = {}

    def __len__(self) -> int:
        return len(self._observed)

    def __contains__(self, key: object) -> bool:
        return key in self._observed

    def observe(self, key: str, size_bytes: int, mtime_ns: int, now: float) -> float | None:
        """Note what a file looks like. None when it has settled, else the moment to look again."""
        before = self._observed.get(key)
        if before is None or before[:2] != (size_bytes, mtime_ns):
            self._observed.pop(key, None)
            self._observed[key] = (size_bytes, mtime_ns, now)
            return now + self._settle_seconds
        moment = before[2] + self._settle_seconds
        return None if moment <= now else moment

    def due(self, now: float, limit: int) -> list[str]:
        """At most `limit` keys whose time to look again has come, the longest waiting first."""
        keys: list[str] = []
        for key, (_, _, since) in self._observed.items():
            if len(keys) == limit or since + self._settle_seconds > now:
                break
            keys.append(key)
        return keys

    def next_due(self) -> float | None:
        """The earliest moment at which `due` has something; None when nothing is waited for."""
        for _, _, since in self._observed.values():
            return since + self._settle_seconds
        return None

    def forget(self, key: str) -> None:
        """Stop waiting for this file: it is written down, or it is gone."""
        self._observed.pop(key, None)
