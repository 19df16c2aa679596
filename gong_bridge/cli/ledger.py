"""`gong-bridge ledger`: list, show, retry, skip and export entries."""

from __future__ import annotations

import csv
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli import hosts, ledger_upkeep, moving
from gong_bridge.cli.common import ConfigOption, JsonOption, out, print_rows, shown
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.cli.ledger_people import list_people
from gong_bridge.cli.ledger_steps import show_steps
from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.filters import EntryFilter, OfAccount
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.queries import as_json as as_json_row
from gong_bridge.ledger.queries import event_as_json
from gong_bridge.model import OPEN_STATES, State
from gong_bridge.private_file import private

app = typer.Typer(no_args_is_help=True, help="What became of each recording; retry or skip what is held.")
ledger_upkeep.register(app)
hosts.register(app)
moving.register(app)

StateOption = Annotated[list[State] | None, typer.Option("--state", help="Only these states; may be repeated.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only this source.")]
CodeOption = Annotated[str | None, typer.Option("--code", help="Only this reason code, such as unknown-person.")]
PersonOption = Annotated[
    str | None, typer.Option("--person", help='Only what waits for this person, such as "extension 299".')
]
AccountOption = Annotated[
    str | None,
    typer.Option("--account", help="Only calls in this Gong account, or for it; gong is the one under `gong`."),
]
IdsArgument = Annotated[list[int] | None, typer.Argument(help="Entry numbers, as `ledger list` shows them.")]


class By(StrEnum):
    """What a list can be grouped by."""

    PERSON = "person"


COLUMNS = {"id": "id", "source": "source", "account": "account", "state": "state", "key": "recording",
           "attempts": "tries", "due_at": "next try", "remark": "remark", "reason": "why"}  # fmt: skip


@contextmanager
def _opened(config: Path | None, account: str | None = None) -> Iterator[tuple[Ledger, OfAccount | None]]:
    """The ledger, and what is chosen by `--account`. Raises ConfigError when nobody knows such an account."""
    options = read_for_ledger(config)
    with opened_ledger(options) as ledger:
        if account is None:
            yield ledger, None
            return
        name = None if account == DEFAULT_ACCOUNT else account
        mine = OfAccount(name=name, sources=tuple(one.name for one in options.sources if one.account == name))
        if name not in options.all_accounts and not any(ledger.views.entries(EntryFilter(account=mine), limit=1)):
            raise ConfigError(f"--account: {account_is_unknown(account, options.accounts)}")
        yield ledger, mine


def _filter(
    state: list[State] | None, source: str | None, code: str | None, person: str | None, account: OfAccount | None
) -> EntryFilter:
    states = tuple(state) if state else None
    return EntryFilter(states=states, source=source, code=code, person=person, account=account)


@app.command(
    "list",
    epilog="Examples: gong-bridge ledger list --state held --code unknown-person; gong-bridge ledger list --by person",
)
def list_entries(
    config: ConfigOption = None,
    state: StateOption = None,
    source: SourceOption = None,
    code: CodeOption = None,
    person: PersonOption = None,
    account: AccountOption = None,
    limit: Annotated[
        int | None, typer.Option(help="The newest so many; 0 for all. Without it 200 in a table, all with --json.")
    ] = None,
    by: Annotated[
        By | None, typer.Option("--by", help="One line for each unknown person, with the line for agents.csv.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List entries with their state and why they wait."""
    most = (None if as_json else 200) if limit is None else limit or None
    with _opened(config, account) as (ledger, of_account):
        chosen = _filter(state, source, code, person, of_account)
        if by is By.PERSON:
            list_people(ledger, chosen, as_json=as_json)
            return
        if most is None:
            rows: Iterable[dict[str, Any]] = (as_json_row(entry) for entry in ledger.views.entries(chosen))
        else:
            newest = list(ledger.views.entries(chosen, limit=most, newest_first=True))
            rows = [as_json_row(entry) for entry in reversed(newest)]
        count = print_rows(
            rows if as_json else map(_for_people, rows), COLUMNS, as_json=as_json, empty="no such entries"
        )
    if not as_json and limit is None and count == most:
        out.print(Text(f"the newest {count}; --limit 0 shows all", style="dim"))


def _for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the table shows it: what is nought or over is left out, the call's number stands in `ledger show`."""
    waits = row["state"] in OPEN_STATES and not row["working"]
    return {**row, "due_at": row["due_at"] if waits else None, "attempts": row["attempts"] or None}


@app.command("show", epilog="Example: gong-bridge ledger show 17")
def show(
    entry: Annotated[int, typer.Argument(help="Entry number, as `ledger list` shows it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything known of one entry: its facts, the drafted call, and each step it took."""
    with _opened(config) as (ledger, _):
        found = ledger.views.get(entry)
        if found is None:
            raise ConfigError(f"there is no entry {entry}; `gong-bridge ledger list` shows the numbers")
        events = [event_as_json(event) for event in ledger.views.events(entry)]
    share_with = list(found.share_with) or None
    facts = {
        **as_json_row(found),
        "share_with": share_with,
        "draft": found.draft,
        "media": found.media,
        "notification": found.notification,
    }
    if as_json:
        sys.stdout.write(json.dumps({**facts, "events": events}, ensure_ascii=False, default=str) + "\n")
        return
    for key, value in facts.items():
        if value not in (None, ""):
            is_object = isinstance(value, (dict, list))
            words = json.dumps(value, ensure_ascii=False, indent=2) if is_object else shown(key, value)
            out.print(Text.assemble((f"{key:>18}  ", "bold"), words), soft_wrap=True)
    out.print()
    show_steps(events)


def _chosen(ids: list[int] | None, wanted: EntryFilter) -> EntryFilter:
    if not ids and wanted == EntryFilter():
        raise ConfigError("say which entries: numbers, or --state, --source, --code, --person, --account")
    return dataclasses.replace(wanted, ids=tuple(ids) if ids else None)


@app.command("retry", epilog="Examples: gong-bridge ledger retry 17; gong-bridge ledger retry --code unknown-person")
def retry(
    ids: IdsArgument = None,
    config: ConfigOption = None,
    state: StateOption = None,
    source: SourceOption = None,
    code: CodeOption = None,
    person: PersonOption = None,
    account: AccountOption = None,
) -> None:
    """Let held or rejected entries go on from where they stopped, and waiting ones without further waiting."""
    with _opened(config, account) as (ledger, of_account):
        chosen = _chosen(ids, _filter(state, source, code, person, of_account))
        now = clock.now()
        count = ledger.operator.hurry(chosen, now) + ledger.operator.retry(chosen, now)
    out.print(Text(f"{count} will be tried again"))


@app.command("skip", epilog='Example: gong-bridge ledger skip 17 --reason "test call"')
def skip(
    ids: IdsArgument = None,
    config: ConfigOption = None,
    state: StateOption = None,
    source: SourceOption = None,
    code: CodeOption = None,
    person: PersonOption = None,
    account: AccountOption = None,
    reason: Annotated[str, typer.Option(help="Kept in the ledger.")] = "skipped by the operator",
) -> None:
    """Never send these; they stay in the ledger as skipped."""
    with _opened(config, account) as (ledger, of_account):
        chosen = _chosen(ids, _filter(state, source, code, person, of_account))
        count = ledger.operator.skip_by_operator(chosen, now=clock.now(), reason=reason)
    out.print(Text(f"{count} skipped"))


@app.command("export", epilog="Example: gong-bridge ledger export --format csv --output ledger.csv")
def export(
    config: ConfigOption = None,
    form: Annotated[str, typer.Option("--format", help="jsonl or csv")] = "jsonl",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; standard output without it.")] = None,
    state: StateOption = None,
    source: SourceOption = None,
    code: CodeOption = None,
    account: AccountOption = None,
) -> None:
    """Write all entries out, one a line, without holding them in memory."""
    if form not in ("jsonl", "csv"):
        raise ConfigError(f"--format {form}: only jsonl and csv are known")
    with _opened(config, account) as (ledger, of_account):
        rows = ledger.views.export(_filter(state, source, code, None, of_account))
        if output is None:
            _write(rows, form, sys.stdout)
            return
        try:
            with open(output, "x", encoding="utf-8", newline="", opener=private) as file:
                _write(rows, form, file)
        except FileExistsError:
            raise ConfigError(f"{output} is there already; choose another name") from None
        except OSError as error:
            raise ConfigError(f"{output} cannot be written: {error.strerror or error}") from None


def _write(rows: Iterator[dict[str, Any]], form: str, file: Any) -> None:
    writer = None
    for row in rows:
        if form == "jsonl":
            file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
            continue
        if writer is None:
            writer = csv.DictWriter(file, fieldnames=list(row))
            writer.writeheader()
        writer.writerow(
            {
                name: json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value
                for name, value in row.items()
            }
        )
