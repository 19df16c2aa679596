"""R13, R14: large buckets are listed by several threads, every object once, in bounded memory."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from gong_bridge import clock
from gong_bridge.config.schema import BucketSource
from gong_bridge.errors import SourceUnavailable
from gong_bridge.model import Recording
from gong_bridge.sources import s3_passes
from gong_bridge.sources.base import Intake
from gong_bridge.sources.s3 import Bucket
from tests.made_listing import many_keys, served
from tests.notebook import Notebook, eventually, running
from tests.store import breaking_proxy, store_client

ROOT = Path(__file__).resolve().parents[2]


pytestmark = pytest.mark.usefixtures("store_credentials")


def source(endpoint_url: str, **options: Any) -> Bucket:
    settings = {"name": "connect", "bucket": "recordings", "mapping": "amazon-connect", "rescan": 0.3}
    return Bucket(BucketSource.model_validate({**settings, "endpoint_url": endpoint_url, **options}))


def of_days(count: int) -> list[str]:
    return many_keys(count, "2026/{month:02}/{day:02}/call-{number:08}.wav")


SHAPES = {
    "days": of_days(20_000),
    "one folder": [f"all/call-{number:06}.wav" for number in range(7_001)],
    "a folder for each call": [f"calls/{number:06}/audio.wav" for number in range(6_500)],
    "one folder holds nearly all": sorted(
        [f"a/{number:04}.wav" for number in range(50)]
        + [f"b/x/{number // 1500}/{number:06}.wav" for number in range(9_000)]
        + [f"c/{number}.wav" for number in range(20)]
    ),
    "no folders, and some": sorted([f"{number:05}.wav" for number in range(4_000)] + ["z/1.wav", "z/y/2.wav"]),
    "odd folders": sorted([f"//a//{number}//x.wav" for number in range(3000)] + [f"ü/{n}/通.wav" for n in range(3000)]),
    "exactly two pages": [f"d{number % 2}/{number:04}.wav" for number in range(2_000)],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_R13_every_object_is_found_once_however_the_bucket_is_laid_out(shape: str) -> None:
    keys = sorted(SHAPES[shape])
    with served(keys) as (url, requests):
        found = [recording.key for recording in source(url).candidates()]
        assert sorted(found) == keys
        pages = -(-len(keys) // 1000)
        assert len(requests) <= 3 * pages + 40


def test_a_small_bucket_costs_one_request_and_a_prefix_stays_a_prefix() -> None:
    with served(of_days(900)) as (url, requests):
        assert len(list(source(url).candidates())) == 900
        assert len(requests) == 1
        some = [one.key for one in source(url, prefix="2026/03/").candidates()]
        assert some
        assert all(key.startswith("2026/03/") for key in some)


def test_R13_objects_that_come_and_go_while_a_listing_runs_disturb_nobody() -> None:
    keys = of_days(12_000)
    stays = set(keys[1::2])
    with served(keys) as (url, requests):
        found = []
        for recording in source(url).candidates():
            found.append(recording.key)
            if len(found) == 2500:
                for key in keys[::2]:
                    requests.remove_key(key)
                requests.add_key("0000-late.wav")
    assert len(found) == len(set(found))
    assert stays <= set(found)


def test_a_listing_that_is_refused_in_the_middle_is_an_error_and_the_next_one_is_whole() -> None:
    with served(of_days(9_000)) as (url, requests), breaking_proxy(url) as (proxy_url, seen):
        asked = iter(range(1000))
        seen.answer = lambda method, path: (
            (403, b"<Error><Code>AccessDenied</Code></Error>") if next(asked) == 4 else None
        )
        listing = source(proxy_url)
        with pytest.raises(SourceUnavailable, match="allow s3:ListBucket"):
            list(listing.candidates())
        assert len(list(listing.candidates())) == 9_000
        assert requests


def test_a_store_that_repeats_a_page_for_ever_is_left() -> None:
    page = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken>"
        b"<Contents><Key>a.wav</Key><LastModified>2026-11-05T10:00:00.000Z</LastModified><ETag>0</ETag>"
        b"<Size>1</Size></Contents></ListBucketResult>"
    )
    with served([]) as (url, _), breaking_proxy(url) as (proxy_url, seen):
        seen.answer = lambda method, path: (200, page)
        with pytest.raises(SourceUnavailable, match="same page again and again"):
            list(source(proxy_url).candidates())


def test_a_long_listing_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_passes, "REPORT_SECONDS", 0.0)
    notebook = Notebook()
    with served(of_days(5_000)) as (url, _):
        assert source(url).scan_once(notebook.intake, threading.Event()) == 5_000
    said = [health.under_way or "" for health in notebook.health]
    assert any(re.fullmatch(r"listing, \d,000 keys so far in \d+ parts, for \d+ s", words) for words in said)
    last = notebook.health[-1]
    assert (last.message, last.under_way) == ("5,000 recordings in bucket recordings", None)


def test_a_listing_stops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    notebook = Notebook()

    def stop_now(recordings: Any, backlog: bool) -> int:
        stop.set()
        return notebook.intake.add(recordings, backlog)

    with served(of_days(30_000)) as (url, requests):
        intake = Intake(unseen=notebook.intake.unseen, add=stop_now, health=notebook.intake.health)
        source(url).scan_once(intake, stop)
        assert len(requests) < 30


# --- dated folders ----------------------------------------------------------------------------------------------------


def test_R13_with_a_layout_the_latest_folders_are_listed_often_and_all_of_them_now_and_then(store_url: str) -> None:
    client = store_client(store_url)
    client.create_bucket(Bucket="by-day")
    today = f"{clock.now():%Y/%m/%d}/"
    notebook = Notebook()
    for key in ("site1/2020/01/01/old.wav", f"site1/{today}a.wav"):
        client.put_object(Bucket="by-day", Key=key, Body=b"RIFF")
    # A name of its own: the stores of one process are one store.
    options = {"bucket": "by-day", "layout": "*/{Y}/{m}/{d}", "look_back": "1d", "rescan": 0.2, "full_pass": "1h"}
    with running(source(store_url, **options), notebook):
        assert eventually(lambda: len(notebook.rows) == 2)
        for key in ("site1/2020/01/01/late.wav", f"site1/{today}b.wav", f"site2/{today}c.wav"):
            client.put_object(Bucket="by-day", Key=key, Body=b"RIFF")
        assert eventually(lambda: len(notebook.rows) == 4)
        assert notebook.keys == sorted(
            ["site1/2020/01/01/old.wav", f"site1/{today}a.wav", f"site1/{today}b.wav", f"site2/{today}c.wav"]
        )
        assert eventually(lambda: "in the latest" in notebook.health[-1].message)
    with running(source(store_url, **{**options, "full_pass": 0.5}), notebook):
        client.put_object(Bucket="by-day", Key="site1/2020/01/01/later.wav", Body=b"RIFF")
        assert eventually(lambda: len(notebook.rows) == 6)
    client.close()


# --- memory -----------------------------------------------------------------------------------------------------------

_PROGRAM = """
import re, sys, threading
from gong_bridge.config.schema import BucketSource
from gong_bridge.sources.base import Intake
from gong_bridge.sources.s3 import Bucket

options = {"name": "c", "bucket": "recordings", "mapping": "freepbx", "endpoint_url": sys.argv[1]}
seen = 0
def unseen(recordings):
    global seen
    seen += len(recordings)
    return []
intake = Intake(unseen=unseen, add=lambda recordings, backlog: 0, health=lambda health: None)
Bucket(BucketSource.model_validate(options)).scan_once(intake, threading.Event())
# not ru_maxrss: that begins with what the parent had when it forked
print(seen, re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""


def test_R14_memory_stays_flat_while_the_bucket_grows_tenfold() -> None:
    used = {}
    for count in (10_000, 100_000):
        with served(of_days(count)) as (url, _):
            done = subprocess.run(
                [sys.executable, "-c", _PROGRAM, url], capture_output=True, text=True, check=True, cwd=ROOT, timeout=100
            )
        seen, used[count] = map(int, done.stdout.split())
        assert seen == count
    assert used[100_000] - used[10_000] < 15_000  # KiB


def test_the_source_of_a_listing_is_not_asked_for_what_the_ledger_knows() -> None:
    first: list[Recording] = []
    with served(of_days(2_500)) as (url, _):
        first = list(source(url).candidates())
        notebook = Notebook()
        notebook.intake.add(first, False)
        assert source(url).scan_once(notebook.intake, threading.Event()) == 0
