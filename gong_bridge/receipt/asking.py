"""Asks Gong for a day's calls, and once more for each that seems to be missing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from gong_bridge.gong.call_filter import CallFilter
from gong_bridge.gong.calls import LOOK_AROUND, Calls
from gong_bridge.gong.models.calls import CallSummary
from gong_bridge.gong.pages import CursorLost
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.receipts import RecordedFile
from gong_bridge.receipt.days import LocalDay
from gong_bridge.receipt.settling import DayInGong, ListedCall, SourceReceipt, settle
from gong_bridge.receive.patience import Patience

CALLS_A_PAGE = 100
ASKED_SINGLY = 50
"""So many that seem to be missing are asked for one by one; more of them a hundred at a time, for their cost."""
_LISTS_BEGUN = 3
"""How often a list whose cursor expired is begun again."""


def receipt_of(
    day: LocalDay,
    account: str | None,
    files: Sequence[RecordedFile],
    *,
    ledger: Ledger,
    calls: Calls,
    patience: Patience,
    now: Callable[[], datetime],
) -> dict[str, SourceReceipt]:
    """The receipts of one day and account by source. One API call for each 100 calls that Gong has then.

    Raises RateLimited, ServiceDown, BadCredentials (403: names the scope), WrongBaseUrl, LedgerReadOnly.
    """
    return settle(
        files,
        _listed(day, calls, patience),
        known=lambda ids: ledger.receipts.known(ids, account),
        still_there=lambda ids: _still_there(ids, calls, patience),
        now=now(),
    )


def fewest_calls(recorded: int) -> int:
    """How many API calls a day takes when Gong has nothing but these recordings."""
    return max(1, -(-recorded // CALLS_A_PAGE))


def _listed(day: LocalDay, calls: Calls, patience: Patience) -> DayInGong:
    gong = DayInGong(begin=day.begin, end=day.end)
    for begun in range(_LISTS_BEGUN):
        listing = calls.list(day.begin - LOOK_AROUND, day.end + LOOK_AROUND)
        try:
            while not listing.finished:
                try:
                    rows = patience.insist(listing.next_rows)
                except StopIteration:
                    break
                gong.add(map(_listed_call, rows))
            return gong
        except CursorLost:
            if begun == _LISTS_BEGUN - 1:
                raise
    return gong


def _listed_call(call: CallSummary) -> ListedCall:
    return ListedCall(
        call_id=call.id,
        url=call.url,
        client_unique_id=call.client_unique_id or None,
        started_at=_moment(call.started),
    )


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _still_there(call_ids: Collection[str], calls: Calls, patience: Patience) -> Mapping[str, str | None]:
    asked = list(dict.fromkeys(call_ids))
    if len(asked) > ASKED_SINGLY:
        return _by_hundreds(asked, calls, patience)
    found: dict[str, str | None] = {}
    for call_id in asked:
        call = patience.insist(lambda one=call_id: calls.get(one))  # type: ignore[misc]
        if call is not None:
            found[call_id] = call.url
    return found


def _by_hundreds(call_ids: Sequence[str], calls: Calls, patience: Patience) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for first in range(0, len(call_ids), CALLS_A_PAGE):
        listing = calls.details(CallFilter(call_ids=call_ids[first : first + CALLS_A_PAGE]))
        while not listing.finished:
            try:
                rows = patience.insist(listing.next_rows)
            except StopIteration:
                break
            found.update({row.meta_data.id: row.meta_data.url for row in rows if row.meta_data and row.meta_data.id})
    return found
