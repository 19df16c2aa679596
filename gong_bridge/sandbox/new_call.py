"""What POST /v2/calls takes and refuses: NewCallAddingRequest as a table, and the rules between its fields; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from gong_bridge.sandbox.answers import Refusal
from gong_bridge.sandbox.shapes import (
    Anything,
    Choice,
    Flag,
    Id,
    ListOf,
    Number,
    Text,
    Thing,
    Time,
    Url,
    parse_time,
)

_LANGUAGES = """
    af-ZA am-ET ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-MA ar-MR ar-OM ar-PS ar-QA ar-SA ar-TN ar-YE
    az-AZ bg-BG bn-BD bn-IN bs-BA ca-ES cs-CZ da-DK de-AT de-CH de-DE el-GR en-AB en-AU en-CA en-GB en-IE en-IN en-NZ
    en-PH en-SG en-US en-WL en-ZA es-AR es-BO es-CL es-CO es-CR es-DO es-EC es-ES es-GT es-HN es-MX es-NI es-PA es-PE
    es-PR es-PY es-SV es-US es-UY et-EE eu-ES fa-IR fi-FI fil-PH fr-BE fr-CA fr-CH fr-FR gl-ES gu-IN he-IL hi-IN hr-HR
    hu-HU hy-AM id-ID is-IS it-CH it-IT ja-JP jv-ID ka-GE kk-KZ km-KH kn-IN ko-KR lo-LA lt-LT lv-LV mk-MK ml-IN mn-MN
    mr-IN ms-MY my-MM ne-NP nl-BE nl-NL no-NO pa-Guru-IN pl-PL pt-BR pt-PT ro-RO ru-RU si-LK sk-SK sl-SI sq-AL sr-RS
    su-ID sv-SE sw-KE sw-TZ ta-IN ta-LK ta-MY ta-SG te-IN th-TH tr-TR uk-UA ur-IN ur-PK uz-UZ vi-VN yue-Hant-HK zh-CN
    zh-TW zu-ZA
"""
LANGUAGE_CODES = tuple(_LANGUAGES.split())
DIRECTIONS = ("Inbound", "Outbound", "Conference", "Unknown")

_SYSTEM = Choice(("Salesforce", "HubSpot", "MicrosoftDynamic", "Generic"))
_FIELD = Thing({"name": Text(), "value": Anything()})


def _context(object_types: tuple[str, ...]) -> ListOf:
    crm_object = Thing(
        {"objectType": Choice(object_types), "objectId": Text(filled=True), "fields": ListOf(_FIELD)},
        required=("objectType", "objectId"),
    )
    return ListOf(Thing({"system": _SYSTEM, "objects": ListOf(crm_object)}, required=("system",)))


_PARTY = Thing(
    {
        "phoneNumber": Text(),
        "emailAddress": Text(),
        "name": Text(),
        "partyId": Text(),
        "mediaChannelId": Number(least=0, most=1, whole=True),
        "context": _context(("Lead", "Contact", "Account", "Opportunity", "User", "Lead,Contact")),
        "userId": Id(),
    }
)
_SEGMENT = Thing(
    {
        "fromTime": Number(least=0, whole=True),
        "toTime": Number(least=0, whole=True),
        "partyIds": ListOf(Text()),
    },
    required=("fromTime", "toTime", "partyIds"),
)
NEW_CALL = Thing(
    {
        "clientUniqueId": Text(longest=2048, filled=True),
        "title": Text(),
        "purpose": Text(longest=255),
        "scheduledStart": Time(),
        "scheduledEnd": Time(),
        "actualStart": Time(),
        "duration": Number(least=0),
        "parties": ListOf(_PARTY, at_least=1),
        "direction": Choice(DIRECTIONS),
        "disposition": Text(longest=255),
        "context": _context(("Opportunity", "Account", "Lead", "Contact", "User", "Opportunity,Account")),
        "customData": Text(),
        "speakersTimeline": Thing({"precise": Flag(), "speechSegments": ListOf(_SEGMENT)}),
        "meetingUrl": Url(),
        "callProviderCode": Text(),
        "downloadMediaUrl": Url(),
        "workspaceId": Id(),
        "languageCode": Choice(LANGUAGE_CODES),
        "flowContext": Thing({"taskId": Text()}),
        "primaryUser": Id(),
    },
    required=("actualStart", "clientUniqueId", "direction", "parties", "primaryUser"),
)
"""Gong API V2, schema NewCallAddingRequest. A blank clientUniqueId is refused although its minLength is 0: two such
calls could not be told apart."""


def check_new_call(
    body: Any, *, users: Mapping[str, Mapping[str, Any]], now: datetime, future_slack_seconds: float
) -> None:
    """Raise Refusal (400, or 409 where recording is not enabled) when `body` is no call that Gong would take.

    `users` by id, as GET /v2/users gives them.
    """
    mistakes = list(NEW_CALL.mistakes(body, ""))
    if not mistakes:
        mistakes = [
            *_time_mistakes(body, now + timedelta(seconds=future_slack_seconds)),
            *_people_mistakes(body, users),
            *_speech_mistakes(body),
        ]
    if mistakes:
        raise Refusal(400, *mistakes)
    if not users[body["primaryUser"]].get("settings", {}).get("telephonyCallsImported", False):
        raise Refusal(409, "Recording is not enabled for the primary user")


def _time_mistakes(body: Mapping[str, Any], latest: datetime) -> Iterator[str]:
    started = parse_time(body["actualStart"])
    if started is not None and started > latest:
        yield "actualStart must not be in the future"
    begin, end = parse_time(body.get("scheduledStart")), parse_time(body.get("scheduledEnd"))
    if begin is not None and end is not None and end < begin:
        yield "scheduledEnd must not be before scheduledStart"


def _people_mistakes(body: Mapping[str, Any], users: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    primary = body["primaryUser"]
    if primary not in users:
        yield "primaryUser is not a user of this company"
    elif not users[primary].get("active", True):
        yield "primaryUser is not active"
    if all(party.get("userId") != primary for party in body["parties"]):
        yield "parties must hold a party whose userId is the primaryUser"
    for number, party in enumerate(body["parties"]):
        if "userId" in party and party["userId"] not in users:
            yield f"parties[{number}].userId is not a user of this company"
        if "emailAddress" in party and "@" not in party["emailAddress"].strip("@"):
            yield f"parties[{number}].emailAddress is not an e-mail address"


def _speech_mistakes(body: Mapping[str, Any]) -> Iterator[str]:
    if "speakersTimeline" not in body:
        return
    if any("mediaChannelId" in party for party in body["parties"]):
        yield "speakersTimeline and parties.mediaChannelId are mutually exclusive"
    named = [party["partyId"] for party in body["parties"] if "partyId" in party]
    if len(named) != len(set(named)):
        yield "parties.partyId must be unique"
    for number, segment in enumerate(body["speakersTimeline"].get("speechSegments", ())):
        where = f"speakersTimeline.speechSegments[{number}]"
        if segment["toTime"] < segment["fromTime"]:
            yield f"{where}.toTime must not be before fromTime"
        for party_id in segment["partyIds"]:
            if party_id not in named:
                yield f"{where}.partyIds names {party_id!r}, which is no partyId within parties"
