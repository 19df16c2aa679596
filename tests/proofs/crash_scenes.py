"""What a crash is tried on: a home with a source for each way a recording can go, and the scene of each kill point."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from gong_bridge.kill_points import VARIABLE, Point
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.sandbox.arrived import ArrivedCall
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests import recorded_groups
from tests.end_to_end.bridge import Home, environment
from tests.end_to_end.recordings import age, call_text, drop, sha256, wav
from tests.store import CREDENTIALS, store_client
from tests.store_queue import StoreQueue

SIGKILLED = -9
MICROSECONDS = 1_000_000
ANOTHER_DISK = Path("/dev/shm")

Meanwhile = Callable[[], object]
Run = Callable[[list[str], Mapping[str, str], Path, Meanwhile], int]
"""Runs a command (arguments, environment, where its output goes, what to do now and then); its exit code, or -9."""

LOST_POST = Fault(operation="addCall", kind="drop_after")
LOST_MEDIA = Fault(operation="addCallRecording", kind="drop_after")
SLOW_POST = Fault(operation="addCall", kind="slow", seconds=1.5)
LAGGING_LIST = Fault(operation="listCalls", kind="status", status=404, times=None)
"""Gong does not list the call until it is posted again: Gong's answer to that counts (G6). Once would not do: a process
that stands still for longer than its lease looks again before it posts."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One crash: at which point (the how manieth time), of a recording of which source.

    before: trouble that Gong makes on the way there. after: trouble that it makes after the restart. big: a recording
    of 100 MiB, so that one hundredth is one. also: further arguments of the environment.
    """

    point: Point
    source: str
    times: int = 1
    before: tuple[Fault, ...] = ()
    after: tuple[Fault, ...] = ()
    big: bool = False

    @property
    def name(self) -> str:
        """How it is called in tables."""
        return f"{self.point.word} ({self.source})"

    @property
    def armed(self) -> dict[str, str]:
        """What stands in the environment of the process that is to die."""
        return {VARIABLE: f"{self.point.word}:{self.times}"}


def _everywhere(source: str) -> list[Scene]:
    """The points that every recording passes, however its media gets to Gong."""
    plain = (Point.SEEN, Point.FOUND, Point.CLAIMED, Point.PROBED, Point.DRAFTED, Point.CREATE_INTENDED)
    repeated = (Point.POST_SENT, Point.POST_ANSWERED, Point.CALL_UNSTORED)
    return [
        *(Scene(point=point, source=source) for point in plain),
        Scene(point=Point.OUTCOME_UNWRITTEN, source=source, before=(LOST_POST,), after=(LAGGING_LIST,)),
        *(Scene(point=point, source=source, after=(LAGGING_LIST,)) for point in repeated),
        Scene(point=Point.CALL_FOUND, source=source, before=(LOST_POST,)),
        Scene(point=Point.CREATED, source=source),
        Scene(point=Point.DELIVERED, source=source),
        Scene(point=Point.HEARTBEAT, source=source, before=(SLOW_POST,)),
    ]


BY_UPLOAD = [
    *_everywhere("deleted"),
    *(
        Scene(point=point, source="deleted")
        for point in (Point.UPLOAD_INTENDED, Point.MEDIA_SENT, Point.MEDIA_ANSWERED, Point.MEDIA_UNSTORED)
    ),
    *(Scene(point=point, source="deleted", big=True) for point in (Point.BODY_1, Point.BODY_50, Point.BODY_100)),
    Scene(point=Point.MEDIA_CONFIRMED, source="deleted", before=(LOST_MEDIA,)),
    Scene(point=Point.DELETE_CHECKED, source="deleted"),
    Scene(point=Point.DELETED, source="deleted"),
    Scene(point=Point.DELIVERED, source="shared"),
    *(Scene(point=point, source="shared") for point in (Point.SHARE_SENT, Point.SHARE_UNSTORED, Point.SHARED)),
    *(Scene(point=point, source="moved") for point in (Point.MOVE_RESERVED, Point.MOVED)),
    *(Scene(point=point, source="across") for point in (Point.COPY_BEGUN, Point.COPY_WHOLE, Point.COPY_PLACED)),
    *(
        Scene(point=point, source="pairs")
        for point in (Point.GROUP_REPORTED, Point.GROUP_CHOSEN, Point.CONVERTED, Point.FOLLOWER_SETTLED)
    ),
    Scene(point=Point.CONVERTING, source="pairs", times=3),
    Scene(point=Point.CONVERTED, source="pairs", times=2),  # once before the draft, once to send it
]
BY_LINK = [
    *_everywhere("linked"),
    Scene(point=Point.LINK_MADE, source="linked"),
    Scene(point=Point.MEDIA_CONFIRMED, source="linked"),
    Scene(point=Point.OBJECT_REMOVED, source="linked"),
    Scene(point=Point.OBJECT_COPIED, source="linked-moved"),
    Scene(point=Point.OBJECT_REMOVED, source="linked-moved"),
]
OF_QUEUES = (Point.QUEUE_READ, Point.QUEUE_COMMITTED, Point.QUEUE_DELETED)
OF_ERASING = (Point.PERSON_LISTED, Point.PERSON_PURGED, Point.PERSON_TAKEN_OUT, Point.RECORDING_ERASED)
OF_BACKFILLS = (Point.BACKFILL_LISTED, Point.BACKFILL_TAKEN)
OF_NEW_LEDGERS = (Point.LEDGER_MADE, Point.REVISION_APPLIED, Point.MIGRATED)
OF_MOVED_LEDGERS = (Point.MOVE_BEGUN, Point.MOVE_BATCH, Point.MOVE_COMPARED, Point.MOVE_OPENED)


def have_another_disk(beside: Path) -> bool:
    """Whether a move to another file system can be tried here."""
    return ANOTHER_DISK.is_dir() and ANOTHER_DISK.stat().st_dev != beside.stat().st_dev


class CrashHome(Home):
    """A home with seven sources: `deleted`, `moved`, `across` (folders), `pairs` (calls in two files), `shared` (calls
    that a second user may open), `linked`, `linked-moved` (buckets, where there is a store). `expected` is what Gong
    must have in the end."""

    def __init__(
        self, root: Path, sandbox: Sandbox, *, run: Run, ledger_url: str | None = None, store_url: str | None = None,
        link: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(root, sandbox.base_url)
        self.sandbox = sandbox
        self.expected: dict[str, str] = {}
        self.away = root / "away"
        self.away.mkdir()
        self.log = root / "commands.log"
        self._run = run
        self._number = 0
        self._store = None if store_url is None else store_client(store_url)
        self._sources: dict[str, dict[str, Any]] = {}
        self.config["ledger"] = {"url": ledger_url or f"sqlite:///{self.ledger_path}", "lease": "2s"}
        self.config["mappings"] = "mappings"
        recorded_groups.write_mapping(root)
        far = tempfile.mkdtemp(prefix="gong-bridge-", dir=ANOTHER_DISK) if have_another_disk(root) else str(self.away)
        self.far = Path(far)
        self._folder("deleted", after_upload="delete")
        self._folder("moved", after_upload={"move_to": str(self.away)})
        self._folder("across", after_upload={"move_to": far})
        self._folder("pairs", mapping="grouped", after_upload="delete")
        (root / "mappings" / "shared.yaml").write_text(SHARED)
        self._folder("shared", mapping="shared", after_upload="delete")
        if store_url is not None:
            way = "link" if link else "upload"
            self._bucket("linked", store_url, delivery=way, after_upload="delete")
            self._bucket("linked-moved", store_url, delivery=way, after_upload={"move_to": "sent/"}, prefix="calls/")
            self.environment = dict(CREDENTIALS)
        self.config["sources"] = list(self._sources.values())
        self.write()

    def _folder(self, name: str, **options: Any) -> None:
        (self.root / name).mkdir()
        self._sources[name] = {**self.source, "name": name, "folder": name, "settle": "0s", **options}

    def _bucket(self, name: str, store_url: str, **options: Any) -> None:
        bucket = f"{self.root.name}-{name}".lower().replace("_", "-")
        self._store.create_bucket(Bucket=bucket)  # type: ignore[union-attr]
        self._sources[name] = {
            "name": name, "bucket": bucket, "endpoint_url": store_url, "mapping": "sidecar-json",
            "include": ["**/*.wav"], "rescan": "1s", "region": "us-east-1", **options,
        }  # fmt: skip

    def options_of(self, source: str) -> dict[str, Any]:
        """What bridge.yaml says of a source; may be changed before the next run, after `write`."""
        return self._sources[source]

    # --- recordings -------------------------------------------------------------------------------------------------

    def record(self, source: str, *, big: bool = False, aged_seconds: float = 0) -> str:
        """A new recording in this source, as a recorder leaves it there; its clientUniqueId."""
        self._number += 1
        if source == "pairs":
            return self._record_pair()
        unique_id = f"call-{self._number:04}"
        if "bucket" in self._sources[source]:
            data = wav(self._number)
            prefix = self._sources[source].get("prefix", "")
            self._put(source, f"{prefix}{unique_id}.json", call_text(unique_id).encode())
            self._put(source, f"{prefix}{unique_id}.wav", data)
            self.expected[unique_id] = sha256(data)
            return unique_id
        folder = self.root / source
        if big:
            path, self.expected[unique_id] = big_recording(folder / f".{unique_id}.tmp")
            (folder / f"{unique_id}.json").write_text(call_text(unique_id))
            path.rename(folder / f"{unique_id}.wav")
            return unique_id
        self.expected[unique_id] = drop(folder, f"{unique_id}.wav", self._number)
        if aged_seconds:
            age(folder / f"{unique_id}.wav", aged_seconds)
        return unique_id

    def _record_pair(self) -> str:
        at = recorded_groups.START + 60 * self._number
        for place, (part, hz) in enumerate((("in", 440), ("out", 700))):
            recorded_groups.drop(
                self.root / "pairs", f"c{self._number}", part, at=at + 1.5 * place, hz=hz, silent=place + 1
            )
        self.expected[f"g-c{self._number}"] = BOTH_SIDES
        return f"g-c{self._number}"

    def order_backfill(self, source: str) -> None:
        """From now on this source leaves old recordings alone; a person orders one that is there."""
        self._sources[source]["since"] = "2026-01-01"
        self.record(source, aged_seconds=2 * 365 * 86_400)
        assert self.go("backfill", "--source", source, "--since", "2023-01-01") == 0, self.log.read_text()[-2000:]

    def _put(self, source: str, key: str, data: bytes) -> None:
        self._store.put_object(Bucket=self._sources[source]["bucket"], Key=key, Body=data)  # type: ignore[union-attr]

    # --- the command ------------------------------------------------------------------------------------------------

    def go(self, *arguments: str, armed: Mapping[str, str] | None = None, meanwhile: Meanwhile | None = None) -> int:
        """Run a command to its end, `run --once` unless another is given; while links are waited for, time flies."""
        self.write()
        wanted = [*(arguments or ("run", "--once")), "-c", str(self.root / "bridge.yaml")]
        return self._run(
            wanted,
            environment({**self.environment, **(armed or {})}),
            self.log,
            meanwhile or self.let_time_fly_for_links,
        )

    def let_time_fly_for_links(self) -> None:
        """As if an hour had passed since Gong got the links that it has used: it would be asked only by then."""
        fetched = [call.id for call in self.sandbox.calls if call.media and "downloadMediaUrl" in call.body]
        if not fetched:
            return
        ids = ", ".join(f"'{one}'" for one in fetched)
        waiting = f"delivery = 'link' AND state = 'created' AND lease_token IS NULL AND call_id IN ({ids})"
        hour = 3600 * MICROSECONDS
        self.ask(f"UPDATE entries SET linked_at = linked_at - {hour} WHERE {waiting} AND linked_at >= found_at")
        self.ask(f"UPDATE entries SET due_at = 0 WHERE {waiting} AND due_at > 0")

    def health(self) -> dict[str, bool]:
        """Source -> whether it can be read, as its thread last reported."""
        return {str(name): bool(healthy) for name, healthy in self.ask("SELECT source, healthy FROM source_health")}

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """A question to, or change of, the ledger's tables behind the bridge's back."""
        url = self.config["ledger"]["url"]
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30)) as database, database:
                return database.execute(statement).fetchall()
        with psycopg.connect(url, autocommit=True) as connection:
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []

    # --- what must be true ------------------------------------------------------------------------------------------

    def everything_arrived_once(self) -> None:
        """One call and one media for each recording, whole; every entry ended well; nothing needs a person."""
        calls = {call.client_unique_id: call for call in self.sandbox.calls}
        assert sorted(call.client_unique_id for call in self.sandbox.calls) == sorted(self.expected)
        assert {one: call.media_puts for one, call in calls.items() if call.media_puts != 1} == {}
        for unique_id, digest in self.expected.items():
            self._is_whole(calls[unique_id], digest)
        shared = {one.client_unique_id for one in calls.values() if one.shared_with}
        assert sorted(shared) == sorted(Path(one["key"]).stem for one in self.entries_of("shared"))
        with Ledger.open(self.config["ledger"]["url"]) as ledger:
            entries = list(ledger.views.entries())
            assert ledger.upkeep.integrity_check() == []
        open_or_held = [(one.key, str(one.state), one.reason) for one in entries if str(one.state) not in ENDED]
        assert open_or_held == []
        assert sorted(one.client_unique_id or "" for one in entries if str(one.state) == "done") == sorted(
            self.expected
        )
        assert [(one.key, one.attempts) for one in entries if one.attempts > 1] == []

    def _is_whole(self, call: ArrivedCall, digest: str) -> None:
        assert call.media is not None
        if digest != BOTH_SIDES:
            assert call.media.sha256 == digest, call.client_unique_id
            return
        data = self.sandbox.media_of(call.id)
        assert data is not None
        rate, (left, right) = recorded_groups.channels_of(data)
        assert abs(recorded_groups.first_sound(left, rate) - 1.0) <= 0.02
        assert abs(recorded_groups.first_sound(right, rate) - 3.5) <= 0.02

    def sources_are_settled(self) -> None:
        """Every recording is deleted, or lies whole where it was to be moved; nothing half lies anywhere."""
        lying = [
            path
            for name in ("deleted", "moved", "across", "pairs", "shared")
            for path in (self.root / name).rglob("*.wav")
        ]
        assert lying == []
        moved = [path for place in {self.away, self.far} for path in place.rglob("*") if path.is_file()]
        digests = sorted(sha256(path.read_bytes()) for path in moved)
        gone = {entry["key"] for entry in self.entries_of("moved", "across")}
        assert digests == sorted(self.expected[Path(key).stem] for key in gone)
        for name in ("linked", "linked-moved"):
            if name in self._sources:
                self._bucket_is_settled(name)

    def _bucket_is_settled(self, name: str) -> None:
        bucket = self._sources[name]["bucket"]
        found = self._store.list_objects_v2(Bucket=bucket).get("Contents", [])  # type: ignore[union-attr]
        keys = sorted(one["Key"] for one in found if one["Key"].endswith(".wav"))
        wanted = [] if name == "linked" else [f"sent/{Path(one['key']).name}" for one in self.entries_of(name)]
        assert keys == sorted(wanted)

    def entries_of(self, *sources: str) -> list[dict[str, Any]]:
        """Key and state of every entry of these sources."""
        names = ", ".join(f"'{name}'" for name in sources)
        rows = self.ask(f"SELECT key, state FROM entries WHERE source IN ({names})")
        return [{"key": key, "state": state} for key, state in rows]

    def close(self) -> None:
        """Remove what lies on the other disk."""
        shutil.rmtree(self.far, ignore_errors=True)


SHARED = "about: a proof's\nextends: sidecar-json\nshare_with: [agent-202@example.com]\n"
BOTH_SIDES = "both sides of the call, each on its channel"
ENDED = ("done", "skipped")
_BIG_SECONDS = 137
_BIG_RATE_HZ = 192_000


def big_recording(path: Path) -> tuple[Path, str]:
    """A WAV of 100.3 MiB at `path`, and its sha256: one chunk of 1 MiB is one hundredth."""
    made = Path(tempfile.gettempdir()) / f"gong-bridge-proof-{os.getpid()}.wav"
    if not made.exists():
        made.write_bytes(recorded_groups.tone(1, rate_hz=_BIG_RATE_HZ, channels=2)[:44])
        second = recorded_groups.tone(1, rate_hz=_BIG_RATE_HZ, channels=2)[44:]
        size = len(second) * _BIG_SECONDS
        with made.open("wb") as file:
            header = bytearray(recorded_groups.tone(1, rate_hz=_BIG_RATE_HZ, channels=2)[:44])
            header[4:8] = (36 + size).to_bytes(4, "little")
            header[40:44] = size.to_bytes(4, "little")
            file.write(header)
            for _ in range(_BIG_SECONDS):
                file.write(second)
        _DIGESTS[made] = sha256(made.read_bytes())
    shutil.copyfile(made, path)
    return path, _DIGESTS[made]


_DIGESTS: dict[Path, str] = {}


@contextmanager
def crash_home(root: Path, sandbox: Sandbox, **options: Any) -> Iterator[CrashHome]:
    """A CrashHome that cleans up after itself."""
    home = CrashHome(root, sandbox, **options)
    try:
        yield home
    finally:
        home.close()


@contextmanager
def queue_of(home: CrashHome, source: str, store_url: str) -> Iterator[StoreQueue]:
    """A queue that a source reads from now on; its listing finds nothing new for an hour."""
    options = home.options_of(source)
    queue = StoreQueue(options["bucket"], store_url)
    options.update(events=queue.url, rescan="1h")
    try:
        yield queue
    finally:
        queue.close()
