"""What a mapping made of many recordings, folded into few lines as they come: counts, causes, people, identities; pure.

Memory stays bounded by the number of different causes and by one short digest for each call.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gong_bridge.errors import Held, MissingSidecar, NotYetComplete, UnknownPerson
from gong_bridge.mapping.agents import Agent
from gong_bridge.mapping.engine import Mapping
from gong_bridge.mapping.facts import Known
from gong_bridge.mapping.people import Company, People, agents_line
from gong_bridge.mapping.shares import Share
from gong_bridge.mapping.sidecars import NothingBeside
from gong_bridge.model import Completeness, GongUser, MediaInfo, ObjectFacts, Recording

_FIGURES = re.compile(r"\d[\d.,]*")  # the same cause with other figures is the same cause
_MOST_CAUSES = 10_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one recording. `person` is (kind, value) of somebody unknown; `request` what would be sent.

    share_with: who would be given access to the call.
    """

    source: str
    key: str
    mapping: str
    verdict: str
    code: str | None = None
    reason: str | None = None
    person: tuple[str, str] | None = None
    warnings: tuple[str, ...] = ()
    request: dict[str, Any] | None = field(default=None, repr=False)
    share_with: tuple[Share, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """One line of --json; `agents_line` is ready for agents.csv but for the e-mail address."""
        person = None
        if self.person is not None:
            kind, value = self.person
            person = {"kind": kind, "value": value, "agents_line": agents_line(kind, value)}
        return {
            "source": self.source, "key": self.key, "mapping": self.mapping, "verdict": self.verdict,
            "code": self.code, "reason": self.reason, "person": person, "warnings": list(self.warnings),
            "request": self.request, "share_with": [share.to_json() for share in self.share_with],
        }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause and how many recordings have it, with the first of them."""

    count: int
    verdict: str
    reason: str
    example: str


class Tally:
    """Outcomes, added one by one."""

    def __init__(self) -> None:
        self.total = 0
        self.counts: Counter[tuple[str, str, str]] = Counter()
        self.people: Counter[tuple[str, str]] = Counter()
        self.shared: Counter[str] = Counter()
        """Who would be given access, to how many calls; those who are nobody yet are among the causes."""
        self._causes: dict[tuple[str, str], list[Any]] = {}
        self._identities: dict[bytes, str] = {}
        self._shared: set[bytes] = set()

    def add(self, outcome: Outcome) -> None:
        """Count one recording."""
        self.total += 1
        self.counts[outcome.source, outcome.mapping, outcome.verdict] += 1
        if outcome.person is not None:
            self.people[outcome.person] += 1
        if outcome.reason is not None:
            reason = _without_names(outcome.reason, outcome.key)
            if outcome.person is not None:  # each is in the list of people, with the line to add
                reason = reason.partition("; add a line to agents.csv")[0].replace(repr(outcome.person[1]), "*")
            self._cause(outcome.verdict, reason, outcome.key)
        self.shared.update(share.shown_as for share in outcome.share_with if share.user is not None)
        for warning in outcome.warnings:
            self._cause("sent, remark", warning, outcome.key)
        if outcome.request is not None:
            self._identity(str(outcome.request["clientUniqueId"]), outcome.key)

    @property
    def held(self) -> bool:
        """Would any recording be held?"""
        return any(verdict == "held" for _, _, verdict in self.counts)

    def causes(self) -> Iterator[Cause]:
        """Every cause, by verdict, the most frequent first."""
        found = sorted(self._causes.items(), key=lambda item: (item[0][0], -item[1][0]))
        for about, (count, reason, key) in found:
            yield Cause(count=count, verdict=about[0], reason=reason, example=key)

    def _cause(self, verdict: str, reason: str, key: str) -> None:
        about = (verdict, _FIGURES.sub("#", reason))
        if about in self._causes:
            self._causes[about][0] += 1
        elif len(self._causes) < _MOST_CAUSES:
            self._causes[about] = [1, reason, key]

    def _identity(self, client_unique_id: str, key: str) -> None:
        digest = hashlib.sha256(client_unique_id.encode("utf-8", "surrogatepass")).digest()[:12]
        first = self._identities.setdefault(digest, key)
        if first is key:
            return
        reason = "the same clientUniqueId: Gong would take them for one call; put into it what differs"
        if digest not in self._shared:
            self._shared.add(digest)
            self._cause("sent once", reason, first)
        self._cause("sent once", reason, key)


def _without_names(reason: str, key: str) -> str:
    """The reason with `*` for the recording's own name, so that the same cause reads the same."""
    folder, slash, name = key.rpartition("/")
    stem = name.rpartition(".")[0] or name
    shown = reason.replace(folder + slash, "") if folder else reason
    return shown.replace(stem, "*") if len(stem) > 3 else shown


class NamesOnly:
    """What a mapping makes of names of files that are not here: a minute of mono each, and whoever agents.csv knows.

    Gong is not asked: an e-mail address in a line of agents.csv, or in a name, is taken to be somebody's.
    """

    def __init__(
        self, *, mapping: Mapping, source: str, company: Company, agents: Sequence[Agent], now: datetime
    ) -> None:
        self._mapping, self._source, self._company, self._now = mapping, source, company, now
        self._agents = tuple(agents)
        self._users = [GongUser(id=f"7{agent.line:04}", email=agent.email) for agent in agents if agent.email]
        self._people = People(self._agents, self._users)
        self._media = MediaInfo(
            container="wav", codec="pcm_s16le", channels=1, sample_rate_hz=8000, duration_seconds=60.0,
            declared_bytes=None, present_bytes=1000, completeness=Completeness.WHOLE, fingerprint="0" * 32,
        )  # fmt: skip

    def look(self, key: str) -> Outcome:
        """What becomes of the recording that is called `key`."""
        name, source = self._mapping.name, self._source
        if self._mapping.is_sidecar(key):
            return Outcome(source=source, key=key, mapping=name, verdict="not taken", reason="a sidecar by its name")
        try:
            return self._compose(key)
        except UnknownPerson as error:
            if error.kind == "email" and not any(user.email == error.value for user in self._users):
                self._take_for_users([error.value])
                return self.look(key)
            person = (error.kind, error.value)
            return Outcome(
                source=source, key=key, mapping=name, verdict="held", code=error.code, reason=error.message,
                person=person,
            )  # fmt: skip
        except (MissingSidecar, NotYetComplete) as error:
            reason = "what its sidecar says decides; a name alone does not tell"
            return Outcome(source=source, key=key, mapping=name, verdict="waits", code=error.code, reason=reason)
        except Held as error:
            return Outcome(
                source=source, key=key, mapping=name, verdict="held", code=error.code, reason=error.message
            )  # fmt: skip

    def left_out(self, key: str) -> Outcome:
        """A name that the source's include and exclude leave alone."""
        reason = "the source's include and exclude leave it out"
        return Outcome(source=self._source, key=key, mapping=self._mapping.name, verdict="not taken", reason=reason)

    def _compose(self, key: str) -> Outcome:
        composition = self._mapping.compose(
            Known(
                recording=Recording(
                    source=self._source,
                    key=key,
                    version="1",
                    size_bytes=1000,
                    modified_at=self._now - timedelta(days=1),
                ),
                media=self._media,
                company=self._company,
                people=self._people,
                now=self._now,
                sidecar_wait_seconds=0.0,
                beside=NothingBeside(),
                describe=ObjectFacts,
            )
        )
        draft = composition.draft
        strangers = [one.wanted for one in composition.share_with if one.user is None and "@" in one.wanted]
        if strangers:
            self._take_for_users(strangers)
            return self._compose(key)
        return Outcome(
            source=self._source, key=key, mapping=self._mapping.name, verdict="skipped" if draft is None else "sent",
            reason=composition.skip_reason, warnings=composition.warnings,
            request=None if draft is None else draft.to_json(), share_with=composition.share_with,
        )  # fmt: skip

    def _take_for_users(self, addresses: Sequence[str]) -> None:
        for address in addresses:
            self._users.append(GongUser(id=f"8{len(self._users):04}", email=address))
        self._people = People(self._agents, self._users)
