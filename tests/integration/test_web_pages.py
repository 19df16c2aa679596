"""The status page, health and metrics, asked over real HTTP of a ledger after a night's work."""

from __future__ import annotations

import re
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from gong_bridge import __version__
from gong_bridge.config.schema import WebOptions
from gong_bridge.config.secrets import Secret
from gong_bridge.errors import ConfigError
from gong_bridge.ledger.backfills import BackfillOrder, OrderState
from gong_bridge.ledger.budget import LedgerAllowance
from gong_bridge.ledger.filters import Lane
from gong_bridge.ledger.ledger import Ledger
from gong_bridge.model import Recording, SourceHealth
from gong_bridge.web.cures import CURES
from gong_bridge.web.overview import Watched
from gong_bridge.web.server import WebServer, build_app
from gong_bridge.web.traffic import Traffic
from tests.filled_ledger import DRAFT, HOSTILE_KEYS, FilledLedger, fill

NOW = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
TOKEN = "a-token-for-tests"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger's file after a night's work, written once; tests get copies."""
    path = tmp_path_factory.mktemp("night") / "ledger.db"
    with Ledger.open(f"sqlite:///{path}") as ledger:
        fill(ledger, NOW - timedelta(minutes=10))
    return path


@pytest.fixture
def ledger(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """An empty ledger, or the night's for a test that asks for `filled`."""
    path = tmp_path / "ledger.db"
    if "filled" in request.fixturenames:
        shutil.copy(request.getfixturevalue("night"), path)
    with Ledger.open(f"sqlite:///{path}") as opened:
        yield opened


@pytest.fixture
def filled(ledger: Ledger) -> FilledLedger:
    return FilledLedger(ledger, NOW)


@pytest.fixture
def browse(ledger: Ledger) -> Iterator[Callable[..., httpx.Client]]:
    """`browse(token=..., **build_app's)`: a client of a running server on this ledger."""
    with ExitStack() as stack:

        def start(token: str | None = None, **facts: Any) -> httpx.Client:
            options = WebOptions(token=None if token is None else Secret(token))
            allowance = LedgerAllowance(ledger, calls_per_second=3, calls_per_day=10_000)
            app = build_app(ledger, [Watched(allowance=allowance)], options, now=lambda: NOW, **facts)
            server = stack.enter_context(WebServer(app, "127.0.0.1:0"))
            return stack.enter_context(httpx.Client(base_url=server.url, timeout=10))

        yield start


@pytest.fixture(scope="module")
def pages(night: Path) -> Iterator[httpx.Client]:
    """A client of one running server on the night's ledger, for all tests that only look."""
    with Ledger.open(f"sqlite:///{night}") as ledger:
        allowance = LedgerAllowance(ledger, calls_per_second=3, calls_per_day=10_000)
        app = build_app(ledger, [Watched(allowance=allowance)], WebOptions(), now=lambda: NOW)
        with WebServer(app, "127.0.0.1:0") as server, httpx.Client(base_url=server.url, timeout=10) as client:
            yield client


class Elements(HTMLParser):
    """What a browser would make of a page: its tags, their attributes, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.words += " "
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.words += data


def text_of(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", Elements(page.text).words)


def test_the_first_line_says_how_many_need_a_person(pages: httpx.Client) -> None:
    assert re.search(r"<h1>([^<]*)</h1>", pages.get("/").text) is not None
    assert "12 recordings need a person" in text_of(pages.get("/"))


def test_each_group_comes_with_its_cure_and_the_command_to_type(pages: httpx.Client) -> None:
    text = text_of(pages.get("/"))
    assert "4 held unknown-person: extension 299" in text
    assert "Add the person to agents.csv with the e-mail that Gong knows." in text
    assert "gong-bridge ledger retry --state held --code unknown-person --person 'extension 299'" in text
    assert "1 rejected unclear Every attempt failed over many hours" in text


def test_counts_oldest_allowance_and_traffic_are_on_the_page(
    browse: Callable[..., httpx.Client], filled: FilledLedger, ledger: Ledger
) -> None:
    spent = LedgerAllowance(ledger, calls_per_second=50, calls_per_day=10_000)
    for _ in range(3):
        spent.take(Event())
        spent.depart(Event())
        spent.sent()
    traffic = Traffic()
    entry = ledger.views.get(1)
    assert entry is not None
    traffic.sending(entry, 3_000_000, 9_000_000)
    text = text_of(browse(traffic=traffic).get("/"))
    assert "On the way 3 oldest: entry 45" in text
    assert "of 10,000" in text
    assert "Being sent now 1 100 kB/s, 3.0 MB since the start" in text
    assert re.search(r"pbx yes, native, \d+ min ago 3 · · · 30 1 11 1 ", text)


def test_the_latest_fifty_changes_are_listed_newest_first(pages: httpx.Client) -> None:
    page = pages.get("/").text
    entries = [int(one) for one in re.findall(r'<a href="/entries/(\d+)">\1</a>', page)]
    assert len(entries) == 50
    assert entries == sorted(entries, reverse=True)
    assert entries[0] == 47


def test_an_entry_s_page_shows_its_events_its_reason_and_what_gong_is_told(
    browse: Callable[..., httpx.Client], ledger: Ledger
) -> None:
    rows = FilledLedger(ledger, NOW)
    entry = rows.found("in-201.wav")
    entry = ledger.work.advance(entry, entry.state.DRAFTED, rows.now, draft=DRAFT)
    ledger.work.hold(
        entry, rows.now, "not-enabled", "Gong: not enabled for this user", http_status=409, request_id="r7"
    )
    text = text_of(browse().get(f"/entries/{entry.id}"))
    assert "Entry 1 held" in text
    assert "Gong: not enabled for this user" in text
    assert CURES["not-enabled"].to_do in text
    assert "gong-bridge ledger retry 1" in text
    assert "found → drafted" in text
    assert "drafted → held" in text
    assert "HTTP 409" in text
    assert "request id r7" in text
    assert '"actualStart": "2026-01-05T08:00:00-05:00"' in text


@pytest.mark.parametrize("path", ["/", "/entries", "/entries?state=held", "/entries/37", "/entries/38"])
def test_a_hostile_file_name_is_text_and_nothing_else(path: str, pages: httpx.Client) -> None:
    page = Elements(pages.get(path).text)
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name in page.attributes if name.startswith("on")]
    assert "alert(" in page.words


def test_every_hostile_name_can_be_read_on_the_list(pages: httpx.Client) -> None:
    text = Elements(pages.get("/entries?code=bad-media").text).words
    for key in HOSTILE_KEYS:
        shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in key)
        assert shown in text
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_a_draft_cannot_leave_its_box(browse: Callable[..., httpx.Client], ledger: Ledger) -> None:
    rows = FilledLedger(ledger, NOW)
    entry = rows.found("in-201.wav")
    ledger.work.advance(entry, entry.state.DRAFTED, rows.now, draft=DRAFT)
    page = Elements(browse().get("/entries/1").text)
    assert "script" not in page.tags
    assert "alert('draft')" in page.words


@pytest.mark.parametrize(
    "query", ["?state=<b>", "?state=nonsense", "/99999999999999999999999", "/999", "/x", "/../etc"]
)
def test_what_does_not_exist_is_a_plain_404(query: str, pages: httpx.Client) -> None:
    answer = pages.get(f"/entries{query}")
    assert answer.status_code == 404
    assert "<b>" not in answer.text


def test_a_filter_is_shown_escaped_and_narrows_the_list(pages: httpx.Client) -> None:
    page = pages.get("/entries", params={"state": "held", "person": "extension 299"})
    assert re.findall(r'<a href="/entries/(\d+)">', page.text) == ["35", "34", "33", "32"]
    assert Elements(pages.get("/entries?source=<img>").text).tags.count("img") == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/entries/1", "/healthz", "/metrics"])
def test_nothing_can_be_changed_from_here(method: str, path: str, pages: httpx.Client) -> None:
    assert pages.request(method, path).status_code == 405


def test_browsers_are_told_to_run_and_load_nothing(pages: httpx.Client) -> None:
    for path in ("/", "/entries/999", "/healthz", "/metrics", "/style.css"):
        headers = pages.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self';")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers


def test_a_page_brings_nothing_from_elsewhere(pages: httpx.Client) -> None:
    assert re.findall(r'(?:src|href)="((?!/)[^"]*)"', pages.get("/").text) == []
    assert "url(" not in pages.get("/style.css").text
    assert "@import" not in pages.get("/style.css").text


# --- health and metrics ----------------------------------------------------------------------------------------------


def test_health_is_200_and_says_so_when_all_is_well(pages: httpx.Client) -> None:
    answer = pages.get("/healthz")
    assert answer.status_code == 200
    told = answer.json()
    assert told.pop("oldest_waiting_seconds") == pytest.approx(450, abs=60)
    assert told == {
        "ready": True, "ledger": "ok", "degraded_sources": [], "wrong_files": 0,
        "failing": 0,
        "missing": 0, "missing_in_gong": 0, "twice_in_gong": 0, "late_receipts": 0, "paused": None,
        "paused_by_hand": [],
        "needs_a_person": 12,
    }  # fmt: skip


def test_R29_a_pause_is_503_and_the_page_says_what_to_do(browse: Callable[..., httpx.Client], ledger: Ledger) -> None:
    ledger.notes.pause("bad-credentials", "Gong answered 401", NOW, NOW - timedelta(minutes=47))
    client = browse()
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert answer.json()["paused"] == {"code": "bad-credentials", "since": "2026-01-05T07:43:00+00:00"}
    assert "Paused for 47 min: nothing is being delivered" in text_of(client.get("/"))
    assert "Check the account's access_key and access_key_secret" in text_of(client.get("/"))


def test_R3_a_source_that_cannot_be_read_is_degraded(browse: Callable[..., httpx.Client], ledger: Ledger) -> None:
    ledger.notes.save_health(SourceHealth(source="pbx", healthy=False, message="the folder is gone; mount it"))
    client = browse()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["degraded_sources"]) == (503, ["pbx"])
    assert "New recordings are not found in pbx pbx: the folder is gone; mount it" in text_of(client.get("/"))


def test_a_file_that_is_not_used_as_it_is_now_is_the_first_thing_the_page_says(
    browse: Callable[..., httpx.Client], ledger: Ledger
) -> None:
    ledger.notes.tell_wrong_files(["mapping own is not used as its file is now: own.yaml:3:1: call: add it"])
    client = browse()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["wrong_files"]) == (200, 1)
    assert "A file that was changed is not used as it is now mapping own is not used" in text_of(client.get("/"))


def test_a_source_that_was_taken_out_of_the_configuration_degrades_nothing(
    browse: Callable[..., httpx.Client], ledger: Ledger
) -> None:
    ledger.notes.save_health(SourceHealth(source="former", healthy=False, message="the folder is gone"))
    assert browse(sources=["pbx"]).get("/healthz").json()["degraded_sources"] == []


def spoil(ledger: Ledger) -> None:
    """What a failing disk does to a ledger in use."""
    with closing(sqlite3.connect(ledger.database.place, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_schema SET rootpage = 999999 WHERE name = 'entries'")
        connection.execute("PRAGMA schema_version = 4711")  # makes the others read the tables' places again


def test_a_ledger_that_cannot_be_read_is_503_everywhere(browse: Callable[..., httpx.Client], ledger: Ledger) -> None:
    client = browse()
    assert client.get("/").status_code == 200
    spoil(ledger)
    assert [client.get(path).status_code for path in ("/", "/healthz", "/metrics")] == [503, 503, 503]
    assert client.get("/healthz").json()["ready"] is False


def metric(text: str, name: str) -> float:
    return float(re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[0])


def test_metrics_count_entries_and_name_nobody(pages: httpx.Client) -> None:
    answer = pages.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert metric(answer.text, 'gong_bridge_entries{source="pbx",state="done"}') == 30
    assert metric(answer.text, 'gong_bridge_entries{source="connect",state="held"}') == 0
    assert metric(answer.text, 'gong_bridge_needs_person{code="unknown-person",state="held"}') == 4
    assert metric(answer.text, 'gong_bridge_source_healthy{source="pbx"}') == 1
    assert metric(answer.text, "gong_bridge_allowance_limit") == 10_000
    assert metric(answer.text, "gong_bridge_oldest_waiting_seconds") == pytest.approx(450, abs=60)
    assert metric(answer.text, "process_resident_memory_bytes") > 1_000_000
    labels = set(re.findall(r'="([^"]*)"', answer.text))
    states = {"found", "drafted", "created", "delivered", "done", "skipped", "held", "rejected"}
    codes = {"unknown-person", "unusable-user", "bad-media", "unclear"}
    assert labels == {"pbx", "connect", __version__} | states | codes


def test_bytes_on_their_way_are_counted(browse: Callable[..., httpx.Client], filled: FilledLedger) -> None:
    entry = filled.ledger.views.get(1)
    assert entry is not None
    traffic = Traffic()
    for _ in range(3):
        traffic.sending(entry, 1_000_000, 3_000_000)
    client = browse(traffic=traffic)
    text = client.get("/metrics").text
    assert metric(text, "gong_bridge_sent_bytes_total") == 3_000_000
    assert metric(text, "gong_bridge_sent_bytes_per_second") == 100_000
    assert metric(text, "gong_bridge_uploads") == 1
    traffic.finished_sending(entry)
    assert metric(client.get("/metrics").text, "gong_bridge_uploads") == 0


# --- who may look ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost:8321", "127.0.0.1", "[::1]:8321", "LOCALHOST"])
def test_this_machine_s_own_names_are_answered(host: str, pages: httpx.Client) -> None:
    assert pages.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8321", "127.0.0.1.example.com", "localhost.evil"]
)
def test_a_name_of_another_site_is_refused(host: str, pages: httpx.Client) -> None:
    for path in ("/", "/healthz", "/metrics"):
        answer = pages.get(path, headers={"Host": host})
        assert answer.status_code == 421
        assert "set web.token" in answer.text


def test_with_a_token_nothing_is_told_to_who_does_not_know_it(browse: Callable[..., httpx.Client]) -> None:
    client = browse(token=TOKEN)
    for path in ("/", "/healthz", "/metrics", "/entries/1", "/style.css", "/nothing"):
        assert client.get(path).status_code == 401
        assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get(path, headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
        assert client.get(path, params={"token": "wrong"}).status_code == 401
        assert client.get(path, headers={"Cookie": f"gong_bridge_pages={TOKEN}"}).status_code == 401


def test_a_bearer_token_opens_every_page_under_any_name(browse: Callable[..., httpx.Client]) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "bridge.example.com"}
    assert browse(token=TOKEN).get("/healthz", headers=headers).status_code == 200


def test_a_token_in_the_address_becomes_a_cookie_and_leaves_the_address(
    browse: Callable[..., httpx.Client], filled: FilledLedger
) -> None:
    client = browse(token=TOKEN)
    answer = client.get("/entries", params={"state": "held", "token": TOKEN})
    assert (answer.status_code, answer.headers["location"]) == (303, "/entries?state=held")
    cookie = answer.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert client.get("/entries?state=held").status_code == 200


def test_the_exchange_never_leads_to_another_site(browse: Callable[..., httpx.Client]) -> None:
    client = browse(token=TOKEN)
    answer = client.get(f"{client.base_url}/evil.example.com/", params={"token": TOKEN})
    assert answer.headers["location"] == "/evil.example.com/"


# --- the server ------------------------------------------------------------------------------------------------------


def test_an_address_in_use_is_told_with_the_cure(ledger: Ledger) -> None:
    app = build_app(ledger, [Watched(allowance=LedgerAllowance(ledger, 3, 10_000))], WebOptions())
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError, match=r"cannot listen on 127\.0\.0\.1:\d+ \(Address already in use\); choose"):
            WebServer(app, listen).start()


def test_an_address_that_is_none_is_told_with_the_cure(ledger: Ledger) -> None:
    app = build_app(ledger, [Watched(allowance=LedgerAllowance(ledger, 3, 10_000))], WebOptions())
    with pytest.raises(ConfigError, match=r"web\.listen: no-such-host\.invalid:8321 is no address of .*; use 127"):
        WebServer(app, "no-such-host.invalid:8321").start()


def test_a_browser_that_keeps_its_connection_does_not_hold_up_the_end(ledger: Ledger) -> None:
    app = build_app(ledger, [Watched(allowance=LedgerAllowance(ledger, 3, 10_000))], WebOptions())
    server = WebServer(app, "127.0.0.1:0")
    with httpx.Client(base_url=server.start()) as client:
        assert client.get("/healthz").status_code == 200
        server.stop()
        server.stop()
        with pytest.raises(httpx.ConnectError), httpx.Client(base_url=server.url) as late:
            late.get("/healthz")


def test_ten_thousand_entries_are_looked_at_quickly(ledger: Ledger, browse: Callable[..., httpx.Client]) -> None:
    recordings = [
        Recording(source="pbx", key=f"{number}.wav", version="1-1", size_bytes=1, modified_at=NOW)
        for number in range(10_000)
    ]
    ledger.intake.add(recordings, True, NOW)
    answer = browse().get("/")
    assert "10,000 on the way" in text_of(answer)
    assert answer.elapsed < timedelta(seconds=2)


def test_the_page_says_how_far_a_backfill_is(ledger: Ledger, browse: Callable[..., httpx.Client]) -> None:
    order = BackfillOrder(
        lane=Lane("pbx"), first_day=date(2024, 1, 1), last_day=None, time_zone="UTC", most_per_day=100,
        state=OrderState.RUNNING, ordered_at=NOW, taken=40, to_come=260, day="2026-01-05", taken_on_day=40,
    )  # fmt: skip
    ledger.backfills.order(order)
    page = browse().get("/").text
    assert "backfill of pbx since 2024-01-01: 40 of 300 taken, 40 today (100 a day at most)" in page
    assert "260 to come = 3 days at 100 a day; running" in page


def test_metrics_tell_how_far_a_backfill_is(ledger: Ledger, browse: Callable[..., httpx.Client]) -> None:
    """Nothing is said of what is to come before it was listed, and nothing of an order that is over."""
    listed = {"pbx": (40, 260, OrderState.RUNNING), "connect": (0, None, OrderState.RUNNING)}
    for source, (taken, to_come, state) in {**listed, "old": (9, 0, OrderState.DONE)}.items():
        order = BackfillOrder(
            lane=Lane(source), first_day=date(2024, 1, 1), last_day=None, time_zone="UTC", most_per_day=None,
            state=state, ordered_at=NOW, taken=taken, to_come=to_come,
        )  # fmt: skip
        ledger.backfills.order(order)
    told = browse().get("/metrics").text
    lines = [line for line in told.splitlines() if line.startswith("gong_bridge_backfill")]
    assert lines == [
        'gong_bridge_backfill_taken{source="connect"} 0.0',
        'gong_bridge_backfill_taken{source="pbx"} 40.0',
        'gong_bridge_backfill_to_come{source="pbx"} 260.0',
    ]
