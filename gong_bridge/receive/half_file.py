"""A file that is written in pieces and can be gone on with: its rows, and beside it the place that was reached."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from gong_bridge import clock
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.private_file import private
from gong_bridge.receive.lines import Lines
from gong_bridge.receive.reading import Place, Reading
from gong_bridge.receive.windows import Window

KEEP_SECONDS = 1.0
"""The place is written down so often; what is in the file behind it is cut off when the export goes on."""
_NOTE_VERSION = 1


class HalfFile:
    """`OUTPUT.part` holds the rows and `OUTPUT.resume` the place, until the export is whole and OUTPUT is made of them.

    A file of the name OUTPUT is therefore always whole, and only its owner may read it. Use it in `with`.
    heading: the first bytes. lines: rows to bytes. make: OUTPUT from the part, where it is more than a new name.
    """

    def __init__(
        self,
        output: Path,
        reading: Reading,
        *,
        heading: bytes,
        lines: Lines,
        make: Callable[[BinaryIO, Path], None] | None = None,
    ) -> None:
        self._output = output
        self._reading = reading
        self._heading = heading
        self._lines = lines
        self._make = make
        self.part = _beside(output, ".part")
        self.note = _beside(output, ".resume")
        self._place: Place | None = None
        self._kept_at = float("-inf")
        self._file: BinaryIO | None = None

    def begin(self, *, resume: bool) -> Place:
        """Where to go on: the beginning, or with `resume` the last place written down.

        Raises ConfigError when OUTPUT is there, when half a file is there and `resume` was not said, when that one is
        of another question, damaged, or being written by another process.
        """
        if self._output.exists():
            raise ConfigError(f"{self._output} is there already, and whole; choose another name, or move it away")
        is_half = self.part.exists() or self.note.exists()
        if is_half and not resume:
            raise ConfigError(
                f"{self.part} is an export that did not come to its end; go on with --resume, or delete it and "
                f"{self.note.name} to begin again"
            )
        try:
            self._file = open(self.part, "r+b" if self.part.exists() else "x+b", opener=private)  # noqa: SIM115 - closed by _close
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(f"{self.part} is being written by another gong-bridge; wait for it") from None
        except OSError as error:
            raise _cannot_write(self.part, error) from None
        place = self._place_written_down() if self.note.exists() else None
        if place is None:
            self._file.truncate(0)
            self._file.write(self._heading)
            place = Place.beginning(self._reading.period, len(self._heading))
        self.back_to(place.mark)
        self.keep(place, now=True)
        return place

    def write(self, rows: Sequence[GongAnswer]) -> int:
        """Put rows at the end; how many bytes the file has then."""
        try:
            self._open_file.write(self._lines(rows))
            return self._open_file.tell()
        except OSError as error:
            raise _cannot_write(self.part, error) from None

    def back_to(self, mark: int) -> None:
        """Cut off what is behind this many bytes."""
        try:
            self._open_file.seek(mark)
            self._open_file.truncate()
        except OSError as error:
            raise _cannot_write(self.part, error) from None

    def keep(self, place: Place, *, now: bool = False) -> None:
        """Write the place down when that was not done for a second, or `now`; what is before it is on the disk then."""
        self._place = place
        if not now and clock.monotonic_seconds() - self._kept_at < KEEP_SECONDS:
            return
        try:
            self._open_file.flush()
            os.fsync(self._open_file.fileno())
            _write_whole(self.note, json.dumps(self._as_json(place)).encode())
        except OSError as error:
            raise _cannot_write(self.part, error) from None
        self._kept_at = clock.monotonic_seconds()

    def finish(self) -> None:
        """Everything is there: make OUTPUT of it."""
        file = self._open_file
        try:
            if self._make is not None:
                made = _beside(self._output, ".making")
                file.seek(0)
                self._make(file, made)
                made.replace(self._output)
                self.part.unlink()
            else:
                file.flush()
                os.fsync(file.fileno())
                self.part.replace(self._output)
            self.note.unlink()
        except OSError as error:
            raise _cannot_write(self._output, error) from None
        self._close()

    def discard(self) -> None:
        """Nothing has come: leave nothing behind."""
        self._close()
        self.note.unlink(missing_ok=True)
        self.part.unlink(missing_ok=True)

    def __enter__(self) -> HalfFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        with suppress(BridgeError):  # the error that ends the export says more
            if self._place is not None:
                self.keep(self._place, now=True)
        self._close()

    def _close(self) -> None:
        self._open_file.close()
        self._file = None

    @property
    def _open_file(self) -> BinaryIO:
        assert self._file is not None
        return self._file

    # --- the note ---------------------------------------------------------------------------------------------------

    def _as_json(self, place: Place) -> dict[str, Any]:
        return {
            "version": _NOTE_VERSION,
            "question": self._reading.question,
            "period": None if place.period is None else place.period.to_json(),
            "window": None if place.window is None else place.window.to_json(),
            **{name: getattr(place, name) for name in _PLAIN},
        }

    def _place_written_down(self) -> Place:
        try:
            note = json.loads(self.note.read_bytes())
            if note["version"] != _NOTE_VERSION:
                raise ValueError
            question = note["question"]
            period, window = (None if note[name] is None else Window.from_json(note[name]) for name in _WINDOWS)
            place = Place(period=period, window=window, **{name: note[name] for name in _PLAIN})
        except (OSError, ValueError, KeyError, TypeError):
            raise ConfigError(
                f"{self.note} cannot be read as the place of an export; delete it and {self.part.name} to begin again"
            ) from None
        _check_question(self.note, question, self._reading.question)
        size_bytes = os.fstat(self._open_file.fileno()).st_size
        if size_bytes < place.mark:
            # Rows that were written down are gone (a full disk, a copy): the window's beginning may still be there.
            place = place.window_again()
        if size_bytes < place.mark:
            raise ConfigError(
                f"{self.part} has {size_bytes} bytes, but {place.mark} were written; it was changed since. Delete it "
                f"and {self.note.name} to begin again"
            )
        return place


_PLAIN = ("cursor", "rows", "mark", "window_rows", "window_mark", "over")
_WINDOWS = ("period", "window")


def _check_question(note: Path, before: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    differing = [name for name in asked if before.get(name) != asked[name]]
    if differing:
        name = differing[0]
        raise ConfigError(
            f"{note} is of another export: {name} was {before.get(name)!r}, and is {asked[name]!r} now; give the same "
            "options again, or choose another --output"
        )


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _write_whole(path: Path, content: bytes) -> None:
    new = _beside(path, ".new")
    with open(new, "wb", opener=private) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _cannot_write(path: Path, error: OSError) -> BridgeError:
    return BridgeError(f"{path} cannot be written: {error.strerror or error}; make room or choose another --output")
