"""With whom a call is shared besides its own people: what a mapping names becomes Gong users; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gong_bridge.errors import BadMetadata, UnknownPerson
from gong_bridge.mapping.people import People
from gong_bridge.mapping.plain_filters import is_empty
from gong_bridge.model import GongUser

MOST_SHARES = 500
"""People for one call; more is a mistake in the mapping (for everybody there are permission profiles)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Somebody to share a call with. wanted: as the mapping says. user: None while nobody was found; why says so."""

    wanted: str
    user: GongUser | None
    why: str | None = None

    @property
    def kept_as(self) -> str:
        """What the ledger keeps: the id of a user who was found never comes to mean somebody else."""
        return self.wanted if self.user is None else self.user.id

    @property
    def shown_as(self) -> str:
        """For people: the e-mail address of a user, else what the mapping says."""
        return self.wanted if self.user is None else self.user.email or self.user.id

    def to_json(self) -> dict[str, str | None]:
        """For programs."""
        user_id = None if self.user is None else self.user.id
        return {"wanted": self.wanted, "email": self.user.email if self.user else None, "user_id": user_id,
                "problem": self.why}  # fmt: skip


def named_in(value: Any) -> list[str]:
    """What `share_with` came to, flat: texts, lists of texts, and `who` of its rules. Raises BadMetadata."""
    found = list(dict.fromkeys(_texts(value, "share_with")))
    if len(found) > MOST_SHARES:
        raise BadMetadata(
            f"share_with: {len(found)} people are more than {MOST_SHARES}; correct the mapping, or let a permission "
            "profile in Gong give them access"
        )
    return found


def shares_of(named: Sequence[str], people: People, *, but_not: str) -> tuple[Share, ...]:
    """Each of them once, in order; `but_not`: the id of the primary user, whose call it is. Raises BadMetadata."""
    shares: dict[str, Share] = {}
    for wanted in named:
        share = share_of(wanted, people)
        if share.kept_as != but_not:
            shares.setdefault(share.kept_as, share)
    return tuple(shares.values())


def share_of(wanted: str, people: People) -> Share:
    """Whom this text means, or why nobody. Raises BadMetadata for a text that can be nobody's."""
    try:
        return Share(wanted=wanted, user=people.require(wanted).user)
    except UnknownPerson as nobody:
        return Share(wanted=wanted, user=None, why=nobody.message)
    except BadMetadata as wrong:
        raise BadMetadata(f"share_with: {wrong.message}") from None


def remarks_of(shares: Sequence[Share]) -> Iterator[str]:
    """What a person should know before the call is shared."""
    for share in shares:
        if share.why is not None:
            yield f"share_with: {share.why}; the call is delivered, and held then until somebody is found"
        elif share.user is not None and not share.user.active:
            yield f"share_with: {share.shown_as} is not active in Gong, and cannot open the call"


def _texts(value: Any, field: str) -> Iterator[str]:
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            place = f"{field}[{index}]"
            yield from _texts(item["who"] if isinstance(item, dict) and set(item) == {"who"} else item, place)
    elif is_empty(value):
        return
    elif isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadMetadata(
            f"{field}: {value!r} is nobody; name people by e-mail address, extension, login or Gong user id"
        )
    elif text := str(value).strip():
        yield text
