"""The step between delivery and the end: users are given access to the call, as its mapping says.

Giving access twice has no effect at Gong, so that a crash at any moment is cured by doing it again, and no intent is
written down. Whoever was given access leaves the entry's list; the source is settled when the list is empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gong_bridge import clock
from gong_bridge.account.account import Account, Accounts
from gong_bridge.errors import BadCredentials, NotShared, RefusedByGong, UnknownPerson
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, GongUser, State
from gong_bridge.routes.route import Route
from gong_bridge.steps.looking import Looking

SHARED = "shared"
"""Code of the event that says who was given access."""
_UNKNOWN = 401


class Sharing:
    """Shares calls that Gong has with their media. Thread-safe: all state is in the ledger."""

    def __init__(self, *, ledger: Ledger, routes: Mapping[str, Route], accounts: Accounts, looking: Looking) -> None:
        self._ledger = ledger
        self._routes = routes
        self._accounts = accounts
        self._looking = looking

    def share(self, entry: Entry) -> Entry:
        """Give everybody access who can be found; the entry without them.

        Raises UnknownPerson for the others once that is written down (a mapping, agents.csv or Gong that is corrected
        lets it go on), NotShared when Gong refuses, and what the client raises.
        """
        account = self._accounts.of(entry)
        wanted = self._looking.shared_with_now(entry)
        users, nobody = _found(entry.share_with if wanted is None else wanted, account)
        if users:
            _give(account, entry, [user.id for user in users])
            reached(Point.SHARE_UNSTORED)
        if users or not nobody:
            entry = self._note(entry, users, list(nobody))
        if nobody:
            raise _still_unknown(entry, list(nobody.values()))
        return entry

    def _note(self, entry: Entry, users: Sequence[GongUser], left: Sequence[str]) -> Entry:
        ends = not left and not self._routes[entry.source].settles_source
        named = ", ".join(user.email or user.id for user in users)
        shared = self._ledger.work.advance(
            entry,
            State.DONE if ends else State.DELIVERED,
            now=clock.now(),
            share_with=tuple(left),
            code=SHARED if users else None,
            reason=f"given access to the call: {named}" if users else None,
        )
        reached(Point.SHARED)
        return shared


def _found(wanted: Sequence[str], account: Account) -> tuple[list[GongUser], dict[str, UnknownPerson]]:
    """Those who are somebody in Gong, and why the others are nobody; asks Gong for news of them at most once."""
    users: dict[str, GongUser] = {}
    nobody: dict[str, UnknownPerson] = {}
    for one in wanted:
        try:
            user = account.directory.find(one).user
            users.setdefault(user.id, user)
        except UnknownPerson as error:
            nobody[one] = error
    return list(users.values()), nobody


def _give(account: Account, entry: Entry, user_ids: Sequence[str]) -> None:
    """Raises NotShared when Gong refuses this call or these users, or the keys may not do it; what the client raises.

    Gong documents 401 for "access denied" here, and 401 is also what wrong keys get: whoever may show the call has
    right keys. Without that, one scope that is missing would pause everything again and again.
    """
    call_id = entry.call_id or ""
    try:
        return account.users_access.add({call_id: user_ids})
    except (BadCredentials, RefusedByGong) as error:
        if error.http_status is None:
            raise
        refused: BadCredentials | RefusedByGong = error
    if refused.http_status == _UNKNOWN:
        account.calls.get(call_id)  # BadCredentials: nobody can go on
        try:
            return account.users_access.add({call_id: user_ids})  # a token that had just ended has been renewed
        except (BadCredentials, RefusedByGong) as error:
            refused = error
    raise NotShared(
        f"the call {call_id} is in Gong with its media, but not shared: {refused.message} "
        "When that is mended, retry; or take share_with out of the mapping and retry",
        http_status=refused.http_status,
        request_id=refused.request_id,
    ) from refused


def _still_unknown(entry: Entry, nobody: Sequence[UnknownPerson]) -> UnknownPerson:
    first = nobody[0]
    more = f" (and {len(nobody) - 1} more)" if len(nobody) > 1 else ""
    return UnknownPerson(
        f"the call {entry.call_id} is in Gong with its media, but not shared with everybody: {first.message}{more}. "
        "Or correct share_with in the mapping",
        kind=first.kind,
        value=first.value,
    )
