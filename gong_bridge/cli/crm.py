"""`gong-bridge crm`: what a company's own CRM tells Gong (integration, schema, objects)."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli import crm_upload
from gong_bridge.cli.common import (
    EXIT_PERSON_NEEDED,
    ConfigOption,
    JsonOption,
    err,
    out,
    print_rows,
)
from gong_bridge.cli.crm_opening import IntegrationOption, OpenedCrm, opened_crm
from gong_bridge.cli.crm_shown import LineTrouble, show_lines, show_status, still_going, troubles_of
from gong_bridge.cli.gong_opening import AccountOption
from gong_bridge.crm.requests import DELETION, Content, begin
from gong_bridge.crm.schema_file import OBJECT_TYPES, Schema, load_schema
from gong_bridge.crm.sending import Sender, follow
from gong_bridge.errors import ConfigError
from gong_bridge.gong.crm import IntegrationExists, checked_request_id
from gong_bridge.gong.models.crm import ObjectType

app = typer.Typer(
    no_args_is_help=True,
    help="Tell Gong what your own CRM knows: accounts, contacts, deals, leads, their owners and stages. For companies "
    "whose CRM has no native integration with Gong.",
)
crm_upload.register(app)
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
_IDS_AT_ONCE = 50
"""Ids have up to 64 characters and stand in the address; longer addresses are refused on the way."""
_DELETION_WAIT_SECONDS = 20.0
_SHOWN_REQUESTS = 20


@app.command("list")
def list_integrations(as_json: JsonOption = False, account: AccountOption = None, config: ConfigOption = None) -> None:
    """The integration that was registered, if there is one. Scope api:crm:integrations:read."""
    with opened_crm(config, account) as opened:
        found = opened.harmlessly(opened.crm.integrations)
    rows = [one.model_dump(by_alias=True, exclude_none=True) for one in found]
    columns = {"integrationId": "integration", "name": "name", "ownerEmail": "owner"}
    print_rows(rows, columns, as_json=as_json, empty="Gong has no CRM integration: gong-bridge crm register")


@app.command("register", epilog="Example: gong-bridge crm register --name 'Our CRM' --owner crm-owner@example.com")
def register(
    name: Annotated[str, typer.Option("--name", help="What Gong shall call the integration.")],
    owner: Annotated[str, typer.Option("--owner", help="The e-mail address of the person who answers for it.")],
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Make the integration; there can be one. Repeating it does no harm. Scope api:crm:integration:register."""
    if not name.strip() or "@" not in owner:
        raise ConfigError("--name must have a word, and --owner must be an e-mail address")
    with opened_crm(config, account) as opened:

        def made() -> str:
            present = opened.crm.integrations()
            if not present:
                return opened.crm.register(name, owner)
            (one,) = present[:1]
            if (one.name, one.owner_email) == (name, owner) and one.integration_id is not None:
                return one.integration_id
            raise IntegrationExists(
                f"Gong has a CRM integration already: {one.name!r}, id {one.integration_id}. There can be one: use it, "
                "or delete it first (gong-bridge crm delete)"
            )

        integration_id = opened.harmlessly(made)
    out.print(Text(f"The integration is registered: {integration_id}"), soft_wrap=True)


@app.command("schema", epilog="Examples: gong-bridge crm schema ACCOUNT; gong-bridge crm schema --file crm.yaml")
def schema(
    types: Annotated[list[str] | None, typer.Argument(help="ACCOUNT, CONTACT, DEAL, LEAD; all without it.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Set the fields that this YAML file names.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only compare the file with Gong.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    integration: IntegrationOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Show or set the fields that you add to Gong's own. Scope api:crm:schema."""
    wanted = _types(types or [])
    if file is None:
        if dry_run:
            raise ConfigError("--dry-run needs --file")
        with opened_crm(config, account) as opened:
            _show_schema(opened, opened.integration_id(integration), wanted or OBJECT_TYPES, as_json=as_json)
        return
    if wanted:
        raise ConfigError("say object types, or --file, which names its own")
    described = load_schema(file)
    with opened_crm(config, account) as opened:
        _set_schema(opened, opened.integration_id(integration), described, dry_run=dry_run, yes=yes)


def _types(said: Sequence[str]) -> list[ObjectType]:
    unknown = [one for one in said if one not in OBJECT_TYPES]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} has no schema; there are {', '.join(OBJECT_TYPES)}, in capitals")
    return [one for one in OBJECT_TYPES if one in said]


def _show_schema(opened: OpenedCrm, integration_id: str, types: Sequence[ObjectType], *, as_json: bool) -> None:
    rows = []
    for one in types:
        fields = opened.harmlessly(partial(opened.crm.schema, integration_id, one))
        rows += [{"objectType": one, **field.model_dump(by_alias=True, exclude_none=True)} for field in fields]
    if not as_json:
        rows = [{**row, "orderedValueList": ", ".join(row.get("orderedValueList", ()))} for row in rows]
    columns = {
        "objectType": "object", "uniqueName": "field", "label": "label", "type": "type", "referenceTo": "refers to",
        "orderedValueList": "values",
    }  # fmt: skip
    opened.progress.stop()
    print_rows(rows, columns, as_json=as_json, empty="No fields were added to Gong's own.")


def _set_schema(opened: OpenedCrm, integration_id: str, described: Schema, *, dry_run: bool, yes: bool) -> None:
    lost: list[str] = []
    for one in described.fields:
        present = opened.harmlessly(partial(opened.crm.schema, integration_id, one))
        described.check_complete(one, present)
        lost += described.data_lost(one, present)
    opened.progress.stop()
    for loss in lost:
        err.print(Text(f"warning: {loss}", style="yellow"), soft_wrap=True)
    if dry_run:
        out.print("The file is right; nothing was sent.")
        return
    if lost:
        confirm("Delete this data in Gong?", yes=yes)
    for one, fields in described.fields.items():
        opened.harmlessly(partial(opened.crm.upload_schema, integration_id, one, fields))
        out.print(Text(f"{one}: {len(fields)} {'field' if len(fields) == 1 else 'fields'}"), soft_wrap=True)


@app.command("objects", epilog="Example: gong-bridge crm objects DEAL 8608553 8608554")
def objects(
    object_type: Annotated[str, typer.Argument(help="ACCOUNT, CONTACT, DEAL or LEAD.")],
    ids: Annotated[list[str], typer.Argument(help="The objects, by the ids of your CRM.")],
    integration: IntegrationOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """What Gong has of these objects, one JSON object a line. Scope api:crm:get-objects."""
    (kind,) = _types([object_type])
    absent = []
    with opened_crm(config, account) as opened:
        integration_id = opened.integration_id(integration)
        for some in batches(ids):
            found = opened.harmlessly(partial(opened.crm.objects, integration_id, kind, some))
            for one in some:
                if found.get(one) is None:
                    absent.append(one)
                else:
                    sys.stdout.write(json.dumps(found[one], ensure_ascii=False) + "\n")
    for one in absent:
        err.print(Text(f"Gong has no {kind} {one}", style="magenta"), soft_wrap=True)
    if absent:
        raise typer.Exit(EXIT_PERSON_NEEDED)


def batches(ids: Sequence[str]) -> list[list[str]]:
    """The ids in portions that fit into one request."""
    return [[*ids[at : at + _IDS_AT_ONCE]] for at in range(0, len(ids), _IDS_AT_ONCE)]


@app.command("status", epilog="Example: gong-bridge crm status gb-account-0123456789abcdef-1")
def status(
    request_id: Annotated[str | None, typer.Argument(help="The request; without it the latest are listed.")] = None,
    as_json: JsonOption = False,
    integration: IntegrationOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """How an upload or a deletion stands. Scope api:crm:upload."""
    if request_id is not None:
        _check_request_id(request_id)
    with opened_crm(config, account) as opened:
        if request_id is None:
            _show_requests(opened, as_json=as_json)
            return
        known = next((one for one in opened.ledger.crm_requests.all() if one.client_request_id == request_id), None)
        said = integration or (known.integration_id if known else None)
        integration_id = opened.integration_id(said)
        found = opened.harmlessly(lambda: opened.crm.request_status(integration_id, request_id))
        if known is not None and found.has_ended:
            opened.ledger.crm_requests.end(known, found.status)
    if not as_json and found.errors:
        total = found.total_error_count or len(found.errors)
        show_lines(known.file if known and known.file else "line", troubles_of(found.errors), total)
    code = show_status(request_id, found, as_json=as_json)
    if code:
        raise typer.Exit(code)


def _check_request_id(request_id: str) -> None:
    try:
        checked_request_id(request_id)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _show_requests(opened: OpenedCrm, *, as_json: bool) -> None:
    rows = [
        {
            "at": one.begun_at.isoformat(),
            "what": one.what,
            "file": one.file,
            "outcome": one.outcome or "not known",
            "request": one.client_request_id,
        }
        for one in opened.ledger.crm_requests.all()[: None if as_json else _SHOWN_REQUESTS]
    ]
    opened.progress.stop()
    columns = {"at": "begun", "outcome": "outcome", "request": "request", "file": "file"}
    print_rows(rows, columns, as_json=as_json, empty="No CRM request was made with this ledger.")


@app.command("delete", epilog="Example: gong-bridge crm delete --yes")
def delete(
    yes: YesOption = False,
    integration: IntegrationOption = None,
    account: AccountOption = None,
    config: ConfigOption = None,
) -> None:
    """Delete the integration and all its objects in Gong. Scope api:crm:integration:delete."""
    with opened_crm(config, account, keeps=True) as opened:
        integration_id = opened.integration_id(integration)
        opened.progress.stop()
        confirm(f"Delete integration {integration_id} and all its CRM objects in Gong? There is no way back.", yes=yes)
        requests = opened.ledger.crm_requests
        content = Content(account=opened.account, integration_id=integration_id, what=DELETION)
        request = begin(requests, content, clock.now())
        Sender(opened.crm, integration_id, request, opened.patience).send(
            lambda: opened.crm.delete(integration_id, request.id)
        )
        found = follow(
            opened.crm, integration_id, request.id, patience=opened.patience, stop=opened.stop,
            wait_seconds=_DELETION_WAIT_SECONDS, told=lambda _status: None,
        )  # fmt: skip
        if found.has_ended:
            requests.end(request.note, found.status)
    if not found.has_ended:
        out.print(Text("Gong has taken the order; the deletion may take 24 hours."), soft_wrap=True)
        still_going(request.id)
        return
    for error in found.errors or ():
        show_lines("deletion", [LineTrouble(line=0, what=error.description or "")], 1)
    if found.status != "DONE":
        raise typer.Exit(show_status(request.id, found, as_json=False))
    out.print(Text("The integration and its objects are deleted."), soft_wrap=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask the person who stands there. Raises ConfigError where nobody stands, typer.Exit(1) when they say no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked here; say --yes")
    if not typer.confirm(question, default=False, err=True):
        err.print("Nothing was changed.")
        raise typer.Exit(EXIT_PERSON_NEEDED)
