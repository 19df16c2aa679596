"""Several processes on one ledger, and processes that die: no entry twice, none lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import State
from tests.contract.test_ledger import DRAFT, MEDIA, add, recording

CLAIMER = """
import sys, threading
from datetime import UTC, datetime
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import State

ledger = Ledger.open(sys.argv[1])
mine = []

def work(owner):
    while (entry := ledger.work.claim(owner, datetime.now(UTC), 30)) is not None:
        mine.append(entry.id)
        entry = ledger.calls.save_draft(entry, datetime.now(UTC), {"n": entry.id}, f"call-{entry.id}", {})
        entry = ledger.work.advance(entry, State.CREATED, datetime.now(UTC), call_id=str(entry.id))
        ledger.work.advance(entry, State.DONE, datetime.now(UTC))

sys.stdin.readline()
threads = [threading.Thread(target=work, args=(f"{sys.argv[2]}-{number}",)) for number in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(*mine)
"""

HOLDER = """
import sys, time
from datetime import UTC, datetime
from gong_bridge.ledger.ledger import Ledger

ledger = Ledger.open(sys.argv[1])
for _ in range(3):
    entry = ledger.work.claim("doomed", datetime.now(UTC), 1.0)
ledger.calls.save_draft(entry, datetime.now(UTC), {"title": "kept"}, "call-1", {})
print("holding", flush=True)
time.sleep(60)
"""

MINE = (Lane("pbx"), Lane("old"))
"""What a bridge serves whose ledger holds much that is another host's."""

WRITER = """
import itertools, sys
from datetime import UTC, datetime
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Recording

ledger = Ledger.open(sys.argv[1])
for batch in itertools.count():
    now = datetime.now(UTC)
    ledger.intake.add([Recording(source="pbx", key=f"{sys.argv[2]}/{batch}/{n}", version="1", size_bytes=1,
                                 modified_at=now) for n in range(20)], False, now)
    print(batch, flush=True)
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_R28_two_processes_never_claim_an_entry_twice(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        add(ledger, *(recording(f"{number}.wav") for number in range(500)))
        processes = [python(CLAIMER, ledger_url, name) for name in ("first", "second")]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        claimed = [process.communicate(timeout=60)[0].split() for process in processes]
        assert sorted(int(number) for numbers in claimed for number in numbers) == list(range(1, 501))
        assert min(len(numbers) for numbers in claimed) > 0
        assert ledger.views.counts() == {"pbx": {"done": 500}}
        assert ledger.upkeep.integrity_check() == []


def test_R28_what_a_killed_process_held_is_rescued_within_two_lease_times(ledger_url: str) -> None:
    with Ledger.open(ledger_url) as ledger:
        add(ledger, *(recording(f"{number}.wav") for number in range(3)))
        holder = python(HOLDER, ledger_url)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holding\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        killed_at = time.monotonic()
        rescued = []
        while len(rescued) < 3 and time.monotonic() - killed_at < 2.0:
            entry = ledger.work.claim("rescuer", datetime.now(UTC), 30)
            if entry is None:
                time.sleep(0.05)
            else:
                rescued.append(entry)
        assert sorted(entry.state for entry in rescued) == [State.DRAFTED, State.FOUND, State.FOUND]
        assert [entry.draft for entry in rescued if entry.draft] == [{"title": "kept"}]
        holder.communicate()


def test_R28_kill_minus_9_in_the_middle_of_writing_damages_nothing_and_loses_no_committed_row(
    ledger_url: str,
) -> None:
    with Ledger.open(ledger_url) as ledger:
        for life in range(3):
            writer = python(WRITER, ledger_url, str(life))
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(5 + 7 * life)]
            os.kill(writer.pid, signal.SIGKILL)
            told += writer.communicate()[0].splitlines()
            committed = 20 * len([line for line in told if line.strip()])
            present = sum(entry.key.startswith(f"{life}/") for entry in ledger.views.entries())
            assert committed <= present <= committed + 20
            assert present % 20 == 0
        assert ledger.upkeep.integrity_check() == []
        assert add(ledger) == 1


def test_R28_a_claim_stays_fast_behind_a_long_past_and_a_long_queue(
    new_sqlite_ledger: Callable[[Path], str], tmp_path: Path
) -> None:
    now = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
    with Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db")) as ledger:
        add(ledger, recording())
        copy_rows = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) INSERT INTO entries"
            " (source, key, version, size_bytes, modified_at, state, attempts, due_at, backlog, owns_call, found_at,"
            " updated_at, reach) SELECT 'old', '{state}' || i, '1', 1, 0, '{state}', 0, due_at + {later}, {backlog}, 0,"
            " found_at - i, 0, '{reach}' FROM n, entries WHERE entries.id = 1"
        )
        with ledger.database.write() as connection:
            for count, state, later, backlog, reach in (
                (100_000, "done", 0, 0, ""),
                (100_000, "found", -3_600_000_000, 0, "another-host"),
                (20_000, "found", 3_600_000_000, 0, ""),  # postponed for an hour, found a moment ago
                (20_000, "drafted", 0, 1, ""),
            ):
                sql = copy_rows.format(count=count, state=state, later=later, backlog=backlog, reach=reach)
                connection.exec_driver_sql(sql)
        began = time.process_time()
        for _ in range(50):
            assert ledger.work.claim("me", now + timedelta(seconds=1), 30, lanes=MINE) is not None
        assert (time.process_time() - began) / 50 < 0.03
        entry = ledger.work.claim("me", now + timedelta(seconds=1), 30, lanes=MINE)
        assert entry is not None
        assert entry.backlog


def test_the_ledger_spends_less_than_10_ms_of_processor_on_a_whole_life(
    new_sqlite_ledger: Callable[[Path], str], tmp_path: Path
) -> None:
    now = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)
    with Ledger.open(new_sqlite_ledger(tmp_path / "ledger.db")) as ledger:
        add(ledger, *(recording(f"{number}.wav") for number in range(200)))
        began = time.process_time()
        while (entry := ledger.work.claim("me", now, 30)) is not None:
            entry = ledger.calls.save_draft(entry, now, DRAFT, f"call-{entry.id}", MEDIA)
            entry = ledger.work.note_intent(entry, "create", now)
            entry = ledger.work.advance(entry, State.CREATED, now, call_id=str(entry.id))
            entry = ledger.work.advance(entry, State.DELIVERED, now)
            ledger.work.advance(entry, State.DONE, now)
        assert (time.process_time() - began) / 200 < 0.010
