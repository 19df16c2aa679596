"""The request that creates a call, frozen and checked: a mapping drafts it, the ledger keeps it, Gong is sent it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _GongObject(BaseModel):
    """A request object: fields in Gong's camelCase on the wire, unknown fields refused (they would be mistakes)."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, str_strip_whitespace=False,
        defer_build=True,  # most commands never touch a draft
    )  # fmt: skip


CrmSystem = Literal["Salesforce", "HubSpot", "MicrosoftDynamic", "Generic"]
Direction = Literal["Inbound", "Outbound", "Conference", "Unknown"]


class ContextField(_GongObject):
    """A field of a CRM object ("intended for future use" says Gong)."""

    name: str | None = None
    value: Any = None


class PartyObject(_GongObject):
    """A CRM record linked to a party (ExternalCrmPartyObject)."""

    object_type: Literal["Lead", "Contact", "Account", "Opportunity", "User", "Lead,Contact"]
    object_id: str
    fields: list[ContextField] | None = None


class PartyContext(_GongObject):
    """Links of a party to a CRM (PartyUploadContext)."""

    system: CrmSystem
    objects: list[PartyObject] | None = None


class CallObject(_GongObject):
    """A CRM record linked to the call (ExternalCrmCallObject)."""

    object_type: Literal["Opportunity", "Account", "Lead", "Contact", "User", "Opportunity,Account"]
    object_id: str
    fields: list[ContextField] | None = None


class CallContext(_GongObject):
    """Links of the call to a CRM (CallUploadContext)."""

    system: CrmSystem
    objects: list[CallObject] | None = None


class Party(_GongObject):
    """A participant (CallParticipant). `media_channel_id` is 0 (left) or 1 (right)."""

    phone_number: str | None = None
    email_address: str | None = None
    name: str | None = None
    party_id: str | None = None
    media_channel_id: int | None = Field(default=None, ge=0, le=1)
    context: list[PartyContext] | None = None
    user_id: str | None = None


class SpeechSegment(_GongObject):
    """Who spoke from when to when, in milliseconds from the start of the call."""

    from_time: int = Field(ge=0)
    to_time: int = Field(ge=0)
    party_ids: list[str]


class SpeakersTimeline(_GongObject):
    """Who spoke when; excludes mediaChannelId."""

    precise: bool | None = None
    speech_segments: list[SpeechSegment] | None = None


class FlowContext(_GongObject):
    """The Gong task that the call belongs to."""

    task_id: str | None = None


class CallDraft(_GongObject):
    """The body of POST /v2/calls (NewCallAddingRequest), complete and checked before it is sent (G1, decision 9).

    Times are ISO-8601 text with an offset. Source: Gong API V2, operation addCall.
    """

    client_unique_id: str = Field(min_length=1, max_length=2048)
    actual_start: str
    direction: Direction
    parties: list[Party] = Field(min_length=1)
    primary_user: str = Field(min_length=1)
    title: str | None = None
    purpose: str | None = Field(default=None, max_length=255)
    scheduled_start: str | None = None
    scheduled_end: str | None = None
    duration: float | None = Field(default=None, ge=0)
    disposition: str | None = Field(default=None, max_length=255)
    context: list[CallContext] | None = None
    custom_data: str | None = None
    speakers_timeline: SpeakersTimeline | None = None
    meeting_url: str | None = None
    call_provider_code: str | None = None
    download_media_url: str | None = None
    workspace_id: str | None = None
    language_code: str | None = None
    flow_context: FlowContext | None = None

    def to_json(self) -> dict[str, Any]:
        """The JSON object as Gong takes it: camelCase, absent fields left out."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")
