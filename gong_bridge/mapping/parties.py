"""Completes the parties of a call with what is known of people: the user ids of colleagues and the primary user."""

from __future__ import annotations

from typing import Any

from gong_bridge.errors import BadMetadata
from gong_bridge.mapping.people import Company, People
from gong_bridge.mapping.phones import same_number
from gong_bridge.model import GongUser


def complete_parties(values: dict[str, Any], people: People, company: Company) -> tuple[dict[str, Any], dict[str, str]]:
    """`values` with `userId` filled into every party whose e-mail is a Gong user's, and into the primary user's party.

    The primary user's party is the one with the user's id; else the one with an e-mail, phone number or extension of
    the user. Returns the new values and, for what was filled in, where it came from. Values that have no parties or no
    known primary user come back as they are: the checks name that. Raises BadMetadata when two parties could be the
    primary user's.
    """
    parties = values.get("parties")
    if not isinstance(parties, list) or not all(isinstance(party, dict) for party in parties):
        return values, {}
    completed = [dict(party) for party in parties]
    origins: dict[str, str] = {}
    for index, party in enumerate(completed):
        email = party.get("emailAddress")
        user = people.user_by_email(email) if isinstance(email, str) and not party.get("userId") else None
        if user is not None:
            party["userId"] = user.id
            origins[f"parties[{index}].userId"] = f"Gong users: by parties[{index}].emailAddress"
    primary = people.user_by_id(str(values.get("primaryUser", "")))
    if primary is not None and not any(str(party.get("userId")) == primary.id for party in completed):
        found = _places_of(primary, completed, people, company)
        if len(found) > 1:
            raise BadMetadata(
                f"parties: {len(found)} parties have a number of the primaryUser; write userId into the right one"
            )
        for index, field in found:
            completed[index]["userId"] = primary.id
            origins[f"parties[{index}].userId"] = f"primaryUser: by parties[{index}].{field}"
    return {**values, "parties": completed}, origins


def _places_of(
    user: GongUser, parties: list[dict[str, Any]], people: People, company: Company
) -> list[tuple[int, str]]:
    """The parties without a user id that carry a number of `user`, and in which field."""
    found = []
    extensions = people.extensions_of(user)
    for index, party in enumerate(parties):
        number = party.get("phoneNumber")
        if party.get("userId") or number is None:
            continue
        text = str(number).strip()
        if text in extensions or (user.phone_number and same_number(text, user.phone_number, company.country)):
            found.append((index, "phoneNumber"))
    return found
