"""A day's recordings against the calls that Gong lists: there, waiting, missing, doubled or a stranger's; pure.

Each recording counts once, on the day and for the source that the ledger says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from gong_bridge.ledger.receipts import RecordedFile
from gong_bridge.model import OPEN_STATES, State

YOUNG = timedelta(minutes=15)
"""Gong may list a call some minutes after it took it: what was delivered so recently waits, and is not missing."""
MOST_KEPT = 100
"""So many calls of each kind are kept by name with a receipt; the counts know of all."""
NEWER_VERSION = "newer-version"
"""Why a delivered file is not counted: newer media of the same call was delivered after it."""
NOT_OURS = ""
"""In place of a source: calls that no source of ours recorded."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedCall:
    """A call that Gong has. url: where a person looks at it."""

    call_id: str
    url: str | None
    client_unique_id: str | None
    started_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Settled:
    """One recording, and the call that is spoken of. entry_id: None when no recording of ours has it."""

    entry_id: int | None
    call_id: str | None
    url: str | None = None


@dataclass(kw_only=True, slots=True)
class SourceReceipt:
    """What became of one day's recordings of one source. own: calls without any clientUniqueId, Gong's own.

    The lists hold what can be looked at one by one; skipped: reason -> recordings.
    """

    recorded: int = 0
    waiting: int = 0
    held: int = 0
    own: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    in_gong: list[Settled] = field(default_factory=list)
    missing: list[Settled] = field(default_factory=list)
    doubled: list[Settled] = field(default_factory=list)
    unknown: list[Settled] = field(default_factory=list)

    def counts(self) -> dict[str, object]:
        """As it is kept and printed."""
        return {
            "recorded": self.recorded,
            "in_gong": len(self.in_gong),
            "waiting": self.waiting,
            "skipped": dict(sorted(self.skipped.items())),
            "held": self.held,
            "missing": len(self.missing),
            "doubled": len(self.doubled),
            "unknown": len(self.unknown),
            "own": self.own,
        }

    def kept(self) -> dict[str, object]:
        """As it is written down: the counts, and of each kind the first calls that are worth looking at."""
        kinds = {"missing": self.missing, "doubled": self.doubled, "unknown": self.unknown}
        calls = {kind: [asdict(call) for call in found[:MOST_KEPT]] for kind, found in kinds.items()}
        return {**self.counts(), "calls": calls}


@dataclass(kw_only=True, slots=True)
class DayInGong:
    """What Gong lists around a day, fed page by page. Only what can be ours is kept whole."""

    begin: datetime
    end: datetime
    by_unique_id: dict[str, list[ListedCall]] = field(default_factory=dict)
    call_ids: set[str] = field(default_factory=set)
    own: list[str] = field(default_factory=list)
    listed: int = 0

    def add(self, calls: Iterable[ListedCall]) -> None:
        """Take in a page."""
        for call in calls:
            if call.call_id in self.call_ids:  # a list that moves while it is read may tell a call twice
                continue
            self.listed += 1
            self.call_ids.add(call.call_id)
            if call.client_unique_id is not None:
                self.by_unique_id.setdefault(call.client_unique_id, []).append(call)
            elif self._is_within(call):
                self.own.append(call.call_id)

    def strangers(self, known: Collection[str]) -> list[ListedCall]:
        """Calls of this day with an id that is none of `known`."""
        return [
            call
            for unique_id, calls in self.by_unique_id.items()
            if unique_id not in known
            for call in calls
            if self._is_within(call)
        ]

    def _is_within(self, call: ListedCall) -> bool:
        return call.started_at is not None and self.begin <= call.started_at < self.end


def settle(
    files: Sequence[RecordedFile],
    gong: DayInGong,
    *,
    known: Callable[[Collection[str]], set[str]],
    still_there: Callable[[Sequence[str]], Mapping[str, str | None]],
    now: datetime,
) -> dict[str, SourceReceipt]:
    """The receipts by source; calls of nobody's source under NOT_OURS.

    files: of one day and account. known: which ids some entry of ours has. still_there: asked for calls that are not
    listed: id -> URL of those that Gong has all the same.
    """
    receipts: dict[str, SourceReceipt] = {}
    for one in files:
        receipts.setdefault(one.source, SourceReceipt())
    unlisted: list[RecordedFile] = []
    newest = {one.call_id: one.entry_id for one in files if one.state is State.DONE and one.call_id}
    for one in files:
        receipt = receipts[one.source]
        receipt.recorded += 1
        if one.state in OPEN_STATES:
            receipt.waiting += 1
        elif one.state in (State.HELD, State.REJECTED):
            receipt.held += 1
        elif one.state is State.SKIPPED:
            receipt.skipped[one.reason_code or "skipped"] += 1
        elif one.call_id and newest[one.call_id] != one.entry_id:
            receipt.skipped[NEWER_VERSION] += 1
        elif not _settle_listed(one, gong, receipt):
            unlisted.append(one)
    found = still_there([one.call_id for one in unlisted if one.call_id]) if unlisted else {}
    for one in unlisted:
        receipt = receipts[one.source]
        settled = Settled(entry_id=one.entry_id, call_id=one.call_id, url=found.get(one.call_id or ""))
        if one.call_id in found:
            receipt.in_gong.append(settled)
        elif now - one.changed_at < YOUNG:
            receipt.waiting += 1
        else:
            receipt.missing.append(settled)
    _add_strangers(files, gong, receipts, known)
    return receipts


def _settle_listed(one: RecordedFile, gong: DayInGong, receipt: SourceReceipt) -> bool:
    """Whether Gong lists the recording's call: by its clientUniqueId, and the rest of them are doubles."""
    calls = gong.by_unique_id.get(one.client_unique_id or "", [])
    ours = next((call for call in calls if call.call_id == one.call_id), calls[0] if calls else None)
    if ours is None:
        if one.call_id not in gong.call_ids:
            return False
        receipt.in_gong.append(Settled(entry_id=one.entry_id, call_id=one.call_id))
        return True
    receipt.in_gong.append(Settled(entry_id=one.entry_id, call_id=ours.call_id, url=ours.url))
    receipt.doubled += [
        Settled(entry_id=one.entry_id, call_id=call.call_id, url=call.url) for call in calls if call is not ours
    ]
    return True


def _add_strangers(
    files: Sequence[RecordedFile],
    gong: DayInGong,
    receipts: dict[str, SourceReceipt],
    known: Callable[[Collection[str]], set[str]],
) -> None:
    of_the_day = {one.client_unique_id for one in files if one.client_unique_id and one.is_bound}
    others = {call.client_unique_id or "" for call in gong.strangers(of_the_day)}
    ids = {one.call_id for one in files if one.call_id}
    strangers = [call for call in gong.strangers(of_the_day | known(others)) if call.call_id not in ids]
    if strangers or gong.own:
        receipts[NOT_OURS] = SourceReceipt(
            own=len(gong.own),
            unknown=[Settled(entry_id=None, call_id=call.call_id, url=call.url) for call in strangers],
        )
