"""What the status page, health and metrics tell: read from the ledger at one moment, changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gong_bridge.account.gate import Gate
from gong_bridge.config.accounts import account_name
from gong_bridge.errors import LedgerReadOnly
from gong_bridge.ledger.allowance_rows import AllowanceState
from gong_bridge.ledger.backfill_words import order_in_words
from gong_bridge.ledger.backfills import OPEN_ORDERS, BackfillOrder
from gong_bridge.ledger.bridge_words import Home, missing_in_words
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.notes import Pause, PausedByHand
from gong_bridge.ledger.quota import in_words, learned_in_words
from gong_bridge.ledger.receipts import KeptReceipt
from gong_bridge.model import Entry, EntryEvent, SourceHealth, State
from gong_bridge.receipt.night_watch import NightSeen, NightWatch
from gong_bridge.web.cures import Cure, cure_for, retry_command

LATEST_CHANGES = 50


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
class Watched:
    """A Gong account that is looked at. name: None is the one under `gong`. sources: that use it; None: all.

    by_link: some of its recordings can be delivered by link. gate: of the running bridge, which knows of a pause that
    could not be written down.
    """

    allowance: LedgerAllowance
    name: str | None = None
    sources: tuple[str, ...] | None = None
    by_link: bool = False
    gate: Gate | None = None

    def untold_pause(self, now: datetime) -> Pause | None:
        """Why the running bridge waits, for a ledger that does not say so because nothing can be written to it."""
        cause = None if self.gate is None else self.gate.cause
        if self.gate is None or not isinstance(cause, LedgerReadOnly):
            return None
        since = now - timedelta(seconds=self.gate.closed_seconds())
        return Pause(code=cause.code, reason=cause.message, until=now, since=since, account=self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountHealth:
    """How one Gong account is doing. quota: how long what waits for it will take.

    learned: what other integrations use of the allowance. backfills: how far those are that are not over.
    """

    name: str
    pause: Pause | None
    allowance: AllowanceState
    quota: str = ""
    learned: str = ""
    backfills: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What monitors ask. counts: source -> state -> entries. `sources`: of every source, as it last reported itself.

    accounts: the one under `gong` first. wrong_files: why mappings or agents.csv are not used as they are now.
    backfills: orders that are not over.
    waits: reason code -> entries that wait by themselves. failing: parts of a bridge that fail again and again.
    missing: bridges that are not seen any more, and what waits for a bridge that does not run, in words.
    lacking: receipts of the last month that say that something is missing in Gong, or there twice.
    nights: the nightly receipt of each account, where they are made.
    """

    counts: dict[str, dict[str, int]]
    sources: Sequence[SourceHealth]
    accounts: Sequence[AccountHealth]
    oldest: Entry | None
    paused_by_hand: Sequence[PausedByHand] = ()
    wrong_files: Sequence[str] = ()
    backfills: Sequence[BackfillOrder] = ()
    waits: Mapping[str, int] = field(default_factory=dict)
    failing: Sequence[str] = ()
    missing: Sequence[str] = ()
    lacking: Sequence[KeptReceipt] = ()
    nights: Sequence[NightSeen] = ()

    @property
    def paused(self) -> list[AccountHealth]:
        """Accounts that cannot be used now."""
        return [account for account in self.accounts if account.pause is not None]

    @property
    def degraded(self) -> list[str]:
        """Sources that cannot find recordings now."""
        return [one.source for one in self.sources if not one.healthy]

    def total(self, *states: State) -> int:
        """How many entries are in any of these states."""
        return sum(by_state.get(state, 0) for by_state in self.counts.values() for state in states)


def look(
    ledger: Ledger,
    accounts: Sequence[Watched],
    *,
    now: datetime,
    configured: Sequence[str] | None = None,
    home: Home | None = None,
    nightly: NightWatch | None = None,
) -> Health:
    """Health at this moment. `configured`: names of the sources that exist; the ledger may remember others.

    `home`: whose view it is of the bridges on the ledger; None tells nothing of them. `nightly`: what receipts
    bridge.yaml wants every night.

    Raises LedgerReadOnly when the ledger cannot be read.
    """
    sources = [one for one in ledger.notes.health() if configured is None or one.source in configured]
    names = [one.source for one in sources] if configured is None else configured
    counts: dict[str, dict[str, int]] = {name: {} for name in names}
    counts.update(ledger.views.counts())
    backfills = [one for one in ledger.backfills.all() if one.state in OPEN_ORDERS]
    return Health(
        counts=dict(sorted(counts.items())),
        sources=sources,
        accounts=[_look_at_account(ledger, one, backfills, now) for one in accounts],
        oldest=ledger.views.oldest_waiting(now),
        paused_by_hand=ledger.notes.paused_by_hand(),
        wrong_files=ledger.notes.wrong_files(),
        backfills=backfills,
        waits=ledger.views.waiting_counts(),
        failing=ledger.notes.failing(),
        missing=() if home is None else missing_in_words(ledger, home, now),
        lacking=ledger.receipts.lacking(now),
        nights=() if nightly is None else nightly.look(ledger, now),
    )


def _look_at_account(
    ledger: Ledger, watched: Watched, backfills: Sequence[BackfillOrder], now: datetime
) -> AccountHealth:
    state = watched.allowance.state(now)
    waiting = ledger.views.waiting(watched.sources)
    return AccountHealth(
        name=account_name(watched.name),
        pause=watched.untold_pause(now) or ledger.notes.pause_state(watched.name),
        allowance=state,
        quota=in_words(waiting, state, with_link=watched.by_link, now=now),
        learned=learned_in_words(state),
        backfills=[
            order_in_words(one, state, with_link=watched.by_link, now=now)
            for one in backfills
            if watched.sources is None or one.lane.source in watched.sources
        ],
    )


def groups(ledger: Ledger) -> list[Group]:
    """What needs a person: held entries by reason and person, then rejected ones by reason."""
    found = [
        _group(ledger, State.HELD, held.code, held.person, held.count, held.entry_id)
        for held in ledger.views.held_groups()
    ]
    found += [
        _group(ledger, State.REJECTED, rejected.code, None, rejected.count, rejected.entry_id)
        for rejected in ledger.views.rejected_groups()
    ]
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
