"""Tables that outgrow memory: every recording gets its own row, memory stays small, and nobody waits for a bad one."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gong_bridge import clock
from gong_bridge.config.places import SidecarFolder
from gong_bridge.errors import BadMetadata, NotYetComplete
from gong_bridge.mapping.table_index import Column, Question
from gong_bridge.mapping.table_rows import Shape
from gong_bridge.mapping.tables import Tables
from gong_bridge.sources.elsewhere import Elsewhere

NOW = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SHAPE = Shape(columns=("file", "agent", "number", "note"))
BY_FILE = ((Column(written="file", name="file", change=str),),)

ASK_FOR_1000 = """
import re, sys
from datetime import UTC, datetime
from pathlib import Path
from tests.integration.test_large_tables import question
from gong_bridge.config.places import SidecarFolder
from gong_bridge.mapping.tables import Tables
from gong_bridge.sources.elsewhere import Elsewhere
place, tables, now = Elsewhere("cdr", SidecarFolder(folder=Path(sys.argv[1]))), Tables(), datetime.now(UTC)
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak_kib()
for number in range(0, 100_000, 100):
    assert len(tables.rows(place, "calls.csv", question(f"{number}.wav"), now=now)) == 1
print(peak_kib() - before)
"""


def question(name: str) -> Question:
    return Question(shape=SHAPE, joins=BY_FILE, which=0, wanted=(name,))


def test_of_100_000_rows_between_spoilt_ones_each_recording_gets_its_own(tmp_path: Path) -> None:
    with (tmp_path / "calls.csv").open("w", encoding="utf-8") as file:
        for number in range(100_000):
            if number % 1000 == 1:
                file.write('cut off,"2\n')
            if number % 1000 == 2:
                file.write('too,many,cells,in,"this"\n')
            note = f'"of two\nlines, call {number}"' if number % 10 == 0 else f"Gespräch {number}"
            file.write(f"{number}.wav,{200 + number % 7},+1202555{number % 10_000:04d},{note}\n")
    place, tables = Elsewhere("cdr", SidecarFolder(folder=tmp_path)), Tables()
    for number in (*range(0, 100_000, 997), 3, 99_999):
        note = f"of two\nlines, call {number}" if number % 10 == 0 else f"Gespräch {number}"
        assert tables.rows(place, "calls.csv", question(f"{number}.wav"), now=NOW) == [
            {
                "file": f"{number}.wav",
                "agent": str(200 + number % 7),
                "number": f"+1202555{number % 10_000:04d}",
                "note": note,
            }
        ]
    assert tables.rows(place, "calls.csv", question("100000.wav"), now=NOW) == []
    tables.close()


def test_the_rows_of_a_large_table_are_found_without_holding_it_in_memory(tmp_path: Path) -> None:
    with (tmp_path / "calls.csv").open("w", encoding="utf-8") as file:
        file.writelines(f"{number}.wav,201,8005550101,{'x' * 900}\n" for number in range(100_000))
    assert (tmp_path / "calls.csv").stat().st_size > 80 << 20

    told = subprocess.run(
        [sys.executable, "-c", ASK_FOR_1000, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert int(told.stdout) < 64 << 10  # KiB


@pytest.fixture
def read_by_the_service() -> Iterator[Tables]:
    tables, stop = Tables(), threading.Event()
    reader = threading.Thread(target=tables.keep_reading, args=(stop,))
    reader.start()
    yield tables
    stop.set()
    reader.join()
    tables.close()


@pytest.mark.parametrize("line", [b'",\n', b"x\n"], ids=["open quote", "too short"])
def test_a_million_lines_that_are_no_rows_keep_no_worker_for_a_second(
    tmp_path: Path, read_by_the_service: Tables, line: bytes
) -> None:
    (tmp_path / "calls.csv").write_bytes(line * 1_000_000)
    place = Elsewhere("cdr", SidecarFolder(folder=tmp_path))
    longest_seconds, answer = 0.0, ""
    ends_at = clock.monotonic_seconds() + 60
    while not answer and clock.monotonic_seconds() < ends_at:
        asked_at = clock.monotonic_seconds()
        try:
            answer = f"{read_by_the_service.rows(place, 'calls.csv', question('x.wav'), now=NOW)}"
        except NotYetComplete:
            pass
        except BadMetadata as error:
            answer = error.message
        longest_seconds = max(longest_seconds, clock.monotonic_seconds() - asked_at)
        clock.wait(threading.Event(), 0.05)
    assert longest_seconds < 1.0
    assert "and so in most lines; correct columns, delimiter or quote" in answer
