"""Who works at the company of a drill: the Gong users that the real ledger knows, else those of agents.csv."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gong_bridge.config.schema import Config
from gong_bridge.ledger.untouched import users_untouched
from gong_bridge.mapping.agents import COLUMNS, Agent, load_agents
from gong_bridge.model import GongUser
from gong_bridge.sandbox.people import USER_FIELDS


def users_of(config: Config, agents: Sequence[Agent]) -> dict[str | None, list[GongUser]]:
    """Gong's users by account. An account of which the ledger knows none has one for each e-mail of agents.csv."""
    known = users_untouched(config.ledger.url, config.ledger.password)
    return {name: known.get(name) or _made_of(agents) for name in config.all_accounts}


def with_more(users: Sequence[GongUser], more: Iterable[GongUser]) -> list[GongUser]:
    """Together, those that share an id or an e-mail once."""
    found = list(users)
    ids, emails = {one.id for one in found}, {one.email.lower() for one in found}
    for one in more:
        if one.id not in ids and one.email.lower() not in emails:
            found.append(one)
            ids.add(one.id)
            emails.add(one.email.lower())
    return found


def as_gong_tells(users: Iterable[GongUser]) -> tuple[dict[str, Any], ...]:
    """Items as GET /v2/users gives them."""
    return tuple(
        {
            **USER_FIELDS,
            "id": user.id,
            "emailAddress": user.email,
            "emailAliases": list(user.aliases),
            "firstName": user.name.partition(" ")[0],
            "lastName": user.name.partition(" ")[2],
            "extension": user.extension,
            "phoneNumber": user.phone_number,
            "active": user.active,
            "settings": {"telephonyCallsImported": user.telephony_calls_imported},
        }
        for user in users
    )


def agents_of(path: Path | None) -> list[Agent]:
    """The lines of agents.csv; none without one. Raises ConfigError."""
    return [] if path is None else load_agents(path)


def write_agents(path: Path, first: Iterable[Agent], others: Iterable[Agent]) -> Path:
    """An agents.csv of both; of two lines that say the same of different people, the first counts."""
    taken: set[tuple[str, str]] = set()
    rows = []
    for agent in (*first, *others):
        mine = {(name, getattr(agent, name).lower()) for name in ("extension", "login") if getattr(agent, name)}
        if not mine & taken and (mine or agent.email or agent.name):
            taken |= mine
            rows.append([getattr(agent, column) for column in COLUMNS])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def _made_of(agents: Sequence[Agent]) -> list[GongUser]:
    emails = dict.fromkeys(agent.email.lower() for agent in agents if agent.email)
    return [GongUser(id=_id_of(email), email=email) for email in emails]


def _id_of(email: str) -> str:
    return str(10**18 + int.from_bytes(hashlib.sha256(email.encode()).digest()[:6]))
