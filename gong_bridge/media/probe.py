"""The owner of the isolated child processes: hands them recordings, blames the recording when they do not come back."""

from __future__ import annotations

import errno
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from gong_bridge.config.schema import MediaOptions
from gong_bridge.errors import BadMedia, BridgeError, NoRoom, RetryLater
from gong_bridge.kill_points import Point, reached
from gong_bridge.media.assembly import Assembly
from gong_bridge.media.child_pool import ChildPool, PoolClosed
from gong_bridge.media.child_process import ChildDied, ChildTooSlow, JobFailed, OpenFile
from gong_bridge.media.conversion_disk import WAIT_SECONDS, ConversionDisk
from gong_bridge.media.rules import Conversion
from gong_bridge.model import Completeness, MediaInfo

_NOT_ITS_FAULT: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Somebody (an operator, the kernel short of memory) ended the child: worth one more try before blaming the file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Task:
    """A job for a child, with its limit, and the file that it may write."""

    job: dict[str, Any]
    time_limit_seconds: float
    limit_name: str
    target: Path | None = None


class MediaProbe:
    """Looks into recordings in isolated processes. Thread-safe; call `close` at the end."""

    def __init__(self, options: MediaOptions, children: int = 2) -> None:
        self._options = options
        self._looking = ChildPool(options.memory_limit, children)
        # Conversions take minutes: they have children of their own, so that looking never waits for them.
        self._converting = ChildPool(options.memory_limit, children)
        self._disk = ConversionDisk(options.conversion_disk)

    def inspect(self, file: BinaryIO, size_bytes: int) -> MediaInfo:
        """What the recording in `file` (seekable, `size_bytes` long) is.

        An incomplete recording is a finding (`completeness`), not an error. Raises BadMedia when it is no recording,
        cannot be decoded, or the process that looks at it dies or exceeds `media.time_limit` or `media.memory_limit`.
        Errors of `file.read` pass through; SourceChanged when the file ends early, RetryLater after `close`.
        """
        task = _Task(
            job={"do": "inspect", "silence_dbfs": self._options.silence_dbfs},
            time_limit_seconds=self._options.time_limit,
            limit_name="media.time_limit",
        )
        return _info(self._run(self._looking, task, [(file, size_bytes)]))

    def convert(self, file: BinaryIO, size_bytes: int, conversion: Conversion, target: Path) -> MediaInfo:
        """Write the conversion to `target` (mode 0600, replaced when it exists) and say what it is.

        Raises BadMedia when it fails, or when the result is not whole or differs in length or channels; NoRoom while
        the disk or `media.conversion_disk` is used up. `target` is gone after any error.
        """
        job = {"do": "convert", "container": conversion.container, "codec": conversion.codec}
        return self._write(job, [(file, size_bytes)], target)

    def assemble(self, files: Sequence[OpenFile], assembly: Assembly, target: Path) -> MediaInfo:
        """Write one recording made of several (in the order of `assembly.pieces`); raises what `convert` does."""
        job = {
            "do": "assemble",
            "how": assembly.how,
            "channels": assembly.channels,
            "sample_rate_hz": assembly.sample_rate_hz,
            "begins_seconds": [piece.begins_seconds for piece in assembly.pieces],
        }
        return self._write(job, files, target)

    def _write(self, job: dict[str, Any], files: Sequence[OpenFile], target: Path) -> MediaInfo:
        with self._disk.writing(target):
            task = _Task(
                job={**job, "target": str(target), "most_bytes": self._disk.left_bytes(target)},
                time_limit_seconds=self._options.conversion_time_limit,
                limit_name="media.conversion_time_limit",
                target=target,
            )
            answer = self._run(self._converting, task, files)
            with target.open("rb") as result:
                info = self.inspect(result, target.stat().st_size)
            _require_same(info, float(answer["seconds"]), int(answer["channels"]))
            reached(Point.CONVERTED)
            return info

    def close(self) -> None:
        """End all child processes; jobs under way raise RetryLater."""
        self._looking.close()
        self._converting.close()

    def child_pids(self) -> list[int]:
        """Process ids of the children that run now."""
        return self._looking.pids() + self._converting.pids()

    def _run(self, pool: ChildPool, task: _Task, files: Sequence[OpenFile]) -> dict[str, Any]:
        for may_try_again in (True, False):
            try:
                return self._try(pool, task, files)
            except PoolClosed:
                break
            except ChildDied as death:
                if pool.closed:
                    break
                if death.signal_number not in _NOT_ITS_FAULT or not may_try_again:
                    how = f" (signal {death.signal_number})" if death.signal_number else ""
                    raise BadMedia(
                        f"the process that opened it died of it{how}; it is damaged, "
                        "or needs more than media.memory_limit"
                    ) from None
                if task.target is not None:
                    task.target.unlink(missing_ok=True)
        raise RetryLater("the bridge is stopping")

    def _try(self, pool: ChildPool, task: _Task, files: Sequence[OpenFile]) -> dict[str, Any]:
        child = pool.take()
        usable = False
        target = task.target
        watch = None if target is None else lambda: self._look_at(target)
        try:
            answer = child.run(task.job, files, task.time_limit_seconds, watch)
            usable = True
            return answer
        except JobFailed as failure:
            usable = True
            raise self._explain(failure, task) from None
        except ChildTooSlow:
            raise BadMedia(
                f"opening it took longer than {task.limit_name} ({task.time_limit_seconds:g} s) and was stopped; "
                "it is damaged, or raise the limit"
            ) from None
        finally:
            pool.give_back(child, usable=usable)

    def _look_at(self, target: Path) -> None:
        """While `target` is being written: raises NoRoom, BadMedia when it may not grow any more."""
        self._disk.left_bytes(target)
        reached(Point.CONVERTING)

    def _explain(self, failure: JobFailed, task: _Task) -> BridgeError:
        if failure.errno is None or task.target is None:
            return BadMedia(str(failure))
        if failure.errno == errno.EFBIG:
            return self._disk.full(task.target)
        place = f"{task.target.parent} (media.conversion_folder)"
        return NoRoom(f"a conversion cannot be written to {place}: {failure}", wait_seconds=WAIT_SECONDS)


def _require_same(info: MediaInfo, seconds: float, channels: int) -> None:
    duration = info.duration_seconds or 0.0
    whole = info.completeness in (Completeness.WHOLE, Completeness.UNSTATED)
    if whole and info.channels == channels and abs(duration - seconds) <= max(0.5, seconds * 0.01):
        return
    raise BadMedia(
        f"its conversion came out wrong ({duration:.1f} s in {info.channels} channels from {seconds:.1f} s in "
        f"{channels}, {info.completeness}); let the recorder write WAV, MP3, MP4, MKV or FLAC, or convert it by hand"
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
