"""What a company has set up: workspaces, scorecards, trackers."""

from __future__ import annotations

from gong_bridge.gong.wire import GongAnswer, Number, Page


class Workspace(GongAnswer):
    """A workspace."""

    id: str | None = None
    name: str | None = None
    description: str | None = None


class QuestionOption(GongAnswer):
    """A possible answer."""

    id: str | None = None
    text: str | None = None


class ScorecardQuestion(GongAnswer):
    """A question of a scorecard."""

    question_id: str | None = None
    question_revision_id: str | None = None
    question_text: str | None = None
    is_overall: bool | None = None
    question_type: str | None = None
    answer_guide: str | None = None
    min_range: Number | None = None
    max_range: Number | None = None
    answer_options: tuple[QuestionOption, ...] | None = None


class Scorecard(GongAnswer):
    """A scorecard. created, updated: ISO-8601."""

    scorecard_id: str | None = None
    scorecard_name: str | None = None
    workspace_id: str | None = None
    enabled: bool | None = None
    updater_user_id: str | None = None
    created: str | None = None
    updated: str | None = None
    review_method: str | None = None
    questions: tuple[ScorecardQuestion, ...] | None = None


class TrackerKeywords(GongAnswer):
    """The words of a tracker in one language (ISO 639-2/B; mul: several)."""

    language: str | None = None
    keywords: tuple[str, ...] | None = None
    include_related_forms: bool | None = None


class KeywordTracker(GongAnswer):
    """A keyword tracker. created, updated: ISO-8601."""

    tracker_id: str | None = None
    tracker_name: str | None = None
    workspace_id: str | None = None
    language_keywords: tuple[TrackerKeywords, ...] | None = None
    affiliation: str | None = None
    part_of_question: bool | None = None
    said_at: str | None = None
    said_at_interval: Number | None = None
    said_at_unit: str | None = None
    said_in_topics: tuple[str, ...] | None = None
    filter_query: str | None = None
    created: str | None = None
    creator_user_id: str | None = None
    updated: str | None = None
    updater_user_id: str | None = None


class WorkspacesPage(Page):
    """GET /v2/workspaces."""

    workspaces: tuple[Workspace, ...] | None = None


class ScorecardsPage(Page):
    """GET /v2/settings/scorecards."""

    scorecards: tuple[Scorecard, ...] | None = None


class TrackersPage(Page):
    """GET /v2/settings/trackers."""

    keyword_trackers: tuple[KeywordTracker, ...] | None = None
