"""Where one scene is played: stand-ins for Gong and the buckets, copies in place, a bridge of its own at work."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gong_bridge import clock
from gong_bridge.config.accounts import account_name
from gong_bridge.config.places import SidecarBucket
from gong_bridge.config.schema import BucketSource, Config, FolderSource
from gong_bridge.drill.choosing import Chosen
from gong_bridge.drill.copies import Copy, path_in, put_into_folder, put_into_store
from gong_bridge.drill.names import ForgettableName
from gong_bridge.drill.rehearsal import Stand, rehearsed
from gong_bridge.drill.watching import Watching
from gong_bridge.ledger.filters import EntryFilter
from gong_bridge.model import OPEN_STATES, Entry
from gong_bridge.running import run
from gong_bridge.sandbox.options import Fault, SandboxOptions
from gong_bridge.sandbox.queue import notification_of
from gong_bridge.sandbox.server import Sandbox
from gong_bridge.sandbox.store_server import StoreServer
from gong_bridge.service import Bridge

_LOOK_SECONDS = 0.1
_AFTERWARDS_SECONDS = 0.6
"""So long a scene is watched when all is done: a call that comes twice comes a moment later."""


@dataclass(frozen=True, kw_only=True)
class Company:
    """What is the same in every scene: the user's configuration, the people, the copies, and who ends it early.

    users: by account, as GET /v2/users gives them.
    """

    config: Config
    users: Mapping[str | None, Sequence[Mapping[str, object]]]
    chosen: Sequence[Chosen]
    stop: threading.Event
    agents: Path | None = None

    @property
    def copies(self) -> list[Copy]:
        """Of all sources."""
        return [copy for one in self.chosen for copy in one.copies]

    @property
    def recordings(self) -> list[Copy]:
        """Of all sources."""
        return [copy for copy in self.copies if copy.is_recording]

    def buckets(self) -> list[BucketSource]:
        """The sources that are buckets and have something to play with."""
        there = {one.source for one in self.chosen if one.copies}
        return [one for one in self.config.sources if isinstance(one, BucketSource) and one.name in there]

    def folders(self) -> list[FolderSource]:
        """The sources that are folders and have something to play with."""
        there = {one.source for one in self.chosen if one.copies}
        return [one for one in self.config.sources if isinstance(one, FolderSource) and one.name in there]


class Stage:
    """Use it as a context manager; `begin` sets the bridge going. Every wait ends when the company's `stop` is set."""

    def __init__(
        self,
        company: Company,
        folder: Path,
        *,
        delivery: Literal["upload", "link"] = "upload",
        queue_alone: bool = False,
        repeats: int = 1,
    ) -> None:
        """`repeats`: how often each message of a queue comes."""
        self.company = company
        self.folder = folder
        self.name = ForgettableName()
        self.watching = Watching()
        self.gongs: dict[str | None, Sandbox] = {}
        self.store = StoreServer()
        self._repeats = repeats
        self._delivery: Literal["upload", "link"] = delivery
        self._queue_alone = queue_alone
        self._closing = ExitStack()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.met = 0
        """Times that the trouble was met where no stand-in counts it."""

    def __enter__(self) -> Stage:
        """Start the stand-ins, and put the bridge together."""
        with ExitStack() as stack:
            self._open(stack)
            self._closing = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the bridge, then everything else."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(30)
        self._closing.close()

    def _open(self, stack: ExitStack) -> None:
        for account, options in self.company.config.all_accounts.items():
            gong = Sandbox(
                SandboxOptions(
                    users=tuple(self.company.users[account]), page_size=100, fetch_links=True, keep_media_bytes=0,
                    calls_per_second=max(1, round(options.limits.calls_per_second)),
                )
            )  # fmt: skip
            self.gongs[account] = stack.enter_context(gong)
        stack.enter_context(self.store)
        queues = {
            one.name: self.store.add_queue(one.name, deliveries=self._repeats)
            for one in self.company.config.sources
            if isinstance(one, BucketSource) and one.events is not None
        }
        self.stand = Stand(
            folder=self.folder, gong={name: gong.base_url for name, gong in self.gongs.items()},
            store=self.store.base_url, queues=queues, agents=self.company.agents, delivery=self._delivery,
            queue_alone=self._queue_alone,
        )  # fmt: skip
        self.config = rehearsed(self.company.config, self.stand)
        for source in self.config.sources:
            if isinstance(source, BucketSource):
                self.store.store.add_bucket(source.bucket)
            else:
                source.folder.mkdir(parents=True)
            for place in source.sidecars.values():
                if isinstance(place, SidecarBucket):
                    self.store.store.add_bucket(place.bucket)
        self.bridge = Bridge(self.config, observer=self.watching, transport=self.name)
        stack.callback(self.bridge.close)

    @property
    def count(self) -> int:
        """How many recordings there are."""
        return len(self.company.recordings)

    # --- what a scene does ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Set the bridge going."""
        self._thread = threading.Thread(target=run, args=(self.bridge, self._stop), name="drill", daemon=True)
        self._thread.start()

    def hand_over(self) -> None:
        """Put every copy where its recorder would: what describes a recording first."""
        for copy in sorted(self.company.copies, key=lambda one: one.is_recording):
            self.put(copy)

    def put(self, copy: Copy) -> None:
        """Put one copy where it belongs; a bucket with a queue tells it."""
        source = next(one for one in self.config.sources if one.name == copy.source)
        if copy.place:
            place = source.sidecars[copy.place]
            if isinstance(place, SidecarBucket):
                put_into_store(self.store.store, place.bucket, place.prefix, copy)
        elif isinstance(source, FolderSource):
            put_into_folder(source.folder, copy)
        else:
            stored = put_into_store(self.store.store, source.bucket, "", copy)
            if source.events is not None:
                told = notification_of(source.bucket, copy.key, stored.size_bytes, stored.etag)
                self.store.queues[source.name].send(json.dumps(told))

    def take_away(self, source_name: str, key: str) -> None:
        """Remove a recording, as somebody might who tidies up too early."""
        source = next(one for one in self.config.sources if one.name == source_name)
        if isinstance(source, FolderSource):
            path_in(source.folder, key).unlink(missing_ok=True)
        else:
            self.store.store.delete(source.bucket, key)

    def lies_there(self, copy: Copy) -> bool:
        """Whether the copy is where it was put."""
        source = next(one for one in self.config.sources if one.name == copy.source)
        if isinstance(source, FolderSource):
            return path_in(source.folder, copy.key).exists()
        return copy.key in self.store.store.keys(source.bucket)

    def away(self, source: FolderSource, *, back: bool) -> None:
        """Let a folder vanish, as a mount does, or come back."""
        there, elsewhere = self.stand.root(source.name), self.folder / "unmounted" / source.name
        elsewhere.parent.mkdir(parents=True, exist_ok=True)
        if back:
            shutil.rmtree(there, ignore_errors=True)
            elsewhere.rename(there)
        else:
            there.rename(elsewhere)
            self.met += 1

    def gong_plays(self, *faults: Fault) -> None:
        """Every account's Gong plays these from now on."""
        for gong in self.gongs.values():
            gong.play(*faults)

    def gong_recovers(self) -> None:
        """Gong plays nothing more."""
        for gong in self.gongs.values():
            gong.play_no_faults()

    def wait(self, wait_seconds: float) -> None:
        """Let time pass."""
        clock.wait(self.company.stop, wait_seconds)

    def wait_until(self, condition: Callable[[], bool], longest_seconds: float) -> bool:
        """Whether the condition came true in time. Pauses are noticed meanwhile."""
        until = clock.monotonic_seconds() + longest_seconds
        while not condition():
            self.watching.pauses(any(account.gate.cause is not None for account in self.bridge.accounts))
            if clock.monotonic_seconds() >= until or clock.wait(self.company.stop, _LOOK_SECONDS):
                return False
        return True

    @property
    def is_paused(self) -> bool:
        """Whether the bridge waits for a Gong account that it cannot use."""
        return any(account.gate.cause is not None for account in self.bridge.accounts)

    def entries(self) -> list[Entry]:
        """What the scene's ledger has."""
        return list(self.bridge.ledger.views.entries(EntryFilter()))

    def until_done(self, longest_seconds: float) -> bool:
        """Wait until every recording is known and none is open; whether that came in time."""
        given = {(copy.source, copy.key) for copy in self.company.recordings}

        def done() -> bool:
            entries = self.entries()
            known = {(entry.source, entry.key) for entry in entries}
            return given <= known and not any(entry.state in OPEN_STATES for entry in entries)

        in_time = self.wait_until(done, longest_seconds)
        self.wait(_AFTERWARDS_SECONDS)
        return in_time

    def played(self) -> int:
        """How often the trouble was met."""
        counts = [gong.faults_played for gong in self.gongs.values()]
        return sum(counts) + self.store.faults_played + self.name.failed + self.met

    def account_of(self, source: str) -> str:
        """The name of the account to which a source's calls go."""
        return account_name(next(one.account for one in self.config.sources if one.name == source))
