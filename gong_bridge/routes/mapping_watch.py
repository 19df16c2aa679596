"""The mappings in use, read again when their files change: a corrected one frees what it held, without a restart."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gong_bridge import clock
from gong_bridge.errors import (
    AwaitingSidecar,
    BadMetadata,
    ConfigError,
    MissingSidecar,
    UnknownPerson,
    UnusableUser,
)
from gong_bridge.ledger.filters import EntryFilter, Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger
from gong_bridge.mapping.engine import Mapping as CallMapping
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.library import SUFFIXES, find_mapping
from gong_bridge.mapping.options import Options

LOOK_SECONDS = 1.0
"""How often the files are looked at; a change is read when it has stood still from one look to the next."""

_CURED_BY_MAPPING = (
    BadMetadata.code, MissingSidecar.code, UnknownPerson.code, UnusableUser.code,
)  # fmt: skip
"""What another mapping may make of a recording may be whole where the old one's was not."""

log = get_logger(__name__)

Signature = tuple[tuple[str, int, int], ...]


class WatchedMapping:
    """The mapping of one source as its files last were right; `present` may be read from any thread."""

    def __init__(self, *, name: str, folder: Path | None, options: Options) -> None:
        """Read it. Raises ConfigError when it is missing or wrong."""
        self._name = name
        self._folder = folder
        self._options = options
        self.present: CallMapping = self._read()
        self.trouble: str | None = None
        """Why the files as they are now are not used; None when they are."""

    def reload(self) -> bool:
        """Read the files again; True when another mapping is in use now. A wrong one changes nothing but `trouble`."""
        try:
            read = self._read()
        except (ConfigError, OSError) as error:
            self.trouble = f"mapping {self._name} is not used as its file is now: {error}"
            return False
        self.trouble = None
        if read.version == self.present.version:
            return False
        self.present = read
        return True

    def _read(self) -> CallMapping:
        return load_mapping(find_mapping(self._name, self._folder), self._options)


class MappingWatch:
    """Looks after the mappings of all sources. Belongs to the one thread that calls `look`."""

    def __init__(
        self,
        ledger: Ledger,
        mappings: Mapping[str, WatchedMapping],
        folder: Path | None,
        lanes: tuple[Lane, ...],
    ) -> None:
        """`mappings`: by the names of their sources. `folder`: that of the user's own mappings. `lanes`: this bridge's.

        What other hosts hold is held by their files.
        """
        self._lanes = lanes
        self._ledger = ledger
        self._mappings = mappings
        self._folder = folder
        self._looked_at = clock.monotonic_seconds()
        self._read = self._seen = self._signature()

    @property
    def troubles(self) -> list[str]:
        """Why mappings as their files are now are not used."""
        return list(dict.fromkeys(one.trouble for one in self._mappings.values() if one.trouble is not None))

    def look(self) -> int:
        """Look at the files when it is time; how many entries go on because their mapping was corrected."""
        if clock.monotonic_seconds() - self._looked_at < LOOK_SECONDS:
            return 0
        self._looked_at = clock.monotonic_seconds()
        signature, before = self._signature(), self._seen
        self._seen = signature
        if signature == self._read or signature != before:  # the second: an editor may still be writing
            return 0
        freed = 0
        for source, mapping in self._mappings.items():
            had_trouble = mapping.trouble is not None
            if mapping.reload():
                freed += self._let_go(source)
                log.info("mapping read again", source=source)
            elif mapping.trouble is not None and not had_trouble:
                log.warning("mapping is wrong and not used as it is now; run `gong-bridge check`", source=source)
        self._read = signature
        return freed

    def _let_go(self, source: str) -> int:
        now = clock.now()
        waiting = EntryFilter(source=source, code=AwaitingSidecar.code, lanes=self._lanes)
        held = self._ledger.operator.reopen_held(now, codes=_CURED_BY_MAPPING, source=source, lanes=self._lanes)
        return held + self._ledger.operator.hurry(waiting, now)

    def _signature(self) -> Signature:
        """Name, time and size of every file that may be read; a file that goes away changes it, too."""
        files = {path for mapping in self._mappings.values() for path in mapping.present.files}
        with suppress(OSError):  # the folder is away: what was read stays in use
            files.update(path for path in (self._folder.iterdir() if self._folder else ()) if path.suffix in SUFFIXES)
        found = []
        for path in sorted(files):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
        return tuple(found)
