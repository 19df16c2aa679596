"""The steps created -> delivered -> done: the media is sent or fetched, then the source is settled (R19, R30).

Between the two a call is shared, where its mapping says with whom (sharing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from gong_bridge import clock
from gong_bridge.account.account import Accounts
from gong_bridge.errors import (
    BusyAndUnclear,
    ChangedAfterLink,
    MediaUntold,
    RateLimited,
    ServiceDown,
    SourceChanged,
    SourceGone,
    SourceLost,
)
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.followers import GROUPED
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.linking import LINK, UPLOAD, not_fetched
from gong_bridge.media.assembly import Piece
from gong_bridge.media.body import Bodies, Body
from gong_bridge.model import Entry, Recording, State
from gong_bridge.observer import Observer
from gong_bridge.privacy.suppression import Suppression
from gong_bridge.routes.route import Route
from gong_bridge.steps.identity import entry_of_what_is_there

TIMES_UNTOLD = 4
"""So often Gong is asked, over half a minute, whether it has the media when it does not say; then it is sent again."""


class Delivering:
    """Delivers the media of calls. Thread-safe: all state is in the ledger."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        routes: Mapping[str, Route],
        accounts: Accounts,
        bodies: Bodies,
        observer: Observer,
        suppression: Suppression,
    ) -> None:
        self._suppression = suppression
        self._ledger = ledger
        self._routes = routes
        self._accounts = accounts
        self._bodies = bodies
        self._observer = observer

    def rehearse(self, entry: Entry, media: Mapping[str, Any]) -> None:
        """Convert once before anything is told to Gong: a conversion that fails later leaves a call without media.

        `media`: the media record that the draft will have. Raises BadMedia, NoRoom, and what opening raises.
        """
        if media.get("conversion") is not None or media.get("assembly") is not None:
            with self._body(entry, media):
                pass

    def deliver(self, entry: Entry) -> Entry:
        call_id = entry.call_id
        assert call_id is not None
        erased = self._suppression.skip_if_erased(entry, entry.draft or {}, clock.now())
        if erased is not None:
            return erased
        if entry.delivery == LINK:
            settled = self._await_fetch(entry)
            if settled.state is not State.CREATED:
                return settled
            entry = settled
        self._refuse_after_link(entry)
        # A call whose media is being replaced has media anyway: there, looking proves nothing.
        if entry.intent == "deliver" and entry.replaces is None and self._had_arrived(entry, call_id):
            reached(Point.MEDIA_CONFIRMED)
            reason = "the media was there already: an earlier upload had arrived"
            return self._delivered(entry, code="confirmed", reason=reason)
        route = self._routes[entry.source]
        try:
            with self._body(entry, entry.media or {}) as body:
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

    def _had_arrived(self, entry: Entry, call_id: str) -> bool:
        """Whether an upload whose outcome is unclear had arrived; raises MediaUntold while Gong may still say so."""
        told = self._accounts.of(entry).calls.has_media(call_id)
        if told is None:
            asked = sum(event.code == MediaUntold.code for event in self._ledger.views.events(entry.id))
            if asked + 1 < TIMES_UNTOLD:
                raise MediaUntold(
                    f"an upload to call {call_id} may have arrived, but Gong does not say whether the call has media; "
                    "it is asked again. If this comes often, let the key read media URLs (api:calls:read:media-url)"
                )
        return bool(told)

    def _body(self, entry: Entry, media: Mapping[str, Any]) -> AbstractContextManager[Body]:
        source = self._routes[entry.source].source
        return self._bodies.of(
            media,
            entry.size_bytes,
            lambda: source.open(entry.recording),
            lambda piece: source.open(_recording_of(entry, piece)),
        )

    def _await_fetch(self, entry: Entry) -> Entry:
        """The entry delivered by its link, or to be uploaded because the link has ended unused."""
        fetched = self._accounts.of(entry).link_looks.fetched(entry)
        if fetched:
            reached(Point.MEDIA_CONFIRMED)
            return self._delivered(entry, code="fetched", reason="Gong has fetched the recording by its link")
        if fetched is None or self._routes[entry.source].when_not_fetched == "hold":
            raise not_fetched(entry, told=fetched is not None)
        return self._ledger.work.advance(
            entry, State.CREATED, now=clock.now(), delivery=UPLOAD, code="not-fetched",
            reason="Gong did not fetch the recording by its link; it is uploaded",
        )  # fmt: skip

    def _refuse_after_link(self, entry: Entry) -> None:
        """Gong takes no upload for a call whose media came by a link."""
        replaced = None if entry.replaces is None else self._ledger.views.get(entry.replaces)
        if replaced is not None and replaced.delivery == LINK and replaced.call_id == entry.call_id:
            raise ChangedAfterLink(
                f"the recording changed after Gong fetched it by a link for call {entry.call_id}; Gong takes no upload "
                "for such a call. Skip this entry, or delete the call in Gong and retry"
            )

    def _upload(self, entry: Entry, body: Body) -> Entry:
        calls = self._accounts.of(entry).calls

        def opened() -> BinaryIO:
            # The wait for the allowance is over: whoever lost the lease meanwhile (a suspended machine) sends nothing.
            self._ledger.work.note_intent(entry, "deliver", now=clock.now())
            reached(Point.UPLOAD_INTENDED)
            return body.open()

        try:
            sent = calls.put_media(
                entry.call_id or "",
                opened,
                body.size_bytes,
                body.suffix,
                body.content_type,
                lambda chunk_bytes: self._observer.sending(entry, chunk_bytes, body.size_bytes),
            )
        except BusyAndUnclear:
            raise  # the intent stays: Gong is asked first
        except (ServiceDown, RateLimited):
            self._ledger.work.note_intent(entry, None, now=clock.now())  # not all bytes left: nothing is there
            raise
        finally:
            self._observer.finished_sending(entry)
        reached(Point.MEDIA_UNSTORED)
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
        settles = self._routes[entry.source].settles_source
        to = State.DELIVERED if settles or entry.share_with else State.DONE
        delivered = self._ledger.work.advance(
            entry, to, now=clock.now(), code=code, reason=reason, http_status=http_status, request_id=request_id
        )
        reached(Point.DELIVERED)
        return delivered

    def settle(self, entry: Entry) -> Entry:
        """Every file of the call, the leading one last: a crash in between does it all again."""
        for follower in self._ledger.groups.followers_of(entry):
            self._ledger.groups.note_settled(follower, now=clock.now(), code=self._settle_file(follower))
            reached(Point.FOLLOWER_SETTLED)
        return self._ledger.work.advance(entry, State.DONE, now=clock.now(), code=self._settle_file(entry))

    def settle_late(self, follower: Entry) -> Entry:
        """`follower`, whose file nobody else settles when what it is a duplicate of was settled already."""
        leader = self._ledger.views.get(follower.duplicate_of or 0)
        was_settled = leader is not None and leader.state is State.DONE and follower.reason_code == GROUPED
        if was_settled and self._routes[follower.source].settles_source:
            self._ledger.groups.note_settled(follower, now=clock.now(), code=self._settle_file(follower))
        return follower

    def _settle_file(self, entry: Entry) -> str:
        try:
            return f"source-{self._routes[entry.source].source.settle(entry.recording)}"
        except SourceGone:
            return "source-gone"


def _recording_of(entry: Entry, piece: Piece) -> Recording:
    """The recording that one piece of the call's media is."""
    return Recording(
        source=entry.source,
        key=piece.key,
        version=piece.version,
        size_bytes=piece.size_bytes,
        modified_at=entry.modified_at,
    )
