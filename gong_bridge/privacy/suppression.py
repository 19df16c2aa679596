"""Keeps recordings of erased people from Gong: asked when a call is drafted, and once more just before it is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gong_bridge.errors import ConfigError, ErasedUnreadable
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.suppressions import person_of
from gong_bridge.model import Entry
from gong_bridge.privacy.addresses import Address, addresses_of, addresses_said, mentions
from gong_bridge.privacy.keyring import Keyring


class Suppression:
    """The list as one bridge sees it. Thread-safe; always asks the ledger, because another host may have added."""

    def __init__(self, ledger: Ledger, keyring: Keyring, country: str) -> None:
        """`country`: of numbers written without one."""
        self._ledger = ledger
        self._keyring = keyring
        self._country = country

    def check_keys(self) -> None:
        """Raises ConfigError when somebody is on the list under a key that this host does not have."""
        try:
            self._readable()
        except ErasedUnreadable as trouble:
            raise ConfigError(f"privacy: {trouble.message}") from None

    def skip_if_erased(
        self,
        entry: Entry,
        draft: Mapping[str, Any],
        now: datetime,
        *,
        sidecar_key: str | None = None,
        may_be_there: bool = False,
    ) -> Entry | None:
        """`entry` set aside, emptied, and marked for whom, when somebody in its call was erased; None: nobody was.

        Looks at every party and every other text of the call, and at the names of its files. sidecar_key: what the
        draft was made from, when that is not written down yet. may_be_there: an earlier request for this call was not
        answered, so that `privacy erase` shall go on looking for it. Needs the lease. Raises ErasedUnreadable,
        LeaseLost.
        """
        found = self._listed(entry, draft, sidecar_key)
        listed = sorted(found)
        if not listed:
            return None
        intent = "create" if may_be_there else None
        self._ledger.work.note_intent(entry, intent, now=now, sidecar_key=sidecar_key or entry.sidecar_key)

        def mentions_them(name: str) -> bool:
            return any(mentions(found[one], name, self._country, is_name=True) for one in listed)

        for digest in listed:
            person = person_of(digest)
            self._ledger.erasing.erase(
                [entry.id], person, now, mentions=mentions_them, reason=reason_for(person), persons_in=self._persons_in
            )
        return self._ledger.views.get(entry.id)

    def why_not(self, entry: Entry, draft: Mapping[str, Any], sidecar_key: str | None) -> str | None:
        """Why `skip_if_erased` would skip it, None when nobody was erased; changes nothing. Raises ErasedUnreadable."""
        listed = sorted(self._listed(entry, draft, sidecar_key))
        return reason_for(person_of(listed[0])) if listed else None

    def _listed(self, entry: Entry, draft: Mapping[str, Any], sidecar_key: str | None) -> Mapping[str, Address]:
        if not self._readable():
            return {}
        names = [name for name in (entry.key, sidecar_key or entry.sidecar_key, entry.group_key) if name]
        found = self._keyring.digests(addresses_of(draft, names, self._country))
        return {digest: found[digest] for digest in self._ledger.suppressions.listed(found)}

    def _persons_in(self, texts: Iterable[str]) -> set[str]:
        return persons_in(texts, self._keyring, self._country)

    def _readable(self) -> bool:
        """Whether anybody is on the list."""
        keys = self._ledger.suppressions.keys()
        unknown = {key: count for key, count in keys.items() if key not in self._keyring.key_ids}
        if unknown:
            key, count = sorted(unknown.items())[0]
            people = "1 person was" if count == 1 else f"{count:,} people were"
            raise ErasedUnreadable(
                f"{people} erased under a key that this host does not have (its id is {key}), so nobody can tell whose "
                "recordings must not be sent. Write it under privacy: key, or privacy: earlier_keys when there is a "
                f"new one, and restart; if it is lost: gong-bridge privacy allow --lost-key {key}"
            )
        return bool(keys)


def persons_in(texts: Iterable[str], keyring: Keyring, country: str) -> set[str]:
    """Everybody in these texts, as the ledger calls them: nobody can be told from that without the key."""
    return {person_of(digest) for digest in keyring.digests(addresses_said(texts, country))}


def reason_for(person: str) -> str:
    """The sentence in the ledger."""
    return f"somebody in this call was erased (person {person}); recordings with them are never sent"
