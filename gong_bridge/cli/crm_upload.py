"""`gong-bridge crm upload`: a file of CRM objects, checked, sent once, followed to its end, its failures explained."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli.common import EXIT_WRONG_USAGE, ConfigOption, JsonOption, err, out
from gong_bridge.cli.crm_opening import CrmProgress, IntegrationOption, OpenedCrm, opened_crm
from gong_bridge.cli.crm_shown import LineTrouble, show_lines, show_status, still_going, troubles_of
from gong_bridge.cli.gong_opening import AccountOption
from gong_bridge.crm.checking import SHOWN_MISTAKES, CheckedFile, Mistake, check_file, file_size
from gong_bridge.crm.converting import Source, convert
from gong_bridge.crm.csv_map import CsvMap, load_csv_map
from gong_bridge.crm.entities import WITH_SCHEMA, Entity
from gong_bridge.crm.failed_lines import name_for_failed, write_failed_lines
from gong_bridge.crm.requests import Content, Request, begin, next_turn
from gong_bridge.crm.schema_file import load_schema
from gong_bridge.crm.sending import Sender, follow
from gong_bridge.errors import ConfigError
from gong_bridge.gong.crm import RequestIdUsed
from gong_bridge.gong.models.crm import ObjectType, RequestStatus, SchemaField, UploadType
from gong_bridge.readable import printable

UPLOAD_TYPES: tuple[UploadType, ...] = get_args(UploadType)
_WAIT_SECONDS = 3600.0


def register(app: typer.Typer) -> None:
    """Add `upload` to the commands."""
    app.command(
        "upload",
        epilog="Examples: gong-bridge crm upload ACCOUNT accounts.jsonl; gong-bridge crm upload DEAL deals.jsonl "
        "--dry-run",
    )(upload)


def upload(
    object_type: Annotated[
        str, typer.Argument(help="ACCOUNT, CONTACT, DEAL, LEAD, BUSINESS_USER or STAGE.", metavar="TYPE")
    ],
    file: Annotated[Path, typer.Argument(help="One JSON object a line.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file, and send nothing.")] = False,
    schema: Annotated[
        Path | None, typer.Option("--schema", help="Check by this schema file (crm schema --file), not by Gong's.")
    ] = None,
    csv_map: Annotated[
        Path | None, typer.Option("--map", help="The file is a CSV; this YAML file says which column is which field.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Send it also when Gong has taken the same file.")] = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for Gong to work it in.")
    ] = _WAIT_SECONDS,
    most: Annotated[int, typer.Option("--mistakes", min=1, help="Show so many mistakes.")] = SHOWN_MISTAKES,
    as_json: JsonOption = False,
    integration: IntegrationOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Check a file of CRM objects, send it once, and follow it until Gong has taken it in. Scope api:crm:upload.

    Repeating the command is safe: it asks Gong what became of the file before it sends anything.
    """
    kind = next((one for one in UPLOAD_TYPES if one == object_type), None)
    if kind is None:
        raise ConfigError(f"{object_type!r} is no object type; there are {', '.join(UPLOAD_TYPES)}, in capitals")
    if csv_map is None and file.suffix.lower() == ".csv":
        raise ConfigError(f"{file} is a CSV; say with --map which column is which field (docs/gong-api.md)")
    described = None if schema is None else load_schema(schema).as_gong_has_it(kind)
    map_of_csv = None if csv_map is None else load_csv_map(csv_map)
    if map_of_csv is not None and map_of_csv.object_type != kind:
        raise ConfigError(f"{csv_map} makes objects of {map_of_csv.object_type}, not of {kind}")
    with opened_crm(config, account, keeps=not dry_run) as opened, ExitStack() as stack:
        integration_id = None
        if described is None and kind in WITH_SCHEMA:
            integration_id = opened.integration_id(integration)
            described = schema_in_gong(opened, integration_id, kind)
        entity = Entity(kind, described or ())
        source = stack.enter_context(_read_as(file, map_of_csv, entity, opened.progress))
        checked = _check(opened, source, entity, most)
        if dry_run:
            opened.progress.stop()
            out.print(
                Text(f"{printable(str(file))}: {checked.lines:,} objects, all right; nothing was sent"), soft_wrap=True
            )
            return
        integration_id = integration_id or opened.integration_id(integration)
        task = Upload(opened, source, checked, kind, integration_id)
        status = task.send_and_follow(again=again, wait_seconds=wait)
        opened.progress.stop()
        raise typer.Exit(task.tell(status, as_json=as_json))


def schema_in_gong(opened: OpenedCrm, integration_id: str, kind: UploadType) -> tuple[SchemaField, ...]:
    """The fields that the company added to an object type; none of those that can have none."""
    return next(
        (
            opened.harmlessly(partial(opened.crm.schema, integration_id, one))
            for one in get_args(ObjectType)
            if one == kind
        ),
        (),
    )


@contextmanager
def _read_as(file: Path, map_of_csv: CsvMap | None, entity: Entity, progress: CrmProgress) -> Iterator[Source]:
    """The file as it is to be sent: itself, or what a map makes of a CSV, in a file that goes again."""
    if map_of_csv is None:
        yield Source.of_lines(file)
        return
    with tempfile.TemporaryDirectory(prefix="gong-bridge-") as folder:
        progress.begin(f"reading {file.name}", file_size(file))
        yield convert(file, map_of_csv, entity, Path(folder) / "objects.jsonl", told=progress.moved)


def _check(opened: OpenedCrm, source: Source, entity: Entity, most: int) -> CheckedFile:
    """Check all of it. Raises typer.Exit(2) when there are mistakes, and has shown them."""
    opened.progress.begin(f"checking {source.file.name}", file_size(source.sent))
    checked = check_file(source.sent, entity, most=most, told=opened.progress.moved)
    mistakes = [LineTrouble(line=source.place(one.line)[0], what=_with_field(one, source)) for one in checked.mistakes]
    mistakes += [LineTrouble(line=one.line, what=one.what) for one in source.mistakes]
    mistakes = sorted(mistakes, key=lambda one: one.line)[:most]
    count = checked.mistake_count + source.mistake_count
    if count:
        opened.progress.stop()
        show_lines(str(source.file), mistakes, count)
        err.print(
            Text(f"{count:,} mistake{'s' * (count > 1)}; nothing was sent. Mend them and begin again.", style="red"),
            soft_wrap=True,
        )
        raise typer.Exit(EXIT_WRONG_USAGE)
    return checked


def _with_field(mistake: Mistake, source: Source) -> str:
    return f"{mistake.field}: {mistake.what}{source.origin_of(mistake.field)}" if mistake.field else mistake.what


class Upload:
    """One checked file on its way into Gong."""

    def __init__(
        self, opened: OpenedCrm, source: Source, checked: CheckedFile, kind: UploadType, integration_id: str
    ) -> None:
        self._opened = opened
        self._source = source
        self._checked = checked
        self._kind = kind
        self._integration_id = integration_id
        self._content = Content(
            account=opened.account, integration_id=integration_id, what=kind, digest=checked.sha256,
            file=source.file.name,
        )  # fmt: skip
        self._was_taken_before = False
        self._request: Request | None = None

    def send_and_follow(self, *, again: bool, wait_seconds: float) -> RequestStatus:
        """Have Gong take the file, unless it has; its last status."""
        opened, requests = self._opened, self._opened.ledger.crm_requests
        request = begin(requests, self._content, clock.now(), again=again)
        if request.is_done:
            self._was_taken_before = True
        else:
            request = self._sent(request, again=again)
        self._request = request
        opened.progress.begin("Gong works it in")
        status = follow(
            opened.crm, self._integration_id, request.id, patience=opened.patience, stop=opened.stop,
            wait_seconds=wait_seconds, told=lambda word: opened.progress.begin(f"Gong works it in: {word}"),
        )  # fmt: skip
        if status.has_ended:
            requests.end(request.note, status.status)
        return status

    def _sent(self, request: Request, *, again: bool) -> Request:
        """The request under which Gong has the file."""
        while True:
            sender = Sender(self._opened.crm, self._integration_id, request, self._opened.patience)
            try:
                self._was_taken_before = not sender.send(partial(self._send, request.id))
            except RequestIdUsed:
                # Another ledger, or one that was lost, has sent this very file.
                if not again:
                    self._was_taken_before = True
                    return request
                request = next_turn(self._opened.ledger.crm_requests, request, self._content, clock.now())
                continue
            return request

    def _send(self, request_id: str) -> None:
        progress, checked = self._opened.progress, self._checked
        progress.begin(f"sending {self._source.file.name}", checked.size_bytes)
        self._opened.crm.upload(
            self._integration_id, self._kind, request_id, checked.opened, checked.size_bytes, progress.moved
        )

    def tell(self, status: RequestStatus, *, as_json: bool) -> int:
        """Say how it ended, in terms of the person's own file; the exit code."""
        assert self._request is not None
        if self._was_taken_before:
            err.print(
                Text(
                    f"Gong has had this file since {self._request.note.begun_at:%Y-%m-%d %H:%M}Z or before; it was not "
                    "sent now (--again sends it once more)"
                ),
                soft_wrap=True,
            )
        errors = [one for one in status.errors or () if status.has_ended]
        if errors:
            places = [self._source.place(one.line or 0) for one in errors]
            troubles = [
                LineTrouble(line=place[0], what=one.what)
                for place, one in zip(places, troubles_of(errors), strict=True)
            ]
            show_lines(str(self._source.file), troubles, status.total_error_count or len(errors))
            self._keep_failed([place for place in places if place[0]], status)
        code = show_status(self._request.id, status, as_json=as_json)
        if not status.has_ended:
            still_going(self._request.id)
        return code

    def _keep_failed(self, places: Sequence[tuple[int, int]], status: RequestStatus) -> None:
        if not places:
            err.print(
                Text("Gong could take nothing of the file: mend what it says, and send it again."), soft_wrap=True
            )
            return
        target = name_for_failed(self._source.file)
        write_failed_lines(self._source.file, places, target, heading=self._source.has_heading)
        err.print(
            Text(f"The failed lines are in {printable(str(target))}: mend them, and upload that file."), soft_wrap=True
        )
        if (status.total_error_count or 0) > len(places):
            err.print(
                Text("Gong names 20 failed lines at most: mend the whole file and upload it, until it is DONE."),
                soft_wrap=True,
            )
