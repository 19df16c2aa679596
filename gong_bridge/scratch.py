"""A bridge that is thrown away: for commands that only look."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from gong_bridge import clock
from gong_bridge.config.schema import Config
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.open import ledger_exists
from gong_bridge.ledger.suppressions import Suppressed
from gong_bridge.model import GongUser
from gong_bridge.service import Bridge


@contextmanager
def scratch_bridge(config: Config) -> Iterator[Bridge]:
    """A bridge on a ledger of its own that is thrown away: for commands that only look.

    It knows the Gong users that the real ledger knows, so that looking usually costs no API call, and who was erased.
    """
    users: dict[str | None, list[GongUser]] = {}
    erased: list[Suppressed] = []
    if ledger_exists(config.ledger.url):
        real = Ledger.open(config.ledger.url, config.ledger.password)
        try:
            users = {name: real.people.users(name) for name in config.all_accounts}
            erased = real.suppressions.everybody()
        finally:
            real.close()
    with tempfile.TemporaryDirectory(prefix="gong-bridge-") as folder:
        scratch = config.model_copy(
            update={"ledger": config.ledger.model_copy(update={"url": f"sqlite:///{folder}/scratch.db"})}
        )
        bridge = Bridge(scratch)
        try:
            for name, known in users.items():
                if known:
                    bridge.ledger.people.replace_users(known, clock.now(), name)
            bridge.ledger.suppressions.copy(erased)
            yield bridge
        finally:
            bridge.close()
