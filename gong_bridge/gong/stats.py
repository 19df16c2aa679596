"""Statistics: what users did in Gong, how they speak, and the scorecards filled in about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from gong_bridge.gong.client import GongClient
from gong_bridge.gong.filters import filled, gong_day, gong_time
from gong_bridge.gong.lists import list_of
from gong_bridge.gong.models.stats import (
    ActivityPage,
    AnsweredScorecard,
    AnsweredScorecardsPage,
    DaysPage,
    InteractionPage,
    PeriodsPage,
    UserActivity,
    UserDays,
    UserInteraction,
    UserPeriods,
)
from gong_bridge.gong.pages import Listing
from gong_bridge.gong.wire import NotFound, Operation

AGGREGATE = Operation(
    operation_id="listMultipleUsersAggregateActivity",
    method="POST",
    path="/v2/stats/activity/aggregate",
    doing="list what users did",
    scope="api:stats:user-actions",
    not_found=NotFound.NONE,
)
BY_PERIOD = Operation(
    operation_id="listMultipleUsersAggregateByPeriod",
    method="POST",
    path="/v2/stats/activity/aggregate-by-period",
    doing="list what users did by period",
    scope="api:stats:user-actions",
    not_found=NotFound.NONE,
)
DAY_BY_DAY = Operation(
    operation_id="listMultipleUsersDayByDayActivity",
    method="POST",
    path="/v2/stats/activity/day-by-day",
    doing="list what users did day by day",
    scope="api:stats:user-actions:detailed",
    not_found=NotFound.NONE,
)
INTERACTION = Operation(
    operation_id="listInteractionStats",
    method="POST",
    path="/v2/stats/interaction",
    doing="list how users speak",
    scope="api:stats:interaction",
    not_found=NotFound.NONE,
)
ANSWERED_SCORECARDS = Operation(
    operation_id="listAnsweredScorecards",
    method="POST",
    path="/v2/stats/activity/scorecards",
    doing="list the answered scorecards",
    scope="api:stats:scorecards",
    not_found=NotFound.NONE,
)

Period = Literal["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]
ReviewMethod = Literal["AUTOMATIC", "MANUAL", "BOTH"]


class Stats:
    """The statistics of one Gong. Days are those of the company's time zone in Gong; to_day is excluded.

    Gong takes no to_day after today. All methods raise, from `next()`: RateLimited, ServiceDown, CursorLost,
    BadCredentials (the scope is missing, too), WrongBaseUrl, RefusedByGong (an id that is none, a day to come).
    """

    def __init__(self, client: GongClient) -> None:
        self._client = client

    def aggregate(
        self,
        from_day: date,
        to_day: date,
        *,
        user_ids: Sequence[str] = (),
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        cursor: str | None = None,
    ) -> Listing[UserActivity]:
        """How often each user did what. created_from, created_to: only users created then.

        Scope api:stats:user-actions.
        """
        body = _of_users(from_day, to_day, user_ids, created_from, created_to)
        return list_of(
            self._client,
            AGGREGATE,
            ActivityPage,
            lambda page: page.users_aggregate_activity_stats,
            body=body,
            cursor=cursor,
        )

    def by_period(
        self,
        from_day: date,
        to_day: date,
        period: Period,
        *,
        user_ids: Sequence[str] = (),
        cursor: str | None = None,
    ) -> Listing[UserPeriods]:
        """How often each user did what in each day, week (from Monday), month, quarter or year.

        Scope api:stats:user-actions.
        """
        body = {**_of_users(from_day, to_day, user_ids), "aggregationPeriod": period}
        return list_of(
            self._client, BY_PERIOD, PeriodsPage, lambda page: page.users_aggregate_activity, body=body, cursor=cursor
        )

    def day_by_day(
        self, from_day: date, to_day: date, *, user_ids: Sequence[str] = (), cursor: str | None = None
    ) -> Listing[UserDays]:
        """In which calls each user did what on each day. Scope api:stats:user-actions:detailed."""
        body = _of_users(from_day, to_day, user_ids)
        return list_of(
            self._client, DAY_BY_DAY, DaysPage, lambda page: page.users_detailed_activities, body=body, cursor=cursor
        )

    def interaction(
        self, from_day: date, to_day: date, *, user_ids: Sequence[str] = (), cursor: str | None = None
    ) -> Listing[UserInteraction]:
        """How each user speaks, in calls with Whisper turned on. Scope api:stats:interaction."""
        body = _of_users(from_day, to_day, user_ids)
        return list_of(
            self._client, INTERACTION, InteractionPage, lambda page: page.people_interaction_stats, body=body,
            cursor=cursor,
        )  # fmt: skip

    def answered_scorecards(
        self,
        *,
        call_from: date | None = None,
        call_to: date | None = None,
        review_from: date | None = None,
        review_to: date | None = None,
        review_method: ReviewMethod | None = None,
        user_ids: Sequence[str] = (),
        scorecard_ids: Sequence[str] = (),
        cursor: str | None = None,
    ) -> Listing[AnsweredScorecard]:
        """Scorecards that were filled in, by the day of the call or of the review. user_ids: of those reviewed.

        review_method: Gong takes None for MANUAL. Scope api:stats:scorecards.
        """
        wanted = filled(
            callFromDate=gong_day(call_from),
            callToDate=gong_day(call_to),
            reviewFromDate=gong_day(review_from),
            reviewToDate=gong_day(review_to),
            reviewMethod=review_method,
            reviewedUserIds=[*user_ids],
            scorecardIds=[*scorecard_ids],
        )
        return list_of(
            self._client,
            ANSWERED_SCORECARDS,
            AnsweredScorecardsPage,
            lambda page: page.answered_scorecards,
            body={"filter": wanted},
            cursor=cursor,
        )


def _of_users(
    from_day: date,
    to_day: date,
    user_ids: Sequence[str],
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> dict[str, Any]:
    wanted = filled(
        fromDate=gong_day(from_day),
        toDate=gong_day(to_day),
        createdFromDateTime=gong_time(created_from),
        createdToDateTime=gong_time(created_to),
        userIds=[*user_ids],
    )
    return {"filter": wanted}
