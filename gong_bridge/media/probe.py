"""The owner of the isolated child processes: hands them recordings, blames the recording when they do not come back."""

from __future__ import annotations

import signal
from typing import Any, BinaryIO, Final

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, RetryLater
from gong_bridge.media.child_pool import ChildPool, PoolClosed
from gong_bridge.media.child_process import ChildDied, ChildTooSlow, JobFailed, Progress
from gong_bridge.model import Completeness, MediaInfo

_NOT_ITS_FAULT: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Somebody (an operator, the kernel short of memory) ended the child: worth one more try before blaming the file."""


class MediaProbe:
    """Looks into recordings in isolated processes. Thread-safe; call `close` at the end."""

    def __init__(self, options: MediaOptions, children: int = 2) -> None:
        self._options = options
        self._looking = ChildPool(options.memory_limit, children)

    def inspect(self, file: BinaryIO, size_bytes: int) -> MediaInfo:
        """What the recording in `file` (seekable, `size_bytes` long) is.

        An incomplete recording is a finding (`completeness`), not an error. Raises BadMedia when it is no recording,
        cannot be decoded, or the process that looks at it dies or exceeds `media.time_limit` or `media.memory_limit`.
        Errors of `file.read` pass through; SourceChanged when the file ends early.
        """
        job = {"do": "inspect", "silence_dbfs": self._options.silence_dbfs}
        return _info(self._run(self._looking, job, file, size_bytes, self._options.time_limit, None))

    def close(self) -> None:
        """End all child processes; jobs under way raise RetryLater."""
        self._looking.close()

    def child_pids(self) -> list[int]:
        """Process ids of the children that run now."""
        return self._looking.pids()

    def _run(
        self,
        pool: ChildPool,
        job: dict[str, Any],
        file: BinaryIO,
        size_bytes: int,
        time_limit_seconds: float,
        progress: Progress | None,
    ) -> dict[str, Any]:
        try:
            return self._try(pool, job, file, size_bytes, time_limit_seconds, progress)
        except ChildDied as death:
            if death.signal_number not in _NOT_ITS_FAULT or pool.closed:
                raise _blame(death, pool) from None
        except PoolClosed:
            raise RetryLater("the bridge is stopping") from None
        try:
            return self._try(pool, job, file, size_bytes, time_limit_seconds, progress)
        except ChildDied as death:
            raise _blame(death, pool) from None
        except PoolClosed:
            raise RetryLater("the bridge is stopping") from None

    def _try(
        self,
        pool: ChildPool,
        job: dict[str, Any],
        file: BinaryIO,
        size_bytes: int,
        time_limit_seconds: float,
        progress: Progress | None,
    ) -> dict[str, Any]:
        child = pool.take()
        usable = False
        try:
            answer = child.run(job, file, size_bytes, time_limit_seconds, progress)
            usable = True
            return answer
        except JobFailed as failure:
            usable = True
            raise BadMedia(str(failure)) from None
        except ChildTooSlow:
            raise BadMedia(
                f"looking into it took longer than {time_limit_seconds:g} s and was stopped; "
                "it is damaged, or raise the time limit under media:"
            ) from None
        finally:
            pool.give_back(child, usable=usable)


def _blame(death: ChildDied, pool: ChildPool) -> BadMedia | RetryLater:
    if pool.closed:
        return RetryLater("the bridge is stopping")
    how = f" (signal {death.signal_number})" if death.signal_number else ""
    return BadMedia(
        f"the process that looked into it died of it{how}; it is damaged, or needs more than media.memory_limit"
    )


def _info(answer: dict[str, Any]) -> MediaInfo:
    return MediaInfo(
        container=str(answer["container"]),
        codec=str(answer["codec"]),
        channels=int(answer["channels"]),
        sample_rate_hz=int(answer["sample_rate_hz"]),
        duration_seconds=None if answer["duration_seconds"] is None else float(answer["duration_seconds"]),
        declared_bytes=None if answer["declared_bytes"] is None else int(answer["declared_bytes"]),
        present_bytes=int(answer["present_bytes"]),
        completeness=Completeness(answer["completeness"]),
        level_dbfs=tuple(float(level) for level in answer["level_dbfs"]),
        peak_dbfs=tuple(float(peak) for peak in answer["peak_dbfs"]),
        has_video=bool(answer["has_video"]),
        fingerprint=str(answer["fingerprint"]),
    )
