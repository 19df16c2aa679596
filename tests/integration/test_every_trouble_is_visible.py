"""Every kind of trouble can be seen: in `status`, on the page, and where a monitor looks."""

from __future__ import annotations

import dataclasses
import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import time_machine
from typer.testing import CliRunner

import gong_bridge.gong.refusals
import gong_bridge.pipeline  # noqa: F401 - defines further errors
from gong_bridge.cli import build_app
from gong_bridge.config.schema import WebOptions
from gong_bridge.errors import Held, LedgerReadOnly, Paused, RetryLater, SourceChanged, SourceGone
from gong_bridge.ledger.bridge_words import Home
from gong_bridge.ledger.bridges import BridgeSeen
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.faults import WritesClashed, WrongAccess
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Entry, Recording, SourceHealth
from gong_bridge.web.cures import CURES, PAUSES, WAITS
from gong_bridge.web.overview import Watched
from gong_bridge.web.server import WebServer
from gong_bridge.web.server import build_app as build_pages

NOW = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
LANE = Lane("pbx")
BRIDGE = BridgeSeen(
    name="a-bridge", host="rec-1", version="1", lanes=(LANE,), started_at=NOW - timedelta(days=1), seen_at=NOW
)


def codes_of(kind: type[Held] | type[Paused] | type[RetryLater]) -> set[str]:
    return {kind.code}.union(*(codes_of(one) for one in kind.__subclasses__()))


def claimed(ledger: Ledger, source: str = "pbx") -> Entry:
    key = f"{ledger.views.open_count()}-{len(ledger.views.held_groups())}.wav"
    recording = Recording(source=source, key=key, version="1", size_bytes=9, modified_at=NOW)
    ledger.intake.add([recording], False, NOW)
    entry = ledger.work.claim("me", NOW, 30, lanes=(Lane(source),))
    assert entry is not None
    return entry


def waits(code: str) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.work.postpone(claimed(ledger), NOW, NOW + timedelta(hours=1), code, "a reason", True)


def held(code: str) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.work.hold(claimed(ledger), NOW, code, "a reason")


def paused(code: str) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.notes.pause(code, f"a reason: {code}", NOW + timedelta(minutes=1), NOW)


def missing(ledger: Ledger) -> None:
    ledger.bridges.seen(
        dataclasses.replace(BRIDGE, name="another", host="rec-2", seen_at=NOW - timedelta(seconds=61)), 30
    )


def source_is_ill(ledger: Ledger) -> None:
    ledger.notes.save_health(SourceHealth(source="pbx", healthy=False, message="folder /calls is away", updated_at=NOW))


def lacks(**counts: int) -> Callable[[Ledger], object]:
    day = NOW.date() - timedelta(days=1)
    return lambda ledger: ledger.receipts.keep(day, None, {"pbx": {"recorded": 9, **counts}}, NOW)


def for_nobody(ledger: Ledger) -> None:
    claimed(ledger, source="taken-out")


def all_of(*troubles: tuple[Callable[[Ledger], object], str]) -> tuple[Callable[[Ledger], object], list[str]]:
    """Several at once, each with its words."""

    def cause(ledger: Ledger) -> None:
        for begin, _ in troubles:
            begin(ledger)

    return cause, [words for _, words in troubles]


TROUBLES: dict[str, tuple[Callable[[Ledger], object], str | list[str]]] = {
    "recordings wait": all_of(*((waits(code), f"({code})") for code in sorted(WAITS))),
    "recordings are held": all_of(*((held(code), code) for code in sorted(CURES))),
    **{f"paused: {code}": (paused(code), f"a reason: {code}") for code in sorted(PAUSES)},
    "given up": (
        lambda ledger: ledger.work.reject(claimed(ledger), NOW, "unclear", "given up after 40 attempts"),
        "given up after 40 attempts",
    ),
    "paused by hand": (lambda ledger: ledger.notes.pause_by_hand(None, "audit", NOW), "paused by hand since"),
    "a source paused by hand": (lambda ledger: ledger.notes.pause_by_hand("pbx", "audit", NOW), "paused by hand since"),
    "a source cannot be read": (source_is_ill, "folder /calls is away"),
    "a changed file is wrong": (lambda ledger: ledger.notes.tell_wrong_files(["agents.csv:3: x"]), "agents.csv:3: x"),
    "a thread fails": (lambda ledger: ledger.notes.tell_failing(["a part (clock) fails"]), "a part (clock) fails"),
    "a receipt says that something is missing": (lacks(missing=2), "2026-01-04, pbx: 2 missing in Gong"),
    "a receipt says that something is there twice": (lacks(doubled=1), "pbx: 1 more in Gong than there should be"),
    "another host is gone": (missing, "the bridge on rec-2 was last seen 2026-01-05 08:28:59 UTC"),
    "nobody serves what waits": (for_nobody, "1 recording waits, of source taken-out: it is in no bridge"),
}
"""What -> how it comes, and the words that show it."""


@pytest.fixture
def ledger(tmp_path: Path, new_sqlite_ledger: Callable[[Path], str]) -> Iterator[Ledger]:
    (tmp_path / "bridge.yaml").write_text(
        "gong: {base_url: 'http://127.0.0.1:9', access_key: a, access_key_secret: b}\n"
        f"ledger: {{url: '{new_sqlite_ledger(tmp_path / 'ledger.db')}'}}\n"
        "sources: [{name: pbx, folder: recorder, mapping: freepbx}]\n"
    )
    (tmp_path / "bridge.yaml").chmod(0o600)
    with time_machine.travel(NOW, tick=False), Ledger.open(f"sqlite:///{tmp_path}/ledger.db") as opened:
        opened.bridges.seen(BRIDGE, 30)
        yield opened


def status_of(folder: Path) -> str:
    told = CliRunner().invoke(build_app("status"), ["status", "-c", str(folder / "bridge.yaml")], env={"COLUMNS": "80"})
    assert told.exit_code == 0, told.output
    return " ".join(told.output.split())


@pytest.fixture
def page(ledger: Ledger) -> Iterator[httpx.Client]:
    watched = [Watched(allowance=LedgerAllowance(ledger, calls_per_second=3, calls_per_day=10_000))]
    home = Home(lanes=(LANE,), lease_seconds=30)
    pages = build_pages(ledger, watched, WebOptions(), now=lambda: NOW, sources=["pbx"], home=home)
    with WebServer(pages, "127.0.0.1:0") as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def test_the_table_knows_every_kind_of_error_that_an_entry_or_the_bridge_can_meet() -> None:
    clashes = {WritesClashed.code, WrongAccess.code, LedgerReadOnly.code}
    assert set(WAITS) == codes_of(RetryLater)
    assert set(CURES) == codes_of(Held) | {SourceGone.code, SourceChanged.code}
    assert set(PAUSES) == codes_of(Paused) - {"paused"} | clashes


def test_when_all_is_well_nothing_is_told(ledger: Ledger, tmp_path: Path, page: httpx.Client) -> None:
    assert "nothing needs a person" in status_of(tmp_path)
    assert "All well" in page.get("/").text


@pytest.mark.parametrize("what", TROUBLES)
def test_R29_every_trouble_is_seen_in_status_and_on_the_page(
    what: str, ledger: Ledger, tmp_path: Path, page: httpx.Client
) -> None:
    cause, words = TROUBLES[what]
    cause(ledger)
    shown = status_of(tmp_path), " ".join(html.unescape(re.sub("<[^>]*>", " ", page.get("/").text)).split())
    for each in [words] if isinstance(words, str) else words:
        assert each in shown[0]
        assert each in shown[1]


@pytest.mark.parametrize("last_scan_at", [None, NOW - timedelta(hours=1)], ids=["the first", "a later one"])
def test_R13_how_far_a_listing_is_is_seen_until_it_came_to_its_end(
    last_scan_at: datetime | None, ledger: Ledger, tmp_path: Path, page: httpx.Client
) -> None:
    words = "listing, 12,000 keys so far in 8 parts, for 5 s"
    going_on = SourceHealth(
        source="pbx", healthy=True, message="", updated_at=NOW, last_scan_at=last_scan_at, under_way=words
    )
    ledger.notes.save_health(going_on)
    assert f"source pbx: {words}" in status_of(tmp_path)
    assert f"{words}<" in page.get("/").text
    ledger.notes.save_health(dataclasses.replace(going_on, updated_at=NOW - timedelta(minutes=10)))
    assert f"source pbx: {words}; not heard of since 2026-01-05 08:20:00 UTC" in status_of(tmp_path)
    ledger.notes.save_health(dataclasses.replace(going_on, last_scan_at=NOW, under_way=None))
    assert "listing," not in status_of(tmp_path)
    assert "listing," not in page.get("/").text


def test_a_bridge_that_was_killed_is_missed_at_once_by_its_own_machine_and_one_that_stopped_is_not(
    ledger: Ledger, tmp_path: Path
) -> None:
    from gong_bridge.owner import owner_name

    host, place, _, started, rest = owner_name().split(":")
    gone = f"{host}:{place}:4194304:{started}:{rest}"  # no process has this number
    ledger.bridges.seen(dataclasses.replace(BRIDGE, name=gone, host=host), 30)
    assert f"the bridge on {host} was last seen 2026-01-05 08:30:00 UTC" in status_of(tmp_path)
    ledger.bridges.seen(dataclasses.replace(BRIDGE, name=gone, host=host, stopped_at=NOW), 30)
    assert "did not stop by itself" not in status_of(tmp_path)


def test_a_monitor_is_told_of_what_is_missing_and_what_fails(ledger: Ledger, page: httpx.Client) -> None:
    missing(ledger)
    ledger.notes.tell_failing(["a part"])
    health = page.get("/healthz")
    assert (health.status_code, health.json()["missing"], health.json()["failing"]) == (200, 1, 1)
    metrics = page.get("/metrics").text
    assert "gong_bridge_missing 1.0" in metrics
    assert "gong_bridge_failing 1.0" in metrics


def test_status_for_programs_counts_what_was_given_up(ledger: Ledger, tmp_path: Path) -> None:
    ledger.work.reject(claimed(ledger), NOW, "unclear", "given up after 40 attempts")
    told = CliRunner().invoke(build_app("status"), ["status", "--json", "-c", str(tmp_path / "bridge.yaml")])
    (group,) = json.loads(told.output)["needs_a_person"]
    assert (group["state"], group["code"], group["count"]) == ("rejected", "unclear", 1)
