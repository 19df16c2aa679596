"""How a recording's media gets to Gong: by upload, or by a link that Gong fetches itself; and whether it has (G3, R18).

A link costs one API call instead of two. It is proposed in POST /v2/calls; whether Gong has fetched is asked for many
calls at once. Only when a link has ended unused is the recording uploaded after all, so no call gets two media.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from gong_bridge import clock
from gong_bridge.errors import LinkPending, NotFetched
from gong_bridge.gong.calls import Calls
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.media.rules import container_content_type, container_suffix
from gong_bridge.model import Entry
from gong_bridge.sources.base import Link, NotLinkable, Source

UPLOAD = "upload"
LINK = "link"

FIRST_LOOK_SECONDS = 30.0
"""Gong needs a moment; then the looks become rarer as the wait grows."""
LONGEST_LOOK_SECONDS = 900.0
LAST_LOOK_SECONDS = 600.0
"""A fetch that began before the link ended may take so long."""
TOGETHER_SECONDS = 30.0
"""Looks happen at whole half minutes, so that many calls are asked about at once."""
MOST_AT_ONCE = 100
"""Calls in one question: what Gong gives on one page."""
FRESH_SECONDS = 20.0
"""An answer that is not older counts for every call it spoke of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How one recording is delivered, and why so. `link` is there when Gong fetches it."""

    why: str
    link: Link | None = None

    @property
    def word(self) -> str:
        """ "link" or "upload"."""
        return UPLOAD if self.link is None else LINK


def choose_way(
    entry: Entry, source: Source, media: Mapping[str, Any], delivery: Literal["upload", "link", "auto"]
) -> Way:
    """Link or upload, for this recording now. `media`: the ledger's media record.

    Raises what Source.link raises when the recording is gone or away.
    """
    if delivery == UPLOAD:
        return Way(why="the source says delivery: upload")
    if entry.replaces is not None:
        return Way(why="it is new media for a call that Gong has")
    if media.get("conversion") is not None or media.get("assembly"):
        return Way(why="what is sent is made of the recording first (converted or joined)")
    container = str(media.get("container", ""))
    content_type = container_content_type(container)
    if not content_type.startswith(("audio/", "video/")):
        return Way(why=f"Gong takes no link to this kind of file ({container})")
    file_name = f"recording-{entry.id}.{container_suffix(container)}"
    try:
        link = source.link(entry.recording, content_type=content_type, file_name=file_name)
    except NotLinkable as no:
        return Way(why=no.reason)
    return Way(why=f"Gong fetches it by a link that is good until {link.expires_at:%Y-%m-%d %H:%M} UTC", link=link)


class LinkLooks:
    """Asks Gong, for many calls at once, whether it has fetched what it was linked to; thread-safe.

    Nothing is kept that a restart would miss: what was asked a moment ago is only not asked again.
    """

    def __init__(
        self, ledger: Ledger, calls: Calls, account: str | None = None, lanes: tuple[Lane, ...] | None = None
    ) -> None:
        """`lanes`: calls of others are not asked about, whose answers nobody here would use."""
        self._lanes = lanes
        self._ledger = ledger
        self._account = account
        self._calls = calls
        self._lock = threading.Lock()
        self._asked_at = float("-inf")
        self._answers: dict[str, bool | None] = {}

    def fetched(self, entry: Entry) -> bool | None:
        """Whether Gong has this call's media; None when it does not tell.

        Raises LinkPending while it may still come, and what asking Gong raises.
        """
        now = clock.now()
        linked_at = entry.linked_at or now
        if now < linked_at + timedelta(seconds=FIRST_LOOK_SECONDS):
            raise self._pending(entry, now)
        answer = self._ask(entry.call_id or "", now)
        if not answer and now < last_look_at(entry):
            raise self._pending(entry, now)
        return answer

    def _ask(self, call_id: str, now: datetime) -> bool | None:
        with self._lock:
            fresh = clock.monotonic_seconds() - self._asked_at < FRESH_SECONDS
            if fresh and call_id in self._answers:
                return self._answers[call_id]
            if not fresh:
                self._answers = {}
            due = self._ledger.views.links_due(now, 5 * MOST_AT_ONCE, self._account, self._lanes)
            asked = _some(call_id, due, set(self._answers))
            having = self._calls.with_media(asked)
            self._asked_at = clock.monotonic_seconds()
            self._answers |= {one: None if having is None else one in having for one in asked}
            return self._answers[call_id]

    def _pending(self, entry: Entry, now: datetime) -> LinkPending:
        return LinkPending(
            "Gong was given a link and has not fetched the recording yet",
            wait_seconds=(next_look_at(entry, now) - now).total_seconds(),
        )


def not_fetched(entry: Entry, *, told: bool) -> NotFetched:
    """Why a person must look: Gong did not fetch, or does not tell whether it has."""
    if told:
        return NotFetched(
            f"Gong did not fetch the recording of call {entry.call_id} by its link. See why Gong cannot reach the "
            "bucket; with `when_not_fetched: upload` a retry sends the recording"
        )
    return NotFetched(
        f"Gong does not tell whether it has fetched the recording of call {entry.call_id} (its key lacks the scope "
        "api:calls:read:media-url). Grant the scope, or set delivery: upload; look at the call, then skip or retry"
    )


def next_look_at(entry: Entry, now: datetime) -> datetime:
    """When to ask about this call next: soon after the POST, rarer later, at moments that many calls share; pure."""
    linked_at = entry.linked_at or now
    waited_seconds = max(0.0, (now - linked_at).total_seconds())
    wait_seconds = min(max(FIRST_LOOK_SECONDS, waited_seconds / 2), LONGEST_LOOK_SECONDS)
    soon = now.timestamp() + wait_seconds
    shared = datetime.fromtimestamp(soon - soon % TOGETHER_SECONDS + TOGETHER_SECONDS, tz=now.tzinfo)
    last = last_look_at(entry)
    return last if now < last < shared else shared


def last_look_at(entry: Entry) -> datetime:
    """From then on a link counts as unused; pure."""
    until = entry.link_expires_at or entry.linked_at or entry.updated_at
    return until + timedelta(seconds=LAST_LOOK_SECONDS)


def _some(first: str, others: Iterable[str], known: set[str]) -> list[str]:
    more = [other for other in others if other != first and other not in known]
    return [first, *more[: MOST_AT_ONCE - 1]]
