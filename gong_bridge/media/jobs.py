"""What the child does with a job: look into a recording or convert it, and say every failure in words for people."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import av

from gong_bridge.media import frames
from gong_bridge.media.assemble import Track, assemble
from gong_bridge.media.confinement import allow_writing
from gong_bridge.media.containers import examine
from gong_bridge.media.convert import convert
from gong_bridge.media.decode import MOST_STREAMS, Facts, Unreadable, look
from gong_bridge.media.extent import TRUNCATED, UNFINALISED, Extent, NoRecording
from gong_bridge.media.levels import Levels
from gong_bridge.media.served_file import ServedFile

HASHED_WHOLE_BYTES: Final = 2**20
SAMPLE_BYTES: Final = 64 * 1024
SAMPLES: Final = 6

_NOTHING: Final = Facts(
    codec="",
    channels=0,
    sample_rate_hz=0,
    duration_seconds=None,
    has_video=False,
    levels=Levels(level_dbfs=(), peak_dbfs=()),
)

av.logging.set_level(None)


def answer(job: dict[str, Any], fetch: Callable[[int, int, int], bytes]) -> tuple[bytes, dict[str, Any]]:
    """Kind and content of the answering frame. `fetch(number, offset, count)` gives bytes of the job's files."""
    files = [ServedFile(partial(fetch, number), int(size)) for number, size in enumerate(job["sizes_bytes"])]
    try:
        if job["do"] == "assemble":
            return frames.DONE, assemble_to(files, job)
        if job["do"] == "convert":
            return frames.DONE, convert_to(files[0], job)
        return frames.DONE, inspect(files[0], silence_dbfs=float(job["silence_dbfs"]))
    except (NoRecording, Unreadable) as error:
        return _failed(str(error))
    except MemoryError:
        return _failed(
            f"it needs more memory than media.memory_limit allows, or has more than {MOST_STREAMS} streams; "
            "it is damaged, or raise the limit"
        )
    except av.FFmpegError as error:
        return _failed(f"the decoder cannot read it ({error.strerror}); it is damaged, fetch it anew from the recorder")
    except OSError as error:
        return frames.FAILED, {"message": str(error.strerror), "errno": error.errno, "broken": False}
    except Exception as error:
        return _failed(f"it is damaged in a way that is not understood ({type(error).__name__})")


def _failed(message: str) -> tuple[bytes, dict[str, Any]]:
    return frames.FAILED, {"message": message, "broken": False}


def inspect(file: ServedFile, *, silence_dbfs: float) -> dict[str, Any]:
    """Everything of MediaInfo, as JSON; raises NoRecording, Unreadable, av.FFmpegError, MemoryError."""
    extent = examine(file)
    if extent.completeness in (TRUNCATED, UNFINALISED):
        facts = _look_at_fragment(file, extent, silence_dbfs)
    else:
        facts = look(file, extent, silence_dbfs=silence_dbfs)
    return {
        "container": extent.container,
        "codec": facts.codec,
        "channels": facts.channels,
        "sample_rate_hz": facts.sample_rate_hz,
        "duration_seconds": facts.duration_seconds,
        "declared_bytes": extent.declared_bytes,
        "present_bytes": file.size_bytes,
        "completeness": extent.completeness,
        "level_dbfs": facts.levels.level_dbfs,
        "peak_dbfs": facts.levels.peak_dbfs,
        "has_video": facts.has_video,
        "fingerprint": fingerprint(file),
    }


def convert_to(file: ServedFile, job: dict[str, Any]) -> dict[str, Any]:
    """Write job["target"] with at most job["most_bytes"] bytes; seconds and channels of what was read."""
    allow_writing(int(job["most_bytes"]))
    try:
        converted = convert(
            file, examine(file), container=str(job["container"]), codec=str(job["codec"]), target=str(job["target"])
        )
    finally:
        allow_writing(0)
    return {"seconds": converted.seconds, "channels": converted.channels}


def assemble_to(files: list[ServedFile], job: dict[str, Any]) -> dict[str, Any]:
    """Write job["target"] from all files, as `convert_to` does from one."""
    tracks = [
        Track(file=file, extent=examine(file), begins_seconds=float(begins))
        for file, begins in zip(files, job["begins_seconds"], strict=True)
    ]
    allow_writing(int(job["most_bytes"]))
    try:
        made = assemble(
            tracks,
            how=str(job["how"]),
            channels=int(job["channels"]),
            rate=int(job["sample_rate_hz"]),
            target=str(job["target"]),
        )
    finally:
        allow_writing(0)
    return {"seconds": made.seconds, "channels": made.channels}


def _look_at_fragment(file: ServedFile, extent: Extent, silence_dbfs: float) -> Facts:
    """What little an incomplete recording gives away; that it is incomplete is the finding, so nothing is raised."""
    try:
        return look(file, extent, silence_dbfs=silence_dbfs, audible=False)
    except (Unreadable, av.FFmpegError, ValueError):
        return _NOTHING


def fingerprint(file: ServedFile) -> str:
    """Digest over the size and the content: all of it up to 1 MiB, else six samples of 64 KiB spread over it."""
    digest = hashlib.blake2b(str(file.size_bytes).encode() + b"\0", digest_size=20)
    if file.size_bytes <= HASHED_WHOLE_BYTES:
        digest.update(file.read_at(0, file.size_bytes))
    else:
        last = file.size_bytes - SAMPLE_BYTES
        for number in range(SAMPLES):
            digest.update(file.read_at(last * number // (SAMPLES - 1), SAMPLE_BYTES))
    return digest.hexdigest()
