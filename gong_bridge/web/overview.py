"""What the status page, health and metrics tell: read from the ledger at one moment, changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gong_bridge.ledger.allowance_rows import AllowanceState
from gong_bridge.ledger.backfill_words import order_in_words
from gong_bridge.ledger.backfills import OPEN_ORDERS
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import Pause
from gong_bridge.ledger.quota import in_words, learned_in_words
from gong_bridge.model import Entry, EntryEvent, SourceHealth, State
from gong_bridge.web.cures import Cure, cure_for, retry_command

LATEST_CHANGES = 50
_REJECTED_LOOKED_AT = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Entries that stopped for the same reason. `example` is one of them."""

    state: State
    code: str
    person: str | None
    count: int
    example: Entry | None
    cure: Cure
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One transition, with the entry that made it."""

    event: EntryEvent
    entry: Entry | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What monitors ask. counts: source -> state -> entries. `sources`: of every source, as it last reported itself.

    wrong_files: why mappings or agents.csv are not used as they are now. quota: how long what waits will take.
    learned: what other integrations use of the allowance. backfills: how far those are that are not over.
    """

    counts: dict[str, dict[str, int]]
    sources: Sequence[SourceHealth]
    pause: Pause | None
    oldest: Entry | None
    allowance: AllowanceState
    wrong_files: Sequence[str] = ()
    quota: str = ""
    learned: str = ""
    backfills: Sequence[str] = ()

    @property
    def degraded(self) -> list[str]:
        """Sources that cannot find recordings now."""
        return [one.source for one in self.sources if not one.healthy]

    def total(self, *states: State) -> int:
        """How many entries are in any of these states."""
        return sum(by_state.get(state, 0) for by_state in self.counts.values() for state in states)


def look(
    ledger: Ledger,
    allowance: LedgerAllowance,
    *,
    now: datetime,
    configured: Sequence[str] | None = None,
    by_link: bool = False,
) -> Health:
    """Health at this moment. `configured`: names of the sources that exist; the ledger may remember others.

    by_link: some recordings can be delivered by link.

    Raises LedgerReadOnly when the ledger cannot be read.
    """
    sources = [one for one in ledger.notes.health() if configured is None or one.source in configured]
    names = [one.source for one in sources] if configured is None else configured
    counts: dict[str, dict[str, int]] = {name: {} for name in names}
    counts.update(ledger.views.counts())
    state, waiting = allowance.state(now), ledger.views.waiting()
    return Health(
        counts=dict(sorted(counts.items())),
        sources=sources,
        pause=ledger.notes.pause_state(),
        oldest=ledger.views.oldest_waiting(now),
        allowance=state,
        quota=in_words(waiting, state, with_link=by_link, now=now),
        learned=learned_in_words(state),
        backfills=[
            order_in_words(one, state, with_link=by_link, now=now)
            for one in ledger.backfills.all()
            if one.state in OPEN_ORDERS
        ],
        wrong_files=ledger.notes.wrong_files(),
    )


def groups(ledger: Ledger) -> list[Group]:
    """What needs a person: held entries by reason and person, then rejected ones by reason."""
    found = [
        _group(ledger, State.HELD, held.code, held.person, held.count, held.entry_id)
        for held in ledger.views.held_groups()
    ]
    rejected: Counter[str] = Counter()
    examples: dict[str, int] = {}
    for entry in ledger.views.entries(EntryFilter(states=(State.REJECTED,)), limit=_REJECTED_LOOKED_AT):
        code = entry.reason_code or ""
        rejected[code] += 1
        examples.setdefault(code, entry.id)
    found += [_group(ledger, State.REJECTED, code, None, rejected[code], examples[code]) for code in rejected]
    return found


def latest_changes(ledger: Ledger) -> list[Change]:
    """The last transitions, newest first."""
    events = ledger.views.latest_events(LATEST_CHANGES)
    ids = tuple({event.entry_id for event in events})
    entries = {entry.id: entry for entry in ledger.views.entries(EntryFilter(ids=ids))}
    return [Change(event=event, entry=entries.get(event.entry_id)) for event in events]


def _group(ledger: Ledger, state: State, code: str, person: str | None, count: int, example_id: int) -> Group:
    return Group(
        state=state,
        code=code,
        person=person,
        count=count,
        example=ledger.views.get(example_id),
        cure=cure_for(code, given_up=state is State.REJECTED),
        command=retry_command(state=state, code=code or None, person=person),
    )
