"""The step drafted -> created: POST /v2/calls, and adopting the call when an earlier request had arrived (R21, R23)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gong_bridge import clock
from gong_bridge.account.account import Accounts
from gong_bridge.errors import (
    BadCredentials,
    BusyAndUnclear,
    Held,
    RateLimited,
    RefusedByGong,
    RetryLater,
    ServiceDown,
    SourceChanged,
    SourceGone,
)
from gong_bridge.gong.calls import CreatedCall
from gong_bridge.gong.refusals import AlreadyKnown
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.linking import UPLOAD, Way, choose_way
from gong_bridge.model import Entry, State
from gong_bridge.privacy.suppression import Suppression
from gong_bridge.routes.route import Route

LOOK_UPS_BEFORE_HOLDING = 4
"""A list that lags behind is given half a minute before a person is asked."""


class Creating:
    """Creates the calls of drafts. Thread-safe: all state is in the ledger."""

    def __init__(
        self, *, ledger: Ledger, routes: Mapping[str, Route], accounts: Accounts, suppression: Suppression
    ) -> None:
        self._suppression = suppression
        self._ledger = ledger
        self._routes = routes
        self._accounts = accounts

    def create(self, entry: Entry) -> Entry:
        assert entry.draft is not None
        may_be_there = entry.intent == "create"
        if may_be_there:
            adopted = self._adopt_if_known(entry, "the call was there already: an earlier request had arrived")
            if adopted is not None:
                return adopted
        way = self._way(entry)
        entry = self._note_create(entry, way)
        reached(Point.CREATE_INTENDED)
        # Only now: who erases somebody writes the list first, then looks at intents; so one of the two sees the other.
        erased = self._suppression.skip_if_erased(entry, entry.draft or {}, clock.now(), may_be_there=may_be_there)
        if erased is not None:
            return erased
        try:
            created = self._post(entry, way)
        except AlreadyKnown as known:
            adopted = self._adopt_if_known(entry, "Gong knew this clientUniqueId already")
            if adopted is not None:
                return adopted
            if entry.attempts < LOOK_UPS_BEFORE_HOLDING:
                raise RetryLater(
                    "Gong knows this clientUniqueId, but does not list the call yet; it is looked up again",
                    http_status=known.http_status,
                    request_id=known.request_id,
                ) from known
            raise RefusedByGong(
                f"{known.message} But Gong lists no such call around its start time; look it up in Gong, "
                "then retry or skip this entry",
                http_status=known.http_status,
                request_id=known.request_id,
            ) from known
        except BusyAndUnclear:
            raise  # the intent stays: it is looked up first
        except (ServiceDown, RateLimited, BadCredentials, Held):
            self._ledger.work.note_intent(entry, None, now=clock.now())  # certainly no effect: no look-up needed
            raise
        reached(Point.CALL_UNSTORED)
        return self._ledger.work.advance(
            entry,
            State.CREATED,
            now=clock.now(),
            call_id=created.call_id,
            code=f"by-{way.word}" if way.why else None,
            reason=way.why or None,
            http_status=created.http_status,
            request_id=created.request_id,
        )

    def _post(self, entry: Entry, way: Way) -> CreatedCall:
        """Create the call; one that needs an upload only when the day has room for that, too."""
        account = self._accounts.of(entry)
        if way.link is not None:
            return account.calls.create(_request(entry, way))
        with account.allowance.day.with_media(lambda: self._ledger.views.uploads_owed(account.name, clock.now())):
            return account.calls.create(_request(entry, way))

    def _way(self, entry: Entry) -> Way:
        route = self._routes[entry.source]
        if route.delivery == UPLOAD:
            return Way(why="")
        try:
            return choose_way(entry, route.source, entry.media or {}, route.delivery)
        except (SourceGone, SourceChanged):
            return Way(why="")  # the delivery finds the same, and knows what to do about it

    def _note_create(self, entry: Entry, way: Way) -> Entry:
        """The intent, and with it the link that Gong may have got even if its answer is lost."""
        now = clock.now()
        expires_at = way.link.expires_at if way.link else None
        return self._ledger.work.note_intent(
            entry, "create", now=now, delivery=way.word,
            linked_at=now if way.link else None, link_expires_at=expires_at,
        )  # fmt: skip

    def _adopt_if_known(self, entry: Entry, reason: str) -> Entry | None:
        draft = entry.draft or {}
        found = self._accounts.of(entry).calls.find(
            draft["clientUniqueId"], datetime.fromisoformat(draft["actualStart"]), draft.get("workspaceId")
        )
        if found is None:
            return None
        if found.primary_user_id not in (None, draft["primaryUser"]):
            self._ledger.work.note_intent(entry, None, now=clock.now())  # a retry shall draft it anew
            raise RefusedByGong(
                f"Gong has the call {found.id} under the same clientUniqueId, but of another person (Gong user "
                f"{found.primary_user_id}): probably another recording. Compare the two; let the mapping build "
                "clientUniqueId from something that differs between recorders, then retry"
            )
        reached(Point.CALL_FOUND)
        # Its media may have arrived, too: the intent makes the next step look before it sends.
        return self._ledger.work.advance(
            entry, State.CREATED, now=clock.now(), call_id=found.id, intent="deliver", code="adopted", reason=reason
        )


def _request(entry: Entry, way: Way) -> Mapping[str, object]:
    """What is posted: the draft as it is written down, and the link, which is written down nowhere."""
    link = {"downloadMediaUrl": way.link.url} if way.link else {}
    return {**(entry.draft or {}), **link}
