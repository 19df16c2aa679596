"""The five statistics: counted from the calls that arrived, with made-up figures where calls tell nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gong_bridge import clock
from gong_bridge.sandbox.answers import EXTRA, JsonAnswer, Refusal
from gong_bridge.sandbox.arrived import Arrived, ArrivedCall
from gong_bridge.sandbox.options import SandboxOptions
from gong_bridge.sandbox.request_shapes import ACTIVITY, ACTIVITY_BY_PERIOD, ANSWERED_SCORECARDS, check_request
from gong_bridge.sandbox.requests_read import read_json, read_query
from gong_bridge.sandbox.rows import Rows, meant_users
from gong_bridge.sandbox.seeds import SCORECARDS
from gong_bridge.sandbox.shapes import Shape, parse_day

TIME_ZONE = "UTC"
"""The company's time zone in the sandbox."""
_NO_USERS = "No users found for the provided filter"
_ACTIVITIES = (
    "callsAsHost", "callsGaveFeedback", "callsRequestedFeedback", "callsReceivedFeedback", "ownCallsListenedTo",
    "othersCallsListenedTo", "callsSharedInternally", "callsSharedExternally", "callsScorecardsFilled",
    "callsScorecardsReceived", "callsAttended", "callsCommentsGiven", "callsCommentsReceived",
    "callsMarkedAsFeedbackGiven", "callsMarkedAsFeedbackReceived",
)  # fmt: skip


class StatsOperations:
    """Statistics of the active users; every one of them counts as active in every period."""

    def __init__(self, options: SandboxOptions, arrived: Arrived, rows: Rows) -> None:
        self._options = options
        self._arrived = arrived
        self._rows = rows

    async def aggregate(self, request: Request) -> Response:
        """Operation listMultipleUsersAggregateActivity."""
        body, begin, end = await self._asked(request, ACTIVITY)
        page, records = self._users(body, "aggregate")
        stats = [
            {**_who(user), "userAggregateActivityStats": _counts(self._activity(user, begin, end)), **EXTRA}
            for user in page
        ]
        return _answer(request, records=records, usersAggregateActivityStats=stats, **_period(begin, end))

    async def by_period(self, request: Request) -> Response:
        """Operation listMultipleUsersAggregateByPeriod."""
        body, begin, end = await self._asked(request, ACTIVITY_BY_PERIOD)
        page, records = self._users(body, "by period")
        periods = list(_periods(begin, end, body["aggregationPeriod"]))
        stats = [
            {
                **_who(user),
                "userAggregateActivity": [
                    {**_counts(self._activity(user, first, last)), **_dates(first, last), **EXTRA}
                    for first, last in periods
                ],
                **EXTRA,
            }
            for user in page
        ]
        return _answer(request, records=records, usersAggregateActivity=stats)

    async def day_by_day(self, request: Request) -> Response:
        """Operation listMultipleUsersDayByDayActivity."""
        body, begin, end = await self._asked(request, ACTIVITY)
        page, records = self._users(body, "day by day")
        days = list(_periods(begin, end, "DAY"))
        stats = [
            {
                **_who(user),
                "userDailyActivityStats": [
                    {**self._activity(user, first, last), **_dates(first, last), **EXTRA} for first, last in days
                ],
                **EXTRA,
            }
            for user in page
        ]
        return _answer(request, records=records, usersDetailedActivities=stats)

    async def interaction(self, request: Request) -> Response:
        """Operation listInteractionStats."""
        body, begin, end = await self._asked(request, ACTIVITY)
        page, records = self._users(body, "interaction")
        figures = [{"name": "Longest Monologue", "value": 42.5}, {"name": "Talk Ratio", "value": 0.48}]
        stats = [{**_who(user), "personInteractionStats": figures, **EXTRA} for user in page]
        return _answer(request, records=records, peopleInteractionStats=stats, **_period(begin, end))

    async def answered_scorecards(self, request: Request) -> Response:
        """Operation listAnsweredScorecards: each scorecard was filled in about each call, on the day of the call."""
        read_query(request, set())
        body = await read_json(request)
        check_request(ANSWERED_SCORECARDS, body)
        answered = [
            _answered(call, scorecard)
            for call in sorted(self._arrived.calls(), key=lambda call: (call.started_at, call.id))
            for scorecard in SCORECARDS
            if _is_meant(call, scorecard, body["filter"])
        ]
        page, records = self._rows.page(answered, body, "scorecards", "No answered scorecards found")
        return _answer(request, records=records, answeredScorecards=page)

    async def _asked(self, request: Request, shape: Shape) -> tuple[dict[str, Any], date, date]:
        read_query(request, set())
        body = await read_json(request)
        check_request(shape, body)
        begin, end = parse_day(body["filter"]["fromDate"]), parse_day(body["filter"]["toDate"])
        assert begin is not None
        assert end is not None
        if begin >= end:
            raise Refusal(400, "filter.toDate must be after filter.fromDate")
        if end > clock.now().date():
            raise Refusal(400, "filter.toDate must not be after the current day")
        return dict(body), begin, end

    def _users(self, body: Mapping[str, Any], operation: str) -> tuple[Sequence[Mapping[str, Any]], dict[str, Any]]:
        wanted = body["filter"]
        users = meant_users(self._options.users, wanted)
        if not wanted.get("userIds"):
            users = [user for user in users if user["active"]]
        return self._rows.page(users, body, operation, _NO_USERS)

    def _activity(self, user: Mapping[str, Any], first: date, last: date) -> dict[str, list[str]]:
        """In which calls the user did what; `last` is excluded."""
        calls = [call for call in self._arrived.calls() if first <= _day(call) < last]
        host = [call.id for call in calls if call.body["primaryUser"] == user["id"]]
        there = {call.id for call in calls if any(one.get("userId") == user["id"] for one in call.body["parties"])}
        told = {"callsAsHost": host, "callsAttended": sorted(there - set(host)), "callsScorecardsReceived": host}
        return {name: told.get(name, []) for name in _ACTIVITIES}


def _answer(request: Request, **content: Any) -> Response:
    return JsonAnswer(content, request_id=request.state.request_id)


def _who(user: Mapping[str, Any]) -> dict[str, Any]:
    return {"userId": user["id"], "userEmailAddress": user["emailAddress"]}


def _counts(activity: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    return {name: len(ids) for name, ids in activity.items()}


def _day(call: ArrivedCall) -> date:
    return call.started_at.astimezone(UTC).date()


def _midnight(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat()


def _dates(first: date, last: date) -> dict[str, str]:
    return {"fromDate": _midnight(first), "toDate": _midnight(last)}


def _period(first: date, last: date) -> dict[str, str]:
    return {"fromDateTime": _midnight(first), "toDateTime": _midnight(last), "timeZone": TIME_ZONE}


_NEXT: Mapping[str, Callable[[date], date]] = {
    "DAY": lambda day: day + timedelta(days=1),
    "WEEK": lambda day: day + timedelta(days=7 - day.weekday()),
    "MONTH": lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1),
    "QUARTER": lambda day: (day.replace(day=1, month=(day.month - 1) // 3 * 3 + 1) + timedelta(days=95)).replace(day=1),
    "YEAR": lambda day: date(day.year + 1, 1, 1),
}
"""The first day of the next period."""


def _periods(begin: date, end: date, length: str) -> Sequence[tuple[date, date]]:
    """The calendar's periods between the two days; the first and the last may be cut short."""
    found = []
    while begin < end:
        last = min(_NEXT[length](begin), end)
        found.append((begin, last))
        begin = last
    return found


def _is_meant(call: ArrivedCall, scorecard: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    day = _day(call).isoformat()
    from_days = [wanted[name] for name in ("callFromDate", "reviewFromDate") if name in wanted]
    to_days = [wanted[name] for name in ("callToDate", "reviewToDate") if name in wanted]
    method = wanted.get("reviewMethod", "MANUAL")
    return (
        all(day >= first for first in from_days)
        and all(day < last for last in to_days)
        and method in ("BOTH", scorecard["reviewMethod"])
        and call.body["primaryUser"] in (wanted.get("reviewedUserIds") or [call.body["primaryUser"]])
        and str(scorecard["scorecardId"]) in (wanted.get("scorecardIds") or [str(scorecard["scorecardId"])])
    )


def _answered(call: ArrivedCall, scorecard: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "answeredScorecardId": int(call.id) + scorecard["scorecardId"] % 10,
        "scorecardId": scorecard["scorecardId"],
        "scorecardName": scorecard["scorecardName"],
        "callId": int(call.id),
        "callStartTime": call.body["actualStart"],
        "reviewedUserId": int(call.body["primaryUser"]),
        "reviewerUserId": scorecard["updaterUserId"],
        "reviewMethod": scorecard["reviewMethod"],
        "reviewTime": call.body["actualStart"],
        "visibilityType": "PUBLIC",
        "answers": [
            {
                "questionId": question["questionId"],
                "questionRevisionId": question["questionRevisionId"],
                "isOverall": question["isOverall"],
                "score": 4,
                "notApplicable": False,
                **EXTRA,
            }
            for question in scorecard["questions"]
        ],
        **EXTRA,
    }
