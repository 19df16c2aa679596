"""`gong-bridge check`: is the configuration right, and, with --online, do Gong and the buckets agree?"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, out, read_config
from gong_bridge.config.accounts import account_name
from gong_bridge.config.json_schema import bridge_schema
from gong_bridge.config.schema import BucketSource, Config
from gong_bridge.errors import BridgeError
from gong_bridge.mapping.agents import Agent, load_agents
from gong_bridge.mapping.language import mapping_schema
from gong_bridge.mapping.library import find_mapping
from gong_bridge.mapping.lint import lint
from gong_bridge.mapping.people import People, check_usable
from gong_bridge.model import GongUser
from gong_bridge.routing import build_routes
from gong_bridge.scratch import scratch_bridge
from gong_bridge.service import Bridge


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("check", epilog="Examples: gong-bridge check; gong-bridge check --online")(check)


def check(
    config: ConfigOption = None,
    online: Annotated[bool, typer.Option("--online", help="Also ask Gong for its users, and each bucket.")] = False,
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="Print the JSON Schemas of bridge.yaml and of mappings, for editors.")
    ] = False,
) -> None:
    """Read bridge.yaml, every mapping it uses and agents.csv; say every mistake with its line. Touches nothing.

    Exits 0 when all is well, 2 when the configuration is wrong, 1 when --online found something a person must mend.
    """
    if json_schema:
        schemas = {"bridge.yaml": bridge_schema(), "mapping": mapping_schema()}
        sys.stdout.write(json.dumps(schemas, indent=2) + "\n")
        return
    options = read_config(config)
    routes = build_routes(options)
    agents = load_agents(options.agents) if options.agents else []
    for source in options.sources:
        place = f"s3://{source.bucket}/{source.prefix}" if isinstance(source, BucketSource) else str(source.folder)
        zone = source.time_zone or options.company.time_zone
        goes_to = f", to the Gong account {account_name(source.account)}" if options.accounts else ""
        goes_to += f", workspace {source.workspace}" if source.workspace else ""
        mapping = routes[source.name].mapping.name
        _fine(f"source {source.name}: {place}, mapping {mapping}, local times in {zone}{goes_to}")
        for name, sidecars in source.sidecars.items():
            _fine(f"source {source.name}: sidecars {name} in {sidecars.place}")
    _fine(f"agents: {len(agents)} in {options.agents.name}" if options.agents else "agents: none configured")
    _doubt_number_plan(options, agents)
    _doubt_mappings(options)
    problems = list(_ask_outside(options, agents)) if online else []
    for problem in problems:
        out.print(Text(f"  ! {problem}", style="magenta"), soft_wrap=True)
    if problems:
        raise typer.Exit(EXIT_PERSON_NEEDED)
    _fine("everything is in order" if online else "the configuration is in order (--online also asks Gong and buckets)")
    raise typer.Exit(EXIT_FINE)


def _doubt_number_plan(options: Config, agents: list[Agent]) -> None:
    """A number plan that fits nobody is valid, and almost certainly wrong (200-299 is no regular expression)."""
    extensions = [agent.extension for agent in agents if agent.extension]
    if extensions and not any(re.fullmatch(options.company.extensions, one) for one in extensions):
        doubt = f"no extension in {options.agents.name if options.agents else 'agents.csv'} matches company.extensions"
        out.print(Text(f"  ? {doubt} {options.company.extensions!r}; it is a regular expression, such as \\d{{3}}"))


def _doubt_mappings(options: Config) -> None:
    """What `mapping lint` finds in the mappings of the user's own that are in use."""
    for name in dict.fromkeys(source.mapping for source in options.sources):
        path = find_mapping(name, options.mappings)
        if options.mappings is None or path.parent != options.mappings:
            continue
        found = lint(path)
        for finding in found:
            if finding.level == "error":
                out.print(Text(f"  ? {finding}", style="yellow"), soft_wrap=True)
        if any(finding.level == "warning" for finding in found):
            out.print(Text(f"  ? mapping {name}: gong-bridge mapping lint {name} has remarks"), soft_wrap=True)


def _ask_outside(options: Config, agents: list[Agent]) -> Iterator[str]:
    """What Gong and the buckets say; yields what a person must mend."""
    with scratch_bridge(options) as bridge:
        yield from _ask_gong(bridge, agents)
        for name, route in bridge.routes.items():
            try:
                _fine(f"source {name}: {route.source.check()}")
            except BridgeError as error:
                yield f"source {name}: {error.message}"
            for sidecars in route.sidecars.values():
                try:
                    _fine(f"source {name}: sidecars {sidecars.name}: {sidecars.check()}")
                except BridgeError as error:
                    yield f"source {name}: {error.message}"


def _ask_gong(bridge: Bridge, agents: list[Agent]) -> Iterator[str]:
    asked: list[People] = []
    for account in bridge.accounts:
        gong = f"Gong, account {account_name(account.name)}" if len(bridge.accounts) > 1 else "Gong"
        try:
            account.directory.fetch()
        except BridgeError as error:
            yield f"{gong}: {error.message}"
            continue
        users = bridge.ledger.people.users(account.name)
        importing = [user for user in users if user.active and user.telephony_calls_imported]
        _fine(f"{gong}: {len(users)} users, {len(importing)} of them active and set to import telephony calls")
        asked.append(People(agents, users))
    if len(asked) == len(bridge.accounts):  # who is not in one account may be in another that could not be asked
        yield from _unusable_agents(agents, asked)


def _unusable_agents(agents: list[Agent], asked: list[People]) -> Iterator[str]:
    """Agents whom no account knows, or none as somebody who has calls."""
    for agent in agents:
        found = [people.user_by_email(agent.email) for people in asked] if agent.email else []
        users = [user for user in found if user is not None]
        if found and not users:
            cure = "correct the address, or add the user in Gong"
            yield f"agents, line {agent.line}: no Gong user has the e-mail address {agent.email}; {cure}"
        troubles = [trouble for trouble in map(_trouble_with, users) if trouble]
        if users and len(troubles) == len(users):
            yield f"agents, line {agent.line}: {troubles[0]}"


def _trouble_with(user: GongUser) -> str:
    try:
        check_usable(user)
    except BridgeError as error:
        return error.message
    return ""


def _fine(text: str) -> None:
    out.print(Text.assemble(("  ✓ ", "green"), text), soft_wrap=True)
