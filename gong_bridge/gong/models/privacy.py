"""What Gong has of one person: calls, e-mails, meetings, records of customer systems."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gong_bridge.gong.wire import GongAnswer


class EmailMessage(GongAnswer):
    """An e-mail. sent_time: ISO-8601. sender: `from` on the wire."""

    id: str | None = None
    sender: str | None = Field(default=None, alias="from")
    sent_time: str | None = None
    mailbox: str | None = None
    message_hash: str | None = None


class ExternalObject(GongAnswer):
    """A task or conversation of another system that belongs to a call."""

    object_type: str | None = None
    external_id: str | None = None


class ExternalSystem(GongAnswer):
    """Another system, and what of it belongs to a call."""

    system: str | None = None
    objects: tuple[ExternalObject, ...] | None = None


class CallReference(GongAnswer):
    """A call that references the person. status: Gong's word, such as COMPLETED."""

    id: str | None = None
    status: str | None = None
    external_systems: tuple[ExternalSystem, ...] | None = None


class MeetingReference(GongAnswer):
    """A meeting that references the person."""

    id: str | None = None


class CustomerField(GongAnswer):
    """A field of a record; value: as the other system has it."""

    name: str | None = None
    value: Any = None


class CustomerObject(GongAnswer):
    """A lead or contact. id: Gong's; external_id: the other system's."""

    id: str | None = None
    object_type: str | None = None
    external_id: str | None = None
    mirror_id: str | None = None
    fields: tuple[CustomerField, ...] | None = None


class CustomerData(GongAnswer):
    """Leads and contacts that Gong keeps from another system."""

    system: str | None = None
    objects: tuple[CustomerObject, ...] | None = None


class CustomerEngagement(GongAnswer):
    """Something that the person did, such as looking at a shared call. timestamp: ISO-8601."""

    event_type: str | None = None
    timestamp: str | None = None
    content_id: str | None = None
    content_url: str | None = None
    reporting_system: str | None = None
    event_name: str | None = None
    source_event_id: str | None = None


class References(GongAnswer):
    """What both answers have in common."""

    request_id: str | None = None
    emails: tuple[EmailMessage, ...] | None = None
    calls: tuple[CallReference, ...] | None = None
    meetings: tuple[MeetingReference, ...] | None = None
    customer_data: tuple[CustomerData, ...] | None = None


class EmailAddressReferences(References):
    """What references an e-mail address."""

    customer_engagement: tuple[CustomerEngagement, ...] | None = None


class PhoneNumberReferences(References):
    """What references a phone number. email_addresses: those that Gong knows for the same person."""

    supplied_phone_number: str | None = None
    matching_phone_numbers: tuple[str, ...] | None = None
    email_addresses: tuple[str, ...] | None = None


class Erasing(GongAnswer):
    """Gong has taken the order; it says no more."""

    request_id: str | None = None
