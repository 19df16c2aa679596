"""R24: every rule that a draft must keep has a sample that breaks it; each names the field and the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gong_bridge.errors import BadMetadata, UnusableUser
from gong_bridge.mapping.checks import CHECKS, Scene, check_draft, remarks_on
from gong_bridge.mapping.drafting import draft_of
from tests.unit.mapping.scenes import NOW, PEOPLE, media

GOOD: dict[str, Any] = {
    "clientUniqueId": "c-1",
    "actualStart": "2026-01-14T10:00:00Z",
    "direction": "Inbound",
    "primaryUser": "7201",
    "parties": [{"userId": "7201"}, {"phoneNumber": "+18005550101"}],
}
TIMELINE = {"speechSegments": [{"fromTime": 0, "toTime": 10, "partyIds": ["1"]}]}


def check(values: dict[str, Any], channels: int = 1) -> None:
    check_draft(draft_of(values), Scene(media=media(channels=channels), people=PEOPLE, now=NOW))


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    ("no id", {"clientUniqueId": None}, "clientUniqueId: it is missing; Gong asks for it"),
    ("blank id", {"clientUniqueId": " "}, "clientUniqueId: it is blank"),
    ("long id", {"clientUniqueId": "x" * 2049}, "clientUniqueId: it has more than 2048 characters"),
    ("no start", {"actualStart": None}, "actualStart: it is missing"),
    ("no time", {"actualStart": "this morning"}, "actualStart: 'this morning' is no time in ISO 8601"),
    ("a date", {"actualStart": "2026-01-14"}, "actualStart: '2026-01-14' has no time of day"),
    ("no offset", {"actualStart": "2026-01-14T10:00:00"}, "actualStart: '2026-01-14T10:00:00' has no offset"),
    ("future", {"actualStart": "2026-01-15T12:05:01Z"}, "actualStart: 2026-01-15T12:05:01Z lies in the future"),
    ("unset clock", {"actualStart": "1970-05-13T03:29:05Z"}, "actualStart: 1970-05-13T03:29:05Z is before 2000"),
    ("direction", {"direction": "inbound"}, "direction: it must be one of 'Inbound', 'Outbound', 'Conference' or"),
    ("no user", {"primaryUser": None}, "primaryUser: it is missing"),
    ("unknown user", {"primaryUser": "9"}, "primaryUser: no Gong user has the id '9'"),
    ("not a party", {"primaryUser": "7202"}, "parties: none of them is the primaryUser"),
    ("no parties", {"parties": []}, "parties: it is empty"),
    ("party unknown", {"parties": [{"userId": "7201"}, {"userId": "8"}]}, "parties[1].userId: no Gong user has the id"),
    ("purpose", {"purpose": "x" * 256}, "purpose: it has more than 255 characters"),
    ("disposition", {"disposition": "x" * 256}, "disposition: it has more than 255 characters"),
    ("scheduled", {"scheduledStart": "10:00"}, "scheduledStart: '10:00' is no time in ISO 8601"),
    (
        "schedule",
        {"scheduledStart": "2026-01-14T10:00:00Z", "scheduledEnd": "2026-01-14T09:00:00Z"},
        "scheduledEnd: it lies before scheduledStart",
    ),
    ("duration", {"duration": 0}, "duration: 0 is no length of a call"),
    ("negative", {"duration": -1}, "duration: it must be at least 0"),
    ("infinite", {"duration": float("inf")}, "duration: inf is no length of a call"),
    (
        "milliseconds",
        {"duration": 62000},
        "duration: 62000 s cannot belong to a recording of 60 s; Gong asks for seconds",
    ),
    ("text for a number", {"duration": "a minute"}, "duration: it must be a number"),
    (
        "channel 2",
        {"parties": [{"userId": "7201", "mediaChannelId": 2}]},
        "parties[0].mediaChannelId: it must be at mo",
    ),
    (
        "no channel",
        {"parties": [{"userId": "7201", "mediaChannelId": 1}]},
        "parties[0].mediaChannelId: there is no",
    ),
    ("address", {"parties": [{"userId": "7201", "emailAddress": "201"}]}, "parties[0].emailAddress: this is no e-mail"),
    ("language", {"languageCode": "en-us"}, "languageCode: Gong does not know 'en-us'; did you mean 'en-US'?"),
    (
        "timeline",
        {"speakersTimeline": TIMELINE},
        "speakersTimeline.speechSegments[0].partyIds: no party has the",
    ),
    (
        "same partyId",
        {"parties": [{"userId": "7201", "partyId": "1"}, {"partyId": "1"}], "speakersTimeline": TIMELINE},
        "parties: two of them have the partyId '1'",
    ),
    (
        "backwards",
        {
            "parties": [{"userId": "7201", "partyId": "1"}],
            "speakersTimeline": {"speechSegments": [{"fromTime": 5, "toTime": 4, "partyIds": ["1"]}]},
        },
        "speakersTimeline.speechSegments[0].toTime: it lies before fromTime",
    ),
    (
        "negative time",
        {"speakersTimeline": {"speechSegments": [{"fromTime": -5, "toTime": 4, "partyIds": []}]}},
        "speakersTimeline.speechSegments[0].fromTime: it must be at least 0",
    ),
    (
        "system",
        {"context": [{"system": "Other"}]},
        "context[0].system: it must be one of 'Salesforce', 'HubSpot', 'MicrosoftDynamic' or 'Generic'",
    ),
    (
        "unknown field",
        {"clientuniqueid": "x"},
        "clientuniqueid: Gong has no such field; did you mean 'clientUniqueId'",
    ),
    ("python's name", {"primary_user": "x"}, "primary_user: Gong has no such field; did you mean 'primaryUser'?"),
    ("deep field", {"context": [{"system": "Generic", "objekts": []}]}, "context[0].objekts: Gong has no such field"),
    ("media", {"downloadMediaUrl": "https://example.com"}, "downloadMediaUrl: the bridge delivers the media itself"),
    ("number for text", {"title": 1.5}, "title: it must be text; write it in quotes"),
]


@pytest.mark.parametrize(("changes", "rule"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_R24_a_broken_rule_names_the_field_and_the_rule(changes: dict[str, Any], rule: str) -> None:
    values = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}

    with pytest.raises(BadMetadata) as held:
        check(values)

    assert any(problem.startswith(rule) for problem in [*held.value.message.split("; "), held.value.message])


def test_R24_every_broken_rule_is_named_at_once() -> None:
    with pytest.raises(BadMetadata) as held:
        check({**GOOD, "actualStart": "2026-01-14T10:00:00", "duration": 0, "languageCode": "xx"})

    assert [problem.partition(":")[0] for problem in held.value.message.split("; ")][::2] == [
        "actualStart",
        "duration",
        "languageCode",
    ]


@pytest.mark.parametrize(("user", "cure"), [("7206", "is not active in Gong"), ("7207", "is not set to import")])
def test_R24_a_primary_user_that_gong_would_refuse_is_held(user: str, cure: str) -> None:
    with pytest.raises(UnusableUser, match=cure):
        check({**GOOD, "primaryUser": user, "parties": [{"userId": user}]})


def test_R24_a_clock_five_minutes_ahead_and_a_stereo_channel_are_fine() -> None:
    values = {**GOOD, "actualStart": "2026-01-15T13:05:00+01:00", "parties": [{"userId": "7201", "mediaChannelId": 1}]}

    assert draft_of(values).actual_start == "2026-01-15T13:05:00+01:00"
    check(values, channels=2)


def test_R24_the_table_of_rules_is_complete() -> None:
    """Every rule in the table refuses at least one of the samples above."""

    def refuses(rule: Callable[..., Any], changes: dict[str, Any]) -> bool:
        values = {name: value for name, value in {**GOOD, **changes}.items() if value is not None}
        try:
            draft = draft_of(values)
        except BadMetadata:
            return False
        return bool(list(rule(draft, Scene(media=media(), people=PEOPLE, now=NOW))))

    assert [rule.__name__ for rule in CHECKS if not any(refuses(rule, case[1]) for case in BROKEN)] == []


def test_a_channel_beside_a_timeline_is_worth_a_remark() -> None:
    values = {
        **GOOD,
        "parties": [{"userId": "7201", "partyId": "1", "mediaChannelId": 0}],
        "speakersTimeline": TIMELINE,
    }

    assert list(remarks_on(draft_of(values))) == ["Gong does not use mediaChannelId where a speakersTimeline is given"]


@pytest.mark.parametrize("system", ["Salesforce", "HubSpot", "MicrosoftDynamic", "Generic"])
def test_a_call_and_a_party_are_linked_to_records_of_each_system(system: str) -> None:
    of_call = [{"system": system, "objects": [{"objectType": "Opportunity,Account", "objectId": 6}]}]
    of_party = [{"system": system, "objects": [{"objectType": "Lead,Contact", "objectId": "3"}]}]
    values = {**GOOD, "context": of_call, "parties": [*GOOD["parties"], {"name": "Customer", "context": of_party}]}
    draft = draft_of(values)
    assert list(remarks_on(draft)) == []
    sent = draft.to_json()
    assert sent["context"] == [{"system": system, "objects": [{"objectType": "Opportunity,Account", "objectId": "6"}]}]
    assert sent["parties"][-1]["context"] == of_party


def test_a_system_without_a_record_is_left_out() -> None:
    values = {
        **GOOD,
        "context": [{"system": "Salesforce"}],
        "parties": [{"userId": "7201", "context": [{"system": "HubSpot"}]}],
    }
    sent = draft_of(values).to_json()
    assert "context" not in sent
    assert sent["parties"] == [{"userId": "7201"}]


def test_records_that_gong_would_not_use_are_worth_a_remark() -> None:
    two = [{"objectType": "Opportunity", "objectId": one} for one in ("6", "7")]
    contact = [{"system": "Generic", "objects": [{"objectType": "Contact", "objectId": "3"}]}]
    values = {
        **GOOD,
        "context": [{"system": "Salesforce", "objects": two}],
        "parties": [{"userId": "7201", "context": contact}],
    }
    assert list(remarks_on(draft_of(values))) == [
        "parties[0].context: Gong takes CRM records of people outside of the company only",
        "context: Gong takes one opportunity of an account only, and here are several of Salesforce",
    ]


def link_to(**record: str) -> list:
    return [{"system": "Generic", "objects": [record]}]


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ([{"system": "Sugar", "objects": [{"objectType": "Lead", "objectId": "1"}]}], "context[0].system: "),
        (link_to(objectType="Deal", objectId="1"), "context[0].objects[0].objectType: "),
        (link_to(objectType="Lead"), "context[0].objects[0].objectId: "),
        (link_to(objectType="Lead", objectID="1"), "context[0].objects[0].objectID: "),
        ([{"objects": [{"objectType": "Lead", "objectId": "1"}]}], "context[0].system: "),
    ],
)  # fmt: skip
def test_a_link_that_gong_would_refuse_is_named(links: list, problem: str) -> None:
    with pytest.raises(BadMetadata) as caught:
        draft_of({**GOOD, "context": links})
    assert str(caught.value).startswith(problem)
    with pytest.raises(BadMetadata) as caught:
        draft_of({**GOOD, "parties": [*GOOD["parties"], {"name": "Customer", "context": links}]})
    assert f"].{problem}" in str(caught.value)
