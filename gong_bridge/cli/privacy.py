"""`gong-bridge privacy find|erase|list|allow|audit|key`: what there is of a person, and erasing it for good."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge import clock
from gong_bridge.cli import privacy_shown
from gong_bridge.cli.common import EXIT_PERSON_NEEDED, ConfigOption, JsonOption, err, out, print_rows
from gong_bridge.cli.gong_opening import gong_behind_live
from gong_bridge.cli.gong_progress import ExportProgress
from gong_bridge.cli.ledger_access import opened_ledger, read_for_ledger
from gong_bridge.config.schema import Config
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.suppressions import Suppressed
from gong_bridge.mapping.agents import Agent, load_agents
from gong_bridge.privacy.addresses import Address, email_address, mentions, phone_number
from gong_bridge.privacy.erasing import People, Recordings
from gong_bridge.privacy.in_gong import InGongs
from gong_bridge.privacy.keyring import Keyring, new_key
from gong_bridge.privacy.recordings import Place
from gong_bridge.receive.patience import Patience
from gong_bridge.routes.reach import reach_of
from gong_bridge.routes.routing import build_source

app = typer.Typer(no_args_is_help=True, help="What there is of a person, in Gong and here; erase it, and keep it so.")

EmailOption = Annotated[
    str | None, typer.Option("--email", help="The person's e-mail address; - asks for it, or reads standard input.")
]
PhoneOption = Annotated[
    str | None, typer.Option("--phone", help="The person's number, in any spelling; - asks for it, as above.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, kw_only=True)
class _Opened:
    options: Config
    ledger: Ledger
    keyring: Keyring
    people: People


@app.command("key", epilog="Example: gong-bridge privacy key > /etc/gong-bridge/privacy.key")
def key() -> None:
    """Print a new key for `privacy: key`. Keep it with the other keys, not with copies of the ledger."""
    sys.stdout.write(new_key() + "\n")


@app.command(
    "find",
    epilog="Examples: gong-bridge privacy find --phone -; gong-bridge privacy find --email a@example.com --json",
)
def find(
    email: EmailOption = None, phone: PhoneOption = None, as_json: JsonOption = False, config: ConfigOption = None
) -> None:
    """What Gong and this ledger have of a person, and where the recordings lie. Scope api:data-privacy:read.

    Changes nothing. Exit code 1 when a Gong account could not be asked.
    """
    options = read_for_ledger(config)
    address = _address(options, email, phone)
    with _opened(options) as opened:
        found = opened.people.find(address, clock.now())
    if as_json:
        privacy_shown.print_json(found)
    else:
        privacy_shown.show(found)
    if any(one.trouble for one in found.in_gong):
        raise typer.Exit(EXIT_PERSON_NEEDED)


@app.command(
    "erase",
    epilog="Examples: gong-bridge privacy erase --phone - --dry-run; gong-bridge privacy erase --email - --recordings "
    "delete",
)
def erase(
    email: EmailOption = None,
    phone: PhoneOption = None,
    recordings: Annotated[
        Recordings,
        typer.Option("--recordings", help="list says where they lie; delete deletes them and their sidecars."),
    ] = Recordings.LIST,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Erase a person: in Gong, in this ledger, and (if told) the recordings. Scopes api:data-privacy:read and :delete.

    From then on no recording with this person is sent; `privacy list` shows them as a keyed hash. It may be repeated
    at any time, and goes on where it was stopped. Exit code 1 when something is left to do.
    """
    options = read_for_ledger(config)
    _check_can_ask(yes=yes or dry_run, reads_input="-" in (email, phone))
    address = _address(options, email, phone)
    Keyring(options.privacy).digest(address)  # without a key nothing is begun
    if not dry_run:
        # A run would make the ledger, too, and upload what lies there of the person before the list keeps it back.
        Ledger.open(options.ledger.url, options.ledger.password).close()
    with _opened(options) as opened:
        _refuse_our_own(opened, address)
        privacy_shown.show(opened.people.find(address, clock.now()))
        delete = recordings is Recordings.DELETE
        if dry_run:
            privacy_shown.say_what_would_be_done(delete=delete)
            return
        if not yes and not typer.confirm(privacy_shown.question(delete=delete), err=True):
            err.print("nothing was erased")
            raise typer.Exit(EXIT_PERSON_NEEDED)
        outcome = opened.people.erase(address, recordings, actor=_actor(), host=socket.gethostname())
    privacy_shown.show_outcome(outcome)
    if outcome.left:
        raise typer.Exit(EXIT_PERSON_NEEDED)


@app.command("list")
def list_people(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Who was erased, as keyed hashes: nobody can be told from them."""
    options = read_for_ledger(config)
    known = Keyring(options.privacy).key_ids
    with opened_ledger(options) as ledger:
        rows = [privacy_shown.person_row(one, known) for one in ledger.suppressions.everybody()]
    columns = {"person": "person", "kind": "known by", "added_at": "erased", "key_id": "key", "remark": ""}
    print_rows(rows, columns, as_json=as_json, empty="nobody was erased")


@app.command(
    "allow",
    epilog="Examples: gong-bridge privacy allow --phone -; gong-bridge privacy allow 3f9a12bc04de; gong-bridge privacy "
    "allow --lost-key 1a2b3c4d",
)
def allow(
    person: Annotated[
        str | None, typer.Argument(help="As `privacy list` shows the person.", show_default=False)
    ] = None,
    email: EmailOption = None,
    phone: PhoneOption = None,
    lost_key: Annotated[
        str | None, typer.Option("--lost-key", help="Everybody who was erased under this key, which is lost.")
    ] = None,
    yes: YesOption = False,
    config: ConfigOption = None,
) -> None:
    """Take a person off the list: recordings with them are sent again. What was erased stays erased."""
    if sum(one is not None for one in (person, email, phone, lost_key)) != 1:
        raise ConfigError("say who: a person as `privacy list` shows them, --email, --phone, or --lost-key")
    options = read_for_ledger(config)
    _check_can_ask(yes=yes, reads_input="-" in (email, phone))
    address = None if person or lost_key else _address(options, email, phone)
    with opened_ledger(options) as ledger:
        meant = _meant(ledger, Keyring(options.privacy), person, lost_key, address)
        count = "1 person" if len(meant) == 1 else f"{len(meant):,} people"
        if not yes and not typer.confirm(f"Recordings with {count} are sent again from now on. Go on?", err=True):
            err.print("nobody was taken off the list")
            raise typer.Exit(EXIT_PERSON_NEEDED)
        for one in meant:
            act = ledger.privacy_acts.begin(
                "allow", person=one.person, kind=one.kind, actor=_actor(), host=socket.gethostname(), now=clock.now()
            )
            ledger.suppressions.remove([one.digest])
            ledger.privacy_acts.end(act, outcome="done", counts={}, now=clock.now())
    out.print(Text(f"{count} off the list; a skipped recording is looked at again by `gong-bridge ledger retry ID`"))


@app.command("audit")
def audit(
    limit: Annotated[int, typer.Option(help="The latest so many.", min=1)] = 100,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Who erased or allowed somebody, when, and what came of it; the person is a keyed hash."""
    options = read_for_ledger(config)
    with opened_ledger(options) as ledger:
        rows = [privacy_shown.act_row(act, as_json=as_json) for act in ledger.privacy_acts.latest(limit)]
    columns = {"begun_at": "when", "act": "act", "person": "person", "kind": "known by", "actor": "who", "host": "host",
               "counts": "what", "outcome": "outcome"}  # fmt: skip
    print_rows(rows, columns, as_json=as_json, empty="nobody was erased or allowed yet")


def _meant(
    ledger: Ledger, keyring: Keyring, person: str | None, lost_key: str | None, address: Address | None
) -> list[Suppressed]:
    digests = {} if address is None else keyring.digests([address])
    meant = [
        one
        for one in ledger.suppressions.everybody()
        if one.digest in digests or one.person == person or one.key_id == lost_key
    ]
    if not meant:
        raise ConfigError("nobody on the list is meant by that; gong-bridge privacy list shows who is on it")
    return meant


def _check_can_ask(*, yes: bool, reads_input: bool) -> None:
    if not yes and not sys.stdin.isatty():
        read = ", which is read from standard input" if reads_input else ""
        raise ConfigError(f"this asks before it does anything{read}; write --yes where nobody can answer")


def _address(options: Config, email: str | None, phone: str | None) -> Address:
    """Whom --email or --phone means. Raises ConfigError."""
    if (email is None) == (phone is None):
        raise ConfigError("say who: either --email or --phone (- keeps it out of the shell's history)")
    if email is not None:
        return email_address(_read("e-mail address") if email == "-" else email)
    return phone_number(_read("phone number") if phone == "-" else phone or "", options.company.country)


def _read(what: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(what, err=True))
    return sys.stdin.readline()


@contextmanager
def _opened(options: Config) -> Iterator[_Opened]:
    """Everything that finding and erasing needs: the ledger, each Gong account, and the sources of this host."""
    keyring = Keyring(options.privacy)
    stop = threading.Event()
    with opened_ledger(options) as ledger, ExitStack() as stack:
        progress = stack.enter_context(ExportProgress(err, "references"))
        gongs = {
            name: stack.enter_context(gong_behind_live(options, name, ledger, progress.waits))
            for name in options.all_accounts
        }
        people = People(
            ledger=ledger,
            keyring=keyring,
            country=options.company.country,
            in_gongs=InGongs(gongs, Patience(stop, progress.waits)),
            places=_places(options),
            told=_tell,
            stop=stop,
        )
        progress.give_way()
        yield _Opened(options=options, ledger=ledger, keyring=keyring, people=people)


def _tell(what: str) -> None:
    """A million entries take a minute or two to look through: a person sees that something goes on."""
    if err.is_terminal:
        err.print(Text(f"{what} ...", style="dim"))


def _places(options: Config) -> dict[str, Place]:
    return {
        source.name: Place(
            source=build_source(source),
            reach=reach_of(source, options.ledger.url),
            sidecars_apart=bool(source.sidecars),
        )
        for source in options.sources
    }


def _refuse_our_own(opened: _Opened, address: Address) -> None:
    """Erasing one of the company's own people would erase every call of theirs, and keep all later ones from Gong."""
    options, country = opened.options, opened.options.company.country
    texts = [*options.company.numbers]
    for name in options.all_accounts:
        for user in opened.ledger.people.users(name):
            texts += [user.email, *user.aliases, user.phone_number]
    texts += [agent.email for agent in _agents(options.agents)]
    if any(mentions(address, text, country) for text in texts):
        raise ConfigError(
            "this is one of the company's own: a Gong user, an agent of agents.csv or a number of company.numbers. "
            "Erasing it would erase all of their calls in Gong and keep later ones from it. For somebody who has left, "
            "remove the user in Gong and the line in agents.csv first, then run gong-bridge check --online"
        )


def _agents(path: Path | None) -> list[Agent]:
    return [] if path is None else [*load_agents(path)]


def _actor() -> str:
    """The operating system's user, and for whom sudo runs the command."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    asked = os.environ.get("SUDO_USER")
    return f"{asked} as {user}" if asked and asked != user else user
