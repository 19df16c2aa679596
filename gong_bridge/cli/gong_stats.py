"""`gong-bridge gong stats`: what users did in Gong, how they speak, and the scorecards filled in about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from gong_bridge.cli.common import ConfigOption
from gong_bridge.cli.gong_export import Wish, deliver
from gong_bridge.cli.gong_opening import (
    AccountOption,
    FormatOption,
    FromOption,
    LimitOption,
    Opened,
    OutputOption,
    ResumeOption,
    ToOption,
    UserOption,
    check_ids,
    opened_gong,
)
from gong_bridge.gong.models.stats import AnsweredScorecard, UserActivity, UserDays, UserInteraction, UserPeriods
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.reading import Batches, Reading

app = typer.Typer(
    no_args_is_help=True,
    help="What users did in Gong and how they speak. Days are those of the company's time zone; Gong has them until "
    "yesterday.",
)

_Ask = Callable[[Opened, date, date, list[str], str | None], Batches]


@app.command("aggregate", epilog="Example: gong-bridge gong stats aggregate --from 30d --output activity.csv")
def aggregate(
    from_text: FromOption = None, to_text: ToOption = None, user: UserOption = None, form: FormatOption = None,
    output: OutputOption = None, resume: ResumeOption = False, limit: LimitOption = None,
    account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """How often each user did what, over the whole time. Scope api:stats:user-actions."""
    counts = [f"userAggregateActivityStats.{name}" for name in ("callsAsHost", "callsAttended", "ownCallsListenedTo")]
    _tell(
        "aggregate", UserActivity, ("userEmailAddress", *counts, "userId"), from_text, to_text, user,
        Wish.of(form, output, resume, limit), account, config,
        lambda opened, begin, end, ids, cursor: opened.gong.stats.aggregate(begin, end, user_ids=ids, cursor=cursor),
    )  # fmt: skip


@app.command("by-period", epilog="Example: gong-bridge gong stats by-period --period WEEK --from 2026-01-01")
def by_period(
    from_text: FromOption = None, to_text: ToOption = None,
    period: Annotated[
        Literal["DAY", "WEEK", "MONTH", "QUARTER", "YEAR"], typer.Option(help="Weeks begin on Monday.")
    ] = "MONTH",
    user: UserOption = None, form: FormatOption = None, output: OutputOption = None, resume: ResumeOption = False,
    limit: LimitOption = None, account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """How often each user did what, in each day, week, month, quarter or year. Scope api:stats:user-actions."""
    _tell(
        "by-period", UserPeriods, ("userEmailAddress", "userAggregateActivity", "userId"), from_text, to_text, user,
        Wish.of(form, output, resume, limit), account, config,
        lambda opened, begin, end, ids, cursor: opened.gong.stats.by_period(
            begin, end, period, user_ids=ids, cursor=cursor
        ),
        period=period,
    )  # fmt: skip


@app.command("day-by-day", epilog="Example: gong-bridge gong stats day-by-day --from 7d --output days.jsonl")
def day_by_day(
    from_text: FromOption = None, to_text: ToOption = None, user: UserOption = None, form: FormatOption = None,
    output: OutputOption = None, resume: ResumeOption = False, limit: LimitOption = None,
    account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """In which calls each user did what, on each day. Scope api:stats:user-actions:detailed."""
    _tell(
        "day-by-day", UserDays, ("userEmailAddress", "userDailyActivityStats", "userId"), from_text, to_text, user,
        Wish.of(form, output, resume, limit), account, config,
        lambda opened, begin, end, ids, cursor: opened.gong.stats.day_by_day(begin, end, user_ids=ids, cursor=cursor),
    )  # fmt: skip


@app.command("interaction", epilog="Example: gong-bridge gong stats interaction --from 30d --output speaking.csv")
def interaction(
    from_text: FromOption = None, to_text: ToOption = None, user: UserOption = None, form: FormatOption = None,
    output: OutputOption = None, resume: ResumeOption = False, limit: LimitOption = None,
    account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """How each user speaks, in calls with Whisper turned on. Scope api:stats:interaction."""
    _tell(
        "interaction", UserInteraction, ("userEmailAddress", "personInteractionStats", "userId"), from_text, to_text,
        user, Wish.of(form, output, resume, limit), account, config,
        lambda opened, begin, end, ids, cursor: opened.gong.stats.interaction(begin, end, user_ids=ids, cursor=cursor),
    )  # fmt: skip


@app.command("scorecards", epilog="Example: gong-bridge gong stats scorecards --from 30d --method BOTH")
def scorecards(
    from_text: FromOption = None, to_text: ToOption = None,
    by: Annotated[Literal["call", "review"], typer.Option(help="Which day counts: that of the call or the review.")] = (
        "call"
    ),
    method: Annotated[Literal["MANUAL", "AUTOMATIC", "BOTH"], typer.Option(help="Reviewed by whom.")] = (
        "MANUAL"
    ),
    scorecard: Annotated[
        list[str] | None, typer.Option("--scorecard", help="Only this scorecard, by Gong id; may be repeated.")
    ] = None,
    user: UserOption = None, form: FormatOption = None, output: OutputOption = None, resume: ResumeOption = False,
    limit: LimitOption = None, account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """The scorecards that were filled in. --user: who was reviewed. Scope api:stats:scorecards."""
    cards = check_ids("--scorecard", scorecard or [])

    def ask(opened: Opened, begin: date, end: date, ids: list[str], cursor: str | None) -> Batches:
        days = {f"{by}_from": begin, f"{by}_to": end}
        return opened.gong.stats.answered_scorecards(
            call_from=days.get("call_from"), call_to=days.get("call_to"), review_from=days.get("review_from"),
            review_to=days.get("review_to"), review_method=method, user_ids=ids, scorecard_ids=cards, cursor=cursor,
        )  # fmt: skip

    shown = ("callStartTime", "scorecardName", "reviewMethod", "reviewedUserId", "answers", "callId")
    _tell(
        "scorecards", AnsweredScorecard, shown, from_text, to_text, user, Wish.of(form, output, resume, limit), account,
        config, ask, by=by, method=method, cards=cards,
    )  # fmt: skip


def _tell(
    command: str, row: type[GongAnswer], shown: Sequence[str], from_text: str | None, to_text: str | None,
    user: list[str] | None, wish: Wish, account: str | None, config: Path | None, ask: _Ask, **said: object,
) -> None:  # fmt: skip
    ids = check_ids("--user", user or [])
    what = "scorecards" if row is AnsweredScorecard else "users"
    with opened_gong(config, account, what) as opened:
        begin, end = opened.days(from_text, to_text)
        question = opened.question(
            f"stats {command}", users=ids, form=wish.form, limit=wish.limit, **said,
            **{"from": begin.isoformat(), "to": end.isoformat()},
        )  # fmt: skip
        reading = Reading(
            what=what, row=row, shown=shown, question=question,
            ask=lambda _window, cursor: ask(opened, begin, end, ids, cursor),
        )  # fmt: skip
        deliver(reading, wish, opened.progress)
