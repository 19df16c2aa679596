"""Everything that must hold of a draft before it is sent (R24), as a table of rules; pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gong_bridge.call_draft import CallDraft
from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.languages import LANGUAGE_CODES
from gong_bridge.mapping.people import People, check_usable
from gong_bridge.mapping.words import nearest
from gong_bridge.model import MediaInfo

FUTURE_SECONDS = 300.0
"""How far a recorder's clock may be ahead of ours."""
_FIRST_YEAR = 2000  # a recorder whose clock was never set says 1970
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LONGEST_EMAIL = 320


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """What a draft is checked against."""

    media: MediaInfo
    people: People
    now: datetime


Check = Callable[[CallDraft, Scene], Iterator[str]]


def check_draft(draft: CallDraft, scene: Scene) -> None:
    """Raises BadMetadata with `field: rule` for every rule that is broken, and UnusableUser for the primary user."""
    problems = [problem for check in CHECKS for problem in check(draft, scene)]
    if problems:
        raise BadMetadata("; ".join(problems))
    user = scene.people.user_by_id(draft.primary_user)
    assert user is not None  # the check of primaryUser has said so otherwise
    check_usable(user)


def remarks_on(draft: CallDraft) -> Iterator[str]:
    """What Gong accepts, but probably not as it was meant."""
    with_channel = any(party.media_channel_id is not None for party in draft.parties)
    if draft.speakers_timeline is not None and with_channel:
        yield "Gong does not use mediaChannelId where a speakersTimeline is given"
    for index, party in enumerate(draft.parties):
        if party.context and party.user_id is not None:
            yield f"parties[{index}].context: Gong takes CRM records of people outside of the company only"
    for link in draft.context or ():
        if sum("Opportunity" in record.object_type for record in link.objects or ()) > 1:
            yield f"context: Gong takes one opportunity of an account only, and here are several of {link.system}"


def _actual_start(draft: CallDraft, scene: Scene) -> Iterator[str]:
    start, problem = _moment("actualStart", draft.actual_start)
    if start is None:
        yield problem
    elif start > scene.now + timedelta(seconds=FUTURE_SECONDS):
        cure = "check the recorder's clock and the source's time_zone"
        yield f"actualStart: {draft.actual_start} lies in the future; {cure}"
    elif start.year < _FIRST_YEAR:
        yield f"actualStart: {draft.actual_start} is before {_FIRST_YEAR}; was the recorder's clock set?"


def _schedule(draft: CallDraft, _: Scene) -> Iterator[str]:
    moments = []
    for field, text in (("scheduledStart", draft.scheduled_start), ("scheduledEnd", draft.scheduled_end)):
        if text is not None:
            moment, problem = _moment(field, text)
            if moment is None:
                yield problem
            else:
                moments.append(moment)
    if len(moments) == 2 and moments[1] < moments[0]:
        yield "scheduledEnd: it lies before scheduledStart"


def _client_unique_id(draft: CallDraft, _: Scene) -> Iterator[str]:
    if not draft.client_unique_id.strip():
        yield "clientUniqueId: it is blank; two recordings would be taken for one call"


def _duration(draft: CallDraft, scene: Scene) -> Iterator[str]:
    if draft.duration is not None and not (math.isfinite(draft.duration) and draft.duration > 0):
        yield f"duration: {draft.duration:g} is no length of a call; write seconds, more than 0"
        return
    measured = scene.media.duration_seconds
    if draft.duration is not None and measured and draft.duration > max(100 * measured, measured + 3600):
        yield (
            f"duration: {draft.duration:g} s cannot belong to a recording of {measured:.0f} s; "
            "Gong asks for seconds, is this in milliseconds?"
        )


def _primary_user(draft: CallDraft, scene: Scene) -> Iterator[str]:
    if scene.people.user_by_id(draft.primary_user) is None:
        yield (
            f"primaryUser: no Gong user has the id {draft.primary_user!r}; write the id of a user, "
            "or let the mapping look it up with | agent"
        )
    elif not any(party.user_id == draft.primary_user for party in draft.parties):
        yield (
            "parties: none of them is the primaryUser; add a party with the userId, emailAddress or extension of "
            "the person who hosted the call"
        )


def _users_of_parties(draft: CallDraft, scene: Scene) -> Iterator[str]:
    for index, party in enumerate(draft.parties):
        known = party.user_id is None or scene.people.user_by_id(party.user_id) is not None
        if not known and party.user_id != draft.primary_user:
            yield f"parties[{index}].userId: no Gong user has the id {party.user_id!r}; leave it out for outsiders"


def _addresses(draft: CallDraft, _: Scene) -> Iterator[str]:
    for index, party in enumerate(draft.parties):
        address = party.email_address
        if address is not None and (len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address)):
            yield f"parties[{index}].emailAddress: this is no e-mail address; write a number to phoneNumber instead"


def _channels(draft: CallDraft, scene: Scene) -> Iterator[str]:
    channels = scene.media.channels
    for index, party in enumerate(draft.parties):
        if party.media_channel_id is not None and party.media_channel_id >= channels:
            yield (
                f"parties[{index}].mediaChannelId: there is no channel {party.media_channel_id} in a recording with "
                f"{channels} channel(s); leave it out unless the recording is stereo"
            )


def _timeline(draft: CallDraft, _: Scene) -> Iterator[str]:
    timeline = draft.speakers_timeline
    if timeline is None:
        return
    ids = [party.party_id for party in draft.parties if party.party_id is not None]
    for twice in sorted({party_id for party_id in ids if ids.count(party_id) > 1}):
        yield f"parties: two of them have the partyId {twice!r}; the speakersTimeline cannot tell them apart"
    for index, segment in enumerate(timeline.speech_segments or ()):
        place = f"speakersTimeline.speechSegments[{index}]"
        for party_id in segment.party_ids:
            if party_id not in ids:
                yield f"{place}.partyIds: no party has the partyId {party_id!r}; add it to the party"
        if segment.to_time < segment.from_time:
            yield f"{place}.toTime: it lies before fromTime"


def _language(draft: CallDraft, _: Scene) -> Iterator[str]:
    code = draft.language_code
    if code is not None and code not in LANGUAGE_CODES:
        near = nearest(code, LANGUAGE_CODES)
        cure = f"did you mean {near!r}?" if near else "write one such as en-US, or leave it out"
        yield f"languageCode: Gong does not know {code!r}; {cure}"


CHECKS: tuple[Check, ...] = (
    _client_unique_id,
    _actual_start,
    _schedule,
    _duration,
    _primary_user,
    _users_of_parties,
    _addresses,
    _channels,
    _timeline,
    _language,
)


def _moment(field: str, text: str) -> tuple[datetime | None, str]:
    """The moment, or None and the rule that the text breaks."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None, f"{field}: {text[:40]!r} is no time in ISO 8601, such as 2024-05-31T14:30:00+02:00"
    if len(text) < len("20240531T14") or not re.search(r"\d[T ]\d", text):
        return None, f"{field}: {text[:40]!r} has no time of day"
    if moment.tzinfo is None:
        return None, f"{field}: {text[:40]!r} has no offset; end it with Z or an offset such as +02:00"
    return moment, ""
