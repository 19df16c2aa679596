"""The state machine: one step per open state, each takes an entry one checkpoint further; here, up to the draft.

A step returns the entry as it now stands in the ledger, or raises; what an error means for the entry is worker.py's
table. Every request to Gong is written down as an intent first, so that a crash at any moment is cured by looking
before sending again (R21, R22).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from gong_bridge import clock
from gong_bridge.account.account import Accounts
from gong_bridge.errors import SourceChanged, SourceGone
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.media.body import Bodies
from gong_bridge.model import OPEN_STATES, Entry, State
from gong_bridge.observer import Observer
from gong_bridge.privacy.suppression import Suppression
from gong_bridge.routes.notifications import read_again
from gong_bridge.routes.route import Route
from gong_bridge.steps.creating import Creating
from gong_bridge.steps.delivering import Delivering
from gong_bridge.steps.gathering.gather import Gathering
from gong_bridge.steps.identity import entry_of_what_is_there, settle_identity
from gong_bridge.steps.looking import Looking
from gong_bridge.steps.sharing import Sharing
from gong_bridge.steps.sidecars_again import SidecarsAgain


class Pipeline:
    """Takes entries from checkpoint to checkpoint. Thread-safe: all state is in the ledger."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        routes: Mapping[str, Route],
        looking: Looking,
        accounts: Accounts,
        bodies: Bodies,
        observer: Observer,
        sidecars_again: SidecarsAgain,
        suppression: Suppression,
    ) -> None:
        self._ledger = ledger
        self._routes = routes
        self._looking = looking
        self._accounts = accounts
        self._sidecars_again = sidecars_again
        self._suppression = suppression
        self._gathering = Gathering(ledger, looking)
        self._delivering = Delivering(
            ledger=ledger, routes=routes, accounts=accounts, bodies=bodies, observer=observer, suppression=suppression
        )
        self._sharing = Sharing(ledger=ledger, routes=routes, accounts=accounts, looking=looking)
        self._creating = Creating(ledger=ledger, routes=routes, accounts=accounts, suppression=suppression)
        self._steps: dict[State, Callable[[Entry], Entry]] = {
            State.FOUND: self._draft,
            State.DRAFTED: self._create,
            State.CREATED: self._delivering.deliver,
            State.DELIVERED: self._share_or_settle,
        }
        assert set(self._steps) == set(OPEN_STATES)

    def step(self, entry: Entry) -> Entry:
        """Take `entry` one checkpoint further and return it as the ledger now has it.

        Its source is one of the routes: nothing else is claimed. Raises what the rooms raise; worker.py decides what
        that means.
        """
        if entry.notification is not None:
            route = self._routes[entry.source]
            return read_again(self._ledger, route.source, entry, is_sidecar=route.mapping.is_sidecar, now=clock.now())
        return self._steps[entry.state](entry)

    # --- found -> drafted -------------------------------------------------------------------------------------------

    def _draft(self, entry: Entry) -> Entry:
        now = clock.now()
        try:
            looked, entry = self._gathering.look(entry, now=now)
            composition = None if looked is None else looked.composition
            if looked is not None and composition is not None and composition.draft is not None:
                draft, sidecar_key = composition.draft.to_json(), composition.sidecar_key
                erased = self._suppression.skip_if_erased(entry, draft, now, sidecar_key=sidecar_key)
                if erased is not None:
                    return erased
                self._delivering.rehearse(entry, looked.media_record())
        except SourceGone as gone:
            return self._ledger.work.skip(entry, now=now, code="gone", reason=gone.message)
        except SourceChanged as changed:
            return self._give_way_to_what_is_there(entry, changed, now=now)
        if looked is None:
            return self._delivering.settle_late(entry)  # another file of the same call goes on for both
        if looked.verdict.skip_reason:
            return self._ledger.work.skip(entry, now=now, code="media-rule", reason=looked.verdict.skip_reason)
        assert composition is not None
        if composition.draft is None:
            reason = composition.skip_reason or "the mapping's skip_when says so"
            return self._ledger.work.skip(entry, now=now, code="mapping-rule", reason=reason)
        settled = settle_identity(
            self._ledger,
            entry,
            draft=composition.draft.to_json(),
            media=looked.media_record(),
            told=looked.made_from(anew=entry.state is State.DRAFTED),
            on_change=self._routes[entry.source].on_change,
            account=self._accounts.of_source(entry.source).name,
            now=now,
        )
        if settled.state is State.DRAFTED:
            reached(Point.DRAFTED)
        return settled

    def _give_way_to_what_is_there(self, entry: Entry, changed: SourceChanged, *, now: datetime) -> Entry:
        """Skip an entry whose file is another version now; raises `changed` until another entry speaks of that."""
        try:
            other = entry_of_what_is_there(self._ledger, self._routes[entry.source].source, entry)
        except SourceGone as gone:
            return self._ledger.work.skip(entry, now=now, code="gone", reason=gone.message)
        if other is None:
            raise changed
        reason = f"the file is no longer this version; entry {other.id} speaks of the one that is there"
        return self._ledger.work.skip(entry, now=now, code="changed", reason=reason, duplicate_of=other.id)

    # --- drafted -> created -----------------------------------------------------------------------------------------

    def _create(self, entry: Entry) -> Entry:
        if entry.intent is None and self._is_to_be_redrafted(entry):
            return self._draft(entry)
        created = self._creating.create(entry)
        reached(Point.CREATED)
        self._sidecars_again.expect(created)
        return created

    # --- delivered -> done ------------------------------------------------------------------------------------------

    def _share_or_settle(self, entry: Entry) -> Entry:
        """The source is touched last: a call that cannot be shared yet keeps its recording (R30)."""
        return self._sharing.share(entry) if entry.share_with else self._delivering.settle(entry)

    # --- drafts -----------------------------------------------------------------------------------------------------

    def _is_to_be_redrafted(self, entry: Entry) -> bool:
        """A draft names users of one Gong account: for another it is made anew, as for another mapping or sidecar."""
        return self._accounts.is_for_another(entry) or self._looking.is_out_of_date(entry, now=clock.now())
