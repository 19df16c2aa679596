"""The bridge put together but not running: a test finds files and takes steps one by one, at moments of its choice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from gong_bridge import clock
from gong_bridge.cli.configuration import read_config
from gong_bridge.errors import Paused
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.model import Entry
from gong_bridge.observer import Observer
from gong_bridge.owner import owner_name
from gong_bridge.retry import RetryPolicy
from gong_bridge.service import Bridge
from gong_bridge.worker import Leases, Worker


class Bench:
    """A bridge before a sandbox, with one folder, and one worker that is moved by hand."""

    def __init__(self, bridge: Bridge, root: Path) -> None:
        self.bridge = bridge
        self.root = root
        self.recorder = root / "recorder"
        self.paused: list[Paused] = []
        self.leases = Leases(bridge.ledger, 30)
        self.worker = Worker(
            ledger=bridge.ledger, pipeline=bridge.pipeline, leases=self.leases, policy=RetryPolicy(),
            owner=owner_name(), lanes=bridge.lanes, lease_seconds=30, observer=bridge.observer,
            on_paused=lambda cause, _: self.paused.append(cause), purse=bridge.accounts.default.allowance.day,
            switch=bridge.switch,
        )  # fmt: skip

    def find(self) -> int:
        """Write down what lies in the folder now, settled or not."""
        source = self.bridge.routes["pbx"].source
        return self.bridge.intake_of(self.bridge.routes["pbx"]).add(list(source.candidates()), False)

    def claim(self) -> Entry | None:
        """Claim the next entry that is due."""
        return self.bridge.ledger.work.claim(owner_name(), clock.now(), 30)

    def work(self) -> None:
        """Take everything that is due as far as it goes; what waits, waits."""
        while (entry := self.claim()) is not None:
            self.worker.work(entry, threading.Event())

    def work_again(self) -> None:
        """The same, also for what waits for a later moment."""
        self.bridge.ledger.operator.hurry(EntryFilter(), clock.now())
        self.work()

    def entry(self, entry_id: int) -> Entry:
        """The entry as the ledger has it."""
        found = self.bridge.ledger.views.get(entry_id)
        assert found is not None
        return found

    def states(self) -> dict[int, tuple[str, str | None]]:
        """Id -> state and reason code."""
        return {entry.id: (str(entry.state), entry.reason_code) for entry in self.bridge.ledger.views.entries()}

    def retry(self, *ids: int) -> int:
        """What `ledger retry` does."""
        return self.bridge.ledger.operator.retry(EntryFilter(ids=ids or None), clock.now())


@contextmanager
def bench(
    root: Path, base_url: str, *, observer: Observer | None = None, source: Any = None, **config: Any
) -> Iterator[Bench]:
    """A bench in `root`; `source` and `config` are added to bridge.yaml."""
    (root / "recorder").mkdir(parents=True, exist_ok=True)
    if not (root / "agents.csv").exists():
        (root / "agents.csv").write_text("email,extension,login,name\nagent-201@example.com,201,,\n")
    options = {
        "gong": {
            "base_url": base_url, "access_key": "sandbox", "access_key_secret": "sandbox-secret",
            "limits": {"calls_per_second": 1000, "calls_per_day": 100_000},
        },
        "ledger": {"url": f"sqlite:///{root}/ledger.db"},
        "agents": "agents.csv",
        "sources": [
            {"name": "pbx", "folder": "recorder", "include": ["**/*.wav"], "mapping": "sidecar-json", **(source or {})}
        ],
        **config,
    }  # fmt: skip
    path = root / "bridge.yaml"
    path.write_text(yaml.safe_dump(options))
    path.chmod(0o600)
    bridge = Bridge(read_config(path), observer=observer)
    try:
        yield Bench(bridge, root)
    finally:
        bridge.close()
