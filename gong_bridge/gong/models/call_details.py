"""One call in full, as POST /v2/calls/extensive tells it: each part is there when it was asked for."""

from __future__ import annotations

from typing import Any

from gong_bridge.gong.models.calls import CallSummary
from gong_bridge.gong.models.stats import InteractionFigure
from gong_bridge.gong.wire import GongAnswer, Number, Page


class MediaUrls(GongAnswer):
    """Where Gong's copy of the media can be fetched for 8 hours; never logged."""

    audio_url: str | None = None
    video_url: str | None = None


class CrmField(GongAnswer):
    """A field of a CRM record."""

    name: str | None = None
    value: Any = None


class CrmRecord(GongAnswer):
    """A record of a CRM."""

    object_type: str | None = None
    object_id: str | None = None
    fields: tuple[CrmField, ...] | None = None
    timing: str | None = None


class CrmLink(GongAnswer):
    """What a call or a party is linked to in one CRM."""

    system: str | None = None
    objects: tuple[CrmRecord, ...] | None = None


class Party(GongAnswer):
    """Somebody who took part. speaker_id: as in the transcript."""

    id: str | None = None
    email_address: str | None = None
    name: str | None = None
    title: str | None = None
    user_id: str | None = None
    speaker_id: str | None = None
    context: tuple[CrmLink, ...] | None = None
    affiliation: str | None = None
    phone_number: str | None = None
    methods: tuple[str, ...] | None = None


class AgendaPart(GongAnswer):
    """A part of the agenda. duration: seconds."""

    name: str | None = None
    duration: Number | None = None


class Topic(GongAnswer):
    """How long was spoken of what. duration: seconds."""

    name: str | None = None
    duration: Number | None = None


class Occurrence(GongAnswer):
    """When a tracked word was said. start_time: seconds from the start of the call."""

    start_time: Number | None = None
    speaker_id: str | None = None


class TrackedPhrase(GongAnswer):
    """One phrase of a keyword tracker."""

    count: Number | None = None
    occurrences: tuple[Occurrence, ...] | None = None
    phrase: str | None = None


class TrackedWords(GongAnswer):
    """What one tracker found in the call."""

    id: str | None = None
    name: str | None = None
    count: Number | None = None
    type: str | None = None
    occurrences: tuple[Occurrence, ...] | None = None
    phrases: tuple[TrackedPhrase, ...] | None = None


class OutlineItem(GongAnswer):
    """start_time: seconds from the start of the call."""

    text: str | None = None
    start_time: Number | None = None


class OutlineSection(GongAnswer):
    """start_time, duration: seconds."""

    section: str | None = None
    start_time: Number | None = None
    duration: Number | None = None
    items: tuple[OutlineItem, ...] | None = None


class Highlight(GongAnswer):
    """start_times: seconds from the start of the call."""

    text: str | None = None
    start_times: tuple[Number, ...] | None = None


class HighlightsSection(GongAnswer):
    """Highlights under one title."""

    title: str | None = None
    items: tuple[Highlight, ...] | None = None


class CallOutcome(GongAnswer):
    """How the call ended, by Gong's judgement."""

    id: str | None = None
    category: str | None = None
    name: str | None = None


class KeyPoint(GongAnswer):
    """One key point."""

    text: str | None = None


class CallContent(GongAnswer):
    """What was spoken of."""

    structure: tuple[AgendaPart, ...] | None = None
    trackers: tuple[TrackedWords, ...] | None = None
    topics: tuple[Topic, ...] | None = None
    brief: str | None = None
    outline: tuple[OutlineSection, ...] | None = None
    highlights: tuple[HighlightsSection, ...] | None = None
    call_outcome: CallOutcome | None = None
    key_points: tuple[KeyPoint, ...] | None = None


class SpeakerTime(GongAnswer):
    """talk_time: seconds."""

    id: str | None = None
    user_id: str | None = None
    talk_time: Number | None = None


class VideoTime(GongAnswer):
    """What was shown for how long. duration: seconds."""

    name: str | None = None
    duration: Number | None = None


class QuestionCounts(GongAnswer):
    """Questions asked by either side."""

    company_count: Number | None = None
    non_company_count: Number | None = None


class CallInteraction(GongAnswer):
    """Who spoke for how long."""

    speakers: tuple[SpeakerTime, ...] | None = None
    interaction_stats: tuple[InteractionFigure, ...] | None = None
    video: tuple[VideoTime, ...] | None = None
    questions: QuestionCounts | None = None


class Comment(GongAnswer):
    """A public comment. audio_start_time, audio_end_time: seconds from the start of the call."""

    id: str | None = None
    audio_start_time: Number | None = None
    audio_end_time: Number | None = None
    commenter_user_id: str | None = None
    comment: str | None = None
    posted: str | None = None
    in_reply_to: str | None = None
    during_call: bool | None = None


class CallCollaboration(GongAnswer):
    """What colleagues wrote."""

    public_comments: tuple[Comment, ...] | None = None


class CallDetails(GongAnswer):
    """One call in full."""

    meta_data: CallSummary | None = None
    context: tuple[CrmLink, ...] | None = None
    parties: tuple[Party, ...] | None = None
    content: CallContent | None = None
    interaction: CallInteraction | None = None
    collaboration: CallCollaboration | None = None
    media: MediaUrls | None = None


class CallDetailsPage(Page):
    """One page of POST /v2/calls/extensive."""

    calls: tuple[CallDetails, ...] | None = None
