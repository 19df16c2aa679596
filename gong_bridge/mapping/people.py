"""Who is inside the company: its number plan, and the Gong user behind an extension, login, e-mail or name; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from gong_bridge.errors import BadMetadata, ConfigError, UnknownPerson, UnusableUser
from gong_bridge.mapping.agents import COLUMNS, Agent
from gong_bridge.mapping.patterns import guarded_pattern
from gong_bridge.mapping.words import unknown
from gong_bridge.model import GongUser

KINDS = ("id", "email", "extension", "login", "name", "phone")
"""What a person can be looked for by; `id` is Gong's user id, `phone` the number that Gong shows for the user."""
_REPORTED_KINDS = ("extension", "login", "email", "name")
_EXTENSION_WORD = re.compile(r"^(?:extension|ext|x)[\s.:]*", re.IGNORECASE)
_USER_ID = re.compile(r"\d{12,}")  # Gong's ids are longer than any extension
_DIALLED = re.compile(r"[+\d*#][\d\s()./*#-]*")


_LONGEST_EXTENSION = 32
_LONGEST_VALUE = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Company:
    """What recorders leave out, as one source sees it.

    country: ISO 3166, two capital letters, for phone numbers written without one.
    time_zone: zone of this source's local times.
    extensions: pattern that a whole internal extension matches; ConfigError when it could run away.
    numbers: the company's own public numbers, as written in the configuration.
    """

    country: str
    time_zone: ZoneInfo
    extensions: re.Pattern[str]
    numbers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            guarded_pattern(self.extensions.pattern)
        except ValueError as error:
            raise ConfigError(f"company.extensions: {error}") from None

    def has_extension(self, text: str) -> bool:
        """Is `text` as a whole one of the company's internal extensions, by its number plan?"""
        return 0 < len(text) <= _LONGEST_EXTENSION and self.extensions.fullmatch(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A Gong user, and the line of agents.csv that led there (None: found in Gong itself)."""

    user: GongUser
    agent: Agent | None = None

    @property
    def extension(self) -> str:
        """The extension by agents.csv, else by Gong; may be empty."""
        return (self.agent.extension if self.agent else "") or _plain_extension(self.user.extension)


class People:
    """Everybody who can be the company's side of a call."""

    def __init__(self, agents: Sequence[Agent], users: Sequence[GongUser]) -> None:
        self._by_id = {user.id: user for user in users}
        self._by_email = _index(users, lambda user: (user.email, *user.aliases))
        # an address of somebody's own wins over the same address as somebody else's alias
        self._by_email.update(_index(users, lambda user: (user.email,)))
        self._users = {
            "extension": _index(users, lambda user: (_plain_extension(user.extension),)),
            "name": _index(users, lambda user: (user.name,)),
            "phone": _index(users, lambda user: (_digits(user.phone_number),)),
        }
        self._agents = {
            "extension": _index(agents, lambda agent: (agent.extension,)),
            "login": _index(agents, lambda agent: (agent.login,)),
            "name": _index(agents, lambda agent: (agent.name,)),
            "email": _index(agents, lambda agent: (agent.email,)),
        }

    def user_by_id(self, user_id: str) -> GongUser | None:
        """The Gong user with this id."""
        return self._by_id.get(user_id)

    def user_by_email(self, email: str) -> GongUser | None:
        """The Gong user with this e-mail address or alias, in any case."""
        found = self._by_email.get(_plain(email), [])
        return found[0] if len(found) == 1 else None

    def extensions_of(self, user: GongUser) -> tuple[str, ...]:
        """All extensions of a user, by agents.csv and by Gong."""
        addresses = {_plain(address) for address in (user.email, *user.aliases)}
        lines = (agent for address in addresses for agent in self._agents["email"].get(address, []))
        found = [agent.extension for agent in lines] + [_plain_extension(user.extension)]
        return tuple(dict.fromkeys(extension for extension in found if extension))

    def find(self, value: str, kinds: Sequence[str] = ()) -> Person | None:
        """The person that `value` means when looked for by `kinds` in this order (none: by what the value looks like).

        None when nobody matches. Raises UnknownPerson when a line of agents.csv matches but leads to no Gong user, or
        when several people match, and BadMetadata when the value is too long to be anybody's.
        """
        wanted = value.strip()
        if len(wanted) > _LONGEST_VALUE:  # no line of agents.csv could cure it, and no list could show it
            raise BadMetadata(
                f"a text of {len(wanted)} characters is nobody's extension, login, e-mail address or name "
                f"({wanted[:20]!r} ...); see what the recorder wrote there, or what the mapping takes"
            )
        for kind in kinds or _likely_kinds(wanted):
            found = self._find(kind, wanted)
            if found is not None:
                return found
        return None

    def require(self, value: str, kinds: Sequence[str] = ()) -> Person:
        """As `find`; raises UnknownPerson with the line to add to agents.csv when nobody matches."""
        found = self.find(value, kinds)
        if found is not None:
            return found
        if _USER_ID.fullmatch(value.strip()) and (not kinds or "id" in kinds):
            raise UnknownPerson(
                f"{value.strip()!r} is no Gong user's id; write the id, e-mail address or extension of a user",
                kind="login",
                value=value.strip(),
            )
        likely = [kind for kind in _likely_kinds(value.strip()) if not kinds or kind in kinds]
        kind = next((kind for kind in (*likely, *kinds) if kind in _REPORTED_KINDS), "login")
        raise UnknownPerson(
            f"{kind} {value.strip()!r} is nobody in agents.csv or Gong; {_line_to_add(kind, value.strip())}",
            kind=kind,
            value=value.strip(),
        )

    def _find(self, kind: str, value: str) -> Person | None:
        if not value:
            return None
        if kind == "id":
            user = self._by_id.get(value)
            return Person(user=user) if user else None
        if kind == "email":
            return self._one("email", value, [Person(user=user) for user in self._by_email.get(_plain(value), [])])
        lines = self._agents[kind].get(_plain(value), []) if kind in self._agents else []
        if lines:
            return self._one(kind, value, [self._behind(agent, kind, value) for agent in lines])
        plain = _digits(value) if kind == "phone" else _plain(value)
        users = self._users[kind].get(plain, []) if kind in self._users and plain else []
        return self._one(kind, value, [Person(user=user) for user in users])

    def _behind(self, agent: Agent, kind: str, value: str) -> Person:
        """The Gong user that a line of agents.csv leads to: by its e-mail, else by its extension or name."""
        where = f"line {agent.line} of agents.csv"
        if agent.email:
            user = self.user_by_email(agent.email)
            if user is None:
                raise UnknownPerson(
                    f"{kind} {value!r} is {agent.email} by {where}, but no Gong user has that e-mail address; "
                    "correct the line, or add the user in Gong",
                    kind="email",
                    value=agent.email,
                )
            return Person(user=user, agent=agent)
        for other, text in (("extension", agent.extension), ("name", agent.name)):
            users = self._users[other].get(_plain(text), []) if text else []
            if len(users) == 1:
                return Person(user=users[0], agent=agent)
        raise UnknownPerson(
            f"{kind} {value!r} is on {where}, but the line has no e-mail address; add it", kind=kind, value=value
        )

    @staticmethod
    def _one(kind: str, value: str, people: list[Person]) -> Person | None:
        ids = {person.user.id for person in people}
        if len(ids) > 1:
            shown = kind if kind in _REPORTED_KINDS else "extension"
            raise UnknownPerson(
                f"{kind} {value!r} belongs to {len(ids)} Gong users; say which one: {_line_to_add(shown, value)}",
                kind=shown,
                value=value,
            )
        return people[0] if people else None


def check_usable(user: GongUser) -> None:
    """Raises UnusableUser when Gong would refuse this user as a call's primary user (R23, R24)."""
    if not user.active:
        raise UnusableUser(
            f"primaryUser: {user.email} is not active in Gong; activate the user (Gong: Company settings > "
            "Team members), or map the agent to somebody else in agents.csv"
        )
    if not user.telephony_calls_imported:
        raise UnusableUser(
            f"primaryUser: {user.email} is not set to import telephony calls; switch on "
            "'Import telephony system calls' for this user (Gong: Company settings > Team members > Data capture)"
        )


def check_kind(kind: str) -> None:
    """Raises ValueError naming the nearest kind when a person cannot be looked for by `kind`."""
    if kind not in KINDS:
        raise ValueError(unknown("kind of look-up", kind, KINDS))


def agents_line(kind: str, value: str) -> str | None:
    """The line of agents.csv that makes somebody known, but for the e-mail address; None when no line can (email)."""
    if kind == "email":
        return None
    cells = {"email": "THE.AGENT@YOUR-COMPANY", kind: value}
    return ",".join(_cell(cells.get(column, "")) for column in COLUMNS)


def _line_to_add(kind: str, value: str) -> str:
    line = agents_line(kind, value)
    return "add the user in Gong, or correct the address" if line is None else f"add a line to agents.csv: {line}"


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',";\n') else text


def _likely_kinds(value: str) -> tuple[str, ...]:
    if "@" in value:
        return ("email", "login")
    if _DIALLED.fullmatch(value):
        return ("id", "extension", "phone", "login")
    return ("login", "extension", "name", "id")


def _index(items: Iterable[object], keys: Callable[..., Iterable[str]]) -> dict[str, list]:  # type: ignore[type-arg]
    found: dict[str, list[object]] = {}
    for item in items:
        for key in dict.fromkeys(_plain(key) for key in keys(item)):
            if key:
                found.setdefault(key, []).append(item)
    return found


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _plain_extension(text: str) -> str:
    return _EXTENSION_WORD.sub("", text.strip())


def _digits(text: str) -> str:
    digits = "".join(character for character in text if character.isdigit())
    return digits if len(digits) >= 7 else ""
