"""What the Gong accounts have of a person: asked for, with the pages of the calls, and erased there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from gong_bridge.config.accounts import account_name
from gong_bridge.errors import BridgeError
from gong_bridge.gong.connection import Gong
from gong_bridge.gong.models.privacy import EmailAddressReferences, PhoneNumberReferences
from gong_bridge.privacy.addresses import Address
from gong_bridge.receive.patience import Patience

MOST_CALLS_LOOKED_UP = 200
"""Each is an API call; the rest is told without the page of the call."""
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class InGong:
    """What one account has. references: None when it could not be asked, for `trouble`. urls: call id -> its page."""

    account: str | None
    references: EmailAddressReferences | PhoneNumberReferences | None
    urls: Mapping[str, str | None] = field(default_factory=dict)
    trouble: str | None = None

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The calls that reference the person."""
        calls = self.references.calls if self.references is not None else None
        return tuple(call.id for call in calls or () if call.id)

    @property
    def other_addresses(self) -> tuple[str, ...]:
        """E-mail addresses that Gong knows for the person behind a number."""
        found = self.references
        return (found.email_addresses or ()) if isinstance(found, PhoneNumberReferences) else ()

    def counts(self) -> dict[str, int]:
        """How many of each kind there are; without those of which there are none."""
        found = self.references
        if found is None:
            return {}
        records = sum(len(data.objects or ()) for data in found.customer_data or ())
        engagement = found.customer_engagement if isinstance(found, EmailAddressReferences) else None
        counts = {
            "calls": len(found.calls or ()),
            "e-mails": len(found.emails or ()),
            "meetings": len(found.meetings or ()),
            "leads and contacts": records,
            "engagements": len(engagement or ()),
        }
        return {what: count for what, count in counts.items() if count}


class InGongs:
    """All accounts; what fails in one does not keep the others from being asked."""

    def __init__(self, gongs: Mapping[str | None, Gong], patience: Patience) -> None:
        self._gongs = gongs
        self._patience = patience

    def find(self, address: Address) -> list[InGong]:
        """What each account has. One API call an account, and one for each call found."""
        return [self._find(name, gong, address) for name, gong in self._gongs.items()]

    def _find(self, name: str | None, gong: Gong, address: Address) -> InGong:
        def ask() -> EmailAddressReferences | PhoneNumberReferences:
            if address.kind == "email":
                return gong.privacy.find_email_address(address.value)
            return gong.privacy.find_phone_number(address.value)

        references, trouble = self._tried(ask)
        found = InGong(account=name, references=references, trouble=trouble)
        urls, _ = self._tried(lambda: self._pages(gong, found.call_ids))
        return InGong(account=name, references=references, trouble=trouble, urls=urls or {})

    def _pages(self, gong: Gong, call_ids: Iterable[str]) -> dict[str, str | None]:
        pages: dict[str, str | None] = {}
        for call_id in list(call_ids)[:MOST_CALLS_LOOKED_UP]:
            call = gong.calls.get(call_id)
            if call is not None:
                pages[call_id] = call.url
        return pages

    def purge(self, address: Address) -> dict[str | None, str | None]:
        """Let each account erase the person; account -> why it did not, None when it took the order."""
        return {name: self._purge(gong, address) for name, gong in self._gongs.items()}

    def _purge(self, gong: Gong, address: Address) -> str | None:
        def order() -> object:
            if address.kind == "email":
                return gong.privacy.purge_email_address(address.value)
            return gong.privacy.purge_phone_number(address.value)

        return self._tried(order)[1]

    def still_there(self, account: str | None, call_ids: Iterable[str]) -> dict[str, str | None] | None:
        """Those of these calls that the account has, with their pages; None when it cannot be told."""
        gong = self._gongs.get(account)
        return None if gong is None else self._tried(lambda: self._pages(gong, call_ids))[0]

    def look_up(
        self, account: str | None, client_unique_id: str, started_at: datetime
    ) -> tuple[str | None, str | None]:
        """The id of the call that the account lists under this clientUniqueId, and why it could not be asked."""
        gong = self._gongs.get(account)
        if gong is None:
            return None, f"bridge.yaml has no Gong account {account_name(account)} any more"
        found, trouble = self._tried(lambda: gong.calls.find(client_unique_id, started_at))
        return (found.id if found is not None else None), trouble

    def _tried(self, ask: Callable[[], Result]) -> tuple[Result | None, str | None]:
        try:
            return self._patience.insist(ask), None
        except BridgeError as trouble:
            return None, trouble.message
