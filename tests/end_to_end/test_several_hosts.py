"""Several bridges on one PostgreSQL: each works on what it can open, together they deliver everything once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Recording, State
from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, Service, each_call_once, wait_until
from tests.end_to_end.recordings import call_text, drop, sha256, wav
from tests.store import CREDENTIALS, store_client

SLOW = (Fault(operation="addCallRecording", kind="slow", seconds=0.3, times=None),)


def host(root: Path, name: str, sandbox: Sandbox, ledger_url: str, store_url: str | None = None) -> Home:
    """The home of one host: a folder `pbx` of its own, and the bucket that all of them read."""
    home = Home(root / name, sandbox.base_url)
    home.config["ledger"] = {"url": ledger_url, "lease": "2s"}
    home.source["reach"] = name
    if store_url is not None:
        bucket = {"name": "bucket", "bucket": "recordings", "endpoint_url": store_url, "mapping": "sidecar-json"}
        home.config["sources"].append({**bucket, "include": ["**/*.wav"], "rescan": "1s", "region": "us-east-1"})
    home.environment.update(CREDENTIALS)
    return home


def fill_bucket(store_url: str, count: int) -> dict[str, str]:
    """Recordings with their sidecars in the bucket: clientUniqueId -> sha256."""
    store = store_client(store_url)
    store.create_bucket(Bucket="recordings")
    expected = {}
    for number in range(count):
        data = wav(1000 + number)
        expected[f"bucket-{number}"] = sha256(data)
        store.put_object(Bucket="recordings", Key=f"{number}.json", Body=call_text(f"bucket-{number}").encode())
        store.put_object(Bucket="recordings", Key=f"{number}.wav", Body=data)
    return expected


def open_of(ledger: Ledger, source: str, reach: str | None) -> int:
    """How many recordings of a source and reach are not done."""
    entries = ledger.views.entries()
    return sum(one.state is not State.DONE for one in entries if (one.source, one.reach) == (source, reach))


def test_R28_R22_four_bridges_deliver_all_once_although_one_is_killed(
    start_sandbox: Callable[..., Sandbox], empty_postgresql_url: str, store_url: str, tmp_path: Path
) -> None:
    sandbox = start_sandbox(faults=SLOW)
    homes = [host(tmp_path, f"host-{letter}", sandbox, empty_postgresql_url, store_url) for letter in "abcd"]
    expected = fill_bucket(store_url, 24)
    for place, home in enumerate(homes):
        for number in range(6):  # the same names on every host
            unique_id = f"host-{place}-{number}"
            expected[unique_id] = drop(home.recorder, f"{number}.wav", 100 * place + number, unique_id=unique_id)
    with ExitStack() as stack, Ledger.open(empty_postgresql_url) as ledger:
        services: list[Service] = [stack.enter_context(home.running()) for home in homes]
        wait_until(lambda: len(sandbox.calls) >= 12, "a dozen calls", 90)
        services[3].send(signal.SIGKILL)
        services[3].ended()
        others = [("bucket", None), *(("pbx", f"host-{letter}") for letter in "abc")]
        wait_until(lambda: sum(open_of(ledger, *one) for one in others) == 0, "the others deliver all they can", 90)
        if open_of(ledger, "pbx", "host-d"):
            wait_until(lambda: len(ledger.bridges.running(datetime.now(UTC), 2.0)) == 3, "one is missed")
            told = homes[0].run("status").stdout
            assert ", of source pbx: host " in " ".join(told.split())
            assert "not seen since" in told
            assert "gong-bridge ledger take-over host-d" in " ".join(told.split())
        stack.enter_context(homes[3].running())
        wait_until(lambda: open_of(ledger, "pbx", "host-d") == 0, "the killed host goes on", 90)
        assert ledger.upkeep.integrity_check() == []
    each_call_once(sandbox, expected)
    assert [request.path for request in sandbox.requests].count("/v2/users") == 3  # the pages of one listing


def test_R26_what_one_host_writes_another_takes_within_a_second_and_idling_costs_the_server_little(
    sandbox: Sandbox, empty_postgresql_url: str, tmp_path: Path
) -> None:
    home = host(tmp_path, "shared-nas", sandbox, empty_postgresql_url)
    home.source.update(watch="polling", rescan="1h", settle="0s")
    home.config["ledger"]["lease"] = "30s"
    with home.running() as service, Ledger.open(empty_postgresql_url) as ledger:
        wait_until(lambda: ledger.views.counts() == {} and "started" in service.log_text, "started")
        time.sleep(1)
        drop(home.recorder, "in-201.wav", 1)
        status = (home.recorder / "in-201.wav").stat()
        at = datetime.now(UTC)
        seen = Recording(
            source="pbx", key="in-201.wav", version=f"{status.st_size}-{status.st_mtime_ns // 1_000_000}",
            size_bytes=status.st_size, modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
        )  # fmt: skip
        ledger.intake.add([seen], False, at, reach="shared-nas")  # as another host with the share does
        wait_until(lambda: ledger.views.open_count() == 0, "taken", 10)
        (entry,) = ledger.views.entries()
        drafted = next(event for event in ledger.views.events(entry.id) if event.to_state is State.DRAFTED)
        assert (drafted.at - at).total_seconds() < 3  # the claim within one, then the probe's start and Gong's users
        with psycopg.connect(empty_postgresql_url, autocommit=True) as connection:
            counting = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
            time.sleep(11)  # what the server counted of the time before comes up to 10 s later
            (before,) = connection.execute(counting).fetchone() or (0,)
            time.sleep(5)
            (after,) = connection.execute(counting).fetchone() or (0,)
        # By an idle bridge with all its threads (4 to 4.6 seen), and by this question.
        assert (after - before) / 5 <= 6


def test_R29_a_bridge_that_starts_before_its_server_waits_and_one_whose_server_goes_away_resumes(
    sandbox: Sandbox, tmp_path: Path, own_postgresql: Any
) -> None:
    server = own_postgresql
    home = host(tmp_path, "host-a", sandbox, server.get_uri())
    server.stop()
    expected = {"early": drop(home.recorder, "early.wav", 1)}
    with home.running() as service:
        wait_until(lambda: "the ledger cannot be used yet" in service.log_text, "says what it waits for")
        server.start()
        wait_until(lambda: len(sandbox.calls) == 1, "the first call")
        server.stop()
        expected["late"] = drop(home.recorder, "late.wav", 2)
        wait_until(lambda: "paused" in service.log_text, "paused")
        server.start()
        wait_until(
            lambda: [call.media for call in sandbox.calls].count(None) == 0 and len(sandbox.calls) == 2, "both", 60
        )
        assert service.process.poll() is None
        assert service.stop() == 0
    each_call_once(sandbox, expected)
