"""Which call a recording belongs to: a call of its own, new media for a delivered one, or one that is known already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gong_bridge.errors import BadMedia, BadMetadata, Held, NotYetComplete, SourceChanged, SourceGone
from gong_bridge.ledger.calls import DuplicateCall
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.intake import BY_OPERATOR
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import OPEN_STATES, Entry, State
from gong_bridge.sources.base import Source

WAIT_SECONDS = 5.0
"""How often a second recording of a call asks whether the first one has arrived."""
WHOLE_FINGERPRINT_BYTES = 2**20
"""Up to this size the fingerprint is made from every byte; of larger recordings it may miss a change."""
SAME_CALL_WITHIN = timedelta(hours=1)
"""Drafts of one call may differ so much in their start: a mapping may take it from the file's time."""


def settle_identity(
    ledger: Ledger,
    entry: Entry,
    *,
    draft: dict[str, Any],
    media: dict[str, Any],
    told: Mapping[str, Any],
    on_change: str,
    now: datetime,
    account: str | None = None,
) -> Entry:
    """Write the draft down under its clientUniqueId, or decide what else this recording is (R11, R12).

    `told`: fields of the entry that say what the draft was made from. `account`: the Gong account it is for; another
    one's calls are none of its business, but new media goes where the call is. New media for a call is shared as the
    mapping says now, unless the call is in another account, where these users are nobody.

    Returns the entry as drafted (a call of its own), created (new media for a call that is there) or skipped (a
    duplicate). Raises NotYetComplete while the other recording of the call is under way, Held, BadMetadata.
    """
    share_with: tuple[str, ...] = told.get("share_with", ())
    try:
        if entry.replaces is not None:
            before = ledger.views.get(entry.replaces)
            if before is not None and before.client_unique_id is not None and _may_share(before, account):
                here = share_with if before.account == account else ()
                decided = _new_version(ledger, entry, before, draft, media, here, on_change, now)
                if decided is not None:
                    return decided
        return ledger.calls.save_draft(
            entry,
            now=now,
            draft=draft,
            client_unique_id=draft["clientUniqueId"],
            media=media,
            told=told,
            account=account,
        )
    except DuplicateCall as duplicate:
        return _second_recording(ledger, entry, duplicate.owner, draft, media, share_with, now)


def entry_of_what_is_there(ledger: Ledger, source: Source, entry: Entry) -> Entry | None:
    """For a file that is no longer the version of `entry`: the other entry that speaks of it as it is now.

    None: its source is yet to find it. Raises BadMedia when it will not, because the file is empty now; SourceGone,
    SourceUnavailable.
    """
    there = source.stat(entry.key)
    if not there.size_bytes:
        raise BadMedia(
            "it is empty now: something cut it off after it was found; put the recording back, or skip this entry"
        )
    versions = ledger.views.entries(EntryFilter(source=entry.source, key=entry.key))
    same = (there.version, entry.reach)
    known = [one for one in versions if (one.version, one.reach) == same and one.id != entry.id]
    return known[-1] if known else None


def _new_version(
    ledger: Ledger,
    entry: Entry,
    before: Entry,
    draft: dict[str, Any],
    media: dict[str, Any],
    share_with: tuple[str, ...],
    on_change: str,
    now: datetime,
) -> Entry | None:
    """New content at a key that had a call before; None: it is another call (tomorrow's file with today's name)."""
    if before.state in OPEN_STATES:
        raise NotYetComplete(
            f"entry {before.id} is still delivering the earlier version of this file", wait_seconds=WAIT_SECONDS
        )
    if not _same_call(before, draft):
        return None
    if before.state is State.SKIPPED and before.reason_code == BY_OPERATOR:
        reason = (
            f"a person set entry {before.id} aside, which is the same call; "
            f"to send this one, retry entry {before.id} first and then this one"
        )
        return ledger.work.skip(entry, now=now, code=BY_OPERATOR, reason=reason, duplicate_of=before.id)
    if not _same_recording(before.media or {}, media) and not _same_start(before.draft, draft, SAME_CALL_WITHIN):
        raise BadMetadata(
            f"clientUniqueId is also that of entry {before.id}, a call of {(before.draft or {}).get('actualStart')}: "
            "its media would be overwritten. "
            "Let the mapping build clientUniqueId from something that differs between calls, then retry"
        )
    if before.state is not State.DONE and before.held_from in (State.DRAFTED, State.CREATED):
        return ledger.calls.take_over_call(entry, before, now=now, draft=draft, media=media, share_with=share_with)
    if before.call_id is None:
        return None
    if before.state is State.DONE and _same_bytes(before.media or {}, media):
        reason = f"only the file's time changed since entry {before.id} was delivered"
        return ledger.work.skip(entry, now=now, code="unchanged", reason=reason, duplicate_of=before.id)
    if on_change == "ignore":
        reason = f"the recording changed after entry {before.id} was delivered; on_change says ignore"
        return ledger.work.skip(entry, now=now, code="changed", reason=reason, duplicate_of=before.id)
    if on_change == "hold":
        raise Held(
            f"the recording changed after entry {before.id} was delivered; on_change says hold. "
            "Set on_change: replace_media and retry to send the new content, or skip this entry"
        )
    return ledger.calls.adopt_call(entry, before, now=now, draft=before.draft, media=media, share_with=share_with)


def _second_recording(
    ledger: Ledger, entry: Entry, owner: Entry, draft: dict[str, Any], media: dict[str, Any],
    share_with: tuple[str, ...], now: datetime,
) -> Entry:  # fmt: skip
    """A recording elsewhere with the id that `owner` has: renamed, copied, converted, or a mistake of the mapping."""
    if owner.state in OPEN_STATES and owner.state is not State.DELIVERED:
        raise NotYetComplete(
            f"entry {owner.id} is delivering the same call; this one waits for its outcome", wait_seconds=WAIT_SECONDS
        )
    same = _same_recording(owner.media or {}, media)
    # Not one that is done: after_upload leaves the same codes there, and its call has its media.
    lost = owner.state is State.HELD and owner.reason_code in (SourceGone.code, SourceChanged.code)
    if lost and (same or _same_start(owner.draft, draft, timedelta())):
        return ledger.calls.take_over_call(entry, owner, now=now, draft=draft, media=media, share_with=share_with)
    if not same:
        raise BadMetadata(
            f"clientUniqueId is also that of entry {owner.id}, which is another recording (its audio differs). "
            "Let the mapping build clientUniqueId from something that differs between calls, then retry"
        )
    reason = f"the same call as entry {owner.id}"
    return ledger.work.skip(entry, now=now, code="duplicate", reason=reason, duplicate_of=owner.id)


def _may_share(before: Entry, account: str | None) -> bool:
    """Whether a call of `before` is one for this account, or is in Gong already: that stays where it is."""
    return before.account == account or before.call_id is not None or before.intent is not None


def _same_call(before: Entry, draft: dict[str, Any]) -> bool:
    """The same id, or an id made from the content (which changed) and the same start."""
    if before.client_unique_id == draft["clientUniqueId"]:
        return True
    made_by_us = (before.client_unique_id or "").startswith("gb-") and draft["clientUniqueId"].startswith("gb-")
    return made_by_us and (before.draft or {}).get("actualStart") == draft["actualStart"]


def _same_start(one: Mapping[str, Any] | None, other: Mapping[str, Any], within: timedelta) -> bool:
    if not one:
        return True
    return abs(datetime.fromisoformat(one["actualStart"]) - datetime.fromisoformat(other["actualStart"])) <= within


def _same_bytes(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Certainly the same content: a restored backup or a `touch`. A larger recording is rather sent once more."""
    whole = int(other.get("present_bytes") or 0) <= WHOLE_FINGERPRINT_BYTES
    return whole and bool(one.get("fingerprint")) and one.get("fingerprint") == other.get("fingerprint")


def _same_recording(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Same bytes; or a copy in another format: of the same length to within a second or a hundredth.

    Other bytes in the same format are other audio (a recorder that writes one call in several files under one id).
    """
    if one.get("fingerprint") and one.get("fingerprint") == other.get("fingerprint"):
        return True
    if (one.get("container"), one.get("codec")) == (other.get("container"), other.get("codec")):
        return False
    first, second = one.get("duration_seconds"), other.get("duration_seconds")
    if first is None or second is None:
        return False
    return bool(abs(first - second) <= max(1.0, 0.01 * max(first, second)))
