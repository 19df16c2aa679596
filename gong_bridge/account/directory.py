"""Who is who in a Gong account: agents.csv and Gong's users, cached in the ledger: look-ups cost no API calls."""

from __future__ import annotations

import threading
from datetime import datetime

from gong_bridge import clock
from gong_bridge.account.agents_file import AgentsFile, try_again_for_people
from gong_bridge.errors import BadCredentials, NotYetComplete, RetryLater, UnknownPerson, WrongBaseUrl
from gong_bridge.gong.users import Users
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import of_account
from gong_bridge.logs import get_logger
from gong_bridge.mapping.people import People, Person

REFRESH_SECONDS = 86_400.0
"""Gong's users are fetched again after a day."""
UNKNOWN_REFRESH_SECONDS = 300.0
"""Somebody unknown may have joined since the last fetch; asked at most this often, also when asking fails."""
TURN_SECONDS = 120.0
"""A bridge that died while it fetched Gong's users keeps the others from it no longer."""

log = get_logger(__name__)


class Directory:
    """The people of the company as mappings see them; thread-safe.

    Nobody waits for Gong who can go on with what is cached: a fetch has a lock of its own.
    """

    def __init__(
        self, *, ledger: Ledger, users: Users, agents: AgentsFile, owner: str, account: str | None = None
    ) -> None:
        self._ledger = ledger
        self._users = users
        self._agents = agents
        self._owner = owner
        self._account = account
        self._turn = of_account("gong-users", account)
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._tried_at = float("-inf")
        self._people: People | None = None
        self._people_of: tuple[object, object] | None = None

    def people(self) -> People:
        """Everybody known now. Fetches Gong's users when that was never done or is a day old.

        Raises what the Gong client raises (BadCredentials, ServiceDown, ...) when there is nobody cached; a refresh
        that fails leaves the cache in use.
        """
        fetched_at = self._ledger.people.users_fetched_at(self._account)  # another process may have fetched them
        if fetched_at is None:
            with self._fetching:
                self._fetch_in_turn(older_than_seconds=float("inf"))
            fetched_at = self._ledger.people.users_fetched_at(self._account)
        elif _age_seconds(fetched_at) >= REFRESH_SECONDS:
            self._refresh_old()
            fetched_at = self._ledger.people.users_fetched_at(self._account)
        version, agents = self._agents.present()
        with self._lock:
            if self._people is None or self._people_of != (version, fetched_at):
                self._people = People(agents, self._ledger.people.users(self._account))
                self._people_of = (version, fetched_at)
            return self._people

    def find(self, value: str) -> Person:
        """Whom an id, e-mail address, extension, login or name means; Gong is asked again for somebody unknown.

        Raises UnknownPerson, BadMetadata, and what `people` raises.
        """
        try:
            return self.people().require(value)
        except UnknownPerson:
            if not self.refresh_for_unknown():
                raise
            return self.people().require(value)

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

    def fetch(self) -> int:
        """Fetch Gong's users now; how many there are."""
        with self._fetching:
            return self._fetch()

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
        if not self._ledger.turns.take(self._turn, self._owner, clock.now(), TURN_SECONDS):
            raise NotYetComplete("another bridge is fetching Gong's users, which this one needs too", wait_seconds=2)
        try:
            if self._cache_age_seconds() >= older_than_seconds:
                self._fetch()
        finally:
            self._ledger.turns.give_back(self._turn, self._owner)

    def _fetch(self) -> int:
        """The caller holds `_fetching`."""
        self._tried_at = clock.monotonic_seconds()
        users = list(self._users.everybody())
        # Only news lets entries go: thousands that stay unknown would be looked at again after every fetch.
        news = {user.id: user for user in users} != {user.id: user for user in self._ledger.people.users(self._account)}
        self._ledger.people.replace_users(users, clock.now(), self._account)
        if news:
            try_again_for_people(self._ledger)
        return len(users)

    def _cache_age_seconds(self) -> float:
        """How old the cached users are; infinite: there never were any."""
        fetched_at = self._ledger.people.users_fetched_at(self._account)
        return float("inf") if fetched_at is None else _age_seconds(fetched_at)


def _age_seconds(fetched_at: datetime) -> float:
    age_seconds = (clock.now() - fetched_at).total_seconds()
    return age_seconds if age_seconds >= 0 else REFRESH_SECONDS  # fetched while the clock was ahead
