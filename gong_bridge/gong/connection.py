"""The whole API as one object, for programs of one's own: `connect(...)`, then `gong.calls`, `gong.users`, ..."""

from __future__ import annotations

import threading

from gong_bridge.config.accounts import Timeouts
from gong_bridge.config.checks import check_base_url
from gong_bridge.config.secrets import Secret
from gong_bridge.gong.calls import Calls
from gong_bridge.gong.client import GongClient
from gong_bridge.gong.crm import Crm
from gong_bridge.gong.in_process_allowance import InProcessAllowance
from gong_bridge.gong.library import Library
from gong_bridge.gong.log_in import AccessKeys
from gong_bridge.gong.privacy import Privacy
from gong_bridge.gong.settings import Settings
from gong_bridge.gong.stats import Stats
from gong_bridge.gong.users import Users
from gong_bridge.gong.users_access import UsersAccess


class Gong:
    """One Gong: each resource is an attribute. Thread-safe; close it, or use it in `with`."""

    def __init__(self, client: GongClient) -> None:
        self.client = client
        self.calls = Calls(client)
        self.users = Users(client)
        self.stats = Stats(client)
        self.settings = Settings(client)
        self.library = Library(client)
        self.users_access = UsersAccess(client)
        self.privacy = Privacy(client)
        self.crm = Crm(client)

    def close(self) -> None:
        """Give up the connections."""
        self.client.close()

    def __enter__(self) -> Gong:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def connect(
    base_url: str,
    access_key: str,
    access_key_secret: str,
    *,
    calls_per_second: float = 3.0,
    timeouts: Timeouts | None = None,
) -> Gong:
    """A Gong to talk to, without a configuration or a ledger. Asks nothing yet.

    base_url: as Gong's API page shows it. calls_per_second: of this process; the company's limit is for all of its
    programs together. Raises ValueError for an address that cannot be Gong's API.
    """
    client = GongClient(
        AccessKeys(check_base_url(base_url), Secret(access_key), Secret(access_key_secret)),
        timeouts or Timeouts(),
        InProcessAllowance(calls_per_second),
        threading.Event(),
    )
    return Gong(client)
