"""`gong-bridge gong access`: who was given access to single calls; giving it, and taking it back."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge.cli.common import EXIT_PERSON_NEEDED, ConfigOption, err, out
from gong_bridge.cli.gong_export import Wish, deliver
from gong_bridge.cli.gong_opening import AccountOption, FormatOption, Opened, OutputOption, check_ids, opened_gong
from gong_bridge.errors import BridgeError, ConfigError
from gong_bridge.gong.users_access import MOST_CALLS, UsersAccess
from gong_bridge.gong.wire import GongAnswer
from gong_bridge.mapping.people import Person
from gong_bridge.readable import printable
from gong_bridge.receive.by_id import InRequestsOf
from gong_bridge.receive.reading import Batches, Reading
from gong_bridge.receive.windows import Window

app = typer.Typer(no_args_is_help=True, help="Who was given access to single calls; give it, and take it back.")

CallsArgument = Annotated[list[str], typer.Argument(help="Calls, by their Gong ids.", show_default=False)]
WhoOption = Annotated[
    list[str],
    typer.Option("--user", help="Whom: e-mail address, extension, login or Gong id; may be repeated."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only show who that is, and change nothing.")]


class GivenAccess(GongAnswer):
    """One user of one call, for a person to read."""

    call_id: str | None = None
    email_address: str | None = None
    name: str | None = None
    user_id: str | None = None


@app.command("show", epilog="Example: gong-bridge gong access show 7782342274025937895 7782342274025937896")
def show(
    calls: CallsArgument,
    form: FormatOption = None,
    output: OutputOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Who was given access to calls by the API: by the bridge, or by another program.

    Gong does not tell who may open a call for another reason. Scope api:call-user-access:read, and api:users:read.
    """
    wish = Wish.of(form, output, False, None)
    call_ids = check_ids("call", calls)
    with opened_gong(config, account, "users with access") as opened:
        people = opened.directory().people()
        asked = opened.gong.users_access

        def rows(some: Sequence[str]) -> Sequence[GongAnswer]:
            found = []
            for call in asked.get(some):
                for user in call.users or ():
                    known = people.user_by_id(user.user_id or "")
                    address, name = (known.email, known.name) if known else (None, None)
                    row = GivenAccess(call_id=call.call_id, email_address=address, name=name, user_id=user.user_id)
                    found.append(row)
            return found

        def ask(_window: Window | None, cursor: str | None) -> Batches:
            return InRequestsOf(MOST_CALLS, rows, call_ids, cursor)

        question = opened.question("access show", calls=call_ids, form=wish.form)
        shown = ("callId", "emailAddress", "name", "userId")
        reading = Reading(what="users with access", row=GivenAccess, shown=shown, question=question, ask=ask)
        deliver(reading, wish, opened.progress)


@app.command(
    "add", epilog="Example: gong-bridge gong access add 7782342274025937895 --user team.lead@example.com --user 204"
)
def add(
    calls: CallsArgument,
    user: WhoOption,
    dry_run: DryRunOption = False,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Give users access to calls. Whoever has it keeps it, so that repeating this is harmless.

    Scope api:call-user-access:write, and api:users:read.
    """
    _change(calls, user, config, account, dry_run=dry_run, words=("give", "gave"), of=_adding)


@app.command("remove", epilog="Example: gong-bridge gong access remove 7782342274025937895 --user 204 --dry-run")
def remove(
    calls: CallsArgument,
    user: WhoOption,
    dry_run: DryRunOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take it back without asking.")] = False,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Take back access that was given by the API. Access for another reason (a profile, sharing in Gong) stays.

    Scope api:call-user-access:write, and api:users:read.
    """
    if not (yes or dry_run or sys.stdin.isatty()):
        raise ConfigError("this asks before it takes anything back; write --yes where nobody can answer")
    words = ("take back", "took back")
    _change(calls, user, config, account, dry_run=dry_run, words=words, of=_removing, ask=not yes)


_Change = Callable[[Mapping[str, Sequence[str]]], None]


def _adding(access: UsersAccess) -> _Change:
    return access.add


def _removing(access: UsersAccess) -> _Change:
    return access.remove


def _change(
    calls: Sequence[str], user: Sequence[str], config: Path | None, account: str | None, *, dry_run: bool,
    words: tuple[str, str], of: Callable[[UsersAccess], _Change], ask: bool = False,
) -> None:  # fmt: skip
    """words: what is done, now and afterwards."""
    call_ids = list(dict.fromkeys(check_ids("call", calls)))
    with opened_gong(config, account, "access") as opened:
        people = _people(opened, user)
        named = ", ".join(_named(person) for person in people)
        access = f"access to {f'{len(call_ids):,} calls' if len(call_ids) > 1 else f'call {call_ids[0]}'}: {named}"
        opened.progress.give_way()
        if dry_run:
            out.print(Text(f"would {words[0]} {access}"), soft_wrap=True)
            return
        if ask and not typer.confirm(f"{words[0]} {access}?"):
            raise typer.Exit(EXIT_PERSON_NEEDED)
        _send(of(opened.gong.users_access), call_ids, [person.user.id for person in people])
        out.print(Text(f"{words[1]} {access}"), soft_wrap=True)


def _people(opened: Opened, user: Sequence[str]) -> list[Person]:
    """Everybody who was named, once. Raises UnknownPerson before anything is changed."""
    directory = opened.directory()
    found = [directory.find(value) for value in user]
    return list({person.user.id: person for person in found}.values())


def _send(change: _Change, call_ids: Sequence[str], user_ids: Sequence[str]) -> None:
    for done in range(0, len(call_ids), MOST_CALLS):
        try:
            change(dict.fromkeys(call_ids[done : done + MOST_CALLS], user_ids))
        except BridgeError as error:
            err.print(Text(error.message), soft_wrap=True)
            left = f"{done:,} of {len(call_ids):,} calls are done; repeating the whole command is harmless"
            err.print(Text(left, style="yellow"), soft_wrap=True)
            raise typer.Exit(EXIT_PERSON_NEEDED) from None


def _named(person: Person) -> str:
    return printable(person.user.email or person.user.name or person.user.id)
