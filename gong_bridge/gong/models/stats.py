"""What users did in Gong, and how they speak."""

from __future__ import annotations

from gong_bridge.gong.wire import GongAnswer, Number, Page


class ActivityCounts(GongAnswer):
    """How often a user did what, in calls."""

    calls_as_host: Number | None = None
    calls_gave_feedback: Number | None = None
    calls_requested_feedback: Number | None = None
    calls_received_feedback: Number | None = None
    own_calls_listened_to: Number | None = None
    others_calls_listened_to: Number | None = None
    calls_shared_internally: Number | None = None
    calls_shared_externally: Number | None = None
    calls_scorecards_filled: Number | None = None
    calls_scorecards_received: Number | None = None
    calls_attended: Number | None = None
    calls_comments_given: Number | None = None
    calls_comments_received: Number | None = None
    calls_marked_as_feedback_given: Number | None = None
    calls_marked_as_feedback_received: Number | None = None


class UserActivity(GongAnswer):
    """One user over the whole period."""

    user_id: str | None = None
    user_email_address: str | None = None
    user_aggregate_activity_stats: ActivityCounts | None = None


class PeriodCounts(ActivityCounts):
    """ActivityCounts of one period. from_date, to_date: ISO-8601."""

    from_date: str | None = None
    to_date: str | None = None


class UserPeriods(GongAnswer):
    """One user, period by period."""

    user_id: str | None = None
    user_email_address: str | None = None
    user_aggregate_activity: tuple[PeriodCounts, ...] | None = None


class DayCalls(GongAnswer):
    """In which calls (their ids) a user did what, on one day. from_date, to_date: ISO-8601."""

    calls_as_host: tuple[str, ...] | None = None
    calls_gave_feedback: tuple[str, ...] | None = None
    calls_requested_feedback: tuple[str, ...] | None = None
    calls_received_feedback: tuple[str, ...] | None = None
    own_calls_listened_to: tuple[str, ...] | None = None
    others_calls_listened_to: tuple[str, ...] | None = None
    calls_shared_internally: tuple[str, ...] | None = None
    calls_shared_externally: tuple[str, ...] | None = None
    calls_attended: tuple[str, ...] | None = None
    calls_comments_given: tuple[str, ...] | None = None
    calls_comments_received: tuple[str, ...] | None = None
    calls_marked_as_feedback_given: tuple[str, ...] | None = None
    calls_marked_as_feedback_received: tuple[str, ...] | None = None
    calls_scorecards_filled: tuple[str, ...] | None = None
    calls_scorecards_received: tuple[str, ...] | None = None
    from_date: str | None = None
    to_date: str | None = None


class UserDays(GongAnswer):
    """One user, day by day."""

    user_id: str | None = None
    user_email_address: str | None = None
    user_daily_activity_stats: tuple[DayCalls, ...] | None = None


class InteractionFigure(GongAnswer):
    """One figure by name, such as Longest Monologue."""

    name: str | None = None
    value: Number | None = None


class UserInteraction(GongAnswer):
    """How one user speaks."""

    user_id: str | None = None
    user_email_address: str | None = None
    person_interaction_stats: tuple[InteractionFigure, ...] | None = None


class ScorecardAnswer(GongAnswer):
    """An answer to one question. score: 1 to 50."""

    question_id: str | None = None
    question_revision_id: str | None = None
    is_overall: bool | None = None
    score: Number | None = None
    answer_text: str | None = None
    not_applicable: bool | None = None
    selected_options: tuple[str, ...] | None = None


class AnsweredScorecard(GongAnswer):
    """A scorecard that somebody filled in about a call. Times: ISO-8601."""

    answered_scorecard_id: str | None = None
    scorecard_id: str | None = None
    scorecard_name: str | None = None
    call_id: str | None = None
    call_start_time: str | None = None
    reviewed_user_id: str | None = None
    reviewer_user_id: str | None = None
    review_method: str | None = None
    editor_user_id: str | None = None
    review_time: str | None = None
    visibility_type: str | None = None
    answers: tuple[ScorecardAnswer, ...] | None = None


class ActivityPage(Page):
    """One page of POST /v2/stats/activity/aggregate."""

    users_aggregate_activity_stats: tuple[UserActivity, ...] | None = None


class PeriodsPage(Page):
    """One page of POST /v2/stats/activity/aggregate-by-period."""

    users_aggregate_activity: tuple[UserPeriods, ...] | None = None


class DaysPage(Page):
    """One page of POST /v2/stats/activity/day-by-day."""

    users_detailed_activities: tuple[UserDays, ...] | None = None


class InteractionPage(Page):
    """One page of POST /v2/stats/interaction."""

    people_interaction_stats: tuple[UserInteraction, ...] | None = None


class AnsweredScorecardsPage(Page):
    """One page of POST /v2/stats/activity/scorecards."""

    answered_scorecards: tuple[AnsweredScorecard, ...] | None = None
