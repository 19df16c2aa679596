"""Who is who: agents.csv and Gong's users, the latter cached in the ledger so that look-ups cost no API calls."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

from gong_bridge import clock
from gong_bridge.errors import (
    BadCredentials,
    BadMetadata,
    ConfigError,
    NotYetComplete,
    RetryLater,
    UnknownPerson,
    UnusableUser,
    WrongBaseUrl,
)
from gong_bridge.gong.users import Users
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.logs import get_logger
from gong_bridge.mapping.agents import Agent, load_agents
from gong_bridge.mapping.people import People

REFRESH_SECONDS = 86_400.0
"""Gong's users are fetched again after a day."""
UNKNOWN_REFRESH_SECONDS = 300.0
"""Somebody unknown may have joined since the last fetch; asked at most this often, also when asking fails."""
AGENTS_LOOK_SECONDS = 2.0
"""How often agents.csv is looked at for changes."""

TURN_SECONDS = 120.0
"""A bridge that died while it fetched Gong's users keeps the others from it no longer."""
_TURN = "gong-users"

_ABOUT_PEOPLE = (UnknownPerson.code, UnusableUser.code, BadMetadata.code)
"""What news of people may cure: a mapping may also hold, in its own words, what nobody can be found for."""

log = get_logger(__name__)


class Directory:
    """The people of the company as mappings see them; thread-safe.

    Nobody waits for Gong who can go on with what is cached: a fetch has a lock of its own.
    """

    def __init__(self, *, ledger: Ledger, users: Users, agents_path: Path | None, owner: str) -> None:
        self._ledger = ledger
        self._users = users
        self._agents_path = agents_path
        self._owner = owner
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._tried_at = float("-inf")
        self._people: People | None = None
        self._people_of: datetime | None = None
        self._agents: list[Agent] = []
        self._agents_version: tuple[int, int] | None = None
        self._looked_at = float("-inf")
        self.trouble: str | None = None
        """Why agents.csv as it is now is not used, for status and health; None when it is."""

    @property
    def troubles(self) -> list[str]:
        """Why agents.csv as it is now is not used; empty when it is."""
        return [] if self.trouble is None else [self.trouble]

    def people(self) -> People:
        """Everybody known now. Fetches Gong's users when that was never done or is a day old.

        Raises what the Gong client raises (BadCredentials, ServiceDown, ...) when there is nobody cached; a refresh
        that fails leaves the cache in use.
        """
        fetched_at = self._ledger.people.users_fetched_at()  # another process may have fetched them
        if fetched_at is None:
            with self._fetching:
                self._fetch_in_turn(older_than_seconds=float("inf"))
            fetched_at = self._ledger.people.users_fetched_at()
        elif _age_seconds(fetched_at) >= REFRESH_SECONDS:
            self._refresh_old()
            fetched_at = self._ledger.people.users_fetched_at()
        with self._lock:
            self._reload_agents()
            if self._people is None or self._people_of != fetched_at:
                self._people = People(self._agents, self._ledger.people.users())
                self._people_of = fetched_at
            return self._people

    def refresh_for_unknown(self) -> bool:
        """Fetch Gong's users again because somebody is unknown; False when that was tried a moment ago."""
        asked_at = clock.monotonic_seconds()
        if self._cache_age_seconds() < UNKNOWN_REFRESH_SECONDS:
            return False
        with self._fetching:
            if self._tried_at >= asked_at:
                return self._cache_age_seconds() < UNKNOWN_REFRESH_SECONDS  # fetched while this thread waited
            if asked_at - self._tried_at < UNKNOWN_REFRESH_SECONDS:
                return False
            self._fetch_in_turn(older_than_seconds=UNKNOWN_REFRESH_SECONDS)
            return True

    def reload_agents(self) -> bool:
        """Look at agents.csv; when it changed, let go what was held for unknown people. True when it changed."""
        with self._lock:
            return self._reload_agents()

    def fetch(self) -> int:
        """Fetch Gong's users now; how many there are."""
        with self._fetching:
            return self._fetch()

    def try_all_again(self) -> int:
        """At the start: agents.csv and Gong's users may have been corrected meanwhile; how many were let go."""
        return self._ledger.operator.reopen_held(clock.now(), codes=_ABOUT_PEOPLE)

    def _refresh_old(self) -> None:
        """A day has passed. One thread asks; the others, and everybody when that fails, go on with the old users."""
        if clock.monotonic_seconds() - self._tried_at < UNKNOWN_REFRESH_SECONDS:
            return
        if not self._fetching.acquire(blocking=False):
            return
        try:
            self._fetch_in_turn(older_than_seconds=REFRESH_SECONDS)
        except (RetryLater, BadCredentials, WrongBaseUrl) as error:
            log.warning("old users stay in use", code=error.code)
        finally:
            self._fetching.release()

    def _fetch_in_turn(self, *, older_than_seconds: float) -> None:
        """Fetch, as the only one of all bridges on this ledger, unless another has just done it.

        Raises NotYetComplete while another is at it: its users will be there in a moment.
        """
        if not self._ledger.turns.take(_TURN, self._owner, clock.now(), TURN_SECONDS):
            raise NotYetComplete("another bridge is fetching Gong's users, which this one needs too", wait_seconds=2)
        try:
            if self._cache_age_seconds() >= older_than_seconds:
                self._fetch()
        finally:
            self._ledger.turns.give_back(_TURN, self._owner)

    def _fetch(self) -> int:
        """The caller holds `_fetching`."""
        self._tried_at = clock.monotonic_seconds()
        users = list(self._users.list())
        # Only news lets entries go: thousands that stay unknown would be looked at again after every fetch.
        news = {user.id: user for user in users} != {user.id: user for user in self._ledger.people.users()}
        self._ledger.people.replace_users(users, now=clock.now())
        if news:
            self.try_all_again()
        return len(users)

    def _cache_age_seconds(self) -> float:
        """How old the cached users are; infinite: there never were any."""
        fetched_at = self._ledger.people.users_fetched_at()
        return float("inf") if fetched_at is None else _age_seconds(fetched_at)

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
            if self.trouble is None:
                log.warning("agents.csv is wrong and not used as it is now; run `gong-bridge check`")
            self.trouble = f"{self._agents_path.name} is not used as it is now: {error}"
            return False
        self._agents_version = version
        self._people = None
        self.trouble = None
        self.try_all_again()
        return True


def _age_seconds(fetched_at: datetime) -> float:
    age_seconds = (clock.now() - fetched_at).total_seconds()
    return age_seconds if age_seconds >= 0 else REFRESH_SECONDS  # fetched while the clock was ahead
