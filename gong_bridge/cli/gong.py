"""`gong-bridge gong`: what Gong has (calls, transcripts, users, stats, settings, library) on the screen or in files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from gong_bridge.cli import gong_access, gong_calls, gong_stats
from gong_bridge.cli.common import ConfigOption
from gong_bridge.cli.gong_export import Wish, deliver, deliver_by_id, say_unknown
from gong_bridge.cli.gong_opening import (
    AccountOption,
    FormatOption,
    IdsArgument,
    LimitOption,
    OutputOption,
    ResumeOption,
    WorkspaceOption,
    check_ids,
    opened_gong,
)
from gong_bridge.gong.connection import Gong
from gong_bridge.gong.models.library import LibraryCall, LibraryFolder
from gong_bridge.gong.models.settings import KeywordTracker, Scorecard, Workspace
from gong_bridge.gong.models.users import SettingChange, UserRow
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.receive.by_id import Sought
from gong_bridge.receive.reading import Batches, Reading
from gong_bridge.receive.windows import Window

app = typer.Typer(
    no_args_is_help=True,
    help="What Gong has, on the screen or in files. Asks within gong.limits, and behind new recordings.",
)
gong_calls.register(app)
stats = gong_stats.app
access = gong_access.app
settings = typer.Typer(no_args_is_help=True, help="What the company has set up: workspaces, scorecards, trackers.")
library = typer.Typer(no_args_is_help=True, help="The public folders of the library, and the calls in them.")


@app.command(
    "users",
    epilog="Examples: gong-bridge gong users --output users.csv; gong-bridge gong users --from 30d; gong-bridge gong "
    "users --history 7782342274025937895",
)
def users(
    ids: IdsArgument = None,
    from_text: Annotated[str | None, typer.Option("--from", help="Only those created since this day or time.")] = None,
    to_text: Annotated[str | None, typer.Option("--to", help="... and until then.")] = None,
    history: Annotated[str | None, typer.Option("--history", help="What was set for this user, and when.")] = None,
    avatars: Annotated[bool, typer.Option("--avatars", help="Also those that stand for Gong's own people.")] = False,
    form: FormatOption = None,
    output: OutputOption = None,
    resume: ResumeOption = False,
    limit: LimitOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Everybody, those with these ids, or what was set for one of them before. Scope api:users:read."""
    wish = Wish.of(form, output, resume, limit)
    user_ids = check_ids("user", ids or [])
    of_history = check_ids("--history", [history] if history else [])
    with opened_gong(config, account, "users") as opened:
        asked = opened.gong.users
        wanted = {"ids": user_ids, "history": history, "from": from_text, "to": to_text, "avatars": avatars}
        question = opened.question("users", **wanted, form=wish.form, limit=limit)
        if of_history:
            shown = ("time", "setting", "value")
            get = asked.settings_history
            deliver_by_id(
                "user", SettingChange, shown, question, get, of_history, wish, opened.progress, what="changes"
            )  # fmt: skip
            return
        if len(user_ids) == 1 and from_text is None:
            deliver_by_id("user", UserRow, _USER_COLUMNS, question, asked.get, user_ids, wish, opened.progress)
            return
        created = None if from_text is None else opened.period(from_text, to_text)
        sought: list[Sought] = []

        def ask(_window: Window | None, cursor: str | None) -> Batches:
            if not user_ids and created is None:
                return asked.list(include_avatars=avatars, cursor=cursor)
            begin, end = (None, None) if created is None else (created.from_time, created.to_time)
            chosen = asked.chosen(
                ids=user_ids, created_from=begin, created_to=end, include_avatars=avatars, cursor=cursor
            )
            sought.append(Sought(chosen, user_ids, _id_of_user))
            return sought[-1]

        reading = Reading(what="users", row=UserRow, shown=_USER_COLUMNS, question=question, ask=ask)
        deliver(reading, wish, opened.progress)
        say_unknown("user", sought[-1].unknown if sought and created is None else [])


def _id_of_user(row: GongAnswer) -> str | None:
    return row.id if isinstance(row, UserRow) else None


_USER_COLUMNS = ("emailAddress", "extension", "active", "settings.telephonyCallsImported", "id")


@settings.command("workspaces")
def workspaces(
    form: FormatOption = None, output: OutputOption = None, account: AccountOption = None, config: ConfigOption = None
) -> None:
    """The workspaces, with the ids that --workspace and `workspace:` of a source take. Scope api:workspaces:read."""
    shown = ("name", "description", "id")
    _one_page("workspaces", Workspace, shown, form, output, account, config, lambda gong: gong.settings.workspaces())


@settings.command("scorecards")
def scorecards(
    form: FormatOption = None, output: OutputOption = None, account: AccountOption = None, config: ConfigOption = None
) -> None:
    """The scorecards with their questions. Scope api:settings:scorecards:read."""
    shown = ("scorecardName", "enabled", "reviewMethod", "questions", "scorecardId")
    _one_page("scorecards", Scorecard, shown, form, output, account, config, lambda gong: gong.settings.scorecards())


@settings.command("trackers")
def trackers(
    workspace: WorkspaceOption = None, form: FormatOption = None, output: OutputOption = None,
    account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """The keyword trackers. Scope api:settings:trackers:read."""
    shown = ("trackerName", "affiliation", "saidAt", "workspaceId", "trackerId")
    _one_page(
        "trackers", KeywordTracker, shown, form, output, account, config,
        lambda gong: gong.settings.trackers(workspace_id=workspace), workspace=workspace,
    )  # fmt: skip


@library.command("folders")
def folders(
    workspace: WorkspaceOption = None, form: FormatOption = None, output: OutputOption = None,
    account: AccountOption = None, config: ConfigOption = None,
) -> None:  # fmt: skip
    """The public folders. Scope api:library:read."""
    shown = ("name", "updated", "parentFolderId", "id")
    _one_page(
        "folders", LibraryFolder, shown, form, output, account, config,
        lambda gong: gong.library.folders(workspace_id=workspace), workspace=workspace,
    )  # fmt: skip


def _one_page(
    what: str, row: type[GongAnswer], shown: Sequence[str], form: str | None, output: Path | None,
    account: str | None, config: Path | None, ask: Callable[[Gong], Batches], **said: object,
) -> None:  # fmt: skip
    """A list that Gong gives in one go: nothing to go on with."""
    wish = Wish.of(form, output, False, None)
    with opened_gong(config, account, what) as opened:
        question = opened.question(what, form=wish.form, **said)
        reading = Reading(
            what=what, row=row, shown=shown, question=question, ask=lambda _window, _cursor: ask(opened.gong)
        )
        deliver(reading, wish, opened.progress)


@library.command("calls", epilog="Example: gong-bridge gong library calls 8000000000000000001")
def folder_calls(
    folder: Annotated[list[str], typer.Argument(help="Folders, by the ids that `library folders` shows.")],
    form: FormatOption = None,
    output: OutputOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """The calls in a folder. Scope api:library:read."""
    wish = Wish.of(form, output, False, None)
    folder_ids = check_ids("folder", folder)
    with opened_gong(config, account, "calls") as opened:
        asked = opened.gong.library

        def get(folder_id: str) -> tuple[LibraryCall, ...] | None:
            content = asked.folder_content(folder_id)
            return None if content is None else content.calls or ()

        question = opened.question("library calls", folders=folder_ids, form=wish.form)
        shown = ("title", "created", "note", "id")
        deliver_by_id(
            "folder", LibraryCall, shown, question, get, folder_ids, wish, opened.progress, what="calls"
        )  # fmt: skip


for _group, _name in ((stats, "stats"), (settings, "settings"), (library, "library"), (access, "access")):
    app.add_typer(_group, name=_name)
