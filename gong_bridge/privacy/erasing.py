"""Finds everything of a person, and erases it: the list first, then Gong, the ledger, the recordings; resumable.

The order makes a kill at any moment harmless: from the first write on nothing of the person is sent, and what was not
done is found again by the same command, because emptied entries keep whom they were emptied for as a keyed hash.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from gong_bridge import clock
from gong_bridge.config.accounts import account_name
from gong_bridge.kill_points import Point, reached
from gong_bridge.ledger.erasing import Concerned
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.suppressions import person_of
from gong_bridge.privacy.addresses import Address, mentions
from gong_bridge.privacy.in_gong import InGong, InGongs
from gong_bridge.privacy.keyring import Keyring
from gong_bridge.privacy.recordings import Place, RecordingFound, erase, look
from gong_bridge.privacy.suppression import persons_in, reason_for

LOOK_SECONDS = 0.25
SENDING_SECONDS = 60.0
"""How long a call that is being created just now is waited for."""


SOUGHT = timedelta(minutes=15)
"""How long a call whose POST was not answered is looked for: the bridge itself gives a list that lags half a minute."""


class Recordings(StrEnum):
    """What becomes of the recordings themselves."""

    LIST = "list"
    DELETE = "delete"


@dataclass(frozen=True, kw_only=True)
class Found:
    """Everything of a person: in each Gong account, and of ours."""

    in_gong: Sequence[InGong]
    recordings: Sequence[RecordingFound]

    @property
    def entries(self) -> list[Concerned]:
        """The entries of the recordings."""
        return [one.entry for one in self.recordings]


@dataclass(kw_only=True)
class Outcome:
    """What was done, and what was not: sentences for the person who erased, by what they are about."""

    counts: dict[str, int] = field(default_factory=dict)
    left: dict[str, list[str]] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    versions_stay: bool = False

    def leave(self, what: str, sentence: str) -> None:
        """Something was not done; `what`: one of fixed words, for the audit."""
        self.left.setdefault(what, []).append(sentence)

    @property
    def word(self) -> str:
        """For the audit: "done", or what is left."""
        left = ", ".join(f"{what} {len(sentences)}" for what, sentences in self.left.items())
        return f"left: {left}" if left else "done"


class People:
    """The people of one ledger. `places`: the sources of this host. told: what is being done, for a person."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        keyring: Keyring,
        country: str,
        in_gongs: InGongs,
        places: Mapping[str, Place],
        told: Callable[[str], None],
        stop: threading.Event,
    ) -> None:
        self._ledger = ledger
        self._keyring = keyring
        self._country = country
        self._in_gongs = in_gongs
        self._places = places
        self._told = told
        self._stop = stop

    def find(self, address: Address, now: datetime) -> Found:
        """What Gong and the ledger have of this person, and where the recordings lie. Changes nothing."""
        self._told("asking Gong")
        in_gong = self._in_gongs.find(address)
        return Found(in_gong=in_gong, recordings=self._recordings(self._entries(address, now)))

    def _entries(self, address: Address, now: datetime) -> list[Concerned]:
        """Entries that mention the person, that were emptied for them, and the other files of their calls."""
        self._told("looking through the ledger")
        mentioning = {
            texts.entry_id
            for texts in self._ledger.erasing.texts()
            if any(mentions(address, text, self._country, is_name=True) for text in texts.names)
            or any(mentions(address, text, self._country) for text in texts.sentences)
        }
        persons = self._persons(address)
        marked = self._ledger.erasing.marked(persons)
        return self._ledger.erasing.concerned(self._ledger.erasing.same_calls(mentioning | marked), persons, now)

    def _persons(self, address: Address) -> list[str]:
        return [person_of(digest) for digest in self._keyring.digests([address])]

    def _recordings(self, entries: Sequence[Concerned]) -> list[RecordingFound]:
        self._told("looking where the recordings lie")
        ids = {one.entry_id for one in entries}
        found = []
        for entry in entries:
            shared = entry.sidecar_key is not None and self._ledger.erasing.describes_others(
                entry.recording.source, entry.sidecar_key, ids
            )
            found.append(look(entry, self._places, is_shared=shared))
        return found

    def erase(self, address: Address, recordings: Recordings, *, actor: str, host: str) -> Outcome:
        """Everything, in the order that a kill cannot harm. Raises ConfigError without a key, LedgerReadOnly."""
        digest, key_id = self._keyring.digest(address)
        person = person_of(digest)
        act = self._ledger.privacy_acts.begin(
            "erase", person=person, kind=address.kind, actor=actor, host=host, now=clock.now()
        )
        self._ledger.suppressions.add(digest, key_id=key_id, kind=address.kind, now=clock.now())
        reached(Point.PERSON_LISTED)
        outcome = Outcome()
        self._look_for_calls_never_answered(address)
        busy = self._wait_for_calls_being_created(address)
        before = self.find(address, clock.now())
        self._erase_in_gong(address, before, outcome)
        reached(Point.PERSON_PURGED)
        self._erase_in_ledger(address, person, busy, before, outcome)
        reached(Point.PERSON_TAKEN_OUT)
        self._tell_calls_that_stay(before, outcome)
        self._tell_calls_never_answered(address, outcome)
        self._see_to_recordings(address, recordings, busy, before, outcome)
        self._ledger.privacy_acts.end(act, outcome=outcome.word, counts=outcome.counts, now=clock.now())
        return outcome

    def _wait_for_calls_being_created(self, address: Address) -> set[int]:
        """Entries whose call is still being created after a minute: what Gong makes of it is not known yet."""
        until = clock.monotonic_seconds() + SENDING_SECONDS
        ids = {one.entry_id for one in self._entries(address, clock.now()) if one.is_being_sent}
        while ids and clock.monotonic_seconds() < until and not clock.wait(self._stop, LOOK_SECONDS):
            concerned = self._ledger.erasing.concerned(ids, [], clock.now())
            ids = {one.entry_id for one in concerned if one.is_being_sent}
        return ids

    def _look_for_calls_never_answered(self, address: Address) -> None:
        """Of entries that an earlier erasing emptied; what is found counts as a call of theirs."""
        for one in self._ledger.sought_calls.of(self._persons(address)):
            call_id, trouble = self._in_gongs.look_up(one.account, one.client_unique_id, one.started_at)
            if call_id is not None or (trouble is None and clock.now() - one.since >= SOUGHT):
                self._ledger.sought_calls.settle(one.entry_id, call_id)

    def _tell_calls_never_answered(self, address: Address, outcome: Outcome) -> None:
        for one in self._ledger.sought_calls.of(self._persons(address)):
            until = one.since + SOUGHT
            outcome.leave(
                "calls-never-answered",
                f"Gong never answered the request for the call of entry {one.entry_id}, and may make it yet: repeat "
                f"this after {until:%Y-%m-%d %H:%M} UTC; it is then looked for",
            )

    def _erase_in_gong(self, address: Address, before: Found, outcome: Outcome) -> None:
        self._told("telling Gong to erase")
        for account, trouble in self._in_gongs.purge(address).items():
            if trouble is not None:
                outcome.leave("gong", f"Gong (account {account_name(account)}) has not erased: {trouble}")
                continue
            outcome.counts["accounts"] = outcome.counts.get("accounts", 0) + 1
            for one in before.in_gong:
                for what, count in one.counts().items() if one.account == account else ():
                    outcome.counts[what] = outcome.counts.get(what, 0) + count

    def _erase_in_ledger(self, address: Address, person: str, busy: set[int], before: Found, outcome: Outcome) -> None:
        self._told("emptying the ledger")
        ids = [one.entry_id for one in before.entries if not one.is_erased and one.entry_id not in busy]
        outcome.counts["entries"] = self._ledger.erasing.erase(
            ids, person, clock.now(), mentions=self._name_mentions(address), reason=reason_for(person),
            persons_in=lambda texts: persons_in(texts, self._keyring, self._country),
        )  # fmt: skip
        for entry_id in sorted(busy):
            outcome.leave("being-sent", f"entry {entry_id} is being sent just now and was left alone")

    def _name_mentions(self, address: Address) -> Callable[[str], bool]:
        return lambda name: mentions(address, name, self._country, is_name=True)

    def _tell_calls_that_stay(self, before: Found, outcome: Outcome) -> None:
        """Calls of ours that Gong does not list under the person, and so does not erase."""
        for one in before.in_gong:
            if one.references is None:
                continue
            ours = {entry.call_id for entry in before.entries if entry.call_id and entry.account == one.account}
            unlisted = sorted(ours - set(one.call_ids))
            there = self._in_gongs.still_there(one.account, unlisted) if unlisted else {}
            verb, pages = ("may be", dict.fromkeys(unlisted)) if there is None else ("is", there)
            for call_id, page in pages.items():
                where = f"call {call_id} {verb} in Gong (account {account_name(one.account)})"
                by_hand = f"delete it there by hand{f' ({page})' if page else ''}"
                outcome.leave("calls-in-gong", f"{where}, which does not list it under this person: {by_hand}")

    def _see_to_recordings(
        self, address: Address, wanted: Recordings, busy: set[int], before: Found, outcome: Outcome
    ) -> None:
        gone = [one.entry.entry_id for one in before.recordings if one.lies == "gone" and one.entry.is_same_file]
        for one in before.recordings:
            if one.entry.entry_id in busy or one.lies == "gone":
                continue
            if one.by_hand is not None:
                outcome.leave("by-hand", f"entry {one.entry.entry_id}: {one.by_hand}")
            if one.lies != "here":
                self._leave_recording(one, wanted, outcome)
            elif wanted is Recordings.LIST:
                outcome.listed += [*one.at, *([one.sidecar] if one.sidecar else [])]
            elif self._delete(one, outcome):
                gone.append(one.entry.entry_id)
        forgotten = self._ledger.erasing.note_gone(gone, mentions=self._name_mentions(address), now=clock.now())
        if forgotten:
            outcome.counts["names"] = forgotten

    def _leave_recording(self, one: RecordingFound, wanted: Recordings, outcome: Outcome) -> None:
        sentence = f"the recording of entry {one.entry.entry_id} ({one.entry.recording.source}): {one.why}"
        if wanted is Recordings.DELETE:
            cure = "; erase there with the same command" if one.lies == "elsewhere" else ""
            outcome.leave("recordings", f"{sentence}{cure}")
        else:
            outcome.listed.append(sentence)

    def _delete(self, one: RecordingFound, outcome: Outcome) -> bool:
        erased = erase(one, self._places)
        reached(Point.RECORDING_ERASED)
        outcome.counts["files"] = outcome.counts.get("files", 0) + erased.files
        outcome.versions_stay = outcome.versions_stay or erased.versions_stay
        if erased.trouble is not None:
            outcome.leave("recordings", f"the recording of entry {one.entry.entry_id}: {erased.trouble}")
        return erased.trouble is None
