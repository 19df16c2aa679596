"""`gong-bridge check`: is the configuration right, and, with --online, do Gong and the buckets agree?"""

from __future__ import annotations

import json
import re
import sys
from typing import Annotated

import typer
from rich.text import Text

from gong_bridge.cli.common import EXIT_FINE, EXIT_PERSON_NEEDED, ConfigOption, fine, out
from gong_bridge.cli.configuration import read_config
from gong_bridge.config.accounts import account_name
from gong_bridge.config.json_schema import bridge_schema
from gong_bridge.config.schema import BucketSource, Config
from gong_bridge.mapping.agents import Agent, load_agents
from gong_bridge.mapping.language import mapping_schema
from gong_bridge.mapping.library import find_mapping
from gong_bridge.mapping.lint import lint
from gong_bridge.routes.routing import build_routes


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
        fine(f"source {source.name}: {place}, mapping {mapping}, local times in {zone}{goes_to}")
        for name, sidecars in source.sidecars.items():
            fine(f"source {source.name}: sidecars {name} in {sidecars.place}")
    fine(f"agents: {len(agents)} in {options.agents.name}" if options.agents else "agents: none configured")
    _doubt_number_plan(options, agents)
    _doubt_mappings(options)
    problems = _outside(options, agents) if online else []
    for problem in problems:
        out.print(Text(f"  ! {problem}", style="magenta"), soft_wrap=True)
    if problems:
        raise typer.Exit(EXIT_PERSON_NEEDED)
    fine("everything is in order" if online else "the configuration is in order (--online also asks Gong and buckets)")
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


def _outside(options: Config, agents: list[Agent]) -> list[str]:
    from gong_bridge.cli.check_online import ask_outside  # with it comes the whole bridge

    return list(ask_outside(options, agents))
