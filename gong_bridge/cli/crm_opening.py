"""What every `gong-bridge crm` command needs: a Gong behind live recordings, its one integration, a progress bar."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from gong_bridge.cli.common import err
from gong_bridge.cli.gong_opening import account_called, check_ids, gong_behind_live
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.errors import BridgeError, ServiceDown, Unclear
from gong_bridge.gong.crm import Crm
from gong_bridge.gong.models.crm import CrmIntegration
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.readable import printable
from gong_bridge.receive.patience import Patience

IntegrationOption = Annotated[
    str | None,
    typer.Option("--integration", help="The integration's id; without it Gong is asked for the only one."),
]
LONG_WAIT_SECONDS = 10.0
_BAR_WIDTH = 18
_BESIDE_WORDS = _BAR_WIDTH + len("*  199.9/200.0 MB ")
Result = TypeVar("Result")


class _Moved(DownloadColumn):
    """How many bytes of how many; nothing where none move."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else super().render(task)


class CrmProgress:
    """What a command is doing and how far it is, on standard error; off a terminal long waits alone, in lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        words = Column(no_wrap=True, overflow="ellipsis", max_width=max(20, console.width - _BESIDE_WORDS))
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=words),
            BarColumn(bar_width=_BAR_WIDTH),
            _Moved(binary_units=False),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("asking Gong", total=None, visible=False)

    def __enter__(self) -> CrmProgress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, doing: str, size_bytes: int | None = None) -> None:
        """Something else from now on; size_bytes: of what it goes through."""
        self._bar.remove_task(self._task)  # a task that is reset keeps its total where it has none now
        self._task = self._bar.add_task(printable(doing), total=size_bytes)

    def moved(self, size_bytes: int) -> None:
        """So many bytes more."""
        self._bar.update(self._task, advance=size_bytes)

    def waits(self, why: str, wait_seconds: float | None = None) -> None:
        """It waits for this reason."""
        said = f"waiting{'' if wait_seconds is None else f' {wait_seconds:.0f} s'}: {why}"
        if self._console.is_terminal:
            self._bar.update(self._task, description=printable(said), visible=True)
        elif wait_seconds is None or wait_seconds >= LONG_WAIT_SECONDS:
            self._console.print(Text(said, style="dim"), soft_wrap=True)

    def stop(self) -> None:
        """A person is asked now."""
        self._bar.stop()


@dataclass(frozen=True, kw_only=True)
class OpenedCrm:
    """A CRM of Gong's to talk to."""

    crm: Crm
    ledger: Ledger
    progress: CrmProgress
    account: str | None
    stop: threading.Event
    patience: Patience

    def harmlessly(self, ask: Callable[[], Result]) -> Result:
        """What `ask` gives; it is repeated when its outcome is unknown, because repeating it changes nothing."""

        def asked() -> Result:
            try:
                return ask()
            except Unclear as unclear:
                raise ServiceDown(
                    unclear.message, http_status=unclear.http_status, request_id=unclear.request_id
                ) from None

        return self.patience.insist(asked)

    def present(self) -> CrmIntegration | None:
        """The integration that Gong has."""
        found = self.harmlessly(self.crm.integrations)
        return found[0] if found else None

    def integration_id(self, said: str | None) -> str:
        """The one that `--integration` says, or the only one. Raises BridgeError when there is none."""
        if said is not None:
            return check_ids("--integration", [said])[0]
        present = self.present()
        if present is None or present.integration_id is None:
            raise BridgeError(
                "Gong has no CRM integration yet; make one: gong-bridge crm register --name NAME --owner E-MAIL"
            )
        return present.integration_id


@contextmanager
def opened_crm(config: Path | None, account: str | None, *, keeps: bool = False) -> Iterator[OpenedCrm]:
    """The account's CRM, within the allowance and behind new recordings; keeps: in a ledger that lasts.

    Raises ConfigError.
    """
    options = read_for_ledger(config)
    name = account_called(options, account)
    with (
        Ledger.open(options.ledger.url, options.ledger.password) if keeps else opened_ledger(options) as ledger,
        CrmProgress(err) as progress,
        gong_behind_live(options, name, ledger, progress.waits) as gong,
    ):
        if keeps:
            ledger.follow_clock()
        stop = threading.Event()
        patience = Patience(stop, progress.waits)
        yield OpenedCrm(
            crm=gong.crm, ledger=ledger, progress=progress, account=name, stop=stop, patience=patience
        )  # fmt: skip
