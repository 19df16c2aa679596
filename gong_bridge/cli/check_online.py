"""`gong-bridge check --online`: what Gong and the buckets say of the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from gong_bridge.cli.common import fine
from gong_bridge.config.accounts import account_name
from gong_bridge.config.schema import Config
from gong_bridge.errors import BridgeError
from gong_bridge.mapping.agents import Agent
from gong_bridge.mapping.people import People, check_usable
from gong_bridge.model import GongUser
from gong_bridge.scratch import scratch_bridge
from gong_bridge.service import Bridge


def ask_outside(options: Config, agents: list[Agent]) -> Iterator[str]:
    """What Gong and the buckets say; yields what a person must mend."""
    with scratch_bridge(options) as bridge:
        yield from _ask_gong(bridge, agents)
        for name, route in bridge.routes.items():
            try:
                fine(f"source {name}: {route.source.check()}")
            except BridgeError as error:
                yield f"source {name}: {error.message}"
            for sidecars in route.sidecars.values():
                try:
                    fine(f"source {name}: sidecars {sidecars.name}: {sidecars.check()}")
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
        fine(f"{gong}: {len(users)} users, {len(importing)} of them active and set to import telephony calls")
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
