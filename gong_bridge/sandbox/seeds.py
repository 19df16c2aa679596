"""What a sandbox's company has set up before anything arrives: workspaces, scorecards, trackers, folders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEFAULT_WORKSPACE = "4000000000000000001"
_SECOND_WORKSPACE = "4000000000000000002"
_CREATED = "2024-01-15T09:00:00Z"
_OWNER = 4815162342201201603
"""Agent 201."""

WORKSPACES: tuple[Mapping[str, Any], ...] = (
    {"id": DEFAULT_WORKSPACE, "name": "Sales", "description": "Everybody who sells"},
    {"id": _SECOND_WORKSPACE, "name": "Service", "description": "Everybody who helps"},
)


def _question(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "questionId": 6100000000000000000 + number,
        "questionRevisionId": 6200000000000000000 + number,
        "questionText": text,
        "isOverall": number == 1,
        "questionType": "RANGE",
        "answerGuide": "1 is poor, 5 is very good",
        "minRange": 1,
        "maxRange": 5,
        **more,
    }


SCORECARDS: tuple[Mapping[str, Any], ...] = (
    {
        "scorecardId": 6000000000000000001,
        "scorecardName": "First conversation",
        "workspaceId": int(DEFAULT_WORKSPACE),
        "enabled": True,
        "updaterUserId": _OWNER,
        "created": _CREATED,
        "updated": _CREATED,
        "reviewMethod": "MANUAL",
        "questions": [_question(1, "How good was it?"), _question(2, "Were the needs understood?")],
    },
    {
        "scorecardId": 6000000000000000002,
        "scorecardName": "Service",
        "workspaceId": int(_SECOND_WORKSPACE),
        "enabled": False,
        "updaterUserId": _OWNER,
        "created": _CREATED,
        "updated": _CREATED,
        "reviewMethod": "AUTOMATIC",
        "questions": [
            _question(
                3,
                "What was it about?",
                questionType="SINGLE_SELECT",
                answerOptions=[{"id": 1, "text": "A fault"}, {"id": 2, "text": "An order"}],
            )
        ],
    },
)


def _tracker(number: int, name: str, workspace: str, *keywords: str) -> dict[str, Any]:
    return {
        "trackerId": str(7000000000000000000 + number),
        "trackerName": name,
        "workspaceId": workspace,
        "languageKeywords": [{"language": "eng", "keywords": list(keywords), "includeRelatedForms": True}],
        "affiliation": "Anyone",
        "partOfQuestion": False,
        "saidAt": "Anytime",
        "saidAtInterval": 0,
        "saidAtUnit": "Minutes",
        "saidInTopics": [],
        "filterQuery": "{}",
        "created": _CREATED,
        "creatorUserId": str(_OWNER),
        "updated": _CREATED,
        "updaterUserId": str(_OWNER),
    }


TRACKERS: tuple[Mapping[str, Any], ...] = (
    _tracker(1, "Pricing", DEFAULT_WORKSPACE, "price list", "discount"),
    _tracker(2, "Faults", _SECOND_WORKSPACE, "broken", "does not work"),
)


def _folder(number: int, name: str, workspace: str, parent: str | None = None) -> dict[str, Any]:
    folder = {
        "id": str(8000000000000000000 + number),
        "name": name,
        "createdBy": str(_OWNER),
        "updated": _CREATED,
        "workspace": workspace,
    }
    return folder if parent is None else {**folder, "parentFolderId": parent}


FOLDERS: tuple[Mapping[str, Any], ...] = (
    _folder(1, "All calls", DEFAULT_WORKSPACE),
    _folder(2, "Incoming calls", DEFAULT_WORKSPACE, str(8000000000000000001)),
    _folder(3, "Service", _SECOND_WORKSPACE),
)
"""Each with the workspace that it is in, which is not shown. The first holds every call, the second the inbound ones,
the third none."""
