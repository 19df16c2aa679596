"""`gong-bridge gong calls` and `gong-bridge gong transcripts`."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from gong_bridge.cli.common import ConfigOption
from gong_bridge.cli.gong_export import Wish, deliver, deliver_by_id, say_unknown
from gong_bridge.cli.gong_opening import (
    AccountOption,
    FormatOption,
    FromOption,
    IdsArgument,
    LimitOption,
    OutputOption,
    ResumeOption,
    ToOption,
    UserOption,
    WorkspaceOption,
    check_ids,
    opened_gong,
)
from gong_bridge.errors import ConfigError
from gong_bridge.gong.call_filter import PARTS, CallFilter, Content
from gong_bridge.gong.models.call_details import CallDetails
from gong_bridge.gong.models.calls import CallSummary
from gong_bridge.gong.models.transcripts import CallTranscript
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.by_id import Sought
from gong_bridge.receive.reading import Batches, Reading
from gong_bridge.receive.sentences import Sentences, SpokenSentence
from gong_bridge.receive.windows import Window


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command(
        "calls",
        epilog="Examples: gong-bridge gong calls --from 7d; gong-bridge gong calls --from 2026-01-01 --to 2026-03-31 "
        "--output calls.csv; gong-bridge gong calls --from yesterday --show all --output calls.jsonl",
    )(calls)
    app.command(
        "transcripts",
        epilog="Examples: gong-bridge gong transcripts 7782342274025937895; gong-bridge gong transcripts --from 30d "
        "--output said.jsonl --resume",
    )(transcripts)


Part = Annotated[
    list[str] | None,
    typer.Option("--show", help=f"Also this part of each call; may be repeated; or: all. One of {', '.join(PARTS)}."),
]


def calls(
    ids: IdsArgument = None,
    from_text: FromOption = None,
    to_text: ToOption = None,
    show: Part = None,
    crm: Annotated[
        Literal["none", "links", "fields"],
        typer.Option(help="Also the CRM records of each call, or their fields."),
    ] = "none",
    user: UserOption = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = None,
    output: OutputOption = None,
    resume: ResumeOption = False,
    limit: LimitOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Calls by when they began, or by id; with --show also who took part, what was spoken of, where the media is.

    The table shows the most important columns, files have all. Scope api:calls:read:basic; with --show, --crm or --user
    api:calls:read:extensive, and api:calls:read:media-url for `--show media`.
    """
    wish = Wish.of(form, output, resume, limit)
    content = _content(show, crm)
    users, call_ids = check_ids("--user", user or []), check_ids("call", ids or [])
    is_detailed = content.to_json() != {} or bool(users)
    with opened_gong(config, account, "calls") as opened:
        wanted = {"ids": call_ids, "from": from_text, "to": to_text, "workspace": workspace, "form": wish.form}
        question = opened.question("calls", **wanted, content=content.to_json(), users=users, limit=limit)
        asked = opened.gong.calls
        if call_ids and not is_detailed:
            deliver_by_id("call", CallSummary, _CALL_COLUMNS, question, asked.get, call_ids, wish, opened.progress)
            return
        period = None if call_ids and from_text is None else opened.period(from_text, to_text)
        sought: list[Sought] = []

        def ask(window: Window | None, cursor: str | None) -> Batches:
            if not is_detailed and window is not None:
                return asked.list(window.from_time, window.to_time, workspace_id=workspace, cursor=cursor)
            wanted = _filter(window, call_ids, workspace, users)
            sought.append(Sought(asked.details(wanted, content, cursor=cursor), call_ids, _id_of_details))
            return sought[-1]

        shown = [f"metaData.{name}" for name in _CALL_COLUMNS] if is_detailed else _CALL_COLUMNS
        row = CallDetails if is_detailed else CallSummary
        reading = Reading(what="calls", row=row, shown=shown, question=question, ask=ask, period=period)
        deliver(reading, wish, opened.progress)
        say_unknown("call", sought[-1].unknown if sought and period is None else [])


_CALL_COLUMNS = ("started", "duration", "direction", "title", "id")


def _id_of_details(row: GongAnswer) -> str | None:
    return row.meta_data.id if isinstance(row, CallDetails) and row.meta_data else None


def _content(show: list[str] | None, crm: str) -> Content:
    parts = PARTS if show and "all" in show else tuple(show or ())
    unknown = [one for one in parts if one not in PARTS]
    if unknown:
        raise ConfigError(f"--show {unknown[0]}: there are {', '.join(PARTS)}, and all")
    context: dict[str, Literal["None", "Basic", "Extended"]] = {"none": "None", "links": "Basic", "fields": "Extended"}
    return Content(parts=parts, context=context[crm])


def _filter(window: Window | None, ids: list[str], workspace: str | None, users: list[str]) -> CallFilter:
    begin, end = (None, None) if window is None else (window.from_time, window.to_time)
    return CallFilter(from_time=begin, to_time=end, call_ids=ids, workspace_id=workspace, primary_user_ids=users)


def transcripts(
    ids: IdsArgument = None,
    from_text: FromOption = None,
    to_text: ToOption = None,
    by: Annotated[
        Literal["call", "sentence"] | None,
        typer.Option(help="A row for each call, or for each sentence; without it by call in jsonl, else by sentence."),
    ] = None,
    workspace: WorkspaceOption = None,
    form: FormatOption = None,
    output: OutputOption = None,
    resume: ResumeOption = False,
    limit: LimitOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """What was said, by when calls began or by their ids. Scope api:calls:read:transcript."""
    wish = Wish.of(form, output, resume, limit)
    call_ids = check_ids("call", ids or [])
    is_whole = (by or ("call" if wish.form == "jsonl" else "sentence")) == "call"
    with opened_gong(config, account, "transcripts") as opened:
        wanted = {"ids": call_ids, "from": from_text, "to": to_text, "workspace": workspace, "form": wish.form}
        question = opened.question("transcripts", **wanted, by="call" if is_whole else "sentence", limit=limit)
        period = None if call_ids and from_text is None else opened.period(from_text, to_text)
        sought: list[Sought] = []

        def ask(window: Window | None, cursor: str | None) -> Batches:
            wanted = _filter(window, call_ids, workspace, [])
            sought.append(Sought(opened.gong.calls.transcripts(wanted, cursor=cursor), call_ids, _id_of_transcript))
            return sought[-1] if is_whole else Sentences(sought[-1])

        reading = Reading(
            what="transcripts" if is_whole else "sentences",
            row=CallTranscript if is_whole else SpokenSentence,
            shown=("callId", "transcript") if is_whole else ("callId", "speakerId", "start", "text"),
            question=question,
            ask=ask,
            period=period,
        )
        deliver(reading, wish, opened.progress)
        say_unknown("transcript of call", sought[-1].unknown if sought and period is None else [])


def _id_of_transcript(row: GongAnswer) -> str | None:
    return row.call_id if isinstance(row, CallTranscript) else None
