"""What sources ask the ledger about, page by page: the names of recordings, which become objects only when wanted.

Nearly everything that a listing finds is known already. So a source hands over keys and versions as they are, the
ledger compares those, and a `Recording` is made for what is new alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from typing import overload

from gong_bridge.model import Recording


class RecordingPage(Sequence[Recording]):
    """Recordings of one source: in `keys` and `versions` by name, and each as a `Recording` when it is asked for."""

    def __init__(
        self, source: str, keys: Sequence[str], versions: Sequence[str], make: Callable[[int], Recording]
    ) -> None:
        """`make`: the recording at a place of `keys`."""
        self.source = source
        self.keys = keys
        self.versions = versions
        self._make = make

    @classmethod
    def of(cls, source: str, recordings: Sequence[Recording]) -> RecordingPage:
        """What was made already, all of one source."""
        keys, versions = [one.key for one in recordings], [one.version for one in recordings]
        return cls(source, keys, versions, recordings.__getitem__)

    def without(self, is_left_out: Callable[[str], bool]) -> RecordingPage:
        """Those for whose keys `is_left_out` says no."""
        stays = [not is_left_out(key) for key in self.keys]
        if all(stays):
            return self
        places = list(compress(range(len(stays)), stays))
        keys, versions = list(compress(self.keys, stays)), list(compress(self.versions, stays))
        return RecordingPage(self.source, keys, versions, lambda place: self._make(places[place]))

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, place: int) -> Recording: ...
    @overload
    def __getitem__(self, place: slice) -> list[Recording]: ...
    def __getitem__(self, place: int | slice) -> Recording | list[Recording]:
        wanted = range(len(self.keys))[place]
        return self._make(wanted) if isinstance(wanted, int) else [self._make(one) for one in wanted]
