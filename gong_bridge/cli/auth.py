"""`gong-bridge auth login|status|logout`: OAuth in place of an access key."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import typer
from rich.table import Table
from rich.text import Text

from gong_bridge import clock
from gong_bridge.account.logging_in import tokens_of
from gong_bridge.cli.auth_callback import wait_for_callback
from gong_bridge.cli.common import EXIT_PERSON_NEEDED, ConfigOption, err, out
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.config.accounts import DEFAULT_ACCOUNT, account_is_unknown, account_name
from gong_bridge.config.checks import is_this_machine
from gong_bridge.config.oauth import OAuthOptions
from gong_bridge.config.schema import Config
from gong_bridge.errors import ConfigError
from gong_bridge.gong.oauth import OAuth
from gong_bridge.gong.scopes import SHARING, needed_scopes, scopes_of_commands
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.mapping.engine import load_mapping
from gong_bridge.mapping.library import find_mapping
from gong_bridge.owner import owner_name
from gong_bridge.tokens import Tokens

app = typer.Typer(no_args_is_help=True, help="Log in to Gong with OAuth in place of an access key.")

AccountOption = Annotated[
    str | None,
    typer.Option("--account", help="Which of `accounts`; the one under `gong` without it.", show_default=False),
]
LONGEST_LOG_IN_SECONDS = 600.0


@app.command("login", epilog="Example: gong-bridge auth login --paste")
def login(
    account: AccountOption = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="Paste the address to which the browser was sent, instead of listening.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Show where a technical administrator of Gong allows the bridge in, and keep what Gong gives for it."""
    options = read_for_ledger(config)
    oauth = _oauth_of(options, account)
    needed = _needed(options, account)
    wanted = tuple(sorted({*needed, *oauth.more_scopes}))
    state = secrets.token_urlsafe(24)
    err.print("A technical administrator of Gong opens this address and allows the access:\n", soft_wrap=True)
    out.print(Text(OAuth(oauth).address(wanted, state)), soft_wrap=True)
    arrived = _pasted() if paste or not is_this_machine(oauth.redirect_uri) else _listened(oauth)
    tokens = OAuth(oauth).redeem(_code_of(arrived, state))
    with Ledger.open(options.ledger.url, options.ledger.password) as ledger:
        tokens_of(account, oauth, ledger=ledger, owner=owner_name()).write(tokens)
    out.print(Text(f"Logged in to {tokens.base_url} (account {account_name(account)})."), soft_wrap=True)
    if not _show_scopes(tokens, oauth, needed):
        raise typer.Exit(EXIT_PERSON_NEEDED)


@app.command("status", epilog="Example: gong-bridge auth status --json")
def status(
    account: AccountOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    config: ConfigOption = None,
) -> None:
    """Whether this account is logged in, until when, and which scopes it has of those that are needed."""
    options = read_for_ledger(config)
    oauth = _oauth_of(options, account)
    with opened_ledger(options) as ledger:
        tokens = tokens_of(account, oauth, ledger=ledger, owner=owner_name()).read()
    needed = _needed(options, account)
    if as_json:
        sys.stdout.write(json.dumps(_facts(tokens, oauth, needed), default=str) + "\n")
        if tokens is None or _missing(tokens, oauth, needed):
            raise typer.Exit(EXIT_PERSON_NEEDED)
        return
    if tokens is None:
        out.print(Text("Nobody has logged in yet: gong-bridge auth login"), soft_wrap=True)
        raise typer.Exit(EXIT_PERSON_NEEDED)
    out.print(Text(f"Logged in to {tokens.base_url} since {tokens.got_at:%Y-%m-%d %H:%M}Z."), soft_wrap=True)
    over = " It has ended; the next request renews it." if tokens.expires_at <= clock.now() else ""
    out.print(Text(f"The access token is good until {tokens.expires_at:%Y-%m-%d %H:%M}Z and renews itself.{over}"))
    if not _show_scopes(tokens, oauth, needed):
        raise typer.Exit(EXIT_PERSON_NEEDED)


@app.command("logout", epilog="Example: gong-bridge auth logout --account emea")
def logout(account: AccountOption = None, config: ConfigOption = None) -> None:
    """Forget the tokens. Bridges that run pause within seconds to minutes; nothing is lost."""
    options = read_for_ledger(config)
    oauth = _oauth_of(options, account)
    if not ledger_exists(options.ledger.url):
        out.print("There is no ledger yet, so nobody has logged in.")
        return
    with Ledger.open(options.ledger.url, options.ledger.password) as ledger:
        gone = tokens_of(account, oauth, ledger=ledger, owner=owner_name()).forget()
    told = "The tokens are forgotten here." if gone else "Nobody was logged in."
    out.print(Text(f"{told} To withdraw the access itself, remove the integration on Gong's API page."), soft_wrap=True)


def _oauth_of(options: Config, account: str | None) -> OAuthOptions:
    name = None if account == DEFAULT_ACCOUNT else account
    if name not in options.all_accounts:
        raise ConfigError(account_is_unknown(str(account), options.accounts))
    oauth = options.all_accounts[name].oauth
    if oauth is None:
        where = "gong" if name is None else f"accounts: {name}"
        raise ConfigError(
            f"this account logs in with an access key; for OAuth write below `{where}:` "
            "oauth: {client_id: ..., client_secret: env:NAME} in place of access_key and access_key_secret"
        )
    return oauth


def _listened(oauth: OAuthOptions) -> str:
    err.print(Text(f"\nWaiting for the answer at {oauth.redirect_uri}; --paste needs no listening."), soft_wrap=True)
    try:
        return wait_for_callback(oauth.redirect_uri, LONGEST_LOG_IN_SECONDS)
    except OSError as error:
        raise ConfigError(
            f"{oauth.redirect_uri} cannot be listened to ({error.strerror}); log in with --paste, or choose another "
            "port in oauth.redirect_uri and in Gong's integration"
        ) from None
    except TimeoutError:
        raise ConfigError("nobody allowed the access within ten minutes; begin again: gong-bridge auth login") from None


def _pasted() -> str:
    err.print("\nPaste the whole address to which the browser was sent:")
    return sys.stdin.readline().strip()


def _code_of(address: str, state: str) -> str:
    """The code in an address that Gong sent the browser to. Raises ConfigError when it is not the answer to ours."""
    query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    if "error" in query:
        raise ConfigError(f"Gong did not allow the access: {query['error'][:100]}; ask a technical administrator")
    if not query.get("code") or "state" not in query:
        raise ConfigError("this is not the address to which Gong sends the browser: it holds code=... and state=...")
    if not secrets.compare_digest(query["state"].encode(), state.encode()):
        raise ConfigError("this answer belongs to another log-in (its state differs); begin again with its new address")
    return query["code"]


def _needed(options: Config, account: str | None) -> Mapping[str, str]:
    """The scopes that this account needs, and what for: sharing calls only where a mapping of its sources shares them.

    A mapping that is wrong shares nothing: people log in also while one is.
    """
    name = None if account == DEFAULT_ACCOUNT else account
    for source in options.sources:
        with suppress(ConfigError):
            mapping = find_mapping(source.mapping, options.mappings)
            if source.account == name and load_mapping(mapping, source.options).shares:
                return needed_scopes(*SHARING)
    return needed_scopes()


def _missing(tokens: Tokens, oauth: OAuthOptions, needed: Mapping[str, str]) -> list[str]:
    return sorted({*needed, *oauth.more_scopes} - set(tokens.scopes))


def _facts(tokens: Tokens | None, oauth: OAuthOptions, needed: Mapping[str, str]) -> dict[str, object]:
    if tokens is None:
        return {"logged_in": False}
    return {
        "logged_in": True,
        "base_url": tokens.base_url,
        "got_at": tokens.got_at.isoformat(),
        "expires_at": tokens.expires_at.isoformat(),
        "scopes": list(tokens.scopes),
        "missing_scopes": _missing(tokens, oauth, needed),
    }


def _show_scopes(tokens: Tokens, oauth: OAuthOptions, needed: Mapping[str, str]) -> bool:
    """Whether all that are needed are there."""
    of_commands = scopes_of_commands()
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("scope", "granted", "for"):
        table.add_column(heading, overflow="fold")
    for scope in sorted({*needed, *oauth.more_scopes, *tokens.scopes}):
        granted = scope in tokens.scopes
        only_commands = f"commands: {of_commands[scope]}" if scope in of_commands else "nothing that the bridge does"
        table.add_row(
            scope, Text("yes") if granted else Text("MISSING", style="red"), needed.get(scope, only_commands)
        )  # fmt: skip
    out.print(table)
    missing = _missing(tokens, oauth, needed)
    if missing:
        out.print(
            Text("Add what is missing to the integration on Gong's API page, then log in again.", style="yellow"),
            soft_wrap=True,
        )
    return not missing
