"""agents.csv as it last was right, one for all Gong accounts; when it changes, it frees what was held for people."""

from __future__ import annotations

import threading
from pathlib import Path

from gong_bridge import clock
from gong_bridge.errors import BadMetadata, ConfigError, UnknownPerson, UnusableUser
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger
from gong_bridge.mapping.agents import Agent, load_agents

LOOK_SECONDS = 2.0
"""How often agents.csv is looked at for changes."""

_ABOUT_PEOPLE = (UnknownPerson.code, UnusableUser.code, BadMetadata.code)
"""What news of people may cure: a mapping may also hold, in its own words, what nobody can be found for."""

log = get_logger(__name__)


class AgentsFile:
    """The people that agents.csv names; thread-safe. Without a file there are none."""

    def __init__(self, path: Path | None, ledger: Ledger, lanes: tuple[Lane, ...] | None = None) -> None:
        """`lanes`: whose recordings the file is for; None: any."""
        self._lanes = lanes
        self._path = path
        self._ledger = ledger
        self._lock = threading.Lock()
        self._agents: list[Agent] = []
        self._version: tuple[int, int] | None = None
        self._looked_at = float("-inf")
        self.trouble: str | None = None
        """Why agents.csv as it is now is not used, for status and health; None when it is."""

    @property
    def troubles(self) -> list[str]:
        """Why agents.csv as it is now is not used; empty when it is."""
        return [] if self.trouble is None else [self.trouble]

    def present(self) -> tuple[tuple[int, int] | None, list[Agent]]:
        """The file as it is now, and something that differs when it has changed."""
        with self._lock:
            self._reload()
            return self._version, self._agents

    def reload(self) -> bool:
        """Look at agents.csv; when it changed, let go what was held for unknown people. True when it changed."""
        with self._lock:
            return self._reload()

    def _reload(self) -> bool:
        """Read agents.csv when it changed; the last good content stays in use while the file is wrong."""
        if self._path is None or clock.monotonic_seconds() - self._looked_at < LOOK_SECONDS:
            return False
        self._looked_at = clock.monotonic_seconds()
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if version == self._version:
                return False
            self._agents = load_agents(self._path)
        except (OSError, ConfigError) as error:
            if self.trouble is None:
                log.warning("agents.csv is wrong and not used as it is now; run `gong-bridge check`")
            self.trouble = f"{self._path.name} is not used as it is now: {error}"
            return False
        self._version = version
        self.trouble = None
        try_again_for_people(self._ledger, self._lanes)
        return True


def try_again_for_people(ledger: Ledger, lanes: tuple[Lane, ...] | None = None) -> int:
    """Let go what is held for people (in these lanes), because there is news of them; how many."""
    return ledger.operator.reopen_held(clock.now(), codes=_ABOUT_PEOPLE, lanes=lanes)
