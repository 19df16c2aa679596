"""Proof of issue 6: two hundred thousand recordings are settled exactly, a day in memory, through failures of Gong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from gong_bridge.ledger.ledger import Ledger
from gong_bridge.ledger.rows import micros
from gong_bridge.ledger.schema import entries
from tests.integration.scripted_gong import Exchange, ScriptedGong

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 20
A_DAY = 10_000
PAGE = 100
FIRST_ID, TWIN_ID, OTHER_ID = 9_000_000_000_000_000_000, 8_000_000_000_000_000_000, 7_000_000_000_000_000_000
MOST_MORE_MIB = 48
"""What twenty days may take more than one."""


class TroubledGong:
    """Of each day 20 calls of ours are gone, 10 are there twice, and 10 are of others; trouble now and then."""

    def __init__(self) -> None:
        self.requests = 0
        self.troubles = 0

    def __call__(self, exchange: Exchange) -> None:
        self.requests += 1
        if self._is_trouble(exchange):
            self.troubles += 1
        elif exchange.path == "/v2/calls":
            self._list(exchange)
        else:
            exchange.answer(404, {"requestId": "r", "errors": ["Call not found"]})

    def _is_trouble(self, exchange: Exchange) -> bool:
        if self.requests % 97 == 0:
            exchange.reset()
        elif self.requests % 151 == 0:
            exchange.answer(429, {"requestId": "r", "errors": ["too many"]}, headers={"Retry-After": "0"})
        elif self.requests % 211 == 0:
            exchange.answer(500, {"requestId": "r", "errors": ["trouble"]})
        elif self.requests % 1009 == 0 and "cursor" in exchange.query:
            exchange.answer(400, {"requestId": "r", "errors": ["cursor has expired"]})
        else:
            return False
        return True

    def _list(self, exchange: Exchange) -> None:
        begin, end = (_place(exchange.query[name]) for name in ("fromDateTime", "toDateTime"))
        start = int(exchange.query.get("cursor", begin))
        stop = min(start + PAGE, end)
        records: dict[str, object] = {"totalRecords": end - begin, "currentPageSize": PAGE, "currentPageNumber": 0}
        if stop < end:
            records["cursor"] = str(stop)
        calls = [call for number in range(start, stop) for call in _calls(number)]
        exchange.answer(200, {"requestId": "r", "records": records, "calls": calls})


def _place(text: str) -> int:
    seconds = (datetime.fromisoformat(text) - FIRST).total_seconds()
    return max(0, min(DAYS * A_DAY, -int(-seconds * A_DAY // 86_400)))


def _calls(number: int) -> Iterator[dict[str, object]]:
    if number % 500 != 7:
        yield _call(number, FIRST_ID + number, f"pbx-{number}")
    if number % 1000 == 1:
        yield _call(number, TWIN_ID + number, f"pbx-{number}")
    if number % 1000 == 2:
        yield _call(number, OTHER_ID + number, f"dialler-{number}")


def _call(number: int, call_id: int, client_unique_id: str) -> dict[str, object]:
    return {
        "id": str(call_id),
        "url": f"https://gong.example.com/call?id={call_id}",
        "started": _start(number).isoformat(),
        "clientUniqueId": client_unique_id,
    }


def _start(number: int) -> datetime:
    return FIRST + timedelta(seconds=number * 86_400 / A_DAY)


def fill(ledger: Ledger) -> None:
    """Everything was delivered."""
    for day in range(DAYS):
        with ledger.database.write() as connection:
            connection.execute(insert(entries), [_row(day * A_DAY + place) for place in range(A_DAY)])


def _row(number: int) -> dict[str, object]:
    at = micros(_start(number))
    return {
        "source": "pbx", "key": f"{number}.wav", "version": "1", "size_bytes": 5, "modified_at": at, "state": "done",
        "client_unique_id": f"pbx-{number}", "call_id": str(FIRST_ID + number), "attempts": 0, "due_at": at,
        "backlog": False, "owns_call": True, "found_at": at, "updated_at": at, "started_at": at, "reach": "",
        "account": "",
    }  # fmt: skip


def reconcile(folder: Path, days: int) -> tuple[list[dict[str, object]], int]:
    """The receipts, and the most memory that the command had in MiB."""
    last = (FIRST + timedelta(days=days - 1)).date()
    command = [sys.executable, "-m", "gong_bridge", "reconcile", "--from", "2025-01-01", "--to", str(last), "--json"]
    with (folder / "out.jsonl").open("wb") as output:
        process = subprocess.Popen(
            [*command, "--config", str(folder / "bridge.yaml")], stdout=output, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        with process.stderr as told:
            said = told.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 1, said  # something is missing
    with (folder / "out.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines], used.ru_maxrss // 1024


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_two_hundred_thousand_recordings_are_settled_exactly_over_failures(tmp_path: Path) -> None:
    gong = TroubledGong()
    with ScriptedGong(gong) as server, Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as ledger:
        (tmp_path / "bridge.yaml").write_text(
            f"""
gong: {{base_url: "{server.base_url}", access_key: key, access_key_secret: secret,
  limits: {{calls_per_second: 10000, calls_per_day: 100000000}}}}
ledger: {{url: "sqlite:///{tmp_path}/ledger.db"}}
sources: [{{name: pbx, folder: {tmp_path}, mapping: freepbx}}]
"""
        )
        (tmp_path / "bridge.yaml").chmod(0o600)
        fill(ledger)
        _, small_mib = reconcile(tmp_path, 1)
        before, began_at = gong.requests, time.monotonic()
        rows, large_mib = reconcile(tmp_path, DAYS)
        seconds = time.monotonic() - began_at
        kept = {one.source: one for one in ledger.receipts.kept()}
    ours = [row for row in rows if row["source"] == "pbx"]
    told = {(row["recorded"], row["in_gong"], row["missing"], row["doubled"]) for row in ours}
    assert (len(ours), told) == (DAYS, {(A_DAY, A_DAY - 20, 20, 10)})
    assert [row["unknown"] for row in rows if row["source"] is None] == [10] * DAYS
    assert len(kept["pbx"].calls("missing")) == 20
    print(
        f"\n{DAYS * A_DAY:,} recordings of {DAYS} days settled in {seconds:.0f} s with {gong.requests - before:,} "
        f"requests and {gong.troubles} troubles; {large_mib} MiB, one day: {small_mib} MiB"
    )
    assert large_mib - small_mib < MOST_MORE_MIB
