"""The disk that all conversions of this process take together, kept below media.conversion_disk."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gong_bridge.errors import BadMedia, NoRoom

LEFT_FREE_BYTES: Final = 64 * 2**20
"""Never fill the disk to the last byte: the ledger may live on it."""
WAIT_SECONDS: Final = 30.0


class ConversionDisk:
    """Counts the conversions that exist. Thread-safe; a file that is gone counts no more."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._targets: set[Path] = set()

    @contextlib.contextmanager
    def writing(self, target: Path) -> Iterator[None]:
        """Count `target` from now on until it is deleted; it is deleted at once when the block fails."""
        target.unlink(missing_ok=True)
        with self._lock:
            self._targets.add(target)
        try:
            yield
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def left_bytes(self, target: Path) -> int:
        """What `target` may still grow to; raises NoRoom while other conversions or other files take the disk.

        BadMedia when it would not fit even alone.
        """
        with self._lock:
            sizes = {path: size for path in self._targets if (size := _size_bytes(path)) is not None}
            self._targets = {*sizes, target}
        others = sum(size for path, size in sizes.items() if path != target)
        left = self._most_bytes - others
        if sizes.get(target, 0) >= left:
            raise self.full(target)
        if _free_bytes(target.parent) < LEFT_FREE_BYTES:
            raise NoRoom(
                f"the disk of {target.parent} is full: a recording waits to be converted; "
                "free some space, or set media.conversion_folder to another disk",
                wait_seconds=WAIT_SECONDS,
            )
        return left

    def full(self, target: Path) -> NoRoom | BadMedia:
        """The error for a conversion that hit the budget."""
        with self._lock:
            alone = all(path == target or _size_bytes(path) is None for path in self._targets)
        if alone:
            return BadMedia(
                f"its conversion needs more than media.conversion_disk ({self._most_bytes / 1e9:.1f} GB); "
                "raise it, or let the recorder write WAV, MP3, MP4, MKV or FLAC"
            )
        return NoRoom(
            f"conversions take all of media.conversion_disk ({self._most_bytes / 1e9:.1f} GB); this one waits its turn",
            wait_seconds=WAIT_SECONDS,
        )


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise NoRoom(
            f"conversions cannot be written to {folder} ({error.strerror}); create the folder for the service's user, "
            "or set media.conversion_folder to another one",
            wait_seconds=WAIT_SECONDS,
        ) from None


def _size_bytes(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
