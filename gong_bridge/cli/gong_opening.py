"""What every `gong-bridge gong` command needs: options that they share, and a Gong behind live recordings."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gong_bridge import clock
from gong_bridge.account.agents_file import AgentsFile
from gong_bridge.account.directory import Directory
from gong_bridge.cli.common import err
from gong_bridge.cli.gong_progress import ExportProgress
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown, account_name
from gong_bridge.config.schema import Config
from gong_bridge.errors import ConfigError
from gong_bridge.gong.connection import Gong
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.owner import owner_name
from gong_bridge.receive.days import days_of, period_of
from gong_bridge.receive.opening import opened_behind_live
from gong_bridge.receive.windows import Window

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", help="From this day or time on: 2026-01-31, 2026-01-31T08:30, ...+02:00, yesterday, 7d (days ago)."
    ),
]
ToOption = Annotated[
    str | None, typer.Option("--to", help="Until the end of this day, or until this time; without it, until now.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="table, jsonl, csv or parquet; without it as --output ends, or table.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="A file; the screen without it. It is there when it is whole.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the --output that an earlier command began, if there is one.")
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many rows.")]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="The Gong account of `accounts:`; the one under `gong` without it.")
]
WorkspaceOption = Annotated[str | None, typer.Option("--workspace", help="Only this workspace, by its Gong id.")]
UserOption = Annotated[list[str] | None, typer.Option("--user", help="Only this user, by Gong id; may be repeated.")]
IdsArgument = Annotated[list[str] | None, typer.Argument(help="Only these, by their Gong ids.", show_default=False)]

_ID = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A Gong to ask, and what local days mean."""

    gong: Gong
    ledger: Ledger
    options: Config
    progress: ExportProgress
    account: str | None
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.options.company.time_zone)

    def directory(self) -> Directory:
        """Who is who in this account, as the bridge knows it."""
        agents = AgentsFile(self.options.agents, self.ledger)
        return Directory(
            ledger=self.ledger, users=self.gong.users, agents=agents, owner=owner_name(), account=self.account
        )

    def period(self, from_text: str | None, to_text: str | None) -> Window:
        """What --from and --to mean. Raises ConfigError."""
        return asked_period(from_text, to_text, self.zone, self.now)

    def days(self, from_text: str | None, to_text: str | None) -> tuple[date, date]:
        """What --from and --to mean for statistics. Raises ConfigError."""
        return days_of(_said(from_text), to_text, zone=self.zone, now=self.now)

    def question(self, command: str, **said: Any) -> dict[str, Any]:
        """What was asked, to be compared when it is gone on with."""
        return {"command": command, "account": account_name(self.account), **said}


def asked_period(from_text: str | None, to_text: str | None, zone: ZoneInfo, now: datetime) -> Window:
    """What --from and --to mean. Raises ConfigError."""
    return period_of(_said(from_text), to_text, zone=zone, now=now)


def _said(from_text: str | None) -> str:
    if from_text is None:
        raise ConfigError("say from when, such as --from 2026-01-31 or --from 7d")
    return from_text


def account_called(options: Config, account: str | None) -> str | None:
    """The account that `--account` means. Raises ConfigError when there is none of that name."""
    name = None if account in (None, DEFAULT_ACCOUNT) else account
    if name not in options.all_accounts:
        raise ConfigError(f"--account: {account_is_unknown(str(name), options.accounts)}")
    return name


@contextmanager
def opened_gong(config: Path | None, account: str | None, what: str) -> Iterator[Opened]:
    """The account's Gong, within the allowance of the ledger and behind new recordings. Raises ConfigError."""
    options = read_for_ledger(config)
    name = account_called(options, account)
    with (
        opened_ledger(options) as ledger,
        ExportProgress(err, what) as progress,
        gong_behind_live(options, name, ledger, progress.waits) as gong,
    ):
        yield Opened(gong=gong, ledger=ledger, options=options, progress=progress, account=name, now=clock.now())


@contextmanager
def gong_behind_live(options: Config, name: str | None, ledger: Ledger, told: Callable[[str], None]) -> Iterator[Gong]:
    """One account's Gong, behind new recordings; name: None is the one under `gong`. told: why it waits."""
    with opened_behind_live(
        name, options.all_accounts[name], ledger=ledger, owner=owner_name(), lease_seconds=options.ledger.lease,
        stop=threading.Event(), told=told,
    ) as gong:  # fmt: skip
        yield gong


def check_ids(option: str, ids: Sequence[str]) -> list[str]:
    """The ids, each up to 20 digits. Raises ConfigError that names the one that is none."""
    for one in ids:
        if not _ID.fullmatch(one):
            raise ConfigError(f"{option} {one!r} is no Gong id; ids have up to 20 digits, as these lists show them")
    return [*ids]
