"""A call as Gong's lists tell it, and what creating one answers."""

from __future__ import annotations

from pydantic import Field

from gong_bridge.gong.wire import GongAnswer, Number, Page


class CallSummary(GongAnswer):
    """One call as lists tell it. started, scheduled: ISO-8601. duration: seconds. media: None while Gong has none."""

    id: str = Field(min_length=1)
    url: str | None = None
    title: str | None = None
    scheduled: str | None = None
    started: str | None = None
    duration: Number | None = None
    primary_user_id: str | None = None
    direction: str | None = None
    system: str | None = None
    scope: str | None = None
    media: str | None = None
    language: str | None = None
    workspace_id: str | None = None
    sdr_disposition: str | None = None
    client_unique_id: str | None = None
    custom_data: str | None = None
    purpose: str | None = None
    meeting_url: str | None = None
    is_private: bool | None = None
    calendar_event_id: str | None = None


class CallsPage(Page):
    """One page of GET /v2/calls."""

    calls: tuple[CallSummary, ...] | None = None


class OneCall(GongAnswer):
    """GET /v2/calls/{id}."""

    call: CallSummary


class CallAdded(GongAnswer):
    """The answer to POST /v2/calls."""

    call_id: str = Field(min_length=1)


class RecordingAdded(GongAnswer):
    """The answer to PUT /v2/calls/{id}/media."""

    url: str | None = None
