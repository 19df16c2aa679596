"""The state machine: one short method per open state, each takes an entry one checkpoint further.

A step returns the entry as it now stands in the ledger, or raises; what an error means for the entry is worker.py's
table. Every request to Gong is written down as an intent first, so that a crash at any moment is cured by looking
before sending again (R21, R22).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import BinaryIO

from gong_bridge import clock
from gong_bridge.errors import (
    BadCredentials,
    Held,
    NotYetComplete,
    RateLimited,
    RefusedByGong,
    RetryLater,
    ServiceDown,
    SourceChanged,
    SourceGone,
    SourceLost,
)
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.refusals import AlreadyKnown
from gong_bridge.identity import entry_of_what_is_there, settle_identity
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.looking import Drafted, Looking, Route
from gong_bridge.media.body import Bodies, Body
from gong_bridge.model import OPEN_STATES, Entry, State
from gong_bridge.observer import Observer

LOOK_UPS_BEFORE_HOLDING = 4
"""A list that lags behind is given half a minute before a person is asked."""


class Pipeline:
    """Takes entries from checkpoint to checkpoint. Thread-safe: all state is in the ledger."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        routes: Mapping[str, Route],
        looking: Looking,
        calls: Calls,
        bodies: Bodies,
        observer: Observer,
    ) -> None:
        self._ledger = ledger
        self._routes = routes
        self._looking = looking
        self._calls = calls
        self._bodies = bodies
        self._observer = observer
        self._steps: dict[State, Callable[[Entry], Entry]] = {
            State.FOUND: self._draft,
            State.DRAFTED: self._create,
            State.CREATED: self._deliver,
            State.DELIVERED: self._settle,
        }
        assert set(self._steps) == set(OPEN_STATES)

    def step(self, entry: Entry) -> Entry:
        """Take `entry` one checkpoint further and return it as the ledger now has it.

        Raises what the rooms raise; worker.py decides what that means.
        """
        if entry.source not in self._routes:
            raise NotYetComplete(
                f"source {entry.source!r} is not in the configuration; put it back, or skip this entry",
                wait_seconds=600,
            )
        return self._steps[entry.state](entry)

    # --- found -> drafted -------------------------------------------------------------------------------------------

    def _draft(self, entry: Entry) -> Entry:
        now = clock.now()
        try:
            looked = self._look_or_find_what_is_there(entry, now=now)
        except SourceGone as gone:
            return self._ledger.work.skip(entry, now=now, code="gone", reason=gone.message)
        if isinstance(looked, Entry):
            reason = f"the file is no longer this version; entry {looked.id} speaks of the one that is there"
            return self._ledger.work.skip(entry, now=now, code="changed", reason=reason, duplicate_of=looked.id)
        if looked.verdict.skip_reason:
            return self._ledger.work.skip(entry, now=now, code="media-rule", reason=looked.verdict.skip_reason)
        composition = looked.composition
        assert composition is not None
        if composition.draft is None:
            reason = composition.skip_reason or "the mapping's skip_when says so"
            return self._ledger.work.skip(entry, now=now, code="mapping-rule", reason=reason)
        draft = composition.draft.to_json()
        media = looked.media_record()
        on_change = self._routes[entry.source].on_change
        return settle_identity(self._ledger, entry, draft=draft, media=media, on_change=on_change, now=now)

    def _look_or_find_what_is_there(self, entry: Entry, *, now: datetime) -> Drafted | Entry:
        """What looking gave, or the other entry that speaks of the file as it is now."""
        try:
            return self._looking.look(entry, now=now)
        except SourceChanged:
            other = entry_of_what_is_there(self._ledger, self._routes[entry.source].source, entry)
            if other is None:
                raise
            return other

    # --- drafted -> created -----------------------------------------------------------------------------------------

    def _create(self, entry: Entry) -> Entry:
        assert entry.draft is not None
        if entry.intent == "create":
            adopted = self._adopt_if_known(entry, "the call was there already: an earlier request had arrived")
            if adopted is not None:
                return adopted
        entry = self._ledger.work.note_intent(entry, "create", now=clock.now())
        try:
            created = self._calls.create(entry.draft or {})
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
        except (ServiceDown, RateLimited, BadCredentials, Held):
            self._ledger.work.note_intent(entry, None, now=clock.now())  # certainly no effect: no look-up needed
            raise
        return self._ledger.work.advance(
            entry,
            State.CREATED,
            now=clock.now(),
            call_id=created.call_id,
            http_status=created.http_status,
            request_id=created.request_id,
        )

    def _adopt_if_known(self, entry: Entry, reason: str) -> Entry | None:
        draft = entry.draft or {}
        found = self._calls.find(
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
        # Its media may have arrived, too: the intent makes the next step look before it sends.
        return self._ledger.work.advance(
            entry, State.CREATED, now=clock.now(), call_id=found.id, intent="deliver", code="adopted", reason=reason
        )

    # --- created -> delivered ---------------------------------------------------------------------------------------

    def _deliver(self, entry: Entry) -> Entry:
        assert entry.call_id is not None
        # A call whose media is being replaced has media anyway: there, looking proves nothing.
        if entry.intent == "deliver" and entry.replaces is None and self._calls.has_media(entry.call_id):
            reason = "the media was there already: an earlier upload had arrived"
            return self._delivered(entry, code="confirmed", reason=reason)
        route = self._routes[entry.source]
        try:
            with self._bodies.of(
                entry.media or {}, entry.size_bytes, lambda: route.source.open(entry.recording)
            ) as body:
                return self._upload(entry, body)
        except SourceGone as gone:
            raise SourceLost(
                f"{gone.message}; the call {entry.call_id} is in Gong without media. Put the file back and retry",
                code=SourceGone.code,
            ) from gone
        except SourceChanged as changed:
            successor = self._ledger.views.successor_of(entry) or entry_of_what_is_there(
                self._ledger, route.source, entry
            )
            if successor is None:
                raise
            raise SourceLost(
                f"the file was overwritten before its media was sent; entry {successor.id} has the new content. "
                f"The call {entry.call_id} stays without media unless both are the same call",
                code=SourceChanged.code,
            ) from changed

    def _upload(self, entry: Entry, body: Body) -> Entry:
        def opened() -> BinaryIO:
            # The wait for the allowance is over: whoever lost the lease meanwhile (a suspended machine) sends nothing.
            self._ledger.work.note_intent(entry, "deliver", now=clock.now())
            return body.open()

        try:
            sent = self._calls.put_media(
                entry.call_id or "",
                opened,
                body.size_bytes,
                body.suffix,
                body.content_type,
                lambda chunk_bytes: self._observer.sending(entry, chunk_bytes, body.size_bytes),
            )
        except (ServiceDown, RateLimited):
            self._ledger.work.note_intent(entry, None, now=clock.now())  # not all bytes left: nothing is there
            raise
        finally:
            self._observer.finished_sending(entry)
        return self._delivered(entry, http_status=sent.http_status, request_id=sent.request_id)

    def _delivered(
        self,
        entry: Entry,
        *,
        code: str | None = None,
        reason: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> Entry:
        to = State.DELIVERED if self._routes[entry.source].settles_source else State.DONE
        return self._ledger.work.advance(
            entry, to, now=clock.now(), code=code, reason=reason, http_status=http_status, request_id=request_id
        )

    # --- delivered -> done ------------------------------------------------------------------------------------------

    def _settle(self, entry: Entry) -> Entry:
        try:
            word = self._routes[entry.source].source.settle(entry.recording)
        except SourceGone:
            word = "gone"
        return self._ledger.work.advance(entry, State.DONE, now=clock.now(), code=f"source-{word}")
