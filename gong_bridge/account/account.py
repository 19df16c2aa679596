"""A Gong account with all that must never be shared with another: keys, allowance, users, pause; and which is whose."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import httpx

from gong_bridge.account.agents_file import AgentsFile
from gong_bridge.account.directory import Directory
from gong_bridge.account.gate import Gate
from gong_bridge.account.logging_in import log_in_of
from gong_bridge.config.accounts import GongOptions, account_name
from gong_bridge.errors import LedgerReadOnly, NotYetComplete, Paused
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.users import Users
from gong_bridge.gong.users_access import UsersAccess
from gong_bridge.ledger.budget import LedgerAllowance, allowance_of
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.linking import LinkLooks
from gong_bridge.model import Entry

NOT_CONFIGURED_WAIT_SECONDS = 60.0
"""How often an entry asks whether its account is back in the configuration."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """One Gong account. name: None is the one under `gong`."""

    name: str | None
    allowance: LedgerAllowance
    client: GongClient
    calls: Calls
    users_access: UsersAccess
    directory: Directory
    gate: Gate
    link_looks: LinkLooks

    @classmethod
    def open(
        cls, name: str | None, options: GongOptions, *, ledger: Ledger, agents: AgentsFile, owner: str,
        stop: threading.Event, lanes: tuple[Lane, ...] | None = None, transport: httpx.BaseTransport | None = None,
    ) -> Account:  # fmt: skip
        """Made ready; nothing is asked of Gong yet. `stop` ends waits for the allowance.

        lanes: those of this bridge. transport: see GongClient.
        """
        allowance = allowance_of(ledger, options.limits, name=account_name(name))
        log_in = log_in_of(name, options, ledger=ledger, owner=owner, stop=stop)
        client = GongClient(log_in, options.timeouts, allowance, stop, transport)
        calls = Calls(client)
        directory = Directory(ledger=ledger, users=Users(client), agents=agents, owner=owner, account=name)
        return cls(
            name=name,
            allowance=allowance,
            client=client,
            calls=calls,
            users_access=UsersAccess(client),
            directory=directory,
            gate=Gate(ledger, directory.fetch, name),
            link_looks=LinkLooks(ledger, calls, name, lanes),
        )

    def close(self) -> None:
        """Give up connections, and write the last calls down."""
        self.client.close()
        with suppress(LedgerReadOnly):  # a full disk: the rest must be closed all the same
            self.allowance.flush()


class Accounts:
    """All accounts of one configuration, and which one a recording belongs to. Thread-safe."""

    def __init__(self, accounts: Mapping[str | None, Account], of_sources: Mapping[str, str | None]) -> None:
        """`of_sources`: source -> the name of its account."""
        self._accounts = dict(accounts)
        self._of_sources = dict(of_sources)

    def __iter__(self) -> Iterator[Account]:
        """The one under `gong` first."""
        return iter(self._accounts.values())

    def __len__(self) -> int:
        """How many there are."""
        return len(self._accounts)

    @property
    def default(self) -> Account:
        """The one under `gong`."""
        return self._accounts[None]

    def of_source(self, source: str) -> Account:
        """Where new calls of this source go."""
        return self._accounts[self._of_sources[source]]

    def of(self, entry: Entry) -> Account:
        """Where this call is, or may be, or else will go.

        Raises NotYetComplete when bridge.yaml no longer names its account, and the pause of an account that its source
        has left: nobody else asks for that one.
        """
        own = self.of_source(entry.source)
        if not is_bound(entry) or entry.account == own.name:
            return own
        account = self._accounts.get(entry.account)
        if account is None:
            raise NotYetComplete(
                f"its call is in the Gong account {account_name(entry.account)!r}, which bridge.yaml no longer has; "
                f"write it back under `accounts:`, or skip this entry (gong-bridge ledger skip {entry.id})",
                wait_seconds=NOT_CONFIGURED_WAIT_SECONDS,
            )
        if account.gate.cause is not None:
            raise account.gate.cause
        return account

    def is_for_another(self, entry: Entry) -> bool:
        """Whether a draft that was never sent is for an account that its source does not have any more."""
        return not is_bound(entry) and entry.account != self.of_source(entry.source).name

    def pause(self, cause: Paused, entry: Entry | None = None) -> None:
        """Stop what `cause` concerns: the account of `entry`; all of them when it is the ledger."""
        if entry is None or isinstance(cause, LedgerReadOnly):
            for account in self:
                account.gate.close(cause)
            return
        own = self.of_source(entry.source)
        bound = self._accounts.get(entry.account) if is_bound(entry) else None
        (bound or own).gate.close(cause)


def is_bound(entry: Entry) -> bool:
    """Whether Gong has, or may have, a call of this entry: then it stays with its account."""
    return entry.call_id is not None or entry.intent is not None
