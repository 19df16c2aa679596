"""Who is who: agents.csv and Gong's users, the latter cached in the ledger so that look-ups cost no API calls."""

from __future__ import annotations

import threading
from pathlib import Path

from gong_bridge import clock
from gong_bridge.errors import ConfigError, UnknownPerson, UnusableUser
from gong_bridge.gong.users import Users
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.mapping.agents import Agent, load_agents
from gong_bridge.mapping.people import People

REFRESH_SECONDS = 86_400.0
"""Gong's users are fetched again after a day."""
UNKNOWN_REFRESH_SECONDS = 300.0
"""Somebody unknown may have joined since the last fetch; asked at most this often."""
AGENTS_LOOK_SECONDS = 2.0
"""How often agents.csv is looked at for changes."""


class Directory:
    """The people of the company as mappings see them; thread-safe."""

    def __init__(self, *, ledger: Ledger, users: Users, agents_path: Path | None) -> None:
        self._ledger = ledger
        self._users = users
        self._agents_path = agents_path
        self._lock = threading.RLock()
        self._people: People | None = None
        self._agents: list[Agent] = []
        self._agents_version: tuple[int, int] | None = None
        self._looked_at = float("-inf")
        self.trouble: str | None = None
        """Why agents.csv as it is now is not used, for status and health; None when it is."""

    def people(self) -> People:
        """Everybody known now. Fetches Gong's users when that was never done or is a day old.

        Raises what the Gong client raises (BadCredentials, ServiceDown, ...) when there is nobody cached.
        """
        with self._lock:
            changed = self._reload_agents()
            if self._age_seconds() >= REFRESH_SECONDS:
                self._fetch()
            if self._people is None or changed:
                self._people = People(self._agents, self._ledger.people.users())
            return self._people

    def refresh_for_unknown(self) -> bool:
        """Fetch Gong's users again because somebody is unknown; False when that was done a moment ago."""
        with self._lock:
            if self._age_seconds() < UNKNOWN_REFRESH_SECONDS:
                return False
            self._fetch()
            return True

    def reload_agents(self) -> bool:
        """Look at agents.csv; when it changed, let go what was held for unknown people. True when it changed."""
        with self._lock:
            first_look = self._agents_version is None
            if not self._reload_agents():
                return False
            self._people = None
            if not first_look:
                self._let_go()
            return True

    def fetch(self) -> int:
        """Fetch Gong's users now; how many there are."""
        with self._lock:
            return self._fetch()

    def _fetch(self) -> int:
        users = list(self._users.list())
        self._ledger.people.replace_users(users, now=clock.now())
        self._people = None
        self._let_go()
        return len(users)

    def _let_go(self) -> None:
        self._ledger.operator.reopen_held(clock.now(), codes=(UnknownPerson.code, UnusableUser.code))

    def _age_seconds(self) -> float:
        fetched_at = self._ledger.people.users_fetched_at()
        return float("inf") if fetched_at is None else (clock.now() - fetched_at).total_seconds()

    def _reload_agents(self) -> bool:
        """Read agents.csv when it changed; the last good content stays in use while the file is wrong."""
        if self._agents_path is None or clock.monotonic_seconds() - self._looked_at < AGENTS_LOOK_SECONDS:
            return False
        self._looked_at = clock.monotonic_seconds()
        try:
            status = self._agents_path.stat()
            version = (status.st_mtime_ns, status.st_size)
            if version == self._agents_version:
                return False
            self._agents = load_agents(self._agents_path)
        except (OSError, ConfigError) as error:
            self.trouble = f"{self._agents_path.name} is not used as it is now: {error}"
            return False
        self._agents_version = version
        self.trouble = None
        return True
