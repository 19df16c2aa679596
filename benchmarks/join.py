"""How long it takes to join 10,000 recordings with a CSV of 1,000,000 rows, beside what a user would write instead.

    python benchmarks/join.py [--rows 1000000] [--recordings 10000]

Each runs in a process of its own on the same file, in the shape of Asterisk's Master.csv. The two scripts find the row;
gong-bridge also finds the file in its place, makes the whole call of it by a mapping and checks it, and follows the
table when it grows, which neither script does.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLUMNS = [
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer",
    "end", "duration", "billsec", "disposition", "amaflags", "uniqueid", "userfield",
]  # fmt: skip
MAPPING = """\
about: Recordings named by the uniqueid; their calls are in Master.csv.
match:
  - stem: '^(?P<uniqueid>\\d+\\.\\d+)$'
sidecar:
  format: csv
  find: [{{in: cdr, key: Master.csv}}]
  table:
    columns: [{columns}]
    join: [{{where: {{uniqueid: '{{{{ uniqueid }}}}'}}}}]
let:
  host: "{{{{ sidecar.src | agent('extension') }}}}"
call:
  clientUniqueId: "cdr-{{{{ uniqueid }}}}"
  actualStart: "{{{{ sidecar.start | time('%Y-%m-%d %H:%M:%S') }}}}"
  direction: Outbound
  primaryUser: "{{{{ host.user_id }}}}"
  parties:
    - userId: "{{{{ host.user_id }}}}"
    - phoneNumber: "{{{{ sidecar.dst | phone }}}}"
"""


def make_table(path: Path, rows: int) -> None:
    """A Master.csv of so many answered calls of extension 201."""
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            minute, second = divmod(number, 60)
            file.write(
                f'"","201","120255{number % 100_000:05d}","from-internal","""Agent"" <201>","SIP/201-{number:08x}",'
                f'"SIP/trunk-{number:08x}","Dial","SIP/trunk,60","2026-07-{1 + minute // 1440 % 28:02d} '
                f'{minute // 60 % 24:02d}:{minute % 60:02d}:{second:02d}","2026-07-08 00:13:16","2026-07-08 00:14:38",'
                f'82,82,"ANSWERED","DOCUMENTATION","1783469596.{number}",""\n'
            )


def wanted_ids(rows: int, recordings: int) -> list[str]:
    """The uniqueids of the recordings, anywhere in the table."""
    return [f"1783469596.{number}" for number in random.Random(7).sample(range(rows), recordings)]


def with_a_dictionary(folder: Path, wanted: list[str]) -> int:
    """Every row in memory."""
    with (folder / "Master.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["uniqueid"]: row for row in csv.DictReader(file, COLUMNS)}
    return sum(rows[one]["src"] == "201" for one in wanted)


def with_sqlite(folder: Path, wanted: list[str]) -> int:
    """The table imported into a database with an index."""
    database = sqlite3.connect(folder / "import.db")
    database.execute(f"CREATE TABLE cdr ({', '.join(COLUMNS)})")
    with (folder / "Master.csv").open(newline="", encoding="utf-8") as file:
        database.executemany(f"INSERT INTO cdr VALUES ({', '.join('?' * len(COLUMNS))})", csv.reader(file))
    database.execute("CREATE INDEX by_id ON cdr (uniqueid)")
    database.commit()
    find = "SELECT * FROM cdr WHERE uniqueid = ?"
    return sum(database.execute(find, (one,)).fetchone()[1] == "201" for one in wanted)


def with_the_bridge(folder: Path, wanted: list[str]) -> int:
    """Whole calls, as the service makes them."""
    import re
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from gong_bridge.config.places import SidecarFolder
    from gong_bridge.mapping.agents import Agent
    from gong_bridge.mapping.engine import load_mapping
    from gong_bridge.mapping.facts import Known
    from gong_bridge.mapping.people import Company, People
    from gong_bridge.mapping.tables import Tables
    from gong_bridge.model import Completeness, GongUser, MediaInfo, ObjectFacts, Recording
    from gong_bridge.routes.beside import Beside
    from gong_bridge.sources.elsewhere import Elsewhere

    (folder / "own.yaml").write_text(MAPPING.format(columns=", ".join(COLUMNS)))
    mapping = load_mapping(folder / "own.yaml")
    company = Company(country="US", time_zone=ZoneInfo("America/New_York"), extensions=re.compile(r"\d{3}"))
    people = People(
        [Agent(email="agent-201@example.com", extension="201", line=2)],
        [GongUser(id="7201", email="agent-201@example.com")],
    )
    media = MediaInfo(
        container="wav", codec="pcm_s16le", channels=1, sample_rate_hz=8000, duration_seconds=82.0,
        declared_bytes=None, present_bytes=1000, completeness=Completeness.WHOLE,
    )  # fmt: skip
    now = datetime(2026, 8, 1, tzinfo=UTC)
    beside = Beside({"cdr": Elsewhere("cdr", SidecarFolder(folder=folder))}, Tables())
    made = 0
    for one in wanted:
        recording = Recording(source="pbx", key=f"{one}.wav", version="1", size_bytes=1000, modified_at=now)
        known = Known(
            recording=recording, media=media, company=company, people=people, now=now, sidecar_wait_seconds=60.0,
            beside=beside, describe=ObjectFacts,
        )  # fmt: skip
        composition = mapping.compose(known)
        made += composition.draft is not None
    return made


WAYS = {
    "gong-bridge": with_the_bridge,
    "csv.DictReader into a dictionary": with_a_dictionary,
    "import into sqlite3": with_sqlite,
}


def run_one(way: str, folder: Path, rows: int, recordings: int) -> None:
    """What a child process does: join, and print how it went."""
    started = time.perf_counter()
    found = WAYS[way](folder, wanted_ids(rows, recordings))
    seconds = time.perf_counter() - started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mib": peak_mib, "found": found}))


def main() -> None:
    """Make the table, run each way, print the comparison."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--recordings", type=int, default=10_000)
    arguments.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    arguments.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.way:
        run_one(given.way, given.folder, given.rows, given.recordings)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_table(folder / "Master.csv", given.rows)
        size_mib = (folder / "Master.csv").stat().st_size / 2**20
        print(f"{given.recordings:,} recordings, {given.rows:,} rows ({size_mib:.0f} MiB)")
        first = None
        for way in WAYS:
            command = [
                sys.executable, __file__, "--way", way, "--folder", name,
                "--rows", str(given.rows), "--recordings", str(given.recordings),
            ]  # fmt: skip
            told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            assert told["found"] == given.recordings, told
            first = first or told
            ratio = (
                f"{told['seconds'] / first['seconds']:.1f}x time, {told['peak_mib'] / first['peak_mib']:.1f}x memory"
            )
            print(f"{way:34} {told['seconds']:6.1f} s  {told['peak_mib']:6.0f} MiB peak  {ratio}")


if __name__ == "__main__":
    main()
