"""Proof of issue 6: a million calls come whole and once, in flat memory, through failures and a kill in the middle."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.scripted_gong import Exchange, ScriptedGong

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 100
A_DAY = 10_000
PAGE = 100
FIRST_ID = 9_000_000_000_000_000_000
MOST_MORE_MIB = 48
"""What a million rows may take more than ten thousand."""


class BigGong:
    """A call every 8.64 s for 100 days; a cursor is good for its own question alone; trouble now and then."""

    def __init__(self) -> None:
        self.requests = 0
        self.refused_cursors = 0

    def __call__(self, exchange: Exchange) -> None:
        self.requests += 1
        if self.requests % 997 == 0:
            exchange.reset()
            return
        begin, end = (_place(exchange.query[name]) for name in ("fromDateTime", "toDateTime"))
        question = f"{begin}-{end}"
        start = begin
        if "cursor" in exchange.query:
            asked, _, place = exchange.query["cursor"].rpartition("@")
            # One in a few thousand has expired.
            if asked != question or self.requests % 3001 == 0:
                self.refused_cursors += 1
                exchange.answer(400, {"requestId": "r", "errors": ["cursor has expired"]})
                return
            start = int(place)
        stop = min(start + PAGE, end)
        records = {"totalRecords": end - begin, "currentPageSize": stop - start, "currentPageNumber": 0}
        if stop < end:
            records["cursor"] = f"{question}@{stop}"
        exchange.answer(200, {"requestId": "r", "records": records, "calls": [_call(n) for n in range(start, stop)]})


def _place(text: str) -> int:
    """How many calls began before this time."""
    seconds = (datetime.fromisoformat(text) - FIRST).total_seconds()
    return max(0, min(DAYS * A_DAY, -int(-seconds * A_DAY // 86_400)))


def _call(number: int) -> dict[str, object]:
    started = FIRST + timedelta(seconds=number * 86_400 / A_DAY)
    return {
        "id": str(FIRST_ID + number),
        "url": f"https://gong.example.com/call?id={FIRST_ID + number}",
        "title": f'Call {number}, "quoted"',
        "started": started.isoformat(),
        "duration": 61,
        "primaryUserId": "7782342274025937895",
        "direction": "Inbound",
        "system": "PBX",
        "scope": "External",
        "media": "Audio",
        "language": "eng",
        "workspaceId": "623457276584334",
        "clientUniqueId": f"pbx-{number}",
        "isPrivate": False,
        "addedLater": {"by": "nobody"},
    }


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, BigGong]]:
    folder = tmp_path_factory.mktemp("million")
    gong = BigGong()
    with ScriptedGong(gong) as server:
        (folder / "bridge.yaml").write_text(
            f"""
gong: {{base_url: "{server.base_url}", access_key: key, access_key_secret: secret,
  limits: {{calls_per_second: 10000, calls_per_day: 100000000}}}}
ledger: {{url: "sqlite:///{folder}/ledger.db"}}
sources: [{{name: pbx, folder: {folder}, mapping: freepbx}}]
"""
        )
        yield folder, gong


def start(folder: Path, output: Path, days: int, *words: str) -> subprocess.Popen[bytes]:
    last = (FIRST + timedelta(days=days - 1)).date()
    command = [sys.executable, "-m", "gong_bridge", "gong", "calls", "--from", "2025-01-01", "--to", str(last)]
    command += ["--config", str(folder / "bridge.yaml"), "--output", str(output), *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> int:
    """Wait for its good end: the most memory that it had, in MiB."""
    assert process.stderr is not None
    with process.stderr as told:
        said = told.read().decode()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return used.ru_maxrss // 1024


def ids_in(output: Path) -> Iterator[str]:
    if output.suffix == ".jsonl":
        with output.open("rb") as file:
            yield from (json.loads(line)["id"] for line in file)
    elif output.suffix == ".csv":
        with output.open(newline="", encoding="utf-8") as file:
            yield from (row[0] for row in csv.reader(file) if row[0] != "id")
    else:
        import pyarrow.parquet

        for batch in pyarrow.parquet.ParquetFile(output).iter_batches(columns=["id"]):
            yield from batch.column(0).to_pylist()


def digest(ids: Iterator[str]) -> str:
    whole = hashlib.sha256()
    for one in ids:
        whole.update(one.encode())
    return whole.hexdigest()


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_million_rows_in_flat_memory_whole_and_once_over_failures_and_a_kill(
    desk: tuple[Path, BigGong], form: str
) -> None:
    folder, gong = desk
    small_mib = finish(start(folder, folder / f"small.{form}", 1))
    before, refused = gong.requests, gong.refused_cursors
    began_at = time.monotonic()
    output = folder / f"million.{form}"
    killed = start(folder, output, DAYS)
    part = Path(f"{output}.part")
    while not part.exists() or part.stat().st_size < 100_000_000:
        assert killed.poll() is None
        time.sleep(0.2)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not output.exists()
    large_mib = finish(start(folder, output, DAYS, "--resume"))
    seconds = time.monotonic() - began_at
    expected = digest(str(FIRST_ID + number) for number in range(DAYS * A_DAY))
    assert digest(ids_in(output)) == expected
    print(
        f"\n{form}: 1,000,000 rows ({output.stat().st_size / 1e6:.0f} MB) in {seconds:.0f} s, "
        f"{gong.requests - before:,} requests, {gong.refused_cursors - refused} expired cursors, one kill; "
        f"{large_mib} MiB, 10,000 rows: {small_mib} MiB"
    )
    assert large_mib - small_mib < MOST_MORE_MIB
