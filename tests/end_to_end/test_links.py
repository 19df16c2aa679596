"""Delivery by link: Gong fetches the recording itself, the bridge sees that it did, and uploads when it did not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gong_bridge.sandbox.options import Fault
from gong_bridge.sandbox.server import Sandbox
from tests.end_to_end.bridge import Home, each_call_once, wait_until
from tests.end_to_end.recordings import drop
from tests.store import CREDENTIALS, breaking_proxy, store_client

Homes = Callable[[Sandbox], Home]


def fill(home: Home, store_url: str, bucket: str, count: int, **source: Any) -> dict[str, str]:
    """Recordings in a bucket that is delivered by link; what must arrive."""
    store = store_client(store_url)
    store.create_bucket(Bucket=bucket)
    expected = {}
    for number in range(count):
        name = f"call-{number}.wav"
        expected[f"link-{number}"] = drop(home.root / "made", name, number, unique_id=f"link-{number}")
        for part in (name, name.replace(".wav", ".json")):
            store.put_object(Bucket=bucket, Key=part, Body=(home.root / "made" / part).read_bytes())
    home.config["sources"] = [
        {"name": "store", "bucket": bucket, "endpoint_url": store_url, "delivery": "link", "rescan": "1s",
         "include": ["**/*.wav"], "mapping": "sidecar-json", **source}
    ]  # fmt: skip
    home.environment = dict(CREDENTIALS)
    return expected


def in_the_past(ledger: Path, hours: float) -> None:
    """As if the links had been given so long ago."""
    moved = int(hours * 3600 * 1e6)
    with sqlite3.connect(ledger) as database:
        database.execute(
            "UPDATE entries SET linked_at = linked_at - ?, link_expires_at = link_expires_at - ?, due_at = 0"
            " WHERE delivery = 'link'",
            (moved, moved),
        )
    database.close()


def requests(sandbox: Sandbox) -> dict[str, int]:
    """How often each path was asked for, ids left out."""
    paths = [request.path.rstrip("/").replace("/media", "/media") for request in sandbox.requests]
    named = ["PUT media" if path.endswith("/media") else path for path in paths]
    return {name: named.count(name) for name in set(named)}


def test_R18_recordings_are_fetched_by_link_and_confirmed_with_few_questions(
    make_home: Homes, start_sandbox: Callable[..., Sandbox], store_url: str
) -> None:
    """One API call a recording; nothing is uploaded; the look-ups speak of many calls at once."""
    sandbox = start_sandbox(fetch_links=True, page_size=100)
    home = make_home(sandbox)
    expected = fill(home, store_url, "by-link", 6, after_upload="delete")
    with home.running():
        wait_until(lambda: set(home.reason_codes().values()) == {"link-pending"}, "all are linked")
        wait_until(lambda: len(sandbox.calls) == 6 and all(call.media for call in sandbox.calls), "Gong has fetched")
        in_the_past(home.ledger_path, 0.5)
        wait_until(lambda: set(home.states().values()) == {"done"}, "all are confirmed")
    each_call_once(sandbox, expected)
    asked = requests(sandbox)
    assert "PUT media" not in asked
    assert asked["/v2/calls"] == 6
    assert asked["/v2/calls/extensive"] <= 2
    assert "Contents" not in store_client(store_url).list_objects_v2(Bucket="by-link", Prefix="call-0.wav")
    assert home.story(1)[-4:] == ["by-link", "link-pending", "fetched", "source-deleted"]
    whole = home.ledger_path.read_bytes() + home.run("ledger", "export").stdout.encode()
    assert b"X-Amz-Signature" not in whole


def test_a_link_that_gong_could_not_use_ends_in_one_upload(
    make_home: Homes, start_sandbox: Callable[..., Sandbox], store_url: str
) -> None:
    """The store hangs up on whoever comes with a signed link."""
    sandbox = start_sandbox(fetch_links=True)
    home = make_home(sandbox)
    with breaking_proxy(store_url) as (proxy_url, seen):
        seen.cut_after = lambda method, path, wanted: 0 if method == "GET" and "X-Amz-Signature" in path else None
        expected = fill(home, store_url, "unused", 1, endpoint_url=proxy_url)
        with home.running() as service:
            wait_until(lambda: "link-pending" in home.reason_codes().values(), "the link is given")
            wait_until(lambda: sandbox.calls[0].link_trouble is not None, "Gong has tried")
            service.stop()
        assert "X-Amz-Expires=7200" in sandbox.calls[0].body["downloadMediaUrl"]
        in_the_past(home.ledger_path, 2.5)
        assert home.run_once().returncode == 0
    each_call_once(sandbox, expected)
    assert home.story(1)[-3:] == ["link-pending", "not-fetched", "done"]


@pytest.mark.parametrize("told", [True, False])
def test_a_person_is_asked_when_the_source_says_so_or_gong_does_not_tell(
    make_home: Homes, start_sandbox: Callable[..., Sandbox], store_url: str, told: bool
) -> None:
    forbidden = Fault(operation="listCallsExtensive", kind="status", times=None, status=403)
    sandbox = start_sandbox(fetch_links=False, faults=() if told else (forbidden,))
    home = make_home(sandbox)
    fill(home, store_url, f"asked-{told}".lower(), 1, when_not_fetched="hold" if told else "upload")
    with home.running() as service:
        wait_until(lambda: "link-pending" in home.reason_codes().values(), "the link is given")
        service.stop()
    in_the_past(home.ledger_path, 2.5)
    assert home.run_once().returncode == 1
    entry = home.entry("call-0.wav")
    assert (entry["state"], entry["reason_code"], entry["delivery"]) == ("held", "not-fetched", "link")
    assert ("did not fetch" if told else "does not tell") in entry["reason"]
    assert sandbox.calls[0].media_puts == 0


def test_a_crash_after_the_link_was_given_neither_uploads_nor_calls_again(
    make_home: Homes, start_sandbox: Callable[..., Sandbox], store_url: str
) -> None:
    """The answer of POST /v2/calls is lost and the service is killed: the call is adopted, Gong's fetch confirmed."""
    sandbox = start_sandbox(
        fetch_links=True, faults=(Fault(operation="addCall", kind="drop_after", times=1),), page_size=100
    )
    home = make_home(sandbox)
    expected = fill(home, store_url, "killed", 1)
    with home.running() as service:
        wait_until(lambda: len(sandbox.calls) == 1, "the call is there")
        service.process.kill()
        service.process.wait()
    with home.running():
        wait_until(lambda: home.entry("call-0.wav")["state"] == "created", "the call is adopted")
        wait_until(lambda: "link-pending" in home.reason_codes().values(), "the link is waited for")
        in_the_past(home.ledger_path, 0.1)
        wait_until(lambda: home.entry("call-0.wav")["state"] == "done", "Gong's fetch is confirmed")
    each_call_once(sandbox, expected)
    assert "PUT media" not in requests(sandbox)
    assert datetime.fromisoformat(home.entry("call-0.wav")["link_expires_at"]) > datetime.now(UTC)
